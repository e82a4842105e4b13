"""Write and read a trajectory's file, an append-only log.

One JSON event a line, flushed to disk before the next step begins. Nothing is ever removed from the log.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from sweagent.atomic_write import whole_length
from sweagent.errors import StorageError
from sweagent.trajectory import AnyEvent

_ANY_EVENT: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)


class TrajectoryWriter:
    """Appends events to a log; each one is on disk before `append` returns.

    A torn last line, left by a kill in mid-write, is cut off when the log is opened again.

    Args:
        path: the log; it is made when it does not exist.

    Raises:
        StorageError: if the log cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            os.ftruncate(self._fd, whole_length(path))
        except OSError as error:
            raise StorageError(
                f"cannot write the trajectory {path}: {error}", "choose another --output folder"
            ) from error

    def append(self, event: AnyEvent) -> None:
        """Write one event.

        Raises:
            StorageError: if the disk refuses it; the log then ends with the event before.
        """
        line = event_line(event)
        start = os.fstat(self._fd).st_size
        try:
            done = 0
            while done < len(line):
                done += os.write(self._fd, line[done:])
            os.fdatasync(self._fd)
        except BaseException as error:
            # Also when a signal interrupts the write: what follows must not be glued to half a line.
            os.ftruncate(self._fd, start)
            if not isinstance(error, OSError):
                raise
            raise StorageError(
                f"cannot write the trajectory {self.path}: {error}",
                "free some disk space, then go on with `fix-issue resume`",
            ) from error

    def close(self) -> None:
        """Close the log."""
        os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def event_line(event: AnyEvent) -> bytes:
    """An event as a line of a log, its newline included."""
    try:
        return event.model_dump_json().encode() + b"\n"
    except PydanticSerializationError:
        # Half a surrogate pair, from a cut-off reply or a name that is not UTF-8; JSON can hold it as an escape.
        return json.dumps(event.model_dump(mode="json")).encode("ascii") + b"\n"


def event_from_line(line: bytes) -> AnyEvent:
    """Read an event from a line of a log.

    Raises:
        ValidationError: the line is no event.
    """
    try:
        return _ANY_EVENT.validate_json(line)
    except ValidationError as error:
        if rb"\ud" not in line:
            raise
        try:
            data = json.loads(line)
        except ValueError:
            raise error from None
        return _ANY_EVENT.validate_python(data)


def read_first_event(path: Path) -> AnyEvent | None:
    """The first event of a log; None where there is none yet.

    Raises:
        StorageError: the log is missing, or does not begin with an event.
    """
    try:
        with path.open("rb") as file:
            line = file.readline()
    except OSError as error:
        raise StorageError(f"cannot read the trajectory {path}: {error}", "check the run's folder") from error
    if not line.endswith(b"\n"):
        return None
    try:
        return event_from_line(line)
    except ValidationError as error:
        raise StorageError(f"{path} does not begin with an event", "it may come from another version") from error


def read_events(path: Path) -> Iterator[AnyEvent]:
    """Read a log back, leaving out a torn last line.

    Raises:
        StorageError: if the log is missing, or if a line before the last is not an event.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise StorageError(f"cannot read the trajectory {path}: {error}", "check the run's folder") from error
    for number, line in enumerate(lines[:-1], 1):
        try:
            yield event_from_line(line)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]["msg"]
            raise StorageError(
                f"{path}:{number} is not an event of a trajectory: {first}",
                "it may come from another version of fix-issue",
            ) from error
