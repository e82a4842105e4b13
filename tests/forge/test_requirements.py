"""The hash-locked requirements of the action follow pyproject.toml; `.ci/lock` writes them."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
LOCKED = ROOT / "requirements"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]


def pins(name):
    """The packages of a file with their versions; every one must have a hash."""
    text = (LOCKED / name).read_text().replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            assert re.search(r"--hash=sha256:[0-9a-f]{64}", line), line
            requirement = Requirement(line.partition(" --hash")[0])
            found[requirement.name.lower()] = str(requirement.specifier).removeprefix("==")
    return found


@pytest.mark.parametrize("line", PROJECT)
def test_what_the_project_needs_is_locked(line):
    requirement = Requirement(line)
    version = pins("all.txt").get(requirement.name.lower())
    assert version, "run .ci/lock"
    assert requirement.specifier.contains(version), "run .ci/lock"


def test_the_gate_and_the_publisher_get_neither_a_model_nor_an_engine():
    few, all_of_it = pins("publish.txt"), pins("all.txt")
    assert few.items() <= all_of_it.items()
    assert not few.keys() & {"litellm", "openai", "docker", "tree-sitter", "gitpython", "jinja2"}
    assert len(few) * 2 < len(all_of_it)


def test_what_they_import_is_in_the_small_set():
    program = """
import sys
from importlib.metadata import packages_distributions
import sweagent.cli.action, sweagent.forge.action_gate, sweagent.forge.action_publish
import github, requests, tenacity
from sweagent.forge.live import is_live
is_live("x")
known = packages_distributions()
loaded = {name.partition(".")[0] for name, module in list(sys.modules.items()) if getattr(module, "__file__", None)}
print(*sorted({known[name][0].lower().replace("_", "-") for name in loaded if name in known}))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    beside = {"fix-issue", "setuptools", "chardet", "pip"}
    assert set(done.stdout.split()) - beside <= {name.replace("_", "-") for name in pins("publish.txt")}
