"""The files of a commit, read from a git directory without a work tree."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sweagent.git import git

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
    """List the regular files of a commit.

    Raises:
        GitError: there is no such commit.
    """
    listed = git("ls-tree", "-r", "-z", "-l", "--full-tree", commit, git_dir=git_dir).stdout
    entries: list[Entry] = []
    for line in listed.decode("utf-8", "surrogateescape").split("\0"):
        about, _, path = line.partition("\t")
        fields = about.split()
        # Git writes BAD for the size of a blob that the repository does not have.
        if len(fields) == 4 and fields[1] == "blob" and fields[0] != "120000" and fields[3].isdecimal():
            entries.append(Entry(path, fields[2], int(fields[3])))
    return tuple(entries)


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
