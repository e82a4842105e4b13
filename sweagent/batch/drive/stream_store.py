"""Keep what nodes report in the batch's folder, as the only writer."""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from sweagent.atomic_write import whole_length, write_atomically
from sweagent.batch.drive.portable_log import NOWHERE, Home
from sweagent.batch.nodes.messages import Written
from sweagent.errors import StorageError

_ALLOWED = re.compile(r"\.state\.json|node\.log|run-\d+/(?:patches/\d+\.json|[a-z]+\.(?:jsonl|json|diff|log))")
"""The files that a node may write; anything else is not what it is there for."""
_APPENDING = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
_SYNCS = 16
"""Files that the disk is asked for at a time; it writes them down together."""


class StreamStore:
    """Files of instances whose runs are elsewhere.

    Args:
        output: the batch's folder.
        home: its machine's paths.
    """

    def __init__(self, output: Path, home: Home) -> None:
        self._output = output
        self._home = home
        self._unsafe: list[Path] = []
        self._pool = ThreadPoolExecutor(max_workers=_SYNCS, thread_name_prefix="batch-disk")

    def write(self, report: Written) -> None:
        """Keep a file, or a line of one.

        Raises:
            StorageError: the disk refuses it, or the node may not write this.
        """
        if not _ALLOWED.fullmatch(report.path):
            raise StorageError(f"a node wants to write {report.path[:80]!r}", "it may run another program")
        folder = self._output / report.name
        path = folder / report.path
        if not report.append:
            write_atomically(path, self._home.file(report.path, report.text, folder))
            return
        line = self._home.line(report.text.removesuffix("\n")) + "\n"
        _append(path, line.encode("utf-8", "surrogateescape"))
        if report.wait:
            self._unsafe.append(path)

    def commit(self) -> None:
        """Have everything on disk that a job waits for: of many jobs at once, as disks are slow one by one.

        Raises:
            StorageError: the disk refuses it.
        """
        try:
            list(self._pool.map(_sync, self._unsafe))
            self._unsafe.clear()
        except OSError as error:
            raise StorageError(f"cannot write to {self._output}: {error}", "free some disk space") from error

    def files(self, name: str) -> dict[str, str]:
        """What an instance's folder has for a node to go on with, in the form that travels.

        Raises:
            StorageError: it cannot be read.
        """
        folder = self._output / name
        found: dict[str, str] = {}
        try:
            for path in sorted(folder.rglob("*")):
                relative = path.relative_to(folder).as_posix()
                if not path.is_file() or not _ALLOWED.fullmatch(relative) or relative.endswith(".log"):
                    continue
                if path.suffix == ".jsonl":
                    # A line that a power cut tore off never arrived.
                    os.truncate(path, whole_length(path))
                text = path.read_bytes().decode("utf-8", "surrogateescape")
                found[relative] = NOWHERE.file(relative, text)
        except OSError as error:
            raise StorageError(f"cannot read {folder}: {error}", "check its permissions") from error
        return found


def _append(path: Path, line: bytes) -> None:
    try:
        try:
            fd = os.open(path, _APPENDING, 0o644)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            fd = os.open(path, _APPENDING, 0o644)
        try:
            start = os.fstat(fd).st_size
            try:
                _write_whole(fd, line)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(fd, start)
                raise
        finally:
            os.close(fd)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error}", "free some disk space") from error


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.fdatasync(fd)
    finally:
        os.close(fd)


def _write_whole(fd: int, data: bytes) -> None:
    done = 0
    while done < len(data):
        done += os.write(fd, data[done:])
