"""Extract the patch from a sandbox, whatever happened to `.git`.

The sandbox tells which files differ from the seed; their bytes are brought out, put into a trusted git directory on the
host, and git computes the diff there. The agent's own git directory is never read.
"""

import errno
import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sweagent.errors import SandboxError, StorageError
from sweagent.git import GitError
from sweagent.patch.classify import Consent, classify, refusal, shown
from sweagent.patch.compose import compose
from sweagent.patch.listing import Listing, WorkTree, list_work_tree
from sweagent.patch.model import ChangedFile, FileKind, Patch
from sweagent.repository import SeedFile, TrustedTree, make_seed, trusted_tree
from sweagent.task import Repository

MAX_FILES = 5_000
MAX_BYTES = 50 << 20


def untracked_files(sandbox: WorkTree, repository: Repository, *, cache_dir: Path | None = None) -> frozenset[str]:
    """What lies in a work tree beside the files of the repository: asked before the agent starts, the build's products.

    Args:
        sandbox: where the work tree is.
        repository: what it was seeded from.
        cache_dir: the cache's folder, as for `make_seed`.

    Raises:
        SandboxError: the sandbox is lost.
        UsageError: the base commit is no longer there.
    """
    base = make_seed(repository, cache_dir=cache_dir).files
    listing = list_work_tree(sandbox, base, contents=False) or Listing()
    return frozenset((*listing.files, *listing.links)) - base.keys()


def extract_patch(
    sandbox: WorkTree,
    repository: Repository,
    *,
    existing: Collection[str] = (),
    reproduction_paths: Iterable[str] = (),
    allow_tests: bool = False,
    allow_protected: bool = False,
    allow_binaries: bool = False,
    max_bytes: int = MAX_BYTES,
    max_files: int = MAX_FILES,
    cache_dir: Path | None = None,
) -> Patch:
    """Compute what the agent changed.

    Args:
        sandbox: where the work tree is.
        repository: what it was seeded from.
        existing: files that were there before the agent started, as `untracked_files` told; they are left out.
        reproduction_paths: files that were registered as reproductions; they are kept beside the patch, not in it.
        allow_tests: keep edits to tests.
        allow_protected: keep edits to workflows, lock files and the like.
        allow_binaries: keep binary files.
        max_bytes: more than this in changed files, and the patch is blocked.
        max_files: more changed files than this, and the patch is blocked.
        cache_dir: the cache's folder, as for `make_seed`.

    Returns:
        The patch; when it is blocked it has no text, says why, and holds what could be taken in `withheld`.

    Raises:
        SandboxError: the sandbox is lost, or too slow to give a file out.
        UsageError: the base commit is no longer there.
        StorageError: the host's disk is full.
    """
    base = make_seed(repository, cache_dir=cache_dir).files
    listing = list_work_tree(sandbox, base)
    if listing is None:
        return Patch(base_commit=repository.base_commit, text="", blocked="the work tree is gone")
    for path in existing:
        listing.files.pop(path, None)
        listing.links.pop(path, None)
    if listing.is_as(base):
        return Patch(base_commit=repository.base_commit, text="")
    consent = Consent(frozenset(reproduction_paths), allow_tests, allow_protected, allow_binaries)
    with trusted_tree(repository) as tree:
        taken = _Taking(sandbox, tree, base, listing, max_bytes, max_files).take()
        patch = compose(repository, tree, taken.reported, taken.blocked, consent)
        return patch.model_copy(update={"partial": patch.partial or taken.unseen})


@dataclass
class _Taken:
    """What came out of the sandbox.

    Attributes:
        reported: changes that are left out before any diff; no more of them than may be in a patch.
        blocked: why the patch is blocked.
        unseen: files that git ignores were made, and they are no caches.
    """

    reported: list[ChangedFile] = field(default_factory=list)
    blocked: str = ""
    unseen: bool = False


class _Taking:
    """Brings the changed files out and into the trusted index."""

    def __init__(
        self,
        sandbox: WorkTree,
        tree: TrustedTree,
        base: dict[str, SeedFile],
        listing: Listing,
        max_bytes: int,
        max_files: int,
    ) -> None:
        self._sandbox, self._tree, self._base, self._listing = sandbox, tree, base, listing
        self._left, self._max_bytes, self._max_files = max_bytes, max_bytes, max_files
        self._taken = _Taken()
        self._brought: set[str] = set()

    def take(self) -> _Taken:
        gone, changed = self._listing.compare(self._base)
        new = sorted(self._new())
        self._bring_ignore_files(gone, changed, new)
        ignored = self._ignored(new)
        self._taken.unseen = any(classify(path, "added").kind is not FileKind.CACHE for path in ignored)
        wanted = [path for path in new if path not in ignored and not self._is_left_out(path)]
        paths = [*changed, *wanted]
        count = len(gone) + len(paths)
        if count > self._max_files:
            self._taken.blocked = f"changed files: {count}, more than {self._max_files}"
        self._report_folders()
        brought = [path for path in paths[: self._max_files] if self._bring(path)]
        self._put_into_index(gone, brought)
        return self._taken

    def _new(self) -> Iterator[str]:
        """Paths that the base tree does not have, outside nested repositories and submodules."""
        folders = [path for path, file in self._base.items() if file.mode == "160000"]
        foreign = tuple(f"{folder}/" for folder in {*self._listing.repositories, *folders})
        for path in (*self._listing.files, *self._listing.links):
            if path not in self._base and not (foreign and path.startswith(foreign)):
                yield path

    def _bring_ignore_files(self, gone: list[str], changed: list[str], new: list[str]) -> None:
        """Lay out the tree's `.gitignore` files, as they are now, for git to read."""
        differing = {*gone, *changed}
        same = [path for path in self._base if path.endswith(".gitignore") and path not in differing]
        names = b"".join(os.fsencode(path) + b"\0" for path in same)
        self._tree.git("checkout-index", "--force", "-z", "--stdin", stdin=names)
        for path in (*changed, *new):
            if path.endswith(".gitignore") and path in self._listing.files and refusal(path) is None:
                self._bring(path)

    def _ignored(self, new: list[str]) -> set[str]:
        asked = b"".join(os.fsencode(path) + b"\0" for path in new if refusal(path) is None)
        if not asked:
            return set()
        done = self._tree.git("check-ignore", "--no-index", "-z", "--stdin", stdin=asked, allowed=(0, 1))
        return {os.fsdecode(name) for name in done.stdout.split(b"\0") if name}

    def _is_left_out(self, path: str) -> bool:
        """Report a new path whose name alone says that it is not taken."""
        reason = refusal(path, self._listing.links.get(path))
        if reason is not None:
            self._report(path, FileKind.REFUSED, reason)
            return True
        found = classify(path, "added")
        if found.kind is FileKind.CACHE:
            self._report(path, FileKind.CACHE, found.reason)
            return True
        return False

    def _report_folders(self) -> None:
        for path in self._listing.repositories:
            self._report(path, FileKind.REFUSED, "a nested Git repository")
        for path in self._listing.special:
            self._report(path, FileKind.REFUSED, "a device, pipe or socket")
        for path in self._listing.unreadable:
            self._report(path, FileKind.REFUSED, "the folder cannot be read")
        ignored = self._ignored([f"{path}/x" for path in self._listing.skipped])
        for path in self._listing.skipped:
            if f"{path}/x" not in ignored:
                self._report(path, FileKind.CACHE, "a folder that tools fill")

    def _report(self, path: str, kind: FileKind, reason: str) -> None:
        if len(self._taken.reported) < self._max_files:
            self._taken.reported.append(
                ChangedFile(path=shown(path), change="added", kind=kind, kept=False, reason=reason)
            )

    def _bring(self, path: str) -> bool:
        """Write a path's content below the trusted work tree; False when it stays out."""
        if path in self._brought:
            return True
        link = self._listing.links.get(path)
        reason = refusal(path, link)
        try:
            content = self._content(path) if reason is None and link is None else b""
        except TimeoutError as error:
            # Left out it would be lost; a busy engine is asked again later.
            raise SandboxError(f"{shown(path)} could not be read in time", "go on with `fix-issue resume`") from error
        except OSError as error:
            reason = f"cannot be read: {error.strerror or error}"
        if reason is not None:
            self._report(path, FileKind.REFUSED, reason)
            return False
        if content is None:
            return False
        try:
            self._write(path, link, content)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageError(f"the patch cannot be taken: {error}", "free some space in $TMPDIR") from error
            self._report(path, FileKind.REFUSED, f"cannot be copied: {error.strerror}")
            return False
        self._brought.add(path)
        return True

    def _content(self, path: str) -> bytes | None:
        """A file's content; None when there is no room for it any more."""
        if self._left < 0:
            return None
        content = self._sandbox.read(f"{self._sandbox.workdir}/{path}", limit=self._left + 1)
        self._left -= len(content)
        if self._left < 0:
            self._taken.blocked = f"the changed files hold more than {self._max_bytes} bytes"
            return None
        return content

    def _write(self, path: str, link: str | None, content: bytes) -> None:
        target = self._tree.work_tree / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if link is not None:
            target.symlink_to(link)
        else:
            target.write_bytes(content)
            target.chmod(0o755 if self._listing.files[path] else 0o644)

    def _put_into_index(self, gone: list[str], brought: list[str]) -> None:
        self._update_index("--force-remove", gone)
        try:
            self._update_index("--add --replace", brought)
        except GitError:
            for path in brought:
                try:
                    self._update_index("--add --replace", [path])
                except GitError as error:
                    self._report(path, FileKind.REFUSED, f"git refuses it: {error}")

    def _update_index(self, options: str, paths: list[str]) -> None:
        names = b"".join(os.fsencode(path) + b"\0" for path in paths)
        if names:
            self._tree.git("update-index", *options.split(), "-z", "--stdin", stdin=names)
