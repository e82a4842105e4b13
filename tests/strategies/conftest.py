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


@pytest.fixture(
    params=[
        pytest.param(17, id="some events"),
        pytest.param(1, id="every event", marks=[pytest.mark.slow, pytest.mark.timeout(3600)]),
    ]
)
def every(request: pytest.FixtureRequest) -> int:
    """After how many events a run is killed, again and again."""
    step: int = request.param
    return step


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
        return Settings(policy=str(file), strategy=chosen, **values)

    return settings
