"""Read a commit's files from a git directory without a work tree."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sweagent.code.index.languages import is_source
from sweagent.git import GitError, git

_BATCH_BYTES = 32 << 20
_BATCH_BLOBS = 2000


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a commit.

    Attributes:
        path: relative to the repository's root.
        blob: git's id of its content.
        size: bytes.
    """

    path: str
    blob: str
    size: int


def tree_entries(git_dir: Path, commit: str) -> tuple[Entry, ...]:
    """List the regular files of a commit; those that a partial clone left out are not among them, nor fetched.

    Raises:
        GitError: there is no such commit, or a partial clone has none of its sources.
    """
    try:
        lines = _listed(git_dir, commit, "-l")
    except GitError as error:
        if "promisor" not in error.stderr:
            raise
        return _entries_of_partial_clone(git_dir, commit)
    # Git writes BAD for the size of a blob that the repository does not have.
    return tuple(Entry(path, blob, int(size)) for path, blob, size in lines if size.isdecimal())


def _listed(git_dir: Path, commit: str, *options: str) -> list[tuple[str, str, str]]:
    """The (path, blob, size) of the regular files; the size is empty unless `-l` is among the options."""
    output = git("ls-tree", "-r", "-z", "--full-tree", *options, commit, git_dir=git_dir).stdout
    listed = []
    for line in output.decode("utf-8", "surrogateescape").split("\0")[:-1]:
        about, _, path = line.partition("\t")
        mode, kind, blob, *size = about.split()
        if kind == "blob" and mode != "120000":
            listed.append((path, blob, "".join(size)))
    return listed


def _entries_of_partial_clone(git_dir: Path, commit: str) -> tuple[Entry, ...]:
    """What is there of a commit, found without asking for what is not: older git would want to fetch it."""
    try:
        listed = _listed(git_dir, commit)
        walked = git("rev-list", "--objects", "--no-walk", "--missing=print", commit, git_dir=git_dir).stdout
    except GitError as error:
        raise _left_out(git_dir, commit, error.stderr) from error
    missing = {line[1:].decode() for line in walked.splitlines() if line.startswith(b"?")}
    there = [(path, blob) for path, blob, _ in listed if blob not in missing]
    if not any(is_source(path) for path, _ in there):
        raise _left_out(git_dir, commit)
    asked = "".join(f"{blob}\n" for _, blob in there).encode()
    sizes = git("cat-file", "--batch-check=%(objectsize)", git_dir=git_dir, stdin=asked).stdout.split()
    return tuple(Entry(path, blob, int(size)) for (path, blob), size in zip(there, sizes, strict=True))


def _left_out(git_dir: Path, commit: str, stderr: str = "") -> GitError:
    return GitError(
        f"the partial clone {git_dir} does not have the files of {commit}",
        stderr,
        hint="run `git fetch --refetch --no-filter` in it",
    )


def read_blobs(git_dir: Path, entries: Iterable[Entry]) -> Iterator[tuple[str, bytes]]:
    """Yield (blob id, content) of files, a batch of bounded size at a time; missing blobs are left out.

    Raises:
        GitError: git cannot read the repository.
    """
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        batch.append(entry)
        size += entry.size
        if size >= _BATCH_BYTES or len(batch) >= _BATCH_BLOBS:
            yield from _read(git_dir, batch)
            batch, size = [], 0
    if batch:
        yield from _read(git_dir, batch)


def _read(git_dir: Path, batch: list[Entry]) -> Iterator[tuple[str, bytes]]:
    asked = "".join(f"{entry.blob}\n" for entry in batch).encode()
    output = git("cat-file", "--batch", git_dir=git_dir, stdin=asked).stdout
    position = 0
    while position < len(output):
        line_end = output.index(b"\n", position)
        fields = output[position:line_end].split()
        position = line_end + 1
        if len(fields) == 3 and fields[1] == b"blob":
            size = int(fields[2])
            yield fields[0].decode(), output[position : position + size]
            position += size + 1
