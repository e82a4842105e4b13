"""Roles: plan, tests of one who never sees the patch, claims that count when a test of them fails."""

from collections.abc import Callable
from typing import Any

import pytest
from strategy_world import DONE, SHOWS, StrategyWorld, changes, patch_of, reproduces, says

from sweagent.config import Settings
from sweagent.errors import UsageError
from sweagent.run_folder import Result, RunFolder
from sweagent.trajectory import AnswerReceived

STRONG = 'set -e\ntest "$(sh area.sh 2 3)" = 6\ntest "$(sh area.sh 4 5)" = 20\n'
PLAN = says(cause="it adds", edits=[{"path": "area.sh", "change": "multiply"}])
CLAIMS = says(
    behaviour="It adds one.",
    claims=[
        {"path": "area.sh", "line": 1, "fault": "4 by 5 is 10", "test": {"path": "strong.sh", "content": STRONG}},
        {"path": "keep.sh", "line": 1, "fault": "it may be called\nwith one number"},
    ],
)


def designed(*contents: str) -> dict[str, Any]:
    return says(tests=[{"path": f"designed{n}.sh", "content": text} for n, text in enumerate(contents, 1)])


SCRIPT: dict[str, Any] = {
    "ask1": [PLAN],
    "ask2": [designed(STRONG, SHOWS)],
    # What it writes passes its own reproduction, and the reviewer's test tells it from a right fix.
    "": [
        reproduces("weak.sh"),
        changes("$1 + $2", "$1 + $2 + 1"),
        DONE,
        changes("$1 + $2 + 1", "$1 * $2"),
        DONE,
    ],
    "ask3": [CLAIMS],
}


def test_a_claim_with_a_failing_test_goes_back_and_the_others_into_the_report(
    world: StrategyWorld, played: Callable[..., Settings], play: Callable[[Settings], Result]
) -> None:
    result = play(played("roles", SCRIPT))
    assert (result.verdict, result.attempts, result.steps) == ("verified", 1, 5), result.reason
    assert "$1 * $2" in patch_of(result)
    proof = RunFolder(world.folder / "whole").proof.read_text()
    assert '"keep.sh:1 it may be called with one number"' in proof
    assert "4 by 5 is 10" not in proof, "it was mended"
    asked = [event.purpose for event in world.events("whole") if isinstance(event, AnswerReceived)]
    assert asked == ["planner", "designer", "reviewer"]


@pytest.mark.parametrize(
    ("tests", "verdict"),
    [
        ((STRONG, STRONG + "\n"), "unverified"),
        ((STRONG, SHOWS), "verified"),
        ((STRONG, 'test "$(sh area.sh 2 3)" = 5\n'), "verified"),
    ],
    ids=["two fail", "one fails", "one is wrong about the base"],
)
def test_only_two_designed_tests_that_show_the_issue_take_a_verdict(
    tests: tuple[str, ...], verdict: str, world: StrategyWorld, played: Callable[..., Settings]
) -> None:
    script = {**SCRIPT, "ask2": [designed(*tests)], "ask3": [says(behaviour="It adds one.")]}
    result = world.run(played("roles", script), "whole")
    assert result.verdict == verdict, result.reason
    assert "$1 + $2 + 1" in patch_of(result)


def test_a_role_that_there_is_not_costs_nothing(world: StrategyWorld, played: Callable[..., Settings]) -> None:
    with pytest.raises(UsageError, match="there is no role 'critic'"):
        world.run(played("roles", SCRIPT, {"roles": {"critic": {}}}))
    assert not [event for event in world.events() if isinstance(event, AnswerReceived)]
