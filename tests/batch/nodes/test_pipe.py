"""Batches over nodes that are processes of their own, behind pipes."""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sweagent.batch.data.predictions import read_predictions
from sweagent.batch.drive.outcomes import Outcome
from sweagent.batch.nodes.executor import ExecutorError
from sweagent.batch.nodes.messages import Job, Order, Report, Written
from sweagent.batch.nodes.pipe import PipeExecutor
from sweagent.errors import UsageError
from sweagent.trajectory import ReplyReceived
from sweagent.trajectory_file import read_events

sys.path.append(str(Path(__file__).parents[2] / "support"))

import batch_world as world
from node_world import KEY, comparable, instances, node_command, run, script, settings
from openai_server import Behaviour
from priced_provider import write_models


class Recording(PipeExecutor):
    """Keeps what it says to nodes."""

    def __init__(self, commands: list[str]) -> None:
        super().__init__(commands)
        self.said: list[tuple[str, Order]] = []

    def send(self, node: str, order: Order) -> None:
        self.said.append((node, order))
        super().send(node, order)


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIX_ISSUE_MODELS", str(write_models(tmp_path)))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.mark.usefixtures("keys")
def test_nodes_behind_pipes_bring_what_one_process_brings_and_learn_no_secret(tmp_path: Path) -> None:
    rows, using = instances(tmp_path, 3), settings("", policy=script(tmp_path))
    nodes = Recording([node_command(tmp_path, "--slots", "1"), node_command(tmp_path, "--slots", "1")])

    far = run(tmp_path / "far", rows, using, nodes)
    here = run(tmp_path / "here", rows, using, repositories=tmp_path / "clones")

    assert {result.outcome for result in far.values()} == {Outcome.UNGRADED}
    assert comparable(far) == comparable(here)
    assert {name for name, order in nodes.said if isinstance(order, Job)} == {"node-1", "node-2"}
    told = json.dumps([order.model_dump(mode="json") for _, order in nodes.said])
    for secret in (KEY, str(tmp_path), "SECRET", "FUTURE"):
        assert secret not in told
    for number in range(3):
        name = f"acme__shapes-{number}"
        assert "+    return width * height" in read_predictions(tmp_path / "far")[name].model_patch
        logs = [tmp_path / where / name / "run-1" for where in ("here", "far")]
        assert len({len((log / "trajectory.jsonl").read_bytes().splitlines()) for log in logs}) == 1
        mine, theirs = ({path.name for path in log.iterdir()} for log in logs)
        assert mine - {".lock", "alive"} == theirs
        end = json.loads((tmp_path / "far" / name / "run-1" / "result.json").read_text())
        assert Path(end["patch_file"]).is_file()
    assert not list((tmp_path / "node-state").rglob("node-*")), "nodes leave nothing of their jobs behind"
    assert KEY not in "".join(path.read_text("utf-8", "replace") for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.usefixtures("keys")
def test_instance_whose_node_died_goes_on_elsewhere_after_the_last_event_that_came(tmp_path: Path) -> None:
    rows = instances(tmp_path, 2)
    nodes = Recording([node_command(tmp_path, "--slots", "1")] * 2)
    killed: list[int] = []

    def solving(request: dict[str, Any]) -> Behaviour:
        if world.step_of(request) == 1 and not killed:
            killed.append(pid_of_a_node_with(world.report_of(request), nodes))
            os.kill(killed[0], signal.SIGKILL)
        return world.solving(request)

    with world.model() as server:
        server.default = solving
        results = run(tmp_path / "out", rows, settings(server.url), nodes)
        asked = world.asked(server)

    assert {result.outcome for result in results.values()} == {Outcome.UNGRADED}
    # The first reply had arrived and was not asked for again; the second was under way and counts as spent.
    lost = max(asked, key=lambda item: asked[item])
    assert (asked[lost], lost[1], sum(asked.values())) == (2, 1, 5)
    steps = [
        event.step
        for event in read_events(tmp_path / "out" / f"acme__shapes-{lost[0]}" / "run-1" / "trajectory.jsonl")
        if isinstance(event, ReplyReceived)
    ]
    assert steps == [1, 2]
    costs = [results[f"acme__shapes-{number}"].cost or 0.0 for number in (lost[0], 1 - lost[0])]
    assert costs[0] > costs[1]


def pid_of_a_node_with(report: int, nodes: Recording) -> int:
    name = next(node for node, order in nodes.said if isinstance(order, Job) and order.name == f"acme__shapes-{report}")
    return nodes._streams[name]._process.pid


class Dying(Recording):
    """Has its node killed when the first action of a run has been reported."""

    def events(self, timeout: float) -> list[tuple[str, Report]]:
        found = super().events(timeout)
        for node, report in found:
            if isinstance(report, Written) and '"type":"action_done"' in report.text and node in self._streams:
                os.kill(self._streams[node]._process.pid, signal.SIGKILL)
        return found


def test_batch_that_lost_its_nodes_is_gone_on_with_in_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweagent.batch.nodes.pipe._PAUSES", ())
    rows, using = instances(tmp_path, 1), settings("", policy=script(tmp_path))
    with pytest.raises(ExecutorError, match="no node can be started"):
        run(tmp_path / "out", rows, using, Dying([node_command(tmp_path)]))
    log = tmp_path / "out" / "acme__shapes-0" / "run-1" / "trajectory.jsonl"
    before = log.read_text()

    (result,) = run(tmp_path / "out", rows, using, repositories=tmp_path / "clones").values()

    assert (result.outcome, result.steps, result.starts) == (Outcome.UNGRADED, 3, 2)
    assert log.read_text().partition("\n")[2].startswith(before.partition("\n")[2])
    steps = [event.step for event in read_events(log) if isinstance(event, ReplyReceived)]
    assert steps == [1, 2, 3]


def test_command_that_is_no_node_ends_the_batch_with_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweagent.batch.nodes.pipe._PAUSES", (0.0,))
    with pytest.raises(ExecutorError, match="no node can be started") as caught:
        run(tmp_path / "out", instances(tmp_path, 1), settings("http://127.0.0.1:9"), PipeExecutor(["false"]))
    assert "by hand" in caught.value.hint


def test_what_only_this_machine_has_is_refused_before_anything_starts(tmp_path: Path) -> None:
    (row,) = instances(tmp_path, 1)
    nodes = PipeExecutor(["false"])
    local = row.model_copy(update={"repo": str(tmp_path / "clones")})
    url = "http://127.0.0.1:9"
    cases: list[tuple[Callable[[], Any], str]] = [
        (lambda: run(tmp_path / "out", [local], settings(url), nodes), "path of this machine"),
        (lambda: run(tmp_path / "out", [row], settings(url, policy="human"), nodes), "nobody can be asked"),
        (lambda: run(tmp_path / "out", [row], settings("http://me:word@host/v1"), nodes), "holds a password"),
        (lambda: run(tmp_path / "out", [row], settings(url), nodes, repositories=tmp_path), "--repositories"),
    ]
    for start, said in cases:
        with pytest.raises(UsageError, match=said):
            start()
    assert not (tmp_path / "out").exists()
