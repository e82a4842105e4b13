"""Log what happens in a run or a batch to a file.

Modules log to the logger of their room (`sweagent.ROOM`). What is logged in the context of a run, or in a thread that
was started with a copy of it, goes to the run's file alone, however many runs there are in the process.
"""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from sweagent.errors import StorageError

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
SECRET_NAME = re.compile(r"key|token|secret|password|credential", re.IGNORECASE)
_LEAST_SECRET = 8
"""Shorter values of such variables are no secrets, and would be replaced inside of words."""

_open: ContextVar[frozenset[Path]] = ContextVar("open_logs", default=frozenset())


@contextmanager
def log_to(path: Path) -> Iterator[None]:
    """Add to a log file what the block logs, tracebacks too, without the values of secret variables.

    Args:
        path: the file; it is made when it is missing, and closed at the end.

    Raises:
        StorageError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error}", "free some disk space, or choose another folder") from error
    handler.addFilter(lambda record: path in _open.get())
    handler.setFormatter(_Formatter(_FORMAT))
    # A disk that is full ends the run where its record is written, which says so; the log is not the record.
    handler.handleError = lambda record: None  # type: ignore[method-assign]
    logger = logging.getLogger("sweagent")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    token = _open.set(_open.get() | {path})
    try:
        yield
    finally:
        _open.reset(token)
        logger.removeHandler(handler)
        handler.close()


class _Formatter(logging.Formatter):
    def __init__(self, form: str) -> None:
        super().__init__(form)
        values = (value for name, value in os.environ.items() if SECRET_NAME.search(name))
        self._secrets = sorted((value for value in values if len(value) >= _LEAST_SECRET), key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return text
