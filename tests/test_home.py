"""A user without a home folder, as containers have them, can work all the same."""

import os
import pwd
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sweagent.errors import StorageError
from sweagent.home import expanded, home_folder


@pytest.fixture
def homeless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that a user without a home folder is given, which is not there yet."""

    def unknown(number: int) -> None:
        raise KeyError(number)

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path / f"fix-issue-{os.getuid()}"


def test_a_home_folder_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home_folder() == tmp_path
    assert expanded("~/x") == tmp_path / "x"


def test_a_user_without_one_is_given_a_private_folder(homeless: Path) -> None:
    assert home_folder() == home_folder() == homeless
    assert homeless.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_can_reach_is_not_taken(homeless: Path) -> None:
    homeless.mkdir()
    homeless.chmod(0o777)
    with pytest.raises(StorageError, match="not private"):
        home_folder()


def test_a_link_is_not_taken_for_a_private_folder(homeless: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    homeless.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="not private"):
        home_folder()


def test_a_tilde_that_means_nobody_is_left_alone() -> None:
    assert expanded("~100 items") == Path("~100 items")


PROGRAM = """
import pwd, sys
def unknown(number):
    raise KeyError(number)
pwd.getpwuid = unknown
from sweagent.cli.app import run
sys.exit(run(sys.argv[1:]))
"""


def test_commands_work_without_a_home_folder(git_repository: Callable[..., Path], tmp_path: Path) -> None:
    repo = git_repository({"a.py": "def total():\n    return 0\n"})
    kept = {name: value for name, value in os.environ.items() if name != "HOME" and not name.startswith("XDG_")}
    command = [sys.executable, "-c", PROGRAM, "locate", str(repo), "~100 totals are wrong"]
    done = subprocess.run(
        command, env={**kept, "TMPDIR": str(tmp_path)}, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "a.py" in done.stdout
    assert list((tmp_path / f"fix-issue-{os.getuid()}" / ".cache" / "fix-issue").glob("code-*.sqlite3"))
