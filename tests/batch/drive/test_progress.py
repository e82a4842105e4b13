import io
from datetime import UTC, datetime
from typing import Any

import pytest

from sweagent.batch.drive.outcomes import InstanceResult, Outcome
from sweagent.batch.drive.progress import ProgressTracker
from sweagent.cli.batch_progress import LiveBatchProgress, PlainBatchProgress, headline
from sweagent.notes import FailureNote


def result(name: str, **fields: Any) -> InstanceResult:
    when = datetime(2026, 1, 1, tzinfo=UTC)
    return InstanceResult(**{"instance_id": name, "exit_status": "submitted", "patch": "diff", "ended": when, **fields})


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_counts_cost_and_pace() -> None:
    clock = Clock()
    board = ProgressTracker(5, [result("a-0", cost=1.0)], clock)
    board.begin("a-1")
    board.begin("a-2")
    board.advance("a-2", "bash", 1, 0.25)
    board.advance("a-2", "bash", 2, 0.25)
    clock.now = 10.0
    board.end("a-1", result("a-1", cost=0.5, patch=""))

    now = board.snapshot()

    assert now.outcomes == {Outcome.UNGRADED: 1, Outcome.NO_PATCH: 1}
    assert now.cost == 2.0
    assert [(item.instance_id, item.step, item.doing) for item in now.running] == [("a-2", 2, "bash")]
    assert now.eta == 30.0, "three left, one in ten seconds; what ended before the resume says nothing about the pace"
    assert headline(now) == "2 of 5 ended, 1 running, 1 no patch, 1 ungraded, $2.00, about 30 s left"


def test_nothing_is_guessed_before_the_first_end_and_unknown_prices_stay_unknown() -> None:
    board = ProgressTracker(2)
    board.begin("a-1")
    board.advance("a-1", "bash", 1, None)

    now = board.snapshot()

    assert now.eta is None
    assert now.cost is None
    assert "price unknown" in headline(now)


def test_instance_that_was_left_is_not_counted() -> None:
    board = ProgressTracker(1)
    board.begin("a-1")
    board.stopping()
    assert "stopping" in headline(board.snapshot())

    board.end("a-1", None)

    assert board.snapshot().done == 0
    assert board.snapshot().running == ()


def test_pipe_gets_a_line_only_when_something_has_ended() -> None:
    stream, board = io.StringIO(), ProgressTracker(2)
    progress = PlainBatchProgress(stream)

    for _ in range(3):
        progress.show(board.snapshot())
    board.end("a-1", result("a-1"))
    progress.show(board.snapshot())

    assert [line.split(",")[0] for line in stream.getvalue().splitlines()] == [
        "0 of 2 ended",
        "a-1: ungraded",
        "1 of 2 ended",
    ]


def test_a_batch_of_own_issues_tells_its_verdicts() -> None:
    stream, board = io.StringIO(), ProgressTracker(2)
    board.end("a-1", result("a-1", verdict="verified"))
    board.end("a-2", result("a-2", exit_status="usage", patch="", message="there is no folder /nowhere"))
    PlainBatchProgress(stream).show(board.snapshot())
    assert stream.getvalue().splitlines()[:2] == ["a-1: verified", "a-2: usage: there is no folder /nowhere"]
    assert "1 usage, 1 verified" in stream.getvalue()


@pytest.mark.parametrize(
    ("verbosity", "wanted"),
    [(0, []), (1, ["a-1: failed: no engine", "images: pulling x"]), (2, ["a-1: building", "a-1: failed: no engine"])],
)
def test_notes_are_shown_as_far_as_they_are_asked_for(verbosity: int, wanted: list[str]) -> None:
    stream = io.StringIO()
    progress = PlainBatchProgress(stream, verbosity)

    for name, text in (("a-1", "building"), ("a-1", FailureNote("failed: no engine")), ("images", "pulling x")):
        progress.note(name, text)

    assert stream.getvalue().splitlines()[: len(wanted)] == wanted


def test_what_comes_from_outside_cannot_drive_the_terminal() -> None:
    from rich.console import Console

    stream, board = io.StringIO(), ProgressTracker(1)
    board.begin("a-1")
    board.say("a-1", "\x1b[2Jbad [bold]not markup[/bold]")
    with LiveBatchProgress(Console(file=stream, force_terminal=True, width=160)) as progress:
        progress.show(board.snapshot())

    assert "\x1b[2J" not in stream.getvalue()
    assert "[bold]not markup[/bold]" in stream.getvalue()
