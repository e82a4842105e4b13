"""Compose the patch of an index in a trusted git directory."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sweagent.patch.classify import Consent, classify, shown
from sweagent.patch.model import ChangedFile, FileKind, Patch
from sweagent.repository import TrustedTree
from sweagent.repository.trusted import textual_diff
from sweagent.task import Repository
from sweagent.testing.file_kinds import FileKinds


@dataclass(frozen=True)
class _Change:
    """One entry of `git diff-index`, renames found or not."""

    path: str
    change: str
    old: str
    old_path: str | None
    added: int
    removed: int
    binary: bool


def compose(
    repository: Repository, tree: TrustedTree, reported: Sequence[ChangedFile], blocked: str, consent: Consent
) -> Patch:
    """Sort the changes of an index into kept and left out, and write the diffs of both.

    Args:
        repository: whose base commit the patch names.
        tree: its index holds everything that the agent changed.
        reported: changes that were left out before.
        blocked: why nothing may be kept; empty when it may.
        consent: what the user lets in.
    """
    dropped = list(reported)
    everything = tree.git("write-tree").text
    restored = []
    kinds = FileKinds(tree.paths(), tree.read_many)
    for change in _changes(tree, "--no-renames"):
        found = classify(change.path, change.change, binary=change.binary, consent=consent, kinds=kinds)
        kept = found.kept and not blocked
        if not kept:
            reason = found.reason or blocked
            dropped.append(_changed_file(change, found.kind, kept=False, reason=reason))
            restored.append(f"{change.old}\t".encode() + os.fsencode(change.path) + b"\0")
    if restored:
        # Removals first: a folder that became a file cannot come back while the file is there.
        restored.sort(key=lambda line: not line.startswith(b"0 "))
        tree.git("update-index", "--replace", "-z", "--index-info", stdin=b"".join(restored))
    text, renames = _applicable_diff(tree)
    blocked = blocked or ("git cannot apply the changes as a diff" if text is None else "")
    files = []
    for change in _changes(tree, renames):
        found = classify(change.path, change.change, binary=change.binary, consent=consent, kinds=kinds)
        reason = found.reason or blocked
        files.append(_changed_file(change, found.kind, kept=not blocked, reason=reason))
    withheld = ""
    if restored or text is None:
        kept_tree = tree.git("write-tree").text if text is not None else tree.tree
        tree.git("read-tree", everything)
        withheld = textual_diff(TrustedTree(tree.git_dir, tree.work_tree, kept_tree), "-M")
    return Patch(
        base_commit=repository.base_commit,
        text=text or "",
        files=(*files, *sorted(dropped, key=lambda file: file.path)),
        withheld=withheld,
        tree=everything,
        partial=bool(blocked) or any(file.kind is FileKind.REFUSED for file in dropped),
        blocked=blocked,
    )


def _applicable_diff(tree: TrustedTree) -> tuple[str | None, str]:
    """The diff of the index that `git apply` takes, with renames if it can be, and the option for them.

    git refuses some renames that it writes itself, of a link `a` to `a/b` for example.
    """
    fresh = tree.git_dir / "index.check"
    for option in ("-M", "--no-renames"):
        text = textual_diff(tree, option)
        tree.git("read-tree", tree.tree, index=fresh)
        check = ("apply", "--cached", "--check", "--allow-empty", "-")
        if tree.git(*check, index=fresh, stdin=text.encode("utf-8"), allowed=(0, 1, 128)).status == 0:
            return text, option
    return None, "--no-renames"


def _changed_file(change: _Change, kind: FileKind, *, kept: bool, reason: str) -> ChangedFile:
    return ChangedFile(
        path=shown(change.path),
        change=change.change,
        kind=kind,
        old_path=shown(change.old_path) if change.old_path is not None else None,
        added=change.added,
        removed=change.removed,
        kept=kept,
        reason=reason,
    )


_CHANGES = {"A": "added", "D": "deleted", "M": "modified", "T": "type", "R": "renamed"}


def _changes(tree: TrustedTree, renames: str) -> Iterator[_Change]:
    command = ("diff-index", "--cached", "-z", renames, "--raw", "--no-abbrev", "--numstat", tree.tree, "--")
    fields = iter(tree.git(*command).stdout.split(b"\0")[:-1])
    headers = []
    counts = b""
    for counts in fields:
        if not counts.startswith(b":"):
            break
        old_path = os.fsdecode(next(fields)) if counts.split(b" ")[4][:1] == b"R" else None
        headers.append((counts.decode("ascii"), old_path, os.fsdecode(next(fields))))
    for header, old_path, path in headers:
        old_mode, new_mode, old_blob, new_blob, status = header.lstrip(":").split(" ")
        added, removed, _ = counts.split(b"\t", 2)
        if old_path is not None:
            # The two names follow the counts as fields of their own.
            next(fields), next(fields)
        counts = next(fields, b"")
        only_mode = status == "M" and old_blob == new_blob and old_mode != new_mode
        yield _Change(
            path=path,
            change="mode" if only_mode else _CHANGES[status[0]],
            old=f"{old_mode.lstrip('0') or '0'} {old_blob}",
            old_path=old_path,
            added=int(added) if added != b"-" else 0,
            removed=int(removed) if removed != b"-" else 0,
            binary=added == b"-",
        )
