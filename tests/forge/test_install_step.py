"""The action's own first step: it installs this version into a folder of the runner."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
STEP = next(
    step for step in yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"] if step["id"] == "install"
)


def install(folder, action, python=""):
    """Carry out the step as a runner does, and give the interpreter that the other steps are to use."""
    output = folder / "output"
    output.write_text("")
    environment = {
        **os.environ,
        "INPUT_PYTHON": python,
        "ACTION_PATH": str(action),
        "RUNNER_TEMP": str(folder),
        "GITHUB_OUTPUT": str(output),
        # The dependencies are those of this environment, which the fixture puts beside it.
        "PIP_NO_DEPS": "1",
    }
    subprocess.run(["bash", "-e", "-c", STEP["run"]], env=environment, check=True, timeout=280, capture_output=True)
    return output.read_text().removeprefix("python=").strip()


def said_by(python, *arguments, cwd):
    command = [python, "-I", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runner")
    # From the folder itself pip would look for the tools to build a wheel among no dependencies.
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, timeout=280, capture_output=True)
    action = next(folder.glob("*.whl"))
    python = install(folder, action)
    packages = next((folder / "fix-issue-python" / "lib").glob("python*/site-packages"))
    (packages / "beside.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return folder, python, action


def test_the_steps_find_what_was_installed(installed):
    folder, python, _ = installed
    where = said_by(python, "-c", "import sweagent; print(sweagent.__file__)", cwd=folder)
    assert where.startswith(str(folder / "fix-issue-python"))
    assert "publish" in said_by(python, "-m", "sweagent.cli.action", "--help", cwd=folder)
    program = "from sweagent.resources import resource; print(resource('prompts', 'default', 'system.j2'))"
    assert said_by(python, "-c", program, cwd=folder).startswith(str(folder / "fix-issue-python"))


def test_nothing_of_the_checkout_takes_its_place(installed, tmp_path):
    _, python, _ = installed
    (tmp_path / "sweagent").mkdir()
    (tmp_path / "sweagent" / "__init__.py").write_text("raise SystemExit('shadowed')")
    assert "publish" in said_by(python, "-m", "sweagent.cli.action", "--help", cwd=tmp_path)


def test_what_is_there_is_not_installed_again(installed):
    folder, python, action = installed
    version = folder / "fix-issue-python" / "pyvenv.cfg"
    before = version.stat().st_mtime_ns
    assert install(folder, action) == python
    assert version.stat().st_mtime_ns == before


def test_a_python_that_was_given_is_taken_as_it_is(tmp_path):
    assert install(tmp_path, ROOT, python="/opt/python with fix-issue") == "/opt/python with fix-issue"
    assert not (tmp_path / "fix-issue-python").exists()
