"""Trees of a repository on the host, without a work tree."""

import io
import os
import tarfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import SequenceMatcher

from sweagent.errors import UsageError
from sweagent.git import GitError
from sweagent.patch.apply import as_bytes, does_not_apply
from sweagent.repository.trusted import TrustedTree, trusted_tree
from sweagent.task import Repository
from sweagent.testing.file_kinds import FileKinds

LINK = 0o120000
_SUBMODULE = 0o160000


@dataclass(frozen=True)
class Entry:
    """A file of a tree: its git mode and the hash of its content."""

    mode: int
    blob: str


@dataclass(frozen=True)
class FileChange:
    """A path that is not the same in two trees; None stands for no file there."""

    path: str
    old: Entry | None
    new: Entry | None


@contextmanager
def open_trees(repository: Repository) -> Iterator["Trees"]:
    """Open the trees of a repository; what is made of them is gone when the context ends.

    Raises:
        UsageError: the base commit, or the uncommitted changes, are no longer there.
    """
    with trusted_tree(repository) as store:
        yield Trees(store)


class Trees:
    """The trees that can be made from the tree that the work started from (`base`).

    A tree never changes, so that git is asked once for its paths, for what differs between two, and for a file.
    """

    def __init__(self, store: TrustedTree) -> None:
        self._store = store
        self._paths: dict[str, tuple[str, ...]] = {}
        self._changes: dict[tuple[str, str], tuple[FileChange, ...]] = {}
        self._contents: dict[tuple[str, str], bytes | None] = {}
        self.base = store.tree

    def apply(self, patch: str, tree: str | None = None) -> str:
        """Return the tree that a patch makes of a tree (the base, unless said otherwise).

        Raises:
            UsageError: git refuses the patch, with git's own words.
        """
        self._git("read-tree", tree or self.base)
        try:
            self._git("apply", "--cached", "-", stdin=as_bytes(patch))
        except GitError as error:
            if "No valid patches" in error.stderr:
                raise UsageError(
                    "the patch does not apply: it contains no diff", "make it with `git diff --binary`"
                ) from error
            raise does_not_apply(error) from error
        return self._git("write-tree").decode().strip()

    def changes(self, old: str, new: str) -> tuple[FileChange, ...]:
        """The paths that differ between two trees; a rename is a deletion and an addition."""
        if (old, new) in self._changes:
            return self._changes[old, new]
        fields = self._git("diff-tree", "-r", "-z", "--no-renames", old, new).split(b"\0")
        changes = []
        for header, path in zip(fields[::2], fields[1::2], strict=False):
            old_mode, new_mode, old_blob, new_blob, _ = header.decode().lstrip(":").split()
            changes.append(FileChange(os.fsdecode(path), _entry(old_mode, old_blob), _entry(new_mode, new_blob)))
        return self._changes.setdefault((old, new), tuple(changes))

    def paths(self, tree: str) -> tuple[str, ...]:
        """All paths of a tree, in git's order."""
        if tree not in self._paths:
            names = self._git("ls-tree", "-r", "-z", "--name-only", tree).split(b"\0")
            self._paths[tree] = tuple(os.fsdecode(name) for name in names if name)
        return self._paths[tree]

    def read(self, tree: str, path: str) -> bytes | None:
        """The content of a file, or None when the tree has none of that name."""
        return self.read_many(tree, [path]).get(path)

    def read_many(self, tree: str, paths: Iterable[str]) -> dict[str, bytes]:
        """The contents of files by path; those that the tree lacks, or could not hold, are left out."""
        wanted = [path for path in paths if "\n" not in path and ".." not in path.split("/")]
        asked = [path for path in dict.fromkeys(wanted) if (tree, path) not in self._contents]
        names = b"".join(os.fsencode(f"{tree}:{path}") + b"\n" for path in asked)
        stream = io.BytesIO(self._git("cat-file", "--batch", stdin=names) if asked else b"")
        for path in asked:
            self._contents[tree, path] = _content(stream)
        found = ((path, self._contents[tree, path]) for path in wanted)
        return {path: content for path, content in found if content is not None}

    def mentioning(self, tree: str, word: str) -> list[str]:
        """The files of a tree, but for tests by their path, that have a word in them."""
        asked = ("grep", "-l", "-z", "-w", "-F", "-e", word, tree, "--", ".", ":(exclude,icase)*test*")
        names = self._store.git(*asked, allowed=(0, 1)).stdout.split(b"\0")
        return [os.fsdecode(name).partition(":")[2] for name in names if name]

    def archive(self, changes: Iterable[FileChange]) -> bytes:
        """A tar archive of the new side of changes, modes and symlinks kept; submodules are left out."""
        entries = [(change.path, change.new) for change in changes if change.new and change.new.mode != _SUBMODULE]
        contents = self._blobs([entry.blob for _, entry in entries])
        # Byte code of the base is told from stale byte code by time and size alone.
        now = int(time.time())
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for path, entry in entries:
                data = contents[entry.blob]
                member = tarfile.TarInfo(path)
                if entry.mode == LINK:
                    member.type, member.linkname = tarfile.SYMTYPE, os.fsdecode(data)
                    archive.addfile(member)
                else:
                    member.mode, member.size, member.mtime = entry.mode & 0o777, len(data), now
                    archive.addfile(member, io.BytesIO(data))
        return buffer.getvalue()

    def _blobs(self, hashes: list[str]) -> Mapping[str, bytes]:
        stream = io.BytesIO(self._git("cat-file", "--batch", stdin="".join(f"{name}\n" for name in hashes).encode()))
        contents = {}
        for name in hashes:
            size = int(stream.readline().split()[2])
            contents[name] = stream.read(size)
            stream.read(1)
        return contents

    def _git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        return self._store.git(*arguments, stdin=stdin).stdout


def added_lines(before: bytes, after: bytes) -> set[int]:
    """The lines of a file's new content that are added or changed, counted from 1."""
    blocks = SequenceMatcher(None, before.splitlines(), after.splitlines(), autojunk=False).get_opcodes()
    return {number + 1 for tag, _, _, start, end in blocks if tag != "equal" for number in range(start, end)}


def _content(stream: io.BytesIO) -> bytes | None:
    """The next answer of `git cat-file --batch`; None where there is no such file."""
    header = stream.readline().split()
    if header[-1:] == [b"missing"] or len(header) != 3:
        return None
    data = stream.read(int(header[2]))
    stream.read(1)
    return data if header[1] == b"blob" else None


def _entry(mode: str, blob: str) -> Entry | None:
    return Entry(int(mode, 8), blob) if int(mode, 8) else None


def kinds_of(trees: Trees, test_command: str = "") -> FileKinds:
    """What the files of the base tree are to its test runner."""
    return FileKinds(trees.paths(trees.base), lambda paths: trees.read_many(trees.base, paths), test_command)
