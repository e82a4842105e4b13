"""Compose a patch from edits as text, without a sandbox."""

import os
from collections.abc import Callable, Sequence

from sweagent.edits import EditRefused, apply, create
from sweagent.edits.formats import FileChange, parse_apply_patch, parse_blocks, parse_unified
from sweagent.git import GitError
from sweagent.patch.classify import Consent, refusal, shown
from sweagent.patch.compose import compose
from sweagent.patch.model import Patch
from sweagent.repository import TrustedTree, trusted_tree
from sweagent.task import Repository


def parse_edits(text: str) -> list[FileChange]:
    """Read edits in whichever format they are: `apply_patch`, search/replace blocks, or a unified diff.

    Raises:
        EditRefused: they are in none of them, or not complete.
    """
    parse: Callable[[str], list[FileChange]] = parse_unified
    if "*** Begin Patch" in text:
        parse = parse_apply_patch
    elif any(line.startswith("<<<<<") for line in text.splitlines()):
        parse = parse_blocks
    return parse(text)


def patch_of_edits(repository: Repository, text: str, consent: Consent | None = None) -> Patch:
    """Make the patch that edits make of the base.

    Args:
        repository: whose base commit they are for.
        text: the edits, in one of the formats of `parse_edits`.
        consent: what the user lets in.

    Returns:
        The patch; where the edits cannot be applied it has no text, and `blocked` says why.

    Raises:
        UsageError: the base commit is no longer there.
    """
    with trusted_tree(repository) as tree:
        try:
            _put_into_index(tree, parse_edits(text))
        except (EditRefused, GitError, OSError) as error:
            return Patch(base_commit=repository.base_commit, text="", blocked=f"the edits cannot be applied: {error}")
        return compose(repository, tree, (), "", consent or Consent())


def _put_into_index(tree: TrustedTree, changes: Sequence[FileChange]) -> None:
    for change in changes:
        for path in filter(None, (change.path, change.target)):
            if reason := refusal(path):
                raise EditRefused(f"{shown(path)}: {reason}")
    paths = [change.path for change in changes]
    modes, contents = _modes(tree, [*paths, *(change.target for change in changes)]), tree.read_many(paths)
    gone: list[str] = []
    written: list[str] = []
    for change in changes:
        new = _content(change, contents.get(change.path))
        target = change.target or change.path
        if change.target or new is None:
            gone.append(change.path)
        if change.target and change.target in modes:
            raise EditRefused(f"{change.target} is there already")
        if new is not None:
            file = tree.work_tree / target
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(new)
            file.chmod(0o755 if modes.get(change.path) == "100755" else 0o644)
            written.append(target)
    for option, names in (("--force-remove", gone), ("--add --replace", written)):
        if names:
            stdin = b"".join(os.fsencode(name) + b"\0" for name in names)
            tree.git("update-index", *option.split(), "-z", "--stdin", stdin=stdin)


def _content(change: FileChange, before: bytes | None) -> bytes | None:
    """What a file holds after a change; None when it is deleted."""
    try:
        if change.action == "create":
            if before is not None:
                raise EditRefused("it is there already; change it or remove it first")
            return create(change.text)
        if before is None:
            raise EditRefused("there is no such file")
        return None if change.action == "delete" else apply(before, list(change.replacements)).data
    except EditRefused as error:
        raise EditRefused(f"{change.path}: {error}") from error


def _modes(tree: TrustedTree, paths: Sequence[str]) -> dict[str, str]:
    wanted = {path for path in paths if path}
    listing = tree.git("ls-tree", "-r", "-z", tree.tree).stdout.split(b"\0")
    entries = (entry.partition(b"\t") for entry in listing if entry)
    found = {os.fsdecode(name): header.split()[0].decode() for header, _, name in entries}
    return {path: found[path] for path in wanted if path in found}
