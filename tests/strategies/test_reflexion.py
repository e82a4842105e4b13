"""Reflexion: facts and a lesson go to the next attempt, and the same patch is not taken twice."""

from collections.abc import Callable
from typing import Any

from strategy_world import DONE, StrategyWorld, changes, patch_of, reproduces, says

from sweagent.config import Settings
from sweagent.run_folder import Result
from sweagent.trajectory import AnswerReceived

FIRST = [reproduces("one.sh"), changes("$1 + $2", "$1 - $2"), DONE]
SCRIPT: dict[str, Any] = {
    "": FIRST,
    "ask1": [says(explanation="It subtracts.", lesson="Multiply. " + "word " * 80)],
    # The second attempt makes the same change with a comment, is told so, and makes another one.
    "coder2": [
        reproduces("two.sh"),
        changes("echo $(($1 + $2))", "# as it was meant\necho $(($1 - $2))"),
        DONE,
        changes("$1 - $2", "$1 * $2"),
        DONE,
    ],
}


def told(world: StrategyWorld) -> list[str]:
    return [event.text for event in world.events("whole") if event.type == "feedback_given" and event.scope == "coder2"]


def test_the_next_attempt_knows_what_was_tried_and_does_not_try_it_again(
    world: StrategyWorld, played: Callable[..., Settings], play: Callable[[Settings], Result]
) -> None:
    result = play(played("reflexion", SCRIPT, {"attempts": 3}))
    assert (result.verdict, result.attempts, result.steps) == ("verified", 2, 8), result.reason
    assert "$1 * $2" in patch_of(result)
    account, repeated = told(world)
    assert "+echo $(($1 - $2))" in account
    assert "reproduction one.sh: shows the issue on the base" in account
    assert "verdict: unverified" in account
    lesson = account.partition("Lesson: ")[2].partition("\n")[0]
    assert lesson.startswith("Multiply.")
    assert len(lesson.split()) == 60
    assert "That is the change of an earlier attempt" in repeated


def test_one_verified_attempt_costs_no_call_more(world: StrategyWorld, played: Callable[..., Settings]) -> None:
    script = {"": [reproduces("one.sh"), changes("$1 + $2", "$1 * $2"), DONE]}
    result = world.run(played("reflexion", script), "whole")
    assert (result.verdict, result.attempts, result.steps) == ("verified", 1, 3)
    assert not [event for event in world.events("whole") if isinstance(event, AnswerReceived)]
