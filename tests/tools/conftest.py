"""A small repository in a local sandbox, and the tools to work on it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sweagent.config import SandboxSettings
from sweagent.sandbox import open_sandbox
from sweagent.tool_api import Limits, ToolContext, execute, load_tools
from sweagent.trajectory import Action, Observation

FILES = {
    "pkg/__init__.py": "",
    "pkg/core.py": "def double(x):\n    return x + 1\n\n\nclass Box:\n    def size(self):\n        return 1\n",
    "tests/test_core.py": "from pkg.core import double\n\n\ndef test_double():\n    assert double(2) == 4\n\n\n"
    "def test_fine():\n    assert double(1) == 2\n",
    "conftest.py": "",
    ".gitignore": "ignored/\n",
    "ignored/core.py": "def double(x): pass\n",
}


class Desk:
    """The tools on a repository: `desk("view", path=…)` runs one."""

    def __init__(self, context: ToolContext, tree: Path) -> None:
        self.context = context
        self.tree = tree
        names = [path.stem for path in (Path(__file__).parents[2] / "tools").glob("*.py")]
        self._tools = load_tools(names)

    def __call__(self, tool: str, **arguments: Any) -> Observation:
        return execute(self._tools, self.context, Action(id="1", tool=tool, arguments=arguments))


@pytest.fixture
def desk() -> Iterator[Desk]:
    env = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    with open_sandbox(SandboxSettings(kind="local"), env=env) as sandbox:
        tree = Path(sandbox.workdir)
        for name, text in FILES.items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text(text)
        subprocess.run(["git", "init", "-q", tree], check=True)
        subprocess.run(["git", "-C", tree, "add", "."], check=True)
        limits = Limits(characters=2000, timeout=60.0, max_timeout=90.0)
        yield Desk(ToolContext(sandbox, limits, test_command="python -m pytest -p no:cacheprovider"), tree)
