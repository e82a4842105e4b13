"""How often honest work is taken for a circle, and how soon a circle is noticed.

    python benchmarks/false_alarms.py [--runs 2000] [TRAJECTORY.jsonl ...]

Synthetic runs of 100 steps mix what honest work looks like when it repeats itself: tests that fail in the same way
after each of many edits, a command given up to three times, polling of something that changes, pages of a file, a tool
that refuses several different calls. Into each of them one circle of every kind is then put at a random place, and the
steps are counted until it is noticed. Recorded runs are replayed; those that submitted had no circle.
"""

import argparse
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import mean

from sweagent.agent.state import RunState, Turn
from sweagent.agent.stuck import find_loop
from sweagent.trajectory import Action, Observation, Reply, ReplyReceived
from sweagent.trajectory_file import read_events

STEPS = 100
CIRCLE = 12
"""Steps for which a circle goes on."""


def turn(command: str | None, text: str = "", *, failed: bool = False, seconds: float = 0.1) -> Turn:
    """One step with one command, or none."""
    actions = (Action(id="1", tool="bash", arguments={"command": command}),) if command else ()
    shown = f"{text}\n[{seconds:.2f} s]"
    seen = [Observation(text=shown, status="error" if failed else "ok")] if command else []
    return Turn(ReplyReceived(step=1, reply=Reply(thought="…", actions=actions)), seen)


def honest(chance: random.Random) -> list[Turn]:
    """A run without a circle."""
    turns: list[Turn] = []
    while len(turns) < STEPS:
        turns += chance.choice(_HABITS)(chance)
    return turns[:STEPS]


def _edits_and_tests(chance: random.Random) -> Iterator[Turn]:
    failure = f"E   assert {chance.randrange(99)} == 3\n1 failed in 0.{chance.randrange(100):02d}s"
    for _ in range(chance.randrange(3, 12)):
        yield turn(f"edit {chance.random()}", "done", seconds=chance.random())
        yield turn("pytest test_a.py", failure, failed=True, seconds=chance.random())


def _again(chance: random.Random) -> Iterator[Turn]:
    command, text = f"git diff {chance.random()}", "the same"
    yield from (turn(command, text, seconds=chance.random()) for _ in range(chance.randrange(1, 4)))


def _polling(chance: random.Random) -> Iterator[Turn]:
    start = chance.randrange(1000)
    yield from (turn("tail build.log", f"{start + 7 * count} files done") for count in range(chance.randrange(3, 10)))


def _paging(chance: random.Random) -> Iterator[Turn]:
    path = f"src/m{chance.randrange(99)}.py"
    yield from (turn(f"sed -n '{n},{n + 99}p' {path}", f"line {n} of {path}") for n in range(1, 600, 100))


def _refusals(chance: random.Random) -> Iterator[Turn]:
    count = chance.randrange(2, 6)
    yield from (turn(f"attempt {chance.random()}", "No such option", failed=True) for _ in range(count))
    yield turn("man it", "the options are …")


def _two_in_turn(chance: random.Random) -> Iterator[Turn]:
    for count in range(chance.randrange(2, 8)):
        yield turn("make", f"{90 - count} warnings")
        yield turn("git stash pop || git stash", "restored")


_HABITS: Sequence[Callable[[random.Random], Iterator[Turn]]] = (
    _edits_and_tests,
    _again,
    _polling,
    _paging,
    _refusals,
    _two_in_turn,
)


def circles(chance: random.Random) -> dict[str, list[Turn]]:
    """One circle of each kind, with the times that differ between two runs of the same command."""
    times = [chance.random() for _ in range(CIRCLE)]
    return {
        "the same step": [turn("pytest -x", "1 failed", failed=True, seconds=seconds) for seconds in times],
        "two steps in turn": [
            turn("edit a" if count % 2 else "edit b", "done", seconds=seconds) for count, seconds in enumerate(times)
        ],
        "the same error": [
            turn(f"attempt {count}", "Permission denied", failed=True, seconds=seconds)
            for count, seconds in enumerate(times)
        ],
        "talk": [turn(None) for _ in times],
    }


def first_alarm(turns: Sequence[Turn]) -> int | None:
    """The number of steps after which a circle was noticed."""
    return next((count for count in range(1, len(turns) + 1) if find_loop(turns[:count])), None)


def recorded(path: Path) -> list[Turn]:
    """The turns of a recorded run."""
    state = RunState()
    for event in read_events(path):
        state.apply(event)
    return state.turns


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("trajectories", nargs="*", type=Path)
    parser.add_argument("--runs", type=int, default=2000)
    arguments = parser.parse_args()
    chance = random.Random(1)
    alarms, missed, late = 0, 0, dict[str, list[int]]()
    for _ in range(arguments.runs):
        run = honest(chance)
        alarms += first_alarm(run) is not None
        at = chance.randrange(10, STEPS - CIRCLE)
        for kind, circle in circles(chance).items():
            found = first_alarm([*run[:at], *circle])
            if found is None:
                missed += 1
            elif found > at:
                late.setdefault(kind, []).append(found - at)
    print(f"honest runs of {STEPS} steps with an alarm: {alarms} of {arguments.runs}")
    print(f"circles that were not noticed: {missed} of {4 * arguments.runs}")
    for kind, steps in late.items():
        print(f"  {kind:<20} noticed after {mean(steps):.1f} steps of it, at most {max(steps)}")
    for path in arguments.trajectories:
        turns = recorded(path)
        print(f"{path}: {len(turns)} steps, {_in_words(turns)}")


def _in_words(turns: Sequence[Turn]) -> str:
    """What a recorded run would have been told, in words."""
    count = first_alarm(turns)
    return "no alarm" if count is None else f"alarm at step {count}: {find_loop(turns[:count])}"


if __name__ == "__main__":
    main()
