"""Keep bare copies of remote repositories in the cache."""

import hashlib
import re
from pathlib import Path

from sweagent.errors import ForgeError, UnknownRepositoryError, UsageError
from sweagent.file_lock import locked
from sweagent.git import GitError, git
from sweagent.proxies import HINT as PROXY_HINT
from sweagent.proxies import refusal_in
from sweagent.repository.git_address import parse_git_address
from sweagent.repository.source import RemoteSource

_FETCH_SECONDS = 3600.0
_FULL_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
# git asks it for the password; the token is only in the environment of this one process.
_HELPER = '!f() { test "$1" = get && echo "username=$FIX_ISSUE_USER" && echo "password=$FIX_ISSUE_PASSWORD"; }; f'


def fetch_remote(source: RemoteSource, *, base: str | None, cache_dir: Path, token: str | None) -> tuple[Path, str]:
    """Bring a remote repository into the cache, or what is new of it.

    A base that is a full hash and is there already needs no network.

    Args:
        source: which one.
        base: a commit, tag or branch; None takes the remote's default branch.
        cache_dir: the cache's folder.
        token: for the source's own host.

    Returns:
        The bare git directory and the base commit's full hash.

    Raises:
        ForgeError: the remote refused or cannot be reached.
        UsageError: it is empty, or it has no such base.
    """
    key = hashlib.sha256(source.url.encode()).hexdigest()[:16]
    slug = re.sub(r"[^\w.-]+", "__", source.name)[-60:]
    git_dir = cache_dir / "repositories" / f"{slug}-{key}.git"
    with locked(git_dir.with_suffix(".lock")):
        if not (git_dir / "HEAD").exists():
            git("init", "--quiet", "--bare", "--initial-branch=main", git_dir)
        if base is None or not _FULL_HASH.fullmatch(base) or _resolve(git_dir, base) is None:
            _update(source, git_dir, base, token)
        commit = _resolve(git_dir, base or "FIX_ISSUE_DEFAULT")
    if commit is None:
        wanted = f"there is no commit {base} in {source.url}" if base else f"{source.url} has no commit"
        raise UsageError(wanted, "give a commit, tag or branch that the remote has")
    return git_dir, commit


def _update(source: RemoteSource, git_dir: Path, base: str | None, token: str | None) -> None:
    refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
    try:
        _talk(source, git_dir, token, "fetch", "--quiet", "--prune", "--no-tags", "--force", source.url, *refs)
        head = _talk(source, git_dir, token, "ls-remote", source.url, "HEAD").split()
    except GitError as error:
        raise _explained(source, error) from error
    if head:
        git("update-ref", "--no-deref", "FIX_ISSUE_DEFAULT", head[0], git_dir=git_dir)
    if base and _FULL_HASH.fullmatch(base) and _resolve(git_dir, base) is None:
        # A commit that no branch holds, of a pull request say: most servers give it when asked by name.
        try:
            _talk(source, git_dir, token, "fetch", "--quiet", "--no-tags", source.url, f"{base}:refs/fix-issue/{base}")
        except GitError as error:
            raise UsageError(
                f"there is no commit {base} in {source.url}", "give a commit, tag or branch that the remote has"
            ) from error


def _talk(source: RemoteSource, git_dir: Path, token: str | None, *arguments: str) -> str:
    password = source.password or token or ""
    config, env = {}, {}
    if password and source.transport in ("http", "https"):
        config = {f"credential.{source.transport}://{_place(source)}.helper": _HELPER}
        env = {"FIX_ISSUE_USER": source.user or "x-access-token", "FIX_ISSUE_PASSWORD": password}
    done = git(
        *arguments, git_dir=git_dir, transports=(source.transport,), config=config, env=env, timeout=_FETCH_SECONDS
    )
    return done.text


def _place(source: RemoteSource) -> str:
    """The host with its port."""
    address = parse_git_address(source.url)
    return address.place if address else ""


def _resolve(git_dir: Path, name: str) -> str | None:
    done = git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", git_dir=git_dir, allowed=(0, 1, 128))
    return done.text if done.status == 0 else None


def _explained(source: RemoteSource, error: GitError) -> ForgeError:
    if refusal := refusal_in(error.stderr):
        return ForgeError(refusal.describe(_place(source) or source.url), PROXY_HINT)
    said = error.stderr.lower()
    if any(word in said for word in ("authentication", "could not read username", "403", "permission denied")):
        return ForgeError(f"{source.url} refused access", "give a token that may read the repository")
    if any(word in said for word in ("not found", "does not exist", "does not appear to be a git repository")):
        return UnknownRepositoryError(
            f"there is no repository at {source.url}",
            f"check the name; a private one needs a token; a folder is given as ./{source.name}, or by its whole path",
        )
    return ForgeError(f"{source.url} cannot be fetched: {error}", "check the URL and the network")
