"""Waiting between attempts, shared by all workers that call the same provider."""

import threading
import time
from collections.abc import Callable
from functools import lru_cache

_SPACING = 0.2
"""Seconds between workers that were held back together; all at once, they would be throttled again."""


class Backoff:
    """A wait that all workers share when one of them is told to wait.

    Args:
        clock: seconds, monotonic.
        sleep: waits for seconds.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.clock = clock
        self.sleep = sleep
        self._lock = threading.Lock()
        self._until = 0.0
        self._waiting = 0

    def hold(self, seconds: float) -> None:
        """Nobody calls the provider for this long."""
        with self._lock:
            self._until = max(self._until, self.clock() + seconds)

    def wait(self, sleep: Callable[[float], None] | None = None) -> None:
        """Wait until the provider may be called again; those who wait together go on one after the other.

        Args:
            sleep: waits in place of the usual one, and may tell about it.
        """
        with self._lock:
            remaining = self._until - self.clock()
            if remaining <= 0:
                return
            remaining += self._waiting * _SPACING
            self._waiting += 1
        try:
            (sleep or self.sleep)(remaining)
        finally:
            with self._lock:
                self._waiting -= 1


@lru_cache(maxsize=64)
def shared_backoff(provider: str) -> Backoff:
    """The one back-off of this process for a provider (or base URL)."""
    return Backoff()
