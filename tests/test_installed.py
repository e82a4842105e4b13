"""An installation that lacks packages says so, and how to get them."""

import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from sweagent.environment.build.venv_install import python_in_tmp

ROOT = Path(__file__).resolve().parents[1]
_WITHOUT = """
import sys
from importlib.machinery import PathFinder
class Missing(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in {missing!r} else PathFinder.find_spec(name, path, target)
sys.meta_path[-1:] = [Missing]
from sweagent.cli import main
sys.argv = ["fix-issue", *{arguments!r}]
sys.exit(main())
"""


def without(missing: set[str], *arguments: str, home: Path) -> "subprocess.CompletedProcess[str]":
    program = _WITHOUT.format(missing=missing, arguments=arguments)
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "OPENAI_API_KEY": "k", "GITHUB_TOKEN": "t"}
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=100, env=environment, check=False
    )


@pytest.mark.parametrize(
    ("missing", "arguments"),
    [
        ("litellm", [str(ROOT), "an issue", "--model", "openai/gpt-5"]),
        ("litellm", ["models", "gpt-5"]),
        ("jinja2", ["demo", "--sandbox", "local"]),
    ],
)
def test_a_missing_package_is_named_with_the_way_to_get_it(missing: str, arguments: list[str], tmp_path: Path) -> None:
    done = without({missing}, *arguments, home=tmp_path)
    assert done.returncode == 2, done.stderr
    assert f"needs the package {missing}" in done.stderr
    assert "pip install ." in done.stderr
    assert "Traceback" not in done.stderr


def test_what_the_tool_starts_by_itself_is_among_what_it_and_the_demo_install() -> None:
    """pip installs a repository's wheels where there is no Docker; environments of uv have none of their own."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    demo = (ROOT / "requirements/demo.in").read_text(encoding="utf-8").splitlines()
    for lines in (project, [line for line in demo if not line.startswith("#")]):
        assert "pip" in {Requirement(line).name for line in lines}


def test_of_a_python_below_tmp_its_programs_are_shown_and_not_its_settings() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        prefix = Path(folder)
        (prefix / "bin").mkdir()
        (prefix / "pip.conf").write_text("token")
        assert python_in_tmp(prefix) == (prefix / "bin",)
    assert python_in_tmp(Path("/usr")) == ()
