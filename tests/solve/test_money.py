"""Money and time are exact: killed at any moment and resumed, a run keeps its limits and reports all that it used."""

import json
import os
import random
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sweagent.config import Settings
from sweagent.exit_status import ExitStatus
from sweagent.policy import Spending
from sweagent.repository import open_repository
from sweagent.run.lost_time import SignOfLife, last_sign, lost_time
from sweagent.run_folder import Result, RunFolder
from sweagent.solve import resume
from sweagent.task import Issue, Task
from sweagent.trajectory import (
    Action,
    ActionDone,
    AnyEvent,
    CallOutcome,
    CallReserved,
    CallSettled,
    LimitReached,
    Observation,
    PromptWritten,
    Reply,
    ReplyReceived,
    RunEnded,
    RunStarted,
    TimeLost,
    VerdictGiven,
    VerificationStarted,
)
from sweagent.trajectory_file import TrajectoryWriter, read_events
from sweagent.verdict import Verdict

sys.path.append(str(Path(__file__).parents[1] / "support"))

from priced_provider import MODEL, Commands, OpenAIServer, Provider, commands_in, looking_around

PROCESSES = 5
NOTHING_TO_BUILD = {"go.mod": "module shapes\n"}
"""A project whose environment is ready at once, and of which nothing is run."""


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with commands_in(tmp_path_factory.mktemp("money")) as running:
        yield running


@pytest.fixture
def project(git_repository: Callable[..., Path]) -> Path:
    return git_repository(NOTHING_TO_BUILD, name="shapes")


def write_settings(folder: Path, **limits: Any) -> Path:
    path = folder / "settings.yaml"
    model = {"name": MODEL, "retries": 0, "max_output_tokens": 1_500, "summaries": True, "context_window": 9_000}
    path.write_text(json.dumps({"model": model, "limits": limits, "verify": {"rounds": 0}, "hints": False}))
    return path


def start(project: Path, folder: Path, server: OpenAIServer, settings: Path) -> list[str | Path]:
    fixed: list[str | Path] = [project, "area() adds", "--sandbox", "local", "--output", folder]
    return [*fixed, "--config", settings, "--api-base", server.url]


def result_of(folder: Path) -> Result:
    return Result.model_validate_json((folder / "result.json").read_text())


@pytest.mark.parametrize("seed", [0, 4, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3, 5))])
def test_whatever_is_killed_the_limit_holds_and_the_report_is_no_less_than_the_charge(
    seed: int, commands: Commands, project: Path, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    limit = chance.choice((0.3, 0.6, 1.0))
    folder, settings = tmp_path / "run", write_settings(tmp_path, steps=15, cost=limit)
    provider = Provider(chance, commands, looking_around)
    with OpenAIServer(provider.respond) as server:
        order = start(project, folder, server, settings)
        for process in range(PROCESSES):
            provider.faults = 2 if process < PROCESSES - 1 else 0
            kill_at = chance.choice((None, chance.randrange(1, 30))) if provider.faults else None
            code = commands.run(order, kill_at=kill_at)
            if (folder / "trajectory.jsonl").exists():
                order = ["resume", folder]
        assert code != -signal.SIGKILL
    result = result_of(folder)
    assert result.exit_status in ("budget_limit", "step_limit"), commands.said
    assert result.cost is not None
    assert 0 < provider.charged <= result.cost <= limit, provider.charges
    assert Spending(read_events(folder / "trajectory.jsonl")).cost == pytest.approx(result.cost)


def test_without_faults_the_report_is_just_what_was_charged_summaries_included(
    commands: Commands, project: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    provider = Provider(random.Random(0), commands, looking_around)
    with OpenAIServer(provider.respond) as server:
        commands.run(start(project, folder, server, write_settings(tmp_path, steps=8, cost=9.0)))
    result = result_of(folder)
    assert {line["purpose"] for line in result.spending} == {"agent", "summary"}, commands.said
    assert sum(line["calls"] for line in result.spending) == len(provider.charges)
    assert result.cost == pytest.approx(provider.charged)
    assert [event.limit for event in read_events(folder / "trajectory.jsonl") if isinstance(event, LimitReached)] == [
        "steps"
    ]


def begun(project: Path, folder: RunFolder, settings: Settings, *events: AnyEvent) -> None:
    """The log of a run that was killed."""
    task = Task(id="t", repository=open_repository(str(project)), issue=Issue(title="area() adds"))
    started = RunStarted(version="1", run_id="r", task=task, settings=settings.model_dump(mode="json"))
    with TrajectoryWriter(folder.trajectory) as log:
        for event in (started, PromptWritten(system="s", task="t"), *events):
            log.append(event)


def test_what_verifications_took_before_a_kill_counts_against_the_time_of_the_run(
    project: Path, script: Path, tmp_path: Path
) -> None:
    folder = RunFolder(tmp_path / "run")
    limits = {"seconds": 3600.0}
    settings = Settings(policy=str(script), limits=limits, sandbox={"kind": "local"}, hints=False)  # type: ignore[arg-type]
    begun(project, folder, settings, VerdictGiven(step=0, verdict=Verdict.UNVERIFIED, seconds=3550.0))
    result = resume(folder)
    # What is kept for the last verdict is all that is left.
    assert (result.exit_status, result.steps) == ("time_limit", 0)
    allowed = [event.seconds for event in read_events(folder.trajectory) if isinstance(event, VerificationStarted)]
    assert len(allowed) == 1
    assert allowed[0] <= 50.0


SINCE = datetime(2026, 1, 1, 12, tzinfo=UTC)


def later(seconds: float) -> datetime:
    return SINCE + timedelta(seconds=seconds)


REPLY = ReplyReceived(time=SINCE, step=1, reply=Reply(actions=(Action(id="a", tool="bash", arguments={}),)))
CALL = CallReserved(time=SINCE, call=1, model="m", purpose="agent", cost=None, tokens=1)
OTHER = CALL.model_copy(update={"scope": "1.2/coder1", "call": 2, "time": later(60)})
JUDGING = VerificationStarted(time=SINCE, step=1, sha256="", seconds=600.0)


@pytest.mark.parametrize(
    ("past", "alive", "lost"),
    [
        ((CALL,), 100.0, {"": 100.0}),
        ((REPLY,), 100.0, {"": 100.0}),
        ((JUDGING,), 100.0, {"": 100.0}),
        # No longer than it could have taken, whatever a clock did meanwhile.
        ((JUDGING,), 1e6, {"": 660.0}),
        ((CALL,), 1e6, {"": 660.0}),
        # What ended has its time in the log.
        ((CALL, CallSettled(call=1, outcome=CallOutcome.ANSWERED)), 100.0, {}),
        ((REPLY, ActionDone(time=later(40), step=1, action_id="a", observation=Observation(text=""))), 100.0, {}),
        ((JUDGING, VerdictGiven(time=later(40), step=1, verdict=Verdict.UNVERIFIED)), 100.0, {}),
        # Side by side, each has lost its own.
        ((CALL, OTHER), 100.0, {"": 100.0, "1.2/coder1": 40.0}),
        # Stopped by somebody; nothing was in flight after that. It is booked once.
        ((REPLY, RunEnded(time=later(30), exit_status=ExitStatus.INTERRUPTED)), 100.0, {"": 30.0}),
        ((REPLY, RunEnded(time=later(30), exit_status=ExitStatus.INTERRUPTED), TimeLost(seconds=30.0)), 100.0, {}),
        ((CALL, TimeLost(time=later(200), seconds=100.0)), 300.0, {}),
        ((CALL.model_copy(update={"purpose": "advice"}),), 100.0, {}),
    ],
)  # fmt: skip
def test_what_was_in_flight_at_a_kill_counts_as_time(
    past: tuple[AnyEvent, ...], alive: float, lost: dict[str, float]
) -> None:
    found = lost_time(past, later(alive), Settings())
    assert {event.scope: event.seconds for event in found} == lost
    if not any(isinstance(event, RunEnded) for event in past):
        assert lost_time(past, None, Settings()) == []


def test_a_killed_run_goes_on_with_the_time_that_was_in_flight_behind_it(
    project: Path, script: Path, tmp_path: Path
) -> None:
    folder = RunFolder(tmp_path / "run")
    settings = Settings(policy=str(script), limits={"seconds": 60.0}, sandbox={"kind": "local"}, hints=False)  # type: ignore[arg-type]
    begun(project, folder, settings, CALL)
    with SignOfLife(folder.alive):
        assert last_sign(folder.alive)
    os.utime(folder.alive, times=(later(59.5).timestamp(),) * 2)
    result = resume(folder)
    assert (result.exit_status, result.steps) == ("time_limit", 0)
    assert [event.seconds for event in read_events(folder.trajectory) if isinstance(event, TimeLost)] == [59.5]
    assert resume(folder).steps == 0
    assert [event.seconds for event in read_events(folder.trajectory) if isinstance(event, TimeLost)] == [59.5]
