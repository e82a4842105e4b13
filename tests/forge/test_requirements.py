"""The hash-locked requirements of the action follow pyproject.toml; `.ci/lock` writes them, `.ci/check-lock` looks."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
LOCKED = ROOT / "requirements"


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


def checked(folder):
    command = [sys.executable, ROOT / ".ci/check-lock", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": ""})
    return done.returncode, done.stderr


def test_the_locked_requirements_fit_the_project():
    assert checked(ROOT) == (0, "")


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "pyproject.toml",
            "dependencies = [",
            'dependencies = [\n    "left-pad",',
            "lacks left-pad, which the project",
        ),
        ("pyproject.toml", '"typer>=', '"typer>=9', "and the project needs typer"),
        ("requirements/all.txt", "\nclick==", "\nno-click==", "lacks click"),
        ("requirements/publish.txt", "\ntyper==", "\ntyper==0.", "requirements/all.txt does not"),
        ("requirements/demo.txt", "\ndocker==", "\ndocker==0.", "requirements/all.txt does not"),
        ("requirements/publish.in", "typer", "typer\nlitellm", "requirements/publish.txt lacks litellm"),
        ("requirements/all.txt", "    --hash=sha256:", "    --other=", "has no hash"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, file, old, new, said):
    (tmp_path / "requirements").mkdir()
    sets = [f"requirements/{name}" for name in ("all.txt", "publish.txt", "publish.in", "demo.txt", "demo.in")]
    for name in ("pyproject.toml", *sets):
        text = (ROOT / name).read_text()
        if name == file:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / name).write_text(text)
    code, printed = checked(tmp_path)
    assert code == 1
    assert said in printed
    assert "run .ci/lock" in printed


def test_the_gate_and_the_publisher_get_neither_a_model_nor_an_engine():
    few, all_of_it = pins("publish.txt"), pins("all.txt")
    assert few.items() <= all_of_it.items()
    assert not few.keys() & {"litellm", "openai", "docker", "tree-sitter", "gitpython", "jinja2"}
    assert len(few) * 2 < len(all_of_it)


def test_what_they_import_is_in_the_small_set():
    program = """
import sys
from importlib.metadata import packages_distributions
import sweagent.cli.action, sweagent.forge.action.gate_step, sweagent.forge.action.publish_step
import github, requests, tenacity
from sweagent.forge.text.markdown import is_live
is_live("x")
known = packages_distributions()
loaded = {name.partition(".")[0] for name, module in list(sys.modules.items()) if getattr(module, "__file__", None)}
print(*sorted({known[name][0].lower().replace("_", "-") for name in loaded if name in known}))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    beside = {"fix-issue", "setuptools", "chardet", "pip"}
    assert set(done.stdout.split()) - beside <= {name.replace("_", "-") for name in pins("publish.txt")}
