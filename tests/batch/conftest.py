"""Instances in the official form, and folders of one's own for caches and runs."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from shared_venvs import share_venvs


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs and caches of a test are its own, and no key of this machine is seen."""
    state = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    monkeypatch.setenv("XDG_CACHE_HOME", str(state / "cache"))
    share_venvs(state / "cache")
    monkeypatch.chdir(state)


@pytest.fixture
def record() -> Callable[..., dict[str, Any]]:
    """One record of a data set in the 4.x form; arguments replace fields, None removes one."""

    def make(instance_id: str = "acme__tool-1", **changes: Any) -> dict[str, Any]:
        fields = {
            "instance_id": instance_id,
            "repo": "acme/tool",
            "base_commit": "1" * 40,
            "problem_statement": "It breaks\n\nSince yesterday.",
            "hints_text": "look at tool.py",
            "created_at": "2020-01-01T00:00:00Z",
            "version": "1.0",
            "environment_setup_commit": "2" * 40,
            "patch": "diff --git a/tool.py b/tool.py\n",
            "test_patch": "diff --git a/test_tool.py b/test_tool.py\n",
            "FAIL_TO_PASS": json.dumps(["test_tool.py::test_new[a-1]"]),
            "PASS_TO_PASS": json.dumps(["test_tool.py::test_old"]),
            **changes,
        }
        return {name: value for name, value in fields.items() if value is not None}

    return make
