"""Diffs as others write them come out as git's own."""

import subprocess
from pathlib import Path

import pytest

from sweagent.patch import as_git_writes


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """A work tree with every kind of change, all staged, and lines that look like headers."""
    files = {"a b.txt": "1\n-- x\n3\n", "é.txt": "e\n", "gone.txt": "g\n", "old.txt": "long\ntext\nhere\n", "bin": "\0"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "base")
    (tmp_path / "a b.txt").write_text("1\n++ y\ndiff --git q q\n3\n")
    (tmp_path / "é.txt").chmod(0o755)
    (tmp_path / "gone.txt").unlink()
    (tmp_path / "old.txt").rename(tmp_path / "new.txt")
    (tmp_path / "new file").write_text("n\n")
    (tmp_path / "bin").write_text("\0\1")
    git(tmp_path, "add", "-A")
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("options", [[], ["--no-prefix"], ["--no-prefix", "-M"], ["-M", "--no-renames"]])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_names_without_prefix_and_headers_with_crlf_become_what_git_writes(
    changed: Path, options: list[str], end: str
) -> None:
    wanted = git(changed, "diff", "--cached", "--binary", *(option for option in options if option != "--no-prefix"))
    given = git(changed, "diff", "--cached", "--binary", *options)
    assert as_git_writes(given.replace("\n", end)) == wanted
