"""Keep what nodes report in the batch's folder, as the only writer."""

import os
import re
from contextlib import suppress
from pathlib import Path

from sweagent.atomic_write import whole_length, write_atomically
from sweagent.batch.drive.portable_log import NOWHERE, Home
from sweagent.batch.nodes.messages import Written
from sweagent.errors import StorageError

_ALLOWED = re.compile(r"\.state\.json|node\.log|run-\d+/(?:patches/\d+\.json|[a-z]+\.(?:jsonl|json|diff|log))")
"""The files that a node may write; anything else is not what it is there for."""


class StreamStore:
    """Files of instances whose runs are elsewhere.

    Args:
        output: the batch's folder.
        home: its machine's paths.
    """

    def __init__(self, output: Path, home: Home) -> None:
        self._output = output
        self._home = home

    def write(self, report: Written) -> None:
        """Keep a file, or a line of one; what a job waits for is on disk afterwards.

        Raises:
            StorageError: the disk refuses it, or the node may not write this.
        """
        if not _ALLOWED.fullmatch(report.path):
            raise StorageError(f"a node wants to write {report.path[:80]!r}", "it may run another program")
        folder = self._output / report.name
        if not report.append:
            text = self._home.file(report.path, report.text, folder)
            write_atomically(folder / report.path, text)
            return
        line = self._home.line(report.text.removesuffix("\n")) + "\n"
        self._append(folder / report.path, line.encode("utf-8", "surrogateescape"), durable=report.wait)

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

    def _append(self, path: Path, line: bytes, *, durable: bool) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            try:
                start = os.fstat(fd).st_size
                try:
                    _write_whole(fd, line)
                    if durable:
                        os.fdatasync(fd)
                except OSError:
                    with suppress(OSError):
                        os.ftruncate(fd, start)
                    raise
            finally:
                os.close(fd)
        except OSError as error:
            raise StorageError(f"cannot write {path}: {error}", "free some disk space") from error


def _write_whole(fd: int, data: bytes) -> None:
    done = 0
    while done < len(data):
        done += os.write(fd, data[done:])
