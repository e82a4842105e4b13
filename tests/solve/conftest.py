"""A small project with a bug, its issue, and a script that resolves it."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from shared_venvs import share_venvs

PROJECT = {
    "setup.py": "from setuptools import setup\nsetup(name='shapes', version='1.0', py_modules=['shapes'])\n",
    "shapes.py": "def area(width, height):\n    return width + height\n\n\ndef double(value):\n    return 2 * value\n",
    "test_shapes.py": (
        "import unittest\n\nfrom shapes import double\n\n\n"
        "class Doubles(unittest.TestCase):\n    def test_double(self):\n        self.assertEqual(double(2), 4)\n"
    ),
    ".gitignore": "__pycache__/\n",
}
ISSUE = "area() adds\n\narea(2, 3) gives 5 and should give 6."
SHOWS = "from shapes import area\n\nassert area(2, 3) == 6, area(2, 3)\n"
SCRIPT = [
    {"thought": "look", "actions": [{"view": {"path": "shapes.py"}}, {"bash": {"command": "export SEEN=1; cd /tmp"}}]},
    {"thought": "show", "actions": [{"reproduce": {"path": "show_area.py", "content": SHOWS}}]},
    {
        "thought": "mend",
        "actions": [
            {
                "edit": {
                    "command": "str_replace",
                    "path": "shapes.py",
                    "old": "    return width + height",
                    "new": "    return width * height",
                }
            }
        ],
    },
    {"thought": "say what the shell remembers", "actions": [{"bash": {"command": "echo $SEEN $PWD"}}]},
    {"thought": "done", "actions": [{"submit": {"summary": "area() multiplies"}}]},
]


@pytest.fixture
def project(git_repository: Callable[..., Path]) -> Path:
    return git_repository(PROJECT, name="shapes")


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.yaml"
    path.write_text(yaml.safe_dump(SCRIPT))
    return path


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs and caches of a test are its own, and no key of this machine is seen."""
    state = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    monkeypatch.setenv("XDG_CACHE_HOME", str(state / "cache"))
    share_venvs(state / "cache")
    monkeypatch.chdir(state)
