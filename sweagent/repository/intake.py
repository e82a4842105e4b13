"""Open a path, git URL or owner/name at a base commit.

Nothing is changed in what the user gives.
"""

import os
from pathlib import Path

from sweagent.errors import UsageError
from sweagent.git import GitError, git
from sweagent.home import cache_folder
from sweagent.repository.remote import fetch_remote
from sweagent.repository.source import LocalSource, RemoteSource, parse_source
from sweagent.repository.trusted import dirty_patch
from sweagent.task import Repository

DEFAULT_SERVER = "https://github.com"


def default_cache_dir() -> Path:
    """The folder for what can be made again: `$XDG_CACHE_HOME/fix-issue`, else `~/.cache/fix-issue`."""
    return cache_folder()


def open_repository(
    source: str,
    *,
    base: str | None = None,
    include_dirty: bool = False,
    cache_dir: Path | None = None,
    server: str = DEFAULT_SERVER,
    token: str | None = None,
) -> Repository:
    """Find a repository and its base commit.

    Args:
        source: a path in a git repository, a git URL, or owner/name.
        base: a commit, tag or branch to start from; None takes HEAD, for a remote its default branch.
        include_dirty: carry the uncommitted changes of a local work tree along, new files too.
        cache_dir: where remote repositories are kept; None takes `default_cache_dir()`.
        server: the base URL that owner/name is looked up at.
        token: for the server; handed to git by its environment, and only for the URL's own host.

    Raises:
        UsageError: REPO or the base cannot be used.
        ForgeError: the remote refused or cannot be reached.
    """
    if base is not None and (not base or base.startswith("-") or any(ord(char) < 33 for char in base)):
        raise UsageError(f"the base {base!r} is not a commit, a tag or a branch", "give a commit's hash, say")
    parsed = parse_source(source, server=server)
    if isinstance(parsed, LocalSource):
        return _open_local(parsed.path, base=base, include_dirty=include_dirty)
    if include_dirty:
        raise UsageError("--include-dirty needs a local work tree", "leave it out for a remote repository")
    git_dir, commit = fetch_remote(parsed, base=base, cache_dir=cache_dir or default_cache_dir(), token=token)
    return Repository(source=parsed.url, git_dir=str(git_dir), base_commit=commit, name=parsed.name)


def local_work_tree(repository: Repository) -> Path:
    """The user's own work tree, where a patch can be delivered to.

    Raises:
        UsageError: the repository is a remote one or a bare one.
    """
    path = Path(repository.source)
    if not path.is_absolute() or not path.is_dir():
        raise UsageError(f"{repository.source} is not a local work tree", "have the patch written to a file instead")
    top = _top(path)
    if top is None:
        raise UsageError(f"{path} is a repository without a work tree", "deliver to a branch or to a file instead")
    return top


def tracked_paths(repository: Repository) -> tuple[str, ...]:
    """The paths of a repository's base commit; none where they cannot be read."""
    try:
        names = git(
            "ls-tree", "-r", "-z", "--name-only", repository.base_commit, git_dir=Path(repository.git_dir)
        ).stdout
    except GitError:
        return ()
    return tuple(os.fsdecode(name) for name in names.split(b"\0") if name)


def _open_local(path: Path, *, base: str | None, include_dirty: bool) -> Repository:
    if not path.is_dir():
        raise UsageError(f"there is no folder {path}", "give a path, a git URL or owner/name")
    try:
        git_dir = Path(git("rev-parse", "--path-format=absolute", "--git-common-dir", cwd=path).text)
        top = _top(path)
    except GitError as error:
        if "not a git repository" in error.stderr:
            raise UsageError(
                f"{path} is not in a git repository", "run `git init`, add the files and commit them"
            ) from error
        raise UsageError(f"{path} cannot be read: {error}", "run `git fsck` there") from error
    own_git_dir = Path(git("rev-parse", "--path-format=absolute", "--git-dir", cwd=path).text)
    head = _commit(own_git_dir, "HEAD") if base is None or include_dirty else None
    if base is None and head is None:
        raise UsageError(f"the repository {path} has no commit", "commit its files first")
    commit = head if base is None else _commit(own_git_dir, base)
    if commit is None:
        shallow = (git_dir / "shallow").exists()
        hint = "it is a shallow clone: run `git fetch --unshallow`" if shallow else "see `git log` for what there is"
        raise UsageError(f"there is no commit {base} in {path}", hint)
    dirty = ""
    if include_dirty:
        if top is None or commit != head:
            raise UsageError(
                "--include-dirty needs a work tree that stands at the base", "leave out --base or --include-dirty"
            )
        dirty = dirty_patch(top, own_git_dir, git_dir, commit)
    folder = top or git_dir
    name = _name(folder, git_dir)
    return Repository(source=str(folder), git_dir=str(git_dir), base_commit=commit, name=name, dirty_patch=dirty)


def _name(folder: Path, git_dir: Path) -> str:
    """Owner and name as the remote `origin` has them, else the folder's name."""
    origin = git("config", "--get", "remote.origin.url", git_dir=git_dir, allowed=(0, 1)).text
    if origin:
        try:
            parsed = parse_source(origin, server=DEFAULT_SERVER)
        except UsageError:
            parsed = None
        if isinstance(parsed, RemoteSource) and parsed.transport != "file":
            return parsed.name
    name = folder.parent.name if folder.name == ".git" else folder.name
    return name.removesuffix(".git") or "repository"


def _top(path: Path) -> Path | None:
    """The root of the work tree that holds a path; None in a bare repository or inside `.git`."""
    inside = git("rev-parse", "--is-inside-work-tree", cwd=path, allowed=(0, 128))
    if inside.status != 0 and "not a git repository" in inside.stderr:
        raise GitError(f"{path} is not in a git repository", inside.stderr)
    return Path(git("rev-parse", "--show-toplevel", cwd=path).text) if inside.text == "true" else None


def _commit(git_dir: Path, name: str) -> str | None:
    """The full hash of a commit by any of its names.

    Raises:
        UsageError: the commit is there, but not its tree.
    """
    found = git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", git_dir=git_dir, allowed=(0, 1, 128))
    if found.status:
        return None
    tree = git("cat-file", "-e", f"{found.text}^{{tree}}", git_dir=git_dir, allowed=(0, 1, 128))
    if tree.status:
        raise UsageError(
            f"the files of the commit {found.text} are not in {git_dir}",
            "if it is a partial clone, run `git fetch --refetch --no-filter` in it, else `git fsck`",
        )
    return found.text
