"""Patch rules: block, ask for a review, or allow."""

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum

from sweagent.forge.text.redaction import Redactor
from sweagent.forge.text.sanitise import hidden_in
from sweagent.frozen import Frozen
from sweagent.path_kinds import AGENT_FILES, BUILD_FILES, CI_FILES, STARTED_FILES, is_git_name, matches_any


class Ruling(StrEnum):
    """What happens to a patch, mildest first."""

    ALLOW = "allow"
    REVIEW = "review"
    """It is pushed; the pull request stays a draft and says what a person must look at."""
    BLOCK = "block"
    """Nothing is pushed."""


class Rules(Frozen):
    """Limits on patches.

    Patterns are matched as `sweagent.path_kinds.matches_any` does: without regard to case, `*` crossing slashes; one
    without a slash against the file's name as well, and one that ends with a slash against folders at any depth.
    """

    allowed: tuple[str, ...] = ()
    """Patterns of protected paths that may be changed all the same."""
    blocked: tuple[str, ...] = (
        *(".github/workflows/*", ".github/actions/*", ".gitea/workflows/*", ".forgejo/workflows/*"),
        *("CODEOWNERS", ".gitlab-ci.yaml", ".circleci/*", "azure-pipelines.yaml", "Jenkinsfile", ".gitmodules"),
        *AGENT_FILES,
        *(".fix-issue.yaml", ".env*"),
    )
    """Files that run with secrets, decide on reviews, or instruct agents."""
    reviewed: tuple[str, ...] = (
        *(".github/*", ".gitattributes", ".gitconfig", "*.lock", "*.lockb"),
        *("package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "go.sum", "gradle.lockfile"),
        *("requirements*.txt", "requirements/*", "constraints*.txt"),
        *STARTED_FILES,
        *BUILD_FILES,
        *CI_FILES,
        "CONTRIBUTING.md",
    )
    """Files that decide what is installed or started, or that the next run's model is offered."""
    symlinks: Ruling = Ruling.BLOCK
    submodules: Ruling = Ruling.BLOCK
    executables: Ruling = Ruling.REVIEW
    """Files that become executable."""
    binaries: Ruling = Ruling.REVIEW
    secrets: Ruling = Ruling.BLOCK
    hidden: Ruling = Ruling.REVIEW
    """Characters in added lines that are not shown, or that change the order in which others are."""
    max_files: int = 100
    max_bytes: int = 500_000
    """Of the diff."""


class Change(Frozen):
    """One changed path as git itself sees it, between two trees."""

    path: str
    """Bytes that are not UTF-8 are kept by `surrogateescape`."""
    old_mode: str
    """`000000` when it is new."""
    new_mode: str
    """`000000` when it is deleted."""
    binary: bool = False
    added: int = 0
    removed: int = 0


class Objection(Frozen):
    """Something in a patch that a rule says no to, or that a person must look at."""

    path: str
    ruling: Ruling
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason


def judge(
    changes: Sequence[Change], diff: bytes, rules: Rules, *, redactor: Redactor | None = None
) -> tuple[Objection, ...]:
    """Look at a patch before it is pushed.

    Args:
        changes: what it changes, as git sees it after it was applied.
        diff: its text.
        rules: the limits.
        redactor: knows the secrets of this machine; None looks for the known formats only.

    Returns:
        the objections that do not amount to `allow`, worst first.
    """
    found = [*_by_size(changes, diff, rules), *_by_secrets(diff, rules, redactor or Redactor())]
    found += _by_hidden_characters(diff, rules)
    for change in changes:
        found.extend(_by_path(change, rules))
        found.extend(_by_mode(change, rules))
    kept = [objection for objection in found if objection.ruling is not Ruling.ALLOW]
    return tuple(sorted(kept, key=lambda objection: (objection.ruling is not Ruling.BLOCK, objection.path)))


def _by_size(changes: Sequence[Change], diff: bytes, rules: Rules) -> Iterable[Objection]:
    if len(changes) > rules.max_files:
        yield Objection(path="", ruling=Ruling.BLOCK, reason=f"{len(changes)} files, more than {rules.max_files}")
    if len(diff) > rules.max_bytes:
        yield Objection(path="", ruling=Ruling.BLOCK, reason=f"{len(diff):,} bytes, more than {rules.max_bytes:,}")


def _by_secrets(diff: bytes, rules: Rules, redactor: Redactor) -> Iterable[Objection]:
    for name, lines in _added(diff).items():
        for kind in redactor.find("\n".join(lines)):
            yield Objection(path=name, ruling=rules.secrets, reason=f"an added line holds a {kind}")


def _by_hidden_characters(diff: bytes, rules: Rules) -> Iterable[Objection]:
    """What a reviewer cannot see: Trojan Source (Boucher and Anderson 2021), homeless variation selectors, tags."""
    for name, lines in _added(diff).items():
        kinds: dict[str, str] = {}
        for line in lines:
            for kind, character in hidden_in(line):
                kinds.setdefault(kind, f"U+{ord(character):04X}")
        for kind, example in kinds.items():
            yield Objection(path=name, ruling=rules.hidden, reason=f"an added line holds a {kind} ({example})")


def _added(diff: bytes) -> dict[str, list[str]]:
    """The added lines of each file."""
    path = ""
    added: dict[str, list[str]] = {}
    for line in diff.decode("utf-8", "replace").split("\n"):
        if line.startswith("+++ "):  # or an added line that begins with two pluses, so it is looked at as well
            path = line[4:].strip().strip('"').removeprefix("b/")
        if line.startswith("+"):
            added.setdefault(path, []).append(line[1:])
    return added


def _by_path(change: Change, rules: Rules) -> Iterable[Objection]:
    path = change.path
    if _is_dangerous(path):
        yield Objection(path=_shown(path), ruling=Ruling.BLOCK, reason="a path that leaves the work tree or names .git")
    elif not path.isprintable() or "\\" in path or len(path.encode("utf-8", "surrogateescape")) > 1024:
        yield Objection(path=_shown(path), ruling=Ruling.REVIEW, reason="an unusual file name")
    if matches_any(path, rules.allowed):
        return
    if matches_any(path, rules.blocked):
        yield Objection(path=_shown(path), ruling=Ruling.BLOCK, reason="a protected file")
    elif matches_any(path, rules.reviewed):
        yield Objection(path=_shown(path), ruling=Ruling.REVIEW, reason="decides what is installed or started")


def _by_mode(change: Change, rules: Rules) -> Iterable[Objection]:
    path = _shown(change.path)
    if "120000" in {change.old_mode, change.new_mode}:
        yield Objection(path=path, ruling=rules.symlinks, reason="a symbolic link")
    if "160000" in {change.old_mode, change.new_mode}:
        yield Objection(path=path, ruling=rules.submodules, reason="a submodule")
    if change.new_mode == "100755" and change.old_mode != "100755":
        yield Objection(path=path, ruling=rules.executables, reason="becomes executable")
    if change.binary:
        yield Objection(path=path, ruling=rules.binaries, reason="a binary file")


def _is_dangerous(path: str) -> bool:
    parts = path.replace("\\", "/").split("/")
    named = any(not part.rstrip(". ") or is_git_name(part) for part in parts)
    return path.startswith(("/", "\\")) or bool(re.match(r"[A-Za-z]:", path)) or named


def _shown(path: str) -> str:
    return "".join(c if c.isprintable() else f"\\x{ord(c) & 0xFF:02x}" for c in path)
