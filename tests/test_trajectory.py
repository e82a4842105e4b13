"""The log survives kills and full disks, and gives back what was written."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sweagent.errors import ExitCode, StorageError
from sweagent.exit_status import ExitStatus
from sweagent.trajectory import (
    Action,
    ActionDone,
    AnyEvent,
    FeedbackGiven,
    Observation,
    Reply,
    ReplyReceived,
    RunEnded,
    Usage,
)
from sweagent.trajectory_file import TrajectoryWriter, read_events


def _event(step: int, text: str = "hello") -> ActionDone:
    return ActionDone(step=step, action_id=f"a{step}", observation=Observation(text=text))


def _written(path: Path, *events: AnyEvent) -> Path:
    with TrajectoryWriter(path) as log:
        for event in events:
            log.append(event)
    return path


def test_events_come_back_as_they_were(tmp_path: Path) -> None:
    action = Action(id="1", tool="bash", arguments={"command": "echo é", "deep": [{"x": None}]})
    events = [
        ReplyReceived(step=1, reply=Reply(thought="t", actions=(action,), usage=Usage(prompt_tokens=3), cost=None)),
        _event(1),
        FeedbackGiven(step=1, kind="nudge", text="again"),
        RunEnded(exit_status=ExitStatus.SUBMITTED),
    ]

    assert list(read_events(_written(tmp_path / "log", *events))) == events  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "line\nline\r\n",
        "\0\x1b[31m",
        "\u2028\u2029\x85",
        "\U0001f600",
        "caf\udce9",
        "half a pair \ud83d",
        "\\ud83d",
        "",
    ],
)
def test_any_text_survives(text: str, tmp_path: Path) -> None:
    log = _written(tmp_path / "log", _event(1, text), _event(2))

    assert log.read_bytes().count(b"\n") == 2
    first, second = read_events(log)
    assert first == _event(1, text).model_copy(update={"time": first.time})
    assert second == _event(2).model_copy(update={"time": second.time})


def test_each_event_is_in_the_file_before_append_returns(tmp_path: Path) -> None:
    with TrajectoryWriter(tmp_path / "log") as log:
        for step in range(3):
            log.append(_event(step))
            assert len(list(read_events(tmp_path / "log"))) == step + 1


def test_log_is_never_rewritten(tmp_path: Path) -> None:
    path = _written(tmp_path / "log", _event(1))
    before = path.read_bytes()

    _written(path, _event(2))

    assert path.read_bytes().startswith(before)
    assert [event.step for event in read_events(path) if isinstance(event, ActionDone)] == [1, 2]


@pytest.mark.parametrize("kept", [1, 10, -2, -1])
def test_torn_last_line_is_left_out_and_cut_off(kept: int, tmp_path: Path) -> None:
    path = _written(tmp_path / "log", _event(1), _event(2))
    first, second, _ = path.read_bytes().split(b"\n")
    path.write_bytes(first + b"\n" + (second + b"\n")[:kept])

    assert len(list(read_events(path))) == 1
    _written(path, _event(3))
    assert [event.step for event in read_events(path) if isinstance(event, ActionDone)] == [1, 3]


def test_torn_line_that_is_longer_than_a_block_is_cut_off(tmp_path: Path) -> None:
    path = _written(tmp_path / "log", _event(1))
    whole = path.read_bytes()
    path.write_bytes(whole + b"x" * 200_000)

    _written(path)

    assert path.read_bytes() == whole


@pytest.mark.parametrize("content", [b"", b"torn from the start"])
def test_log_without_a_whole_line_is_empty(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(content)

    assert list(read_events(path)) == []


@pytest.mark.parametrize(
    "line",
    [b"{}", b"not json", b'{"type":"unknown"}', b'{"bad \\ud83d', b"\xff\xfe", b'{"type":"action_done","step":"x"}'],
)
def test_broken_line_in_the_middle_is_told_with_its_number(line: bytes, tmp_path: Path) -> None:
    path = _written(tmp_path / "log", _event(1))
    path.write_bytes(path.read_bytes() + line + b"\n")

    with pytest.raises(StorageError, match=r"log:2 is not an event") as caught:
        list(read_events(path))

    assert caught.value.hint
    assert caught.value.exit_code == ExitCode.STORAGE


def test_log_that_cannot_be_opened_or_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    with pytest.raises(StorageError, match="cannot write"):
        TrajectoryWriter(tmp_path / "file" / "log")
    with pytest.raises(StorageError, match="cannot read"):
        list(read_events(tmp_path / "missing"))


def test_full_disk_is_told_and_the_log_ends_with_the_event_before(tmp_path: Path) -> None:
    path = tmp_path / "log"
    program = f"""
import resource, signal
from pathlib import Path
from sweagent.errors import StorageError
from sweagent.trajectory import ActionDone, Observation
from sweagent.trajectory_file import TrajectoryWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
event = lambda step, size: ActionDone(step=step, action_id="a", observation=Observation(text="x" * size))
with TrajectoryWriter(Path({str(path)!r})) as log:
    log.append(event(1, 10))
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    try:
        log.append(event(2, 10_000))
    except StorageError as error:
        print("told:", error.hint)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    log.append(event(3, 10_000))
"""

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert "told: free some disk space" in done.stdout, done.stderr
    assert [event.step for event in read_events(path) if isinstance(event, ActionDone)] == [1, 3]


def test_kill_in_the_middle_of_writing_loses_at_most_the_last_event(tmp_path: Path) -> None:
    path = tmp_path / "log"
    program = f"""
from pathlib import Path
from sweagent.trajectory import ActionDone, Observation
from sweagent.trajectory_file import TrajectoryWriter
with TrajectoryWriter(Path({str(path)!r})) as log:
    for step in range(1_000_000):
        log.append(ActionDone(step=step, action_id="a", observation=Observation(text="x" * 50_000)))
        print(step, flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        for _ in range(20):
            writer.stdout.readline()
        os.kill(writer.pid, signal.SIGKILL)
        told = [int(line) for line in writer.stdout if line.endswith("\n")]

    steps = [event.step for event in read_events(path) if isinstance(event, ActionDone)]

    assert steps == list(range(len(steps)))
    assert len(steps) > max(told, default=19)
    _written(path, _event(len(steps)))
    assert len(list(read_events(path))) == len(steps) + 1


def test_usage_adds_up() -> None:
    total = Usage(prompt_tokens=10, cached_tokens=4) + Usage(prompt_tokens=5, completion_tokens=2)

    assert total == Usage(prompt_tokens=15, cached_tokens=4, completion_tokens=2)
