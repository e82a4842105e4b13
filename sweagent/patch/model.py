"""Patch and ChangedFile: what the agent changed, as data."""

import hashlib
from enum import StrEnum

from sweagent.frozen import Frozen


class FileKind(StrEnum):
    """What a changed file is, and so whether it belongs in the submission."""

    SOURCE = "source"
    TEST = "test"
    DOCS = "docs"
    SCRATCH = "scratch"
    CACHE = "cache"
    BINARY = "binary"
    PROTECTED = "protected"
    """Workflows, CODEOWNERS, lock files, instructions for agents: changed only with the user's consent."""
    REFUSED = "refused"
    """Never part of a patch: inside `.git`, links that lead out of the tree, nested repositories, devices."""


class ChangedFile(Frozen):
    """One file that differs from the base tree."""

    path: str
    """Relative to the root; bytes that are not UTF-8 are shown as `\\xNN`."""
    change: str
    """added, deleted, modified, renamed, mode or type."""
    kind: FileKind
    old_path: str | None = None
    added: int = 0
    removed: int = 0
    kept: bool = True
    reason: str = ""
    """Why it was left out of the patch, or why it wants a look."""


class Patch(Frozen):
    """The submission: a diff that `git apply` takes on a clean checkout of the base commit."""

    base_commit: str
    """With the user's uncommitted changes on top when those were included, as everywhere."""
    text: str
    """The diff of the kept files; empty when nothing is kept. May hold `GIT binary patch` hunks. Its line ends are
    those of the files: write it as bytes."""
    files: tuple[ChangedFile, ...] = ()
    """All changed files, those left out too."""
    withheld: str = ""
    """The diff of what was left out (without caches), on top of `text`: an artifact to look at."""
    tree: str = ""
    """The hash of git's tree of all changes, those left out too, but for caches; empty where there are none."""
    partial: bool = False
    """Something was changed that neither `text` nor `withheld` has: files that git ignores, nested repositories …"""
    blocked: str = ""
    """Why nothing at all is submitted although there are changes: too many files or bytes."""

    @property
    def kept(self) -> tuple[ChangedFile, ...]:
        """The files that the diff changes."""
        return tuple(file for file in self.files if file.kept)

    @property
    def dropped(self) -> tuple[ChangedFile, ...]:
        """The changed files that were left out, each with its reason."""
        return tuple(file for file in self.files if not file.kept)

    @property
    def data(self) -> bytes:
        """The diff as it goes to a file."""
        return self.text.encode("utf-8")

    @property
    def sha256(self) -> str:
        """The digest of the diff, in hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()

    def is_like(self, other: "Patch") -> bool:
        """Whether both submit and leave out the same changes; caches, which any command may leave behind, aside."""
        return (self.text, self.withheld, self.blocked) == (other.text, other.withheld, other.blocked)

    def __bool__(self) -> bool:
        return bool(self.text.strip())
