"""The action's own first step: it installs this version into a folder of the runner."""

import hashlib
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
STEP = next(
    step for step in yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"] if step["id"] == "install"
)


def install(folder, action, python="", mode="all", check=True, **more):
    """Carry out the step as a runner without uv does, and give the interpreter that the other steps are to use."""
    output = folder / "output"
    output.write_text("")
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    (programs / "python3").unlink(missing_ok=True)
    (programs / "python3").symlink_to(sys.executable)
    environment = {
        "PATH": os.pathsep.join([str(programs), os.defpath]),
        "HOME": str(folder),
        "INPUT_PYTHON": python,
        "INPUT_MODE": mode,
        "ACTION_PATH": str(action),
        "RUNNER_TEMP": str(folder),
        "GITHUB_OUTPUT": str(output),
        **more,
    }
    command = ["bash", "-e", "-c", STEP["run"]]
    done = subprocess.run(command, env=environment, check=False, timeout=280, capture_output=True, text=True)
    assert (done.returncode == 0) is check, done.stderr
    return output.read_text().removeprefix("python=").strip() if check else done.stderr


def wheel(folder, content=""):
    """A package of one module, as an index has it."""
    path = folder / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny.py", content)
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def said_by(python, *arguments, cwd):
    command = [python, "-I", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runner")
    action = folder / "action"
    (action / "requirements").mkdir(parents=True)
    # The dependencies are those of this environment, which is put beside what the step installs.
    (action / "requirements" / "publish.txt").write_text("")
    for name in ("sweagent", "tools", "prompts", "environments", "trajectories"):
        (action / name).symlink_to(ROOT / name)
    python = install(folder, action, mode="publish")
    packages = next((folder / "fix-issue-publish" / "lib").glob("python*/site-packages"))
    (packages / "beside.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return folder, python, action


def test_the_steps_find_what_was_installed(installed):
    folder, python, _ = installed
    where = said_by(python, "-c", "import sweagent; print(sweagent.__file__)", cwd=folder)
    assert where.startswith(str(folder / "action"))
    assert "publish" in said_by(python, "-m", "sweagent.cli.action", "--help", cwd=folder)
    program = "from sweagent.resources import resource; print(resource('prompts', 'default', 'system.j2'))"
    assert Path(said_by(python, "-c", program, cwd=folder).strip()).is_file()


def test_nothing_of_the_checkout_takes_its_place(installed, tmp_path):
    _, python, _ = installed
    (tmp_path / "sweagent").mkdir()
    (tmp_path / "sweagent" / "__init__.py").write_text("raise SystemExit('shadowed')")
    assert "publish" in said_by(python, "-m", "sweagent.cli.action", "--help", cwd=tmp_path)


def test_what_is_there_is_not_installed_again(installed):
    folder, python, action = installed
    version = folder / "fix-issue-publish" / "pyvenv.cfg"
    before = version.stat().st_mtime_ns
    assert install(folder, action, mode="publish") == python
    assert version.stat().st_mtime_ns == before


def test_a_python_that_was_given_is_taken_as_it_is(tmp_path):
    assert install(tmp_path, ROOT, python="/opt/python with fix-issue") == "/opt/python with fix-issue"
    assert not list(tmp_path.glob("fix-issue-*"))


def test_a_package_that_is_not_the_one_that_was_locked_is_refused(tmp_path):
    index, action = tmp_path / "index", tmp_path / "action"
    index.mkdir()
    (action / "requirements").mkdir(parents=True)
    locked = wheel(index)
    (action / "requirements" / "publish.txt").write_text(f"tiny==1.0 --hash=sha256:{locked}\n")
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index)}
    python = install(tmp_path, action, mode="publish", **offline)
    assert subprocess.run([python, "-I", "-c", "import tiny"], check=False).returncode == 0
    wheel(index, "print('another')")
    (tmp_path / "again").mkdir()
    assert "DO NOT MATCH THE HASHES" in install(tmp_path / "again", action, mode="gate", check=False, **offline)
