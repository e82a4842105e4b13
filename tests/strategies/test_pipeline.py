"""The pipeline: a bounded number of calls, votes over equal patches, tests that are kept if they show the issue."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from strategy_world import SHOWS, StrategyWorld, edits, patch_of, says

from sweagent.config import Settings
from sweagent.run_folder import Result
from sweagent.trajectory import AnswerReceived


def designed(name: str, content: str) -> dict[str, Any]:
    return says(tests=[{"path": name, "content": content}])


SCRIPT = {
    "ask1": [says(paths=["none.sh", "area.sh"])],
    "ask2": [says(names=["nothing"])],
    "1.1/ask1.1": [says(cause="it adds", edits=edits("$1 - $2"))],
    "1.1/ask1.2": [says(cause="it adds", edits=edits("$1 * $2"))],
    "1.1/ask1.3": [says(cause="it adds", edits="no edits at all")],
    "1.1/ask1.4": [says(cause="it adds", edits=edits("$1 * $2"))],
    "1.2/ask1.1": [designed("one.sh", SHOWS)],
    "1.2/ask1.2": [designed("keep.sh", "exit 0\n")],
}
OPTIONS = {"samples": 4, "tests": 2}


def test_the_calls_are_bounded_and_the_majority_that_passes_is_chosen(
    world: StrategyWorld, played: Callable[..., Settings], play: Callable[[Settings], Result]
) -> None:
    result = play(played("pipeline", SCRIPT, OPTIONS))
    assert (result.verdict, result.steps) == ("verified", 0), result.reason
    assert "$1 * $2" in patch_of(result)
    assert "2 of these have the same patch" in result.selection
    answers = [event for event in world.events("whole") if isinstance(event, AnswerReceived)]
    assert Counter(event.purpose for event in answers) == {"localiser": 2, "repairer": 4, "tester": 2}
