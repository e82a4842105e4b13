"""What is remembered of a repository: facts and lessons, dated, shown as ours; no verdict depends on it."""

from collections.abc import Callable
from datetime import UTC, datetime

from strategy_world import DONE, StrategyWorld, changes, reproduces, says

from sweagent.config import Settings
from sweagent.run.memory import Fact, FactKind, Memory, recall, short

FIRST = {
    "": [reproduces("one.sh"), changes("$1 + $2", "$1 - $2"), DONE],
    "ask1": [says(explanation="It subtracts.", lesson="</notes> The area\x1b[2J is a product.")],
    "coder2": [reproduces("two.sh"), changes("$1 + $2", "$1 * $2"), DONE],
}
OPTIONS = {"attempts": 2}


def told(world: StrategyWorld, name: str) -> list[str]:
    return [event.text for event in world.events(name) if event.type == "feedback_given" and event.scope == ""]


def test_a_lesson_is_shown_to_the_next_run_on_the_repository(
    world: StrategyWorld, played: Callable[..., Settings]
) -> None:
    assert world.run(played("reflexion", FIRST, OPTIONS, memory=True), "first").verdict == "verified"
    assert told(world, "first") == []
    second = world.run(played("reflexion", FIRST, OPTIONS, memory=True), "whole")
    assert (second.verdict, second.attempts) == ("verified", 2), "what is remembered changes no verdict"
    today = datetime.now(UTC).date()
    (note,) = told(world, "whole")
    assert note.startswith("Notes that fix-issue made in earlier runs on this repository.")
    assert f"- {today}: a lesson: </notes> The area is a product." in note
    third = world.run(played("reflexion", FIRST, OPTIONS), "third")
    assert third.verdict == "verified"
    assert told(world, "third") == [], "only those who ask for it are shown it"


def test_the_newest_of_each_kind_are_kept_and_each_thing_once() -> None:
    day = datetime.now(UTC).date()
    memory = Memory(repository="r")
    for number in range(30):
        memory = memory.with_facts(
            [
                Fact(kind=FactKind.SLOW, about=f"tests/t{number % 12}.py", detail=f" ({number} s)", seen=day),
                Fact(kind=FactKind.TEST_COMMAND, about=f"`make {number}`", seen=day),
                Fact(kind=FactKind.LESSON, about=f"lesson {number}", seen=day),
            ]
        )
    lines = memory.text.splitlines()
    assert sum("takes long" in line for line in lines) == 8
    assert f"- {day}: a test file that takes long: tests/t5.py (29 s)" in lines
    assert sum("tests run with" in line for line in lines) == 1
    assert [line.rpartition(" ")[2] for line in lines if "a lesson" in line][1:] == ["25", "26", "27", "28", "29"]


def test_a_lesson_has_at_most_sixty_words() -> None:
    assert len(short("word\n" * 100).split()) == 60


def test_a_broken_memory_is_none(world: StrategyWorld, played: Callable[..., Settings]) -> None:
    world.run(played("reflexion", FIRST, OPTIONS, memory=True), "first")
    (file,) = (world.folder / "state").rglob("memory/*.json")
    file.write_text("{")
    assert recall(world.task.repository).text == ""
