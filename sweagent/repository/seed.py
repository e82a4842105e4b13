"""Make the sandbox's copy: base commit, some history, no future."""

import hashlib
import io
import json
import os
import shutil
import stat
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sweagent.errors import StorageError, UsageError
from sweagent.file_lock import locked
from sweagent.git import GitError, git
from sweagent.repository.intake import default_cache_dir
from sweagent.repository.trusted import object_format
from sweagent.task import Repository

DEFAULT_HISTORY = 50
"""Commits behind the base that the agent may look at. All of them cost seconds and hundreds of megabytes in large
repositories (20 s and 202 MB for sympy, where 50 cost 3 s and 13 MB)."""

CACHE_BYTES = 4 << 30
"""How much the cached seeds may take together; the ones not used for longest go first."""

_FORMAT = 3
_ABANDONED_SECONDS = 24 * 3600
"""A seed that is still being made after this long belongs to a process that was killed."""
_UPLOAD_PACK = f"GIT_GRAFT_FILE={os.devnull}/none git-upload-pack"
"""The other side of a local fetch; git does not hand on to it that grafts are not to be followed."""
_NAME, _EMAIL = "fix-issue", "fix-issue@localhost"


@dataclass(frozen=True)
class SeedFile:
    """One entry of the start tree as it lies in the work tree.

    Attributes:
        mode: `100644`, `100755`, `120000` for a symbolic link, `160000` for a submodule.
        digest: SHA-256 of the file's bytes (not of git's blob), the link's target, or the submodule's commit.
    """

    mode: str
    digest: str


@dataclass(frozen=True)
class Seed:
    """A seed in the cache.

    Attributes:
        archive: the tar file.
        files: every tracked path with what lies there; names are decoded by `os.fsdecode`.
    """

    archive: Path
    files: dict[str, SeedFile]

    @property
    def submodules(self) -> tuple[str, ...]:
        """Paths of submodules, which are empty folders in the seed."""
        return tuple(path for path, file in self.files.items() if file.mode == "160000")


def seed_archive(
    repository: Repository, *, cache_dir: Path | None = None, history: int | None = DEFAULT_HISTORY
) -> bytes:
    """The seed as a tar archive, for `Sandbox.put_tree`. Arguments and errors are those of `make_seed`."""
    return make_seed(repository, cache_dir=cache_dir, history=history).archive.read_bytes()


def make_seed(repository: Repository, *, cache_dir: Path | None = None, history: int | None = DEFAULT_HISTORY) -> Seed:
    """Make the seed of a repository, or find it in the cache.

    The archive holds the work tree and a fresh `.git` with the branch `main` at the base commit: no remotes, no tags,
    no other branches, no reflog. Uncommitted changes that the user asked to include are one commit on top of it.
    Filters (LFS too) do not run and submodules are not fetched.

    Args:
        repository: which one, at which commit.
        cache_dir: the cache's folder; None takes `default_cache_dir()`.
        history: how many commits of history to give along; None for all of them.

    Raises:
        UsageError: the base commit is no longer there.
        StorageError: the cache cannot be written.
    """
    identity = json.dumps([_FORMAT, repository.base_commit, repository.dirty_patch, history])
    key = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    folder = (cache_dir or default_cache_dir()) / "seeds"
    archive, listing = folder / f"{key}.tar", folder / f"{key}.json"
    with locked(folder / f"{key}.lock"):
        try:
            if not (archive.exists() and listing.exists()):
                _build(repository, history, archive, listing)
                _prune(folder, keep=key)
            os.utime(archive)
            entries = json.loads(listing.read_text("ascii"))
        except OSError as error:
            raise StorageError(
                f"the repository's copy cannot be written: {error}", "free some disk space, or choose another cache"
            ) from error
    return Seed(archive, {path: SeedFile(*entry) for path, entry in entries.items()})


def _build(repository: Repository, history: int | None, archive: Path, listing: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="building-", dir=archive.parent) as folder:
        tree, tar, entries = Path(folder, "tree"), Path(folder, "seed.tar"), Path(folder, "seed.json")
        try:
            date = _check_out(repository, tree, history)
        except GitError as error:
            raise UsageError(
                f"the base commit {repository.base_commit} cannot be copied: {error}",
                "a shallow or partial clone may lack it: fetch it in full",
            ) from error
        files = _describe(tree)
        _pack(tree, tar, date)
        entries.write_text(json.dumps({path: [file.mode, file.digest] for path, file in files.items()}), "ascii")
        tar.replace(archive)
        entries.replace(listing)


def _check_out(repository: Repository, tree: Path, history: int | None) -> int:
    """Make the work tree with its `.git`; the date of the base commit, in seconds, is the date of all files."""
    git_dir, base = tree / ".git", repository.base_commit
    depth = ["--update-shallow"] if history is None else [f"--depth={history}"]
    quiet = {"core.logAllRefUpdates": "false"}
    kind = f"--object-format={object_format(base)}"
    git("init", "--quiet", "--initial-branch=main", "--template=", kind, tree)
    source = Path(repository.git_dir).resolve()
    options = (
        "--quiet",
        "--no-tags",
        "--no-write-fetch-head",
        "--no-recurse-submodules",
        *depth,
        f"--upload-pack={_UPLOAD_PACK}",
    )
    git("fetch", *options, source, base, git_dir=git_dir, transports=("file",), timeout=1800)
    git("update-ref", "refs/heads/main", base, git_dir=git_dir, config=quiet)
    git("read-tree", "-m", "-u", base, git_dir=git_dir, work_tree=tree, timeout=600)
    date = int(git("show", "--no-patch", "--format=%ct", base, git_dir=git_dir).text)
    date = max(0, min(date, int(time.time()) - 60))
    if repository.dirty_patch:
        patch = repository.dirty_patch.encode("utf-8", "surrogateescape")
        git("apply", "--index", "-", git_dir=git_dir, work_tree=tree, stdin=patch)
        _commit_changes(git_dir, base, date)
    # With these, git in the sandbox believes the index although inode numbers and change times are new there.
    settings = {"user.name": _NAME, "user.email": _EMAIL, "core.checkStat": "minimal", "core.trustctime": "false"}
    for name, value in settings.items():
        git("config", name, value, git_dir=git_dir)
    for path in _walk(tree):
        if ".git" not in path.relative_to(tree).parts[:1]:
            os.utime(path, (date, date), follow_symlinks=False)
    git("update-index", "-q", "--refresh", git_dir=git_dir, work_tree=tree, allowed=(0, 1))
    return date


def _commit_changes(git_dir: Path, base: str, date: int) -> None:
    who = {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", _NAME), ("EMAIL", _EMAIL), ("DATE", f"{date} +0000"))
    }
    changes = git("write-tree", git_dir=git_dir).text
    message = b"Uncommitted changes of the user\n"
    commit = git("commit-tree", changes, "-p", base, git_dir=git_dir, stdin=message, env=who).text
    git("update-ref", "refs/heads/main", commit, git_dir=git_dir, config={"core.logAllRefUpdates": "false"})


def _describe(tree: Path) -> dict[str, SeedFile]:
    entries = git("ls-files", "--stage", "-z", git_dir=tree / ".git", work_tree=tree).stdout
    files = {}
    for entry in entries.split(b"\0")[:-1]:
        head, _, name = entry.partition(b"\t")
        mode, blob, _ = head.decode("ascii").split(" ")
        path = tree / os.fsdecode(name)
        if mode == "160000":
            digest = blob
        elif mode == "120000":
            digest = os.readlink(path)
        else:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        files[os.fsdecode(name)] = SeedFile(mode, digest)
    return files


def _pack(tree: Path, tar: Path, date: int) -> None:
    with tarfile.open(tar, "w", format=tarfile.GNU_FORMAT, encoding="utf-8", errors="surrogateescape") as archive:
        for path in _walk(tree):
            status = path.lstat()
            info = tarfile.TarInfo(str(path.relative_to(tree)))
            info.mtime = date
            info.mode = 0o755 if status.st_mode & stat.S_IXUSR else 0o644
            if stat.S_ISDIR(status.st_mode):
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(info)
            elif stat.S_ISLNK(status.st_mode):
                info.type, info.linkname, info.mode = tarfile.SYMTYPE, os.readlink(path), 0o777
                archive.addfile(info)
            else:
                content = path.read_bytes()
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))


def _walk(tree: Path) -> Iterator[Path]:
    """Everything below a folder, folders before what they hold, in the order of names."""
    for folder, folders, files in os.walk(tree):
        folders.sort()
        for name in sorted([*folders, *files]):
            yield Path(folder, name)


def _prune(folder: Path, *, keep: str) -> None:
    for left in folder.glob("building-*"):
        if time.time() - left.stat().st_mtime > _ABANDONED_SECONDS:
            shutil.rmtree(left, ignore_errors=True)
    archives = sorted(folder.glob("*.tar"), key=lambda path: path.stat().st_mtime, reverse=True)
    total = 0
    for archive in archives:
        total += archive.stat().st_size
        if total > CACHE_BYTES and archive.stem != keep:
            archive.with_suffix(".json").unlink(missing_ok=True)
            archive.unlink(missing_ok=True)
