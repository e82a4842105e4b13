"""Deliver a patch into the user's work tree or a branch."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from sweagent.errors import UsageError
from sweagent.git import GitError, git
from sweagent.home import config_folder
from sweagent.repository.intake import local_work_tree
from sweagent.repository.trusted import TrustedTree, dirty_files, empty_git_dir, make_git_dir, textual_diff
from sweagent.task import Repository

_NAME, _EMAIL = "fix-issue", "fix-issue@localhost"


def apply_to_worktree(patch: bytes, repository: Repository) -> None:
    """Apply a patch to the user's work tree: all of it, or nothing. The index and the history stay as they are.

    Where the user's own changes stand beside the patch's, both are merged if that leaves no conflict.

    Args:
        patch: a diff as `Patch.data` has it.
        repository: whose work tree.

    Raises:
        UsageError: the repository has no local work tree, or the patch conflicts with what is there.
    """
    top = local_work_tree(repository)
    with empty_git_dir() as git_dir:
        try:
            git("apply", "--check", "-", git_dir=git_dir, work_tree=top, stdin=patch)
        except GitError as error:
            patch = _merged(patch, repository, top, error)
        try:
            git("apply", "-", git_dir=git_dir, work_tree=top, stdin=patch)
        except GitError as error:
            raise _conflict(top, error) from error


def commit_to_branch(patch: bytes, repository: Repository, branch: str, *, message: str) -> str:
    """Put a patch into a new branch of the user's repository, as one commit on the base commit.

    The work tree, the index and the current branch stay as they are; no hook runs and nothing is signed.

    Args:
        patch: a diff as `Patch.data` has it.
        repository: a local one.
        branch: the new branch's name.
        message: of the commit.

    Returns:
        The commit's full hash.

    Raises:
        UsageError: the repository is a remote one, the branch exists or cannot be named so, or the patch does not
            apply to the base commit without the user's uncommitted changes.
    """
    check_branch(repository, branch)
    git_dir = _local_git_dir(repository)
    ref = f"refs/heads/{branch}"
    with tempfile.TemporaryDirectory(prefix="fix-issue-git-") as folder:
        index = Path(folder, "index")
        run = partial(git, git_dir=git_dir, work_tree=folder, index=index)
        run("read-tree", f"{repository.base_commit}^{{tree}}")
        try:
            run("apply", "--cached", "-", stdin=patch)
        except GitError as error:
            raise UsageError(
                f"the patch does not apply to {repository.base_commit[:12]}: {error.reason}",
                "it builds on uncommitted changes: commit them, or use --apply",
            ) from error
        tree = run("write-tree").text
        who = _identity(git_dir)
        text = message.encode("utf-8", "replace")
        commit = run("commit-tree", tree, "-p", repository.base_commit, stdin=text, env=who).text
        try:
            run("update-ref", ref, commit, "0" * len(commit), env=who)
        except GitError as error:
            raise UsageError(f"the branch {branch} cannot be made: {error.reason}", "choose another name") from error
    return commit


def check_branch(repository: Repository, branch: str) -> None:
    """See that a new branch could be made.

    Raises:
        UsageError: the repository is a remote one, or the branch exists, cannot be named so, or stands where another
            branch has a folder.
    """
    git_dir = _local_git_dir(repository)
    ref = f"refs/heads/{branch}"
    if branch.startswith("-") or git("check-ref-format", ref, allowed=(0, 1)).status:
        raise UsageError(f"{branch!r} cannot be the name of a branch", "choose another name, such as fix/issue-7")
    if git("show-ref", "--verify", "--quiet", ref, git_dir=git_dir, allowed=(0, 1)).status == 0:
        raise UsageError(f"the branch {branch} exists already", "choose another name, or delete that branch")
    names = git("for-each-ref", "--format=%(refname:short)", "refs/heads", git_dir=git_dir).text.splitlines()
    blocking = next(
        (name for name in names if f"{branch}/".startswith(f"{name}/") or name.startswith(f"{branch}/")), ""
    )
    if blocking:
        raise UsageError(
            f"the branch {branch} cannot be made beside the branch {blocking}",
            "choose another name, such as fix-issue-7",
        )


def uncommitted_files(repository: Repository) -> tuple[str, ...]:
    """The files of a local work tree, new ones too, that are not as the last commit has them; none without a tree."""
    try:
        top = local_work_tree(repository)
        own = Path(git("rev-parse", "--absolute-git-dir", cwd=top).text)
        head = git("rev-parse", "--verify", "HEAD", cwd=top).text
        return dirty_files(top, own, Path(repository.git_dir), head)
    except (UsageError, GitError, OSError):
        return ()


def _merged(patch: bytes, repository: Repository, top: Path, first: GitError) -> bytes:
    """The patch as it is for the work tree with the user's own changes, if both go together."""
    with _index_of_work_tree(repository, top) as tree:
        try:
            tree.git("apply", "--cached", "--3way", "-", stdin=patch)
            return textual_diff(tree, "--no-renames").encode("utf-8")
        except GitError as error:
            raise _conflict(top, first) from error


@contextmanager
def _index_of_work_tree(repository: Repository, top: Path) -> Iterator[TrustedTree]:
    """A private index that holds the work tree's tracked files as they are now."""
    with tempfile.TemporaryDirectory(prefix="fix-issue-git-") as folder:
        git_dir, empty = Path(folder, "git"), Path(folder, "tree")
        empty.mkdir()
        make_git_dir(git_dir, Path(repository.git_dir), repository.base_commit)
        own_git_dir = Path(git("rev-parse", "--absolute-git-dir", cwd=top).text)
        if (own_git_dir / "index").exists():
            shutil.copy(own_git_dir / "index", git_dir / "index")
        git("add", "--update", "--", ".", git_dir=git_dir, work_tree=top)
        state = git("write-tree", git_dir=git_dir).text
        yield TrustedTree(git_dir, empty, state)


def _conflict(top: Path, error: GitError) -> UsageError:
    return UsageError(
        f"the patch conflicts with what is in {top}: {error.reason}",
        "nothing was changed and the patch is kept; commit or stash your changes, then `git apply --3way` it",
    )


def _local_git_dir(repository: Repository) -> Path:
    if not os.path.isabs(repository.source) or not os.path.isdir(repository.source):
        raise UsageError(f"{repository.source} is not a local repository", "have the patch written to a file instead")
    return Path(repository.git_dir)


def _identity(git_dir: Path) -> dict[str, str]:
    """Author and committer: whom the user's settings name, else fix-issue."""
    name = _setting(git_dir, "user.name") or _NAME
    email = _setting(git_dir, "user.email") or _EMAIL
    return {
        "GIT_AUTHOR_NAME": name,
        "GIT_AUTHOR_EMAIL": email,
        "GIT_COMMITTER_NAME": name,
        "GIT_COMMITTER_EMAIL": email,
    }


def _setting(git_dir: Path, key: str) -> str:
    found = git("config", "--get", key, git_dir=git_dir, allowed=(0, 1)).text
    home = Path(os.environ.get("HOME", os.devnull))
    files = (home / ".gitconfig", config_folder().parent / "git" / "config")
    for file in files:
        if not found and file.is_file():
            # Reading it as a plain file runs nothing; the hardened environment leaves it out otherwise.
            found = git("config", "--file", file, "--includes", "--get", key, allowed=(0, 1, 3, 128)).text
    return found
