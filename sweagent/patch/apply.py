"""Apply patches with `git apply` in a trusted git directory."""

import os
from pathlib import Path

from sweagent.errors import UsageError
from sweagent.git import GitError, git
from sweagent.patch.model import Patch
from sweagent.repository import trusted_tree
from sweagent.repository.trusted import empty_git_dir
from sweagent.task import Repository


def check_applies(patch: Patch | str, repository: Repository) -> None:
    """Make sure that a patch applies to the tree that the work on a repository starts from.

    Raises:
        UsageError: it does not, with git's own words.
    """
    text = patch.text if isinstance(patch, Patch) else patch
    if not text:
        return
    with trusted_tree(repository) as tree:
        try:
            tree.git("apply", "--cached", "--check", "-", stdin=as_bytes(text))
        except GitError as error:
            raise does_not_apply(error) from error


def apply_patch(patch: Patch | str, target: Path) -> None:
    """Apply a patch to a folder: all of it, or nothing.

    git looks for no repository there, so nothing that its configuration says is run; paths that lead out of the folder,
    pass through a symbolic link or go into `.git` are refused.

    Args:
        patch: what to apply.
        target: a work tree, or any folder with the files.

    Raises:
        UsageError: it does not apply, with git's own words.
    """
    text = patch.text if isinstance(patch, Patch) else patch
    if not text:
        return
    with empty_git_dir() as git_dir:
        for check in (["--check"], []):
            try:
                git("apply", *check, "-", git_dir=git_dir, work_tree=os.path.abspath(target), stdin=as_bytes(text))
            except GitError as error:
                raise does_not_apply(error) from error


def as_bytes(text: str) -> bytes:
    """The bytes of a diff, ended by a newline, which editors and models like to lose."""
    data = text.encode("utf-8", "surrogateescape")
    return data if data.endswith(b"\n") else data + b"\n"


def does_not_apply(error: GitError) -> UsageError:
    """What to tell the user when git refuses a patch."""
    said = error.stderr.splitlines()
    return UsageError(
        f"the patch does not apply: {said[0] if said else error}", "it must be a git diff against the base commit"
    )
