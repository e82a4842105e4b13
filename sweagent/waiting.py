"""Wait, and count the wait down for people."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_TICK = 1.0
"""Seconds between two tellings of how long there is still to wait."""
_LINES_APART = 10.0

Waiting = Callable[[float, str], None]
"""Told how many seconds are still waited for, and why: when a wait begins, and then every second."""

_told: ContextVar[Waiting | None] = ContextVar("waiting", default=None)


class Countdown:
    """Tells of a wait in lines: one when it begins, and one every ten seconds.

    Args:
        note: takes a line.
    """

    def __init__(self, note: Callable[[str], object]) -> None:
        self._note = note
        self._last = self._told = 0.0

    def __call__(self, seconds: float, why: str) -> None:
        """See `Waiting`."""
        new, self._last = seconds >= self._last, seconds
        if not new and seconds > self._told - _LINES_APART:
            return
        self._told = seconds
        self._note(f"waiting {seconds:.0f} s: {why}")


@contextmanager
def reported_waits(tell: Waiting) -> Iterator[None]:
    """Have all waits told that begin while the block runs, in this thread, and that nobody else is told of."""
    token = _told.set(tell)
    try:
        yield
    finally:
        _told.reset(token)


def tell_of_waits(tell: Waiting) -> None:
    """Tell of waits until the process ends; see `reported_waits`."""
    _told.set(tell)


def wait_aloud(seconds: float, why: str, sleep: Callable[[float], None], tell: Waiting | None = None) -> None:
    """Wait, and tell about it.

    Args:
        seconds: how long.
        why: for people.
        sleep: waits.
        tell: receives the seconds; None tells whom `reported_waits` names, and waits in one piece where nobody is.
    """
    tell = tell or _told.get()
    while seconds > 0:
        piece = seconds if tell is None else min(seconds, _TICK)
        if tell is not None:
            tell(seconds, why)
        sleep(piece)
        seconds -= piece
