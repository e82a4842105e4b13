"""Stop a run cleanly at the first signal, then hard."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from sweagent.errors import RunInterruptedError

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn SIGINT, SIGTERM and SIGHUP into RunInterruptedError, once; after that they end the process.

    A run that was ended by a second signal leaves its sandbox to the next run, which removes it.
    """
    seen = False

    def handle(number: int, _frame: FrameType | None) -> None:
        nonlocal seen
        if seen:
            os._exit(128 + number)
        seen = True
        raise RunInterruptedError(f"stopped by {signal.Signals(number).name}", number)

    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
