"""Write a file, or add a line, as a whole or not."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from sweagent.errors import StorageError


def write_atomically(path: Path, content: str | bytes | Iterable[bytes]) -> None:
    """Write a file so that it is there as a whole or not at all, also after a kill or a power cut.

    Args:
        path: the file; folders that are missing are made.
        content: text is written as UTF-8; a half surrogate pair as the byte that it stands for. Of parts one after the
            other is written.

    Raises:
        StorageError: the disk refuses it; what was there before is whole.
    """
    if isinstance(content, str):
        content = content.encode("utf-8", "surrogateescape")
    parts = (content,) if isinstance(content, bytes) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(fd, "wb") as file:
                for part in parts:
                    file.write(part)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error}", "free some disk space") from error


def append_line(path: Path, line: bytes) -> None:
    """Add a line, or several, to a file so that it is there as a whole or not at all, also after a kill or a power cut.

    A last line that an earlier kill tore off is cut off first. Who shares the file with others holds a lock.

    Args:
        path: the file; it and its folder are made when they are missing.
        line: each with its newline.

    Raises:
        StorageError: the disk refuses it; what was there before is whole.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            end = whole_length(path)
            file.truncate(end)
            try:
                file.write(line)
                file.flush()
                os.fdatasync(file.fileno())
            except BaseException:
                os.ftruncate(file.fileno(), end)
                raise
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error}", "free some disk space") from error


def whole_length(path: Path) -> int:
    """The length of the file up to and including its last newline."""
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        position = file.tell()
        while position:
            size = min(position, 1 << 16)
            position -= size
            file.seek(position)
            newline = file.read(size).rfind(b"\n")
            if newline >= 0:
                return position + newline + 1
    return 0
