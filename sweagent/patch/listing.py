"""List the sandbox's work tree with a POSIX shell alone.

Nothing there is asked of git: the agent may have changed `.git`, and git on the host must not read it. The names come
from the shell's own patterns, so that neither `find` nor any line format stands between a name with a newline and us.
"""

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Protocol

from sweagent.errors import SandboxError
from sweagent.path_kinds import HEAVY_FOLDERS
from sweagent.repository import SeedFile

SECONDS = 300.0
"""How long one look at the work tree may take."""


_BATCH_BYTES = 100_000
_ESCAPES = {b"\\n": b"\n", b"\\r": b"\r", b"\\\\": b"\\"}


class Ended(Protocol):
    """How a command ended."""

    @property
    def exit_code(self) -> int | None:
        """None when it was ended at its deadline."""

    @property
    def output(self) -> str:
        """What it wrote."""


class WorkTree(Protocol):
    """What is needed of a sandbox; every `Sandbox` is one."""

    @property
    def workdir(self) -> str:
        """The absolute path of the work tree."""

    def run(self, command: str, *, timeout: float | None = None, fresh: bool = False) -> Ended:
        """Run a shell command."""

    def read(self, path: str, *, limit: int | None = None) -> bytes:
        """Return the content of a file, at most `limit` bytes."""

    def write(self, path: str, data: bytes) -> None:
        """Write a file."""


@dataclass(frozen=True)
class Listing:
    """The work tree's state. Paths are decoded by `os.fsdecode`.

    Attributes:
        files: regular files; True for executable ones.
        links: symbolic links with their targets.
        digests: SHA-256 of the content of those regular files that the base tree has.
        repositories: folders, other than the root, that hold a `.git`.
        skipped: folders of `HEAVY_FOLDERS` that were not looked into.
        unreadable: folders that cannot be looked into.
        special: devices, pipes and sockets.
    """

    files: dict[str, bool] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    repositories: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    special: list[str] = field(default_factory=list)

    def compare(self, base: Mapping[str, SeedFile]) -> tuple[list[str], list[str]]:
        """The paths of the base tree that are gone, and those that differ."""
        gone, changed = [], []
        blind = tuple(f"{folder}/" for folder in self.unreadable)
        special = set(self.special)
        for path, file in base.items():
            if file.mode == "160000" or path in special:
                continue
            if path in self.files:
                mode = "100755" if self.files[path] else "100644"
                if mode != file.mode or self.digests.get(path) != file.digest:
                    changed.append(path)
            elif path in self.links:
                if file.mode != "120000" or self.links[path] != file.digest:
                    changed.append(path)
            elif not (blind and path.startswith(blind)):
                gone.append(path)
        return gone, changed

    def is_as(self, base: Mapping[str, SeedFile]) -> bool:
        """Whether nothing was changed, and nothing new needs to be looked at or reported."""
        odd = (*self.repositories, *self.skipped, *self.unreadable, *self.special)
        new = any(path not in base for path in (*self.files, *self.links))
        return not odd and not new and self.compare(base) == ([], [])


def list_work_tree(tree: WorkTree, base: Mapping[str, SeedFile], *, contents: bool = True) -> Listing | None:
    """Look at the work tree.

    Args:
        tree: the sandbox.
        base: the files that the work started from.
        contents: look into files and links too; without, the names are all that is told.

    Returns:
        The listing, or None when the work tree's folder is gone.

    Raises:
        SandboxError: the sandbox is lost, or is so broken that its shell cannot list files.
    """
    tracked_parts = {part for path in base for part in path.split("/")[:-1]}
    heavy = [name for name in HEAVY_FOLDERS if name not in tracked_parts] or ["/"]
    with _scratch_folder(tree) as folder:
        script = _walk().replace("@HEAVY@", "|".join(heavy))
        done = _run(tree, f"sh -c {shlex.quote(script)} walk {shlex.quote(tree.workdir)} {folder}")
        if done.exit_code == 3:
            return None
        if done.exit_code != 0:
            raise _broken(done)
        listing = _sorted_out(tree.read(f"{folder}/names"))
        links = list(listing.links)
        if not contents:
            return listing
        hashed = [path for path in listing.files if path in base and base[path].mode.startswith("100")]
        if hashed or links:
            script_bytes = b"".join(_hash_script(hashed, folder)) + b"".join(_link_script(links, folder))
            tree.write(f"{folder}/script", script_bytes)
            _run(
                tree, f"cd {shlex.quote(tree.workdir)} && : > {folder}/sums && : > {folder}/links && sh {folder}/script"
            )
            listing.digests.update(_digests(tree.read(f"{folder}/sums")))
            targets = tree.read(f"{folder}/links").split(b"\0")[:-1]
            listing.links.update(zip(links, map(os.fsdecode, targets), strict=False))
    return listing


@cache
def _walk() -> str:
    return files("sweagent.patch").joinpath("work_tree_walk.sh").read_text(encoding="utf-8")


@contextmanager
def _scratch_folder(tree: WorkTree) -> Iterator[str]:
    done = _run(tree, "mktemp -d /tmp/fix-issue-XXXXXXXX || mktemp -d /var/tmp/fix-issue-XXXXXXXX")
    folder = done.output.strip().splitlines()[-1] if done.output.strip() else ""
    if not re.fullmatch(r"/(var/)?tmp/fix-issue-\w+", folder):
        raise _broken(done)
    try:
        yield folder
    finally:
        _run(tree, f"rm -rf {folder}")


def _run(tree: WorkTree, command: str) -> Ended:
    return tree.run(f"export LC_ALL=C; {command}", timeout=SECONDS, fresh=True)


def _broken(done: Ended) -> SandboxError:
    said = done.output.strip()[-200:] or f"exit status {done.exit_code}"
    return SandboxError(f"the work tree cannot be listed: {said}", "the sandbox's shell or its /tmp is broken or full")


def _sorted_out(names: bytes) -> Listing:
    listing = Listing()
    for entry in names.split(b"\0")[:-1]:
        kind, path = entry[:1], os.fsdecode(entry[1:])
        if kind in b"xf":
            listing.files[path] = kind == b"x"
        elif kind == b"l":
            listing.links[path] = ""
        elif kind == b"s":
            listing.skipped.append(path)
        elif kind == b"u":
            listing.unreadable.append(path)
        elif kind == b"o":
            listing.special.append(path)
        elif kind == b"g" and path != ".git":
            listing.repositories.append(path.removesuffix("/.git"))
    return listing


def _hash_script(paths: Iterable[str], folder: str) -> Iterator[bytes]:
    batch, size = [], 0
    for path in paths:
        name = _quoted(path)
        batch.append(name)
        size += len(name)
        if size > _BATCH_BYTES:
            yield _hash_line(batch, folder)
            batch, size = [], 0
    if batch:
        yield _hash_line(batch, folder)


def _hash_line(names: list[bytes], folder: str) -> bytes:
    return b"sha256sum %s >> %s/sums 2> /dev/null\n" % (b" ".join(names), folder.encode())


def _link_script(paths: Iterable[str], folder: str) -> Iterator[bytes]:
    for path in paths:
        yield b"{ readlink -n %s; printf '\\0'; } >> %s/links\n" % (_quoted(path), folder.encode())


def _quoted(path: str) -> bytes:
    """A shell word for a path that does not look like an option."""
    return b"'./" + os.fsencode(path).replace(b"'", b"'\\''") + b"'"


def _digests(sums: bytes) -> Iterator[tuple[str, str]]:
    """The lines of `sha256sum`. One that cannot be read is no harm: the file's content is looked at then."""
    for line in sums.split(b"\n"):
        match = re.fullmatch(rb"(\\?)([0-9a-f]{64}) [ *]\./(.*)", line, re.DOTALL)
        if match:
            name = match[3]
            if match[1]:
                name = re.sub(rb"\\[nr\\]", lambda found: _ESCAPES[found[0]], name)
            yield os.fsdecode(name), match[2].decode()
