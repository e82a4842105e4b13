"""Classify changed files: product, test, generated, binary, protected."""

import posixpath
from dataclasses import dataclass

from sweagent.patch.model import FileKind
from sweagent.path_kinds import cache_reason, is_documentation, is_git_name, protected_reason, scratch_reason
from sweagent.testing.file_kinds import FileKinds, HarnessFile, harness_file


@dataclass(frozen=True)
class Consent:
    """What the user lets into a patch.

    Attributes:
        reproductions: paths that were registered as reproductions.
        tests: edits to tests.
        protected: edits to workflows, lock files, instructions for agents.
        binaries: binary files.
    """

    reproductions: frozenset[str] = frozenset()
    tests: bool = False
    protected: bool = False
    binaries: bool = False


@dataclass(frozen=True)
class Classified:
    """The kind of a changed file, and why it is left out or wants a look."""

    kind: FileKind
    kept: bool = True
    reason: str = ""


_TESTS = (HarnessFile.TEST, HarnessFile.HOOKS)


def classify(
    path: str, change: str, *, binary: bool = False, consent: Consent | None = None, kinds: FileKinds | None = None
) -> Classified:
    """Tell what a changed file is.

    Args:
        path: relative to the root.
        change: added, deleted, modified, renamed, mode or type.
        binary: git takes it for a binary file.
        consent: what the user lets in; None is the default, which is nothing out of the ordinary.
        kinds: what the files of the base tree are to its test runner; None goes by the path alone.
    """
    consent = consent or Consent()
    is_new = change == "added"
    is_test = (kinds.kind(path) if kinds else harness_file(path)) in _TESTS
    if path in consent.reproductions and not (is_test and consent.tests):
        kind = FileKind.TEST if is_test else FileKind.SCRATCH
        return Classified(kind, kept=False, reason="the registered reproduction, kept beside the patch")
    if reason := cache_reason(path, is_new):
        return Classified(FileKind.CACHE, kept=False, reason=reason)
    if reason := protected_reason(path):
        return Classified(FileKind.PROTECTED, kept=consent.protected, reason=reason)
    if is_new and (reason := scratch_reason(path)):
        return Classified(FileKind.SCRATCH, kept=False, reason=reason)
    if is_test:
        return Classified(FileKind.TEST, kept=consent.tests, reason="" if consent.tests else "an edit to tests")
    if binary:
        return Classified(FileKind.BINARY, kept=consent.binaries, reason="" if consent.binaries else "a binary file")
    return Classified(FileKind.DOCS if is_documentation(path) else FileKind.SOURCE)


def refusal(path: str, link: str | None = None) -> str | None:
    """Why a path can never be part of a patch; None when it can.

    Args:
        path: relative to the root, as the sandbox told it.
        link: the target, when it is a symbolic link.
    """
    parts = path.split("/")
    if path.startswith("/") or not path or any(part in ("", ".", "..") for part in parts):
        return "the path leads out of the work tree"
    if any(is_git_name(part) for part in parts):
        return "a path inside .git"
    if link is not None:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), link))
        if link.startswith("/") or target == ".." or target.startswith("../"):
            return "a symbolic link that leads out of the work tree"
        if not link or is_git_name(target.split("/")[0]):
            return "a symbolic link into .git"
    return None


def shown(path: str) -> str:
    """A path as text that any file and terminal encoding takes; bytes that are not UTF-8 become `\\xNN`."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
