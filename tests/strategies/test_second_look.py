"""What `review`, `verify.tester` and `strategy.scorer` add to any strategy, and that nothing is added without them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from strategy_world import DONE, SHOWS, StrategyWorld, changes, patch_of, reproduces, says

from sweagent.config import Settings
from sweagent.errors import UsageError
from sweagent.run_folder import Result, RunFolder
from sweagent.trajectory import AnswerReceived

STRONG = 'set -e\ntest "$(sh area.sh 2 3)" = 6\ntest "$(sh area.sh 4 5)" = 20\n'


def attempt(new: str, name: str = "one.sh") -> list[dict[str, Any]]:
    return [reproduces(name), changes("$1 + $2", new), DONE]


def answers(world: StrategyWorld) -> list[str]:
    return [event.purpose for event in world.events("whole") if isinstance(event, AnswerReceived)]


def test_single_with_none_of_it_asks_nothing_more(world: StrategyWorld, played: Callable[..., Settings]) -> None:
    result = world.run(played("single", {"": attempt("$1 * $2")}), "whole")
    assert (result.verdict, result.steps, result.selection) == ("verified", 3, "")
    assert not answers(world)
    assert {event.type for event in world.events("whole")}.isdisjoint({"answer_received", "step_done", "call_reserved"})
    assert '"selection":null' in RunFolder(world.folder / "whole").proof.read_text().replace(" ", "")


def test_a_review_is_for_people_and_changes_no_verdict(
    world: StrategyWorld, played: Callable[..., Settings], play: Callable[[Settings], Result]
) -> None:
    claim = {"path": "area.sh", "line": 1, "fault": "it is all wrong"}
    script = {"": attempt("$1 * $2"), "ask1": [says(behaviour="It multiplies.", claims=[claim])]}
    result = play(played("single", script, review="self"))
    assert result.verdict == "verified"
    assert answers(world) == ["reviewer"]
    assert '"area.sh:1 it is all wrong"' in RunFolder(world.folder / "whole").proof.read_text()


@pytest.mark.parametrize(("tests", "verdict"), [((STRONG, STRONG + "\n"), "unverified"), ((STRONG, SHOWS), "verified")])
def test_a_testers_tests_may_only_weaken(
    tests: tuple[str, ...], verdict: str, world: StrategyWorld, played: Callable[..., Settings]
) -> None:
    designed = [{"path": f"tests/d{n}.sh", "content": text} for n, text in enumerate(tests)]
    script = {"": attempt("$1 + $2 + 1"), "ask1": [says(tests=designed)]}
    settings = played("single", script, verify={"rounds": 0, "tester": "self"})
    result = world.run(settings, "whole")
    assert result.verdict == verdict, result.reason
    # A patch that is not verified asks nobody: the tests could not make it better.
    wrong = played("single", {"": attempt("$1 - $2")}, verify={"rounds": 0, "tester": "self"})
    assert world.run(wrong, "wrong").verdict == "unverified"


TIE = {"": attempt("$1 * $2"), "coder2": attempt("$2 * $1", "two.sh")}
SAID = {"first": says(difference="none", better="first"), "second": says(difference="none", better="second")}


@pytest.mark.parametrize(
    ("told", "chosen"),
    [(("second", "first"), "$2 * $1"), (("first", "second"), "$1 * $2"), (("second", "second"), "$1 * $2")],
    ids=["the second in both orders", "the first in both orders", "the place, not the patch"],
)
def test_a_judge_breaks_a_tie_only_if_it_says_the_same_in_both_orders(
    told: tuple[str, str], chosen: str, world: StrategyWorld, played: Callable[..., Settings]
) -> None:
    script = {
        "1.1/coder1": TIE[""],
        "1.2/coder1": TIE["coder2"],
        "ask1": [SAID[told[0]]],
        "ask2": [SAID[told[1]]],
        "ask3": [says(behaviour="It multiplies.")],
    }
    result = world.run(played("best-of", script, {"attempts": 2, "until": "all"}, review="self"), "whole")
    assert f"echo $(({chosen}))" in patch_of(result), result.selection
    assert answers(world) == ["judge", "judge", "reviewer"]


SCORER = """
def score(features):
    return -features["lines"] - 100 * features["rank"]
"""


def test_a_scorer_of_the_users_chooses_by_the_features_of_the_candidates(
    world: StrategyWorld, played: Callable[..., Settings], tmp_path: Path
) -> None:
    scorer = tmp_path / "learned.py"
    scorer.write_text(SCORER.replace("-features", "features"))
    longer = [reproduces("two.sh"), changes("echo $(($1 + $2))", "echo \\\n$(($1 * $2))"), DONE]
    script = {"1.1/coder1": attempt("$1 * $2"), "1.2/coder1": longer}
    options = {"attempts": 2, "until": "all"}
    result = world.run(played("best-of", script, options, {"scorer": scorer}), "whole")
    assert "+echo \\" in patch_of(result), "agreement would take the smaller one"
    assert result.selection.startswith("its score is 3")
    scorer.write_text("none = 1\n")
    with pytest.raises(UsageError, match="cannot be loaded as a scorer"):
        world.run(played("best-of", script, options, {"scorer": scorer}), "broken")
