"""Patch: what the agent changed, taken by the harness against the base tree, classified, cleaned and checked."""

from enum import StrEnum

from sweagent.model import Frozen


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


class ChangedFile(Frozen):
    """One file that differs from the base tree."""

    path: str
    """Relative to the root; bytes that are not UTF-8 are kept by `surrogateescape`."""
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
    text: str
    """The diff of the kept files; empty when nothing is kept. May hold `GIT binary patch` hunks."""
    files: tuple[ChangedFile, ...] = ()
    """All changed files, those left out too."""

    @property
    def kept(self) -> tuple[ChangedFile, ...]:
        """The files that the diff changes."""
        return tuple(file for file in self.files if file.kept)

    @property
    def dropped(self) -> tuple[ChangedFile, ...]:
        """The changed files that were left out, each with its reason."""
        return tuple(file for file in self.files if not file.kept)

    def __bool__(self) -> bool:
        return bool(self.text.strip())
