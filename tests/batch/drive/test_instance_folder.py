import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sweagent.batch.drive.instance_folder import ElsewhereError, InstanceFolder, State
from sweagent.exit_status import ExitStatus
from sweagent.run_folder import Result
from sweagent.task import Issue, Repository, Task
from sweagent.trajectory import (
    AnyEvent,
    AttemptEnded,
    PromptWritten,
    Reply,
    ReplyReceived,
    RunStarted,
    SandboxStarted,
    Usage,
)
from sweagent.trajectory_file import TrajectoryWriter
from sweagent.verdict import Verdict

TASK = Task(
    id="a-1", repository=Repository(source="s", git_dir="g", base_commit="1", name="a/b"), issue=Issue(title="t")
)
STARTED = RunStarted(version="1", run_id="r", task=TASK, settings={})
PROMPT = PromptWritten(system="s", task="t")


def log(folder: InstanceFolder, number: int, *events: AnyEvent) -> None:
    with TrajectoryWriter(folder.run(number).trajectory) as writer:
        for event in events:
            writer.append(event)


def end(folder: InstanceFolder, number: int, status: str, steps: int = 3) -> None:
    run = folder.run(number)
    result = Result(
        run_id="r",
        folder=str(run.path),
        exit_status=ExitStatus(status),
        verdict=Verdict.UNVERIFIED,
        exit_code=3,
        steps=steps,
    )
    run.write(run.result, result.model_dump_json())


def reply(cost: float | None) -> ReplyReceived:
    return ReplyReceived(step=1, reply=Reply(cost=cost, usage=Usage(prompt_tokens=10)))


def test_the_hosts_of_all_runs_are_told_once_each(tmp_path: Path) -> None:
    """A later event of a run tells what the earlier one did, and more."""
    folder = InstanceFolder(tmp_path)
    built, asked = "reached pypi.org for packages (2 requests)", "in a sandbox: refused evil.example (1 requests)"
    log(folder, 1, STARTED, SandboxStarted(kind="docker", contacts=(built,)))
    ended = AttemptEnded(status=ExitStatus.SUBMITTED, contacts=(built, asked))
    log(folder, 2, STARTED, SandboxStarted(kind="docker", contacts=(built,)), ended)
    assert folder.contacts(2) == (built, asked)


def test_state_survives(tmp_path: Path) -> None:
    kept = State(starts=3, runs=2, resumes=1, faults=("pull failed",))

    InstanceFolder(tmp_path / "a-1").keep(kept)

    assert InstanceFolder(tmp_path / "a-1").read_state() == kept


@pytest.mark.parametrize("content", [None, "", "{torn", '{"other": 1}'])
def test_instance_without_a_readable_state_was_never_started(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / ".state.json").write_text(content)

    assert InstanceFolder(tmp_path).read_state() == State()


def test_lock_keeps_another_process_out_until_the_holder_dies(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom sweagent.batch.drive.instance_folder import InstanceFolder\n"
        "with InstanceFolder(Path(sys.argv[1])).locked():\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(ElsewhereError), InstanceFolder(tmp_path).locked():
            pass
        holder.kill()
        holder.wait()
    with InstanceFolder(tmp_path).locked():
        pass


@pytest.mark.parametrize(
    ("status", "steps", "is_final"),
    [
        ("submitted", 3, True),
        ("step_limit", 3, True),
        ("budget_limit", 3, True),
        ("stuck", 3, True),
        ("interrupted", 3, False),
        ("sandbox_error", 3, False),
        ("policy_error", 3, False),
        ("internal_error", 3, False),
        # No call was ever made: the limits cannot be kept, which is not the model's failure.
        ("budget_limit", 0, False),
    ],
)
def test_what_is_the_end_of_an_instance(status: str, steps: int, is_final: bool, tmp_path: Path) -> None:
    folder = InstanceFolder(tmp_path)
    end(folder, 1, status, steps)

    assert (folder.finished(1) is not None) is is_final


def test_run_that_never_began_is_not_finished(tmp_path: Path) -> None:
    assert InstanceFolder(tmp_path).finished(1) is None


@pytest.mark.parametrize(("events", "wanted"), [((STARTED, PROMPT), True), ((STARTED,), False), ((), False)])
def test_run_is_resumed_only_when_it_got_as_far_as_its_prompt(
    events: tuple[AnyEvent, ...], wanted: bool, tmp_path: Path
) -> None:
    folder = InstanceFolder(tmp_path)
    log(folder, 1, *events)

    assert folder.resumable(1) is wanted


def test_log_that_cannot_be_read_is_not_resumed(tmp_path: Path) -> None:
    folder = InstanceFolder(tmp_path)
    folder.run(1).write(folder.run(1).trajectory, "no event\n")

    assert not folder.resumable(1)


@pytest.mark.parametrize(("costs", "wanted"), [((0.5, 0.25), 0.75), ((0.5, None), None), ((), 0.0)])
def test_cost_of_runs_that_were_given_up_counts(costs: Any, wanted: float | None, tmp_path: Path) -> None:
    folder = InstanceFolder(tmp_path)
    for number, cost in enumerate(costs, 1):
        log(folder, number, STARTED, reply(cost))

    spent = folder.spent(len(costs))

    assert spent.cost == wanted
    assert spent.usage.prompt_tokens == 10 * len(costs)


def test_patch_with_bytes_that_are_no_utf8_comes_back_whole(tmp_path: Path) -> None:
    folder = InstanceFolder(tmp_path)
    folder.run(1).path.mkdir()
    folder.run(1).patch.write_bytes(b"+caf\xe9\n")

    assert folder.patch(1).encode("utf-8", "surrogateescape") == b"+caf\xe9\n"
    assert folder.patch(2) == ""
