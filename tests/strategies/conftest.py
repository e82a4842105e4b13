"""A project that is ready at once, and shipped strategies that are played with scripts."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[1] / "support"))

from strategy_world import StrategyWorld, world_in

from sweagent.config import Settings
from sweagent.run_folder import Result


@pytest.fixture(
    params=[
        pytest.param(False, id="whole"),
        pytest.param(True, id="killed at every event", marks=[pytest.mark.slow, pytest.mark.timeout(3600)]),
    ]
)
def killed(request: pytest.FixtureRequest) -> bool:
    """Whether a run is killed at every event and resumed, which takes minutes; over HTTP it is always killed once."""
    chosen: bool = request.param
    return chosen


@pytest.fixture
def play(world: StrategyWorld, killed: bool) -> Callable[[Settings], Result]:
    """Run a strategy, and see that it ends as well when it was killed."""
    return world.killed_everywhere if killed else lambda settings: world.run(settings, "whole")


@pytest.fixture
def world(git_repository: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StrategyWorld:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return world_in(tmp_path, git_repository, monkeypatch)


@pytest.fixture
def played(world: StrategyWorld) -> Callable[..., Settings]:
    """Settings of a shipped strategy, played with a script."""

    def settings(name: str, script: Any, options: Any = None, strategy: Any = None, **more: Any) -> Settings:
        file = world.folder / "script.json"
        file.write_text(json.dumps(script))
        chosen = {"name": name, "options": options or {}, **(strategy or {})}
        tools = ("bash", "edit", "reproduce", "submit")
        values = {"hints": False, "verify": {"rounds": 0}, "sandbox": {"kind": "local"}, "tools": tools, **more}
        return Settings.model_validate({"policy": str(file), "strategy": chosen, **values})

    return settings
