"""The tree: the winner may be deep in it and on no first branch, and best-of with the same budget misses it."""

from collections.abc import Callable
from typing import Any

from strategy_world import DONE, StrategyWorld, changes, patch_of, reproduces, says

from sweagent.config import Settings
from sweagent.run_folder import Result
from sweagent.trajectory import AttemptStarted

LOOKS = {"actions": [{"bash": {"command": "cat area.sh"}}]}
VALUES = {f"ask{number}": [says(reasons="so", percent=percent)] for number, percent in enumerate((50, 0, 90, 10, 0), 1)}
OPTIONS = {"nodes": 5, "steps": 1, "width": 2, "exploration": 0.3, "model_value": 1.0}
SCRIPT: dict[str, Any] = {
    "": [reproduces("one.sh")],
    # The first child goes astray; the second looks around, which the model values; of its children the second wins.
    "coder2": [changes("$1 + $2", "$1 - $2")],
    "coder3": [LOOKS],
    "coder4": [changes("$1 + $2", "$1 / $2")],
    "coder5": [changes("$1 + $2", "$1 * $2")],
    "coder6": [DONE],
    **VALUES,
}


def test_the_winner_is_neither_the_first_child_nor_at_the_first_depth(
    world: StrategyWorld, played: Callable[..., Settings], play: Callable[[Settings], Result]
) -> None:
    result = play(played("tree", SCRIPT, OPTIONS))
    assert result.verdict == "verified", result.reason
    assert "$1 * $2" in patch_of(result)
    begun = [event for event in world.events("whole") if isinstance(event, AttemptStarted)]
    parents = {event.scope: event.forked_from for event in begun}
    assert parents == {"": None, "coder2": "", "coder3": "", "coder4": "coder3", "coder5": "coder3"}
    said = [event.text for event in world.events("whole") if event.type == "feedback_given" and event.scope == "coder5"]
    assert "+echo $(($1 / $2))" in said[0], "a child is told of the ways that were tried"


def test_best_of_with_the_same_number_of_replies_does_not_find_it(
    world: StrategyWorld, played: Callable[..., Settings]
) -> None:
    looking = [reproduces("one.sh"), LOOKS, DONE]
    script = {"": [reproduces("one.sh"), changes("$1 + $2", "$1 - $2"), DONE], "coder2": looking}
    result = world.run(played("best-of", script, {"attempts": 2}), "whole")
    assert (result.verdict, result.steps) == ("unverified", 6)
