"""The strategy that the documentation writes in 30 lines does what it says."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from strategy_world import DONE, SHOWS, StrategyWorld, changes, edits, patch_of, reproduces, says

from sweagent.config import Settings
from sweagent.run_folder import Result

PAGE = Path(__file__).resolve().parents[2] / "docs/strategies.md"
TESTS = [says(tests=[{"path": "shows.sh", "content": SHOWS}])]


def documented() -> str:
    (text,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(text.splitlines()) <= 30
    return str(text)


def settings(world: StrategyWorld, new: str, **more: Any) -> Any:
    repairs = {f"ask2.{number}": [says(cause="it adds", edits=edits(new))] for number in (1, 2, 3)}
    script = {"ask1": TESTS, **repairs, "": [reproduces("one.sh"), changes("$1 + $2", "$1 * $2"), DONE]}
    return world.settings(documented(), script, tools=("reproduce", "edit", "submit"), **more)


def test_a_repair_that_is_verified_needs_no_agent(world: StrategyWorld) -> None:
    result = world.run(settings(world, "$1 * $2"))
    assert (result.verdict, result.steps) == ("verified", 0), result.reason


def test_an_agent_goes_on_where_none_is(world: StrategyWorld, play: Callable[[Settings], Result]) -> None:
    result = play(settings(world, "$1 - $2"))
    assert (result.verdict, result.steps) == ("verified", 3), result.reason
    assert "$1 * $2" in patch_of(result)
    said = [event.text for event in world.events("whole") if event.type == "feedback_given"]
    assert said[0].startswith("This was tried and failed:")
    assert "+echo $(($1 - $2))" in said[0]
