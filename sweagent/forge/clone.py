"""Bare temporary clone in which commits are made."""

import base64
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self

from sweagent.errors import ForgeError
from sweagent.forge.api.protocol import Remote, TreeEntry
from sweagent.forge.git_refusals import PushRefusedError, explained, may_pass, reason_of, words_of
from sweagent.forge.rules import Change
from sweagent.git import GitDone, GitError, git
from sweagent.repository.git_address import parse_git_address
from sweagent.waiting import wait_aloud

COMMITTER = "fix-issue"
COMMITTER_EMAIL = "noreply@fix-issue.invalid"
"""`.invalid` belongs to nobody (RFC 2606)."""
_OURSELVES = {"NAME": COMMITTER, "EMAIL": COMMITTER_EMAIL}
FETCH_TIMEOUT = 1800.0
"""Seconds."""
_ATTEMPTS = 3


class CleanClone(AbstractContextManager["CleanClone"]):
    """A temporary bare repository that fetches from and pushes to one remote.

    Args:
        remote: where the repository is.
        token: for the remote; handed to git in its environment, never on the command line or in a URL.
        sleep: waits between attempts; a stand-in for tests.
    """

    def __init__(self, remote: Remote, token: str | None, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.remote = remote
        self._token = token
        self._sleep = sleep

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="fix-issue-clone-")
        self._git_dir = Path(self._folder.name) / "repository.git"
        git("init", "--quiet", "--bare", "--template=", self._git_dir)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._folder.cleanup()

    def branches(self, stem: str = "", remote: Remote | None = None) -> dict[str, str]:
        """The branches of the remote (or another one) whose names begin with a stem, and their commits.

        Raises:
            ForgeError: the remote cannot be read.
        """
        found = self.references(f"refs/heads/{stem}", remote)
        return {name.removeprefix("refs/heads/"): commit for name, commit in found.items()}

    def references(self, stem: str, remote: Remote | None = None) -> dict[str, str]:
        """The refs of the remote (or another one) whose full names begin with a stem, and what they point to.

        Raises:
            ForgeError: the remote cannot be read.
        """
        remote = remote or self.remote
        done = self._network(remote, "ls-remote", remote.url, f"{stem}*")
        lines = (line.split("\t", 1) for line in done.text.splitlines())
        return {name: commit for commit, name in lines if name.startswith(stem)}

    def head(self) -> str:
        """The branch that the remote's HEAD points to; `main` when it does not tell."""
        done = self._network(self.remote, "ls-remote", "--symref", self.remote.url, "HEAD")
        first = done.text.partition("\t")[0]
        return first.removeprefix("ref: refs/heads/") if first.startswith("ref: refs/heads/") else "main"

    def fetch(self, branch: str, remote: Remote | None = None) -> str:
        """Fetch a branch of the remote (or another one) with its history.

        Returns:
            its commit.

        Raises:
            ForgeError: there is no such branch, or the remote cannot be read.
        """
        return self.fetch_reference(f"refs/heads/{branch}", remote)

    def fetch_reference(self, reference: str, remote: Remote | None = None) -> str:
        """Fetch any ref by its full name; see `fetch`."""
        remote = remote or self.remote
        local = f"refs/fetched/{reference.removeprefix('refs/')}"
        self._network(remote, "fetch", "--no-tags", "--quiet", remote.url, f"+{reference}:{local}")
        return self._git("rev-parse", local).text

    def read(self, commit: str, path: str, limit: int) -> bytes:
        """A file of a commit; empty when it is missing or larger than a limit."""
        size = self._git("cat-file", "-s", f"{commit}:{path}", allowed=(0, 128))
        if size.status or int(size.text) > limit:
            return b""
        return self._git("cat-file", "blob", f"{commit}:{path}").stdout

    def file_commit(self, path: str, content: bytes, parent: str | None, message: str) -> str:
        """Make a commit that holds one file and nothing else.

        Returns:
            its hash.
        """
        blob = self._git("hash-object", "-w", "--stdin", stdin=content).text
        tree = self._git("mktree", stdin=f"100644 blob {blob}\t{path}\n".encode()).text
        env = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in _OURSELVES.items()}
        parents = ("-p", parent) if parent else ()
        return self._git("commit-tree", tree, *parents, "-F", "-", stdin=message.encode(), env=env).text

    def has(self, commit: str) -> bool:
        """Whether a commit is here."""
        return self._git("cat-file", "-e", f"{commit}^{{commit}}", allowed=(0, 1, 128)).status == 0

    def is_ancestor(self, commit: str, of: str) -> bool:
        """Whether a commit is in the history of another."""
        if not self.has(commit):
            return False
        return self._git("merge-base", "--is-ancestor", commit, of, allowed=(0, 1)).status == 0

    def count(self, start: str, end: str) -> int:
        """How many commits lead from one to another."""
        return int(self._git("rev-list", "--count", f"{start}..{end}").text)

    def tree(self, commit: str) -> str:
        """The tree of a commit."""
        return self._git("rev-parse", f"{commit}^{{tree}}").text

    def parents(self, commit: str) -> list[str]:
        """The parents of a commit."""
        return self._git("rev-parse", f"{commit}^@").text.split()

    def apply(self, patch: bytes, commit: str) -> str:
        """Apply a patch to the tree of a commit, in an index of its own.

        Returns:
            the new tree.

        Raises:
            ForgeError: the patch does not apply there, or it is no patch.
        """
        index = Path(self._folder.name) / "index"
        index.unlink(missing_ok=True)
        self._git("read-tree", commit, index=index)
        try:
            self._git("apply", "--cached", "--whitespace=nowarn", "-", index=index, stdin=patch)
        except GitError as error:
            raise ForgeError(
                f"the patch does not apply to {commit[:12]}: {error.reason}",
                "run fix-issue again on the current state of the branch",
            ) from error
        return self._git("write-tree", index=index).text

    def changes(self, old: str, new: str) -> tuple[Change, ...]:
        """What differs between two trees, as git sees it. A rename is a deletion and an addition."""
        arguments = ("diff-tree", "-r", "-z", "--no-renames", old, new)
        raw = self._git(*arguments, "--raw").stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]
        counts = self._git(*arguments, "--numstat").stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]
        numbers = {path: (added, removed) for added, removed, path in (line.split("\t", 2) for line in counts)}
        changes = []
        for modes, path in zip(raw[::2], raw[1::2], strict=True):
            old_mode, new_mode, *_ = modes.removeprefix(":").split(" ")
            added, removed = numbers.get(path, ("0", "0"))
            changes.append(
                Change(
                    path=path,
                    old_mode=old_mode,
                    new_mode=new_mode,
                    binary=added == "-",
                    added=int(added) if added != "-" else 0,
                    removed=int(removed) if removed != "-" else 0,
                )
            )
        return tuple(changes)

    def diff(self, old: str, new: str) -> bytes:
        """The difference of two trees as text, binary files included."""
        return self._git("diff-tree", "-r", "-p", "--no-renames", "--no-textconv", "--no-ext-diff", old, new).stdout

    def patch(self, old: str, new: str) -> bytes:
        """The difference of two trees as `git apply` takes it."""
        options = ("--binary", "--full-index", "--no-renames", "--no-textconv", "--no-ext-diff")
        return self._git("diff-tree", "-r", "-p", *options, old, new).stdout

    def commit(self, tree: str, parent: str, message: str, author: str = "") -> str:
        """Make a commit, which gets the same hash whenever it is made of the same parts.

        Args:
            tree: what it holds.
            parent: the commit before it.
            message: its message.
            author: `Name <address>`; empty for ourselves.

        Returns:
            its hash.
        """
        when = self._git("show", "--no-patch", "--format=%ct", parent).text
        name, _, email = author.rstrip(">").partition(" <")
        person = {**({"NAME": name, "EMAIL": email} if author else _OURSELVES), "DATE": f"{when} +0000"}
        env = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in person.items()}
        message_bytes = message.encode("utf-8", "replace")
        return self._git("commit-tree", tree, "-p", parent, "-F", "-", stdin=message_bytes, env=env).text

    def entries(self, old: str, new: str) -> list[TreeEntry]:
        """What must be put into one tree to make it another."""
        found = []
        for change in self.changes(old, new):
            gone = change.new_mode == "000000"
            content = None if gone else self._git("cat-file", "blob", f"{new}:{change.path}").stdout
            found.append(
                TreeEntry(path=change.path, mode=change.old_mode if gone else change.new_mode, content=content)
            )
        return found

    def delete_reference(self, reference: str, remote: Remote | None = None) -> None:
        """Delete a ref of the remote by its full name.

        Raises:
            ForgeError: the remote cannot be reached.
        """
        remote = remote or self.remote
        self._network(remote, "push", "--porcelain", "--no-verify", remote.url, f":{reference}", allowed=(0, 1))

    def conflicts(self, one: str, other: str) -> list[str] | None:
        """The files that conflict when two commits are merged; None when this git cannot tell."""
        done = self._git("merge-tree", "--write-tree", "--name-only", one, other, allowed=(0, 1, 128, 129))
        if done.status > 1:
            return None
        lines = done.text.split("\n\n")[0].splitlines()[1:]
        return sorted(set(lines)) if done.status == 1 else []

    def push(self, commit: str, branch: str, *, expected: str | None, remote: Remote | None = None) -> None:
        """Push a commit to a branch.

        Args:
            commit: what to push.
            branch: where to.
            expected: the commit that the branch must have now; None when it must not exist.
            remote: where to, when it is not the remote that was cloned.

        Raises:
            PushRefusedError: the remote refuses it, or the branch is not where it is expected.
            ForgeError: the remote cannot be reached.
        """
        self.push_reference(commit, f"refs/heads/{branch}", expected=expected, remote=remote)

    def push_reference(
        self, commit: str, reference: str, *, expected: str | None, remote: Remote | None = None
    ) -> None:
        """Push to any ref by its full name; see `push`."""
        lease = f"--force-with-lease={reference}:{expected or ''}"
        remote = remote or self.remote
        done = self._network(
            remote, "push", "--porcelain", "--no-verify", lease, remote.url, f"{commit}:{reference}", allowed=(0, 1)
        )
        if done.status == 0 or self.references(reference, remote).get(reference) == commit:
            return
        said = " · ".join(words_of(done.text, done.stderr))
        raise PushRefusedError(reason_of(said), said[:500])

    def _git(
        self,
        *arguments: str | Path,
        index: Path | None = None,
        stdin: bytes = b"",
        env: dict[str, str] | None = None,
        allowed: Iterable[int] = (0,),
    ) -> GitDone:
        return git(*arguments, git_dir=self._git_dir, index=index, stdin=stdin, env=env, allowed=allowed)

    def _network(self, remote: Remote, *arguments: str, allowed: Iterable[int] = (0,)) -> GitDone:
        """Run git with a remote, and repeat what failed for a passing reason; a push is safe to repeat by its lease."""
        import tenacity

        transports, config = _access(remote, self._token)
        why = ""

        def once() -> GitDone:
            return git(
                *arguments,
                git_dir=self._git_dir,
                transports=transports,
                config=config,
                allowed=allowed,
                timeout=FETCH_TIMEOUT,
            )

        def explain(state: tenacity.RetryCallState) -> None:
            nonlocal why
            error = state.outcome.exception() if state.outcome else None
            why = f"git {arguments[0]} failed: {error.reason if isinstance(error, GitError) else error}"

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(may_pass),
            stop=tenacity.stop_after_attempt(_ATTEMPTS),
            wait=tenacity.wait_exponential(multiplier=2),
            before_sleep=explain,
            sleep=lambda seconds: wait_aloud(seconds, why, self._sleep),
            reraise=True,
        )
        try:
            return retrying(once)
        except GitError as error:
            raise explained(arguments[0], remote, error) from error


def _access(remote: Remote, token: str | None) -> tuple[tuple[str, ...], dict[str, str]]:
    """The transport that a remote needs, and the configuration with which git proves who it is."""
    if remote.url.startswith("-") or not remote.url.isprintable():
        raise ForgeError(f"{remote.url!r} is not a remote to push to", "give an https:// URL or a path")
    address = parse_git_address(remote.url)
    if address is None and "://" not in remote.url:
        return ("file",), {}
    if address is None or address.transport not in {"https", "http", "file", "ssh"}:
        raise ForgeError(f"{remote.url} is not a remote to push to", "give an https:// URL or a path")
    if not address.transport.startswith("http"):
        return (address.transport,), {}
    config = {"http.emptyAuth": "false"}
    if token and remote.token_user:
        if address.transport == "http" and address.host not in {"127.0.0.1", "::1", "localhost"}:
            raise ForgeError(f"{remote.url} would send the token in the clear", "use an https:// URL")
        credentials = base64.b64encode(f"{remote.token_user}:{token}".encode()).decode()
        config[f"http.{address.transport}://{address.place}/.extraHeader"] = f"Authorization: Basic {credentials}"
        config["http.followRedirects"] = "false"  # git would take the header along to another host
    return (address.transport,), config
