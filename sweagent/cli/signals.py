"""Stop a run cleanly at the first signal, then hard."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from sweagent.errors import RunInterruptedError

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stoppable(ask: Callable[[], bool] | None = None) -> Iterator[None]:
    """Turn SIGINT, SIGTERM and SIGHUP into RunInterruptedError, once; after that they end the process.

    A run that was ended by a second signal leaves its sandbox to the next run, which removes it.

    Args:
        ask: asked at a SIGINT whether to go on; while it asks, a second SIGINT stops the run. None never goes on.
    """
    seen = asking = False

    def handle(number: int, _frame: FrameType | None) -> None:
        nonlocal seen, asking
        if seen:
            os._exit(128 + number)
        if ask is not None and number == signal.SIGINT and not asking:
            asking = True
            try:
                if ask():
                    return
            finally:
                asking = False
        seen = True
        raise RunInterruptedError(f"stopped by {signal.Signals(number).name}", number)

    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
