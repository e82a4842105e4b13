"""Circles are noticed; what only looks like one is left alone."""

import pytest

from sweagent.agent.state import Turn
from sweagent.agent.stuck import find_loop
from sweagent.trajectory import Action, Observation, Reply, ReplyReceived


def turn(command: str | None, text: str = "ok", status: str = "ok") -> Turn:
    actions = (Action(id="1", tool="bash", arguments={"command": command}),) if command else ()
    observations = [Observation(text=text, status=status)] if command else []  # type: ignore[arg-type]
    return Turn(ReplyReceived(step=1, reply=Reply(actions=actions)), observations)


CIRCLES = {
    "the same step": [turn("ls")] * 4,
    "the same step after work": [turn("make"), turn("vim"), *[turn("pytest", "1 failed in 0.12s")] * 4],
    "times differ but mean nothing": [turn("pytest", f"1 failed in {n}.1{n}s") for n in range(4)],
    "addresses differ but mean nothing": [turn("python x.py", f"<Foo at 0x7f{n}a3b4c5d6e>") for n in range(4)],
    "ping-pong": [turn("edit a"), turn("edit b")] * 3,
    "errors without change": [turn(f"attempt {n}", "ImportError: no module", "error") for n in range(6)],
    "monologue": [turn("ls"), turn(None), turn(None), turn(None)],
}

NO_CIRCLES = {
    "nothing yet": [],
    "three times only": [turn("pytest", "1 failed")] * 3,
    "polling what changes": [turn("tail log", f"line {n}") for n in range(10)],
    "tests after edits": [step for n in range(5) for step in (turn(f"edit {n}"), turn("pytest", "1 failed"))],
    "two rounds of ping-pong": [turn("edit a"), turn("edit b")] * 2,
    "different errors": [turn("x", f"error {n}", "error") for n in range(8)],
    "errors broken by a success": [
        *[turn(f"{n}", "E", "error") for n in range(5)],
        turn("ls"),
        turn("y", "E", "error"),
    ],
    "one silent reply": [turn("ls"), turn(None), turn("ls"), turn(None)],
}


@pytest.mark.parametrize("turns", CIRCLES.values(), ids=CIRCLES)
def test_circle_is_noticed(turns: list[Turn]) -> None:
    assert find_loop(turns)


@pytest.mark.parametrize("turns", NO_CIRCLES.values(), ids=NO_CIRCLES)
def test_no_false_alarm(turns: list[Turn]) -> None:
    assert find_loop(turns) is None
