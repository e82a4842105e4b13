"""Read a commit's files without checking it out."""

import re
import tomllib
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from sweagent.errors import UsageError
from sweagent.git import git

_MAX_FILE = 1_000_000
_MAX_LINES = 10_000


class Tree(Protocol):
    """The files of a repository at one state."""

    @property
    def commit(self) -> str:
        """The full hash of the commit."""

    @property
    def committed(self) -> date:
        """The day of the commit, in UTC."""

    @property
    def names(self) -> frozenset[str]:
        """The paths of all files, with `/` between their parts."""

    @property
    def version(self) -> str:
        """The development version that follows from the last tag before the commit; empty when there is none."""

    def lines(self, pattern: str, *paths: str) -> list[str]:
        """The lines of some files that match an extended regular expression, each once, at most ten thousand."""

    def read(self, path: str) -> str:
        """The text of a file; empty when it is missing, is not text, or has more than a million bytes."""


def read_toml(tree: Tree, path: str) -> dict[str, Any]:
    """A TOML file as a table; empty when it is missing or broken."""
    try:
        return tomllib.loads(tree.read(path))
    except tomllib.TOMLDecodeError:
        return {}


def table_of(data: dict[str, Any], *place: str) -> dict[str, Any]:
    """A table inside tables; empty when it is missing or something else."""
    for part in place:
        inner = data.get(part)
        data = inner if isinstance(inner, dict) else {}
    return data


class GitTree:
    """The tree of a commit in a git directory (or in a work tree's repository), which is only read.

    Args:
        git_dir: a git directory or a folder that has one.
        commit: any name of a commit.

    Raises:
        UsageError: there is no such commit.
    """

    def __init__(self, git_dir: str | Path, commit: str) -> None:
        folder = Path(git_dir).resolve()
        self._git_dir = folder / ".git" if (folder / ".git").exists() else folder
        if commit.startswith("-"):
            raise UsageError(f"{commit!r} is not the name of a commit", "give a hash or a branch")
        shown = self._git("log", "-1", "--format=%H %ct", commit, "--").decode().split()
        if len(shown) != 2:
            raise UsageError(f"there is no commit {commit!r} in {git_dir}", "fetch it, or give another one")
        self.commit = shown[0]
        self.committed = datetime.fromtimestamp(int(shown[1]), UTC).date()

    @cached_property
    def names(self) -> frozenset[str]:
        """The paths of all files."""
        listed = self._git("ls-tree", "-r", "-z", "--name-only", self.commit)
        return frozenset(name.decode("utf-8", "replace") for name in listed.split(b"\0") if name)

    @cached_property
    def version(self) -> str:
        """The version that setuptools_scm would tell: the next one after the last tag, with the commits since."""
        described = self._git("describe", "--tags", "--long", "--match", "*[0-9]*", self.commit).decode()
        match = re.search(r"(\d+(?:\.\d+)*)(?:[.-]?(?:a|b|rc|dev|post)\d*)?-(\d+)-g[0-9a-f]+$", described.strip())
        if match is None:
            return ""
        if match[2] == "0":
            return match[1]
        *leading, last = match[1].split(".")
        return ".".join([*leading, str(int(last) + 1)]) + f".dev{match[2]}"

    def lines(self, pattern: str, *paths: str) -> list[str]:
        """The lines of some files that match, each once."""
        found = self._git("grep", "-hIE", "-e", pattern, self.commit, "--", *paths).decode("utf-8", "replace")
        return list(dict.fromkeys(found.splitlines()))[:_MAX_LINES]

    def read(self, path: str) -> str:
        """The text of a file, or nothing."""
        if path not in self.names:
            return ""
        data = self._git("cat-file", "blob", f"{self.commit}:{path}")
        return "" if len(data) > _MAX_FILE or b"\0" in data else data.decode("utf-8", "replace")

    def _git(self, *arguments: str) -> bytes:
        done = git(*arguments, git_dir=self._git_dir, allowed=range(256))
        return done.stdout if done.status == 0 else b""
