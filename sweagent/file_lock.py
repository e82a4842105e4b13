"""Lock a file between processes and threads."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sweagent.errors import StorageError


class LockedElsewhereError(Exception):
    """Another process or thread holds the lock, and the time to wait for it is used up."""


@contextmanager
def locked(path: Path, *, wait: float | None = None) -> Iterator[None]:
    """Hold an exclusive lock on a file; the system lets go of it when the process dies.

    Args:
        path: the file; it is made when it is missing.
        wait: seconds to wait for another holder; None waits until it lets go.

    Raises:
        LockedElsewhereError: somebody else still holds it.
        StorageError: the file cannot be made.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path, mode=0o644, timeout=-1 if wait is None else wait)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise LockedElsewhereError(str(path)) from error
    except OSError as error:
        raise StorageError(f"cannot lock {path}: {error}", "make its folder writable, or choose another") from error
    try:
        yield
    finally:
        lock.release()
