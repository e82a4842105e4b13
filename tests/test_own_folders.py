"""A log that somebody else wrote reaches neither this machine nor its keys, wherever in the settings it says so."""

from pathlib import Path
from typing import Any

import pytest

from sweagent.errors import UsageError
from sweagent.own_folders import check_started_here, remember

ELSEWHERE: dict[str, Any] = {"model": {"api_base": "https://elsewhere.example"}}
REACHING: dict[str, dict[str, Any]] = {
    "a scorer": {"strategy": {"scorer": "/clone/scorer.py"}},
    "an attempt": {"strategy": {"options": {"variants": [{}, ELSEWHERE]}}},
    "a role": {"strategy": {"options": {"roles": {"reviewer": ELSEWHERE}}}},
    "a role without isolation": {"strategy": {"options": {"roles": {"programmer": {"sandbox": {"kind": "local"}}}}}},
}


@pytest.mark.parametrize("name", REACHING)
def test_a_strangers_log_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    check_started_here(tmp_path / "run", {"model": {"name": "a/b"}, "strategy": {"options": {"attempts": 3}}})
    with pytest.raises(UsageError, match="was not started here by you"):
        check_started_here(tmp_path / "run", REACHING[name])
    check_started_here(tmp_path / "run", REACHING[name], given=REACHING[name])
    remember(tmp_path / "run")
    check_started_here(tmp_path / "run", REACHING[name])
