"""Redraw a region below lines that scroll on a terminal."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from sweagent.cli.console import wrapped
from sweagent.cli.heartbeat import Heartbeat
from sweagent.printable import printable_text

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_PATIENCE = 0.2
"""Seconds that a drawing waits for a line."""


class LiveRegion:
    """A region that is drawn again and again until it is stopped; it leaves nothing behind.

    Lines and drawings share a lock. rich's own thread may draw between the moment in which a line's place is reckoned
    and the one in which it is written: then the line begins behind the region, and the region stays.

    Args:
        console: on a terminal.
        render: makes what is drawn.
        every: seconds from one drawing to the next.
    """

    def __init__(self, console: "Console", render: Callable[[], "RenderableType"], every: float = 0.25) -> None:
        self._console, self._render, self._every = console, render, every
        self._lock = threading.RLock()

    def start(self) -> None:
        """Draw, and go on drawing."""
        from rich.live import Live

        self._live = Live(get_renderable=self._render, console=self._console, auto_refresh=False, transient=True)
        self._clock = Heartbeat(self._draw, every=self._every)
        # Not drawn at once: a signal's handler that brings the region back is at its end when it is seen.
        self._live.start()
        self._clock.start()

    def stop(self) -> None:
        """Take the region away."""
        self._clock.stop()
        with self._lock:
            self._live.stop()

    def line(self, text: str) -> None:
        """Print a line above the region, or where there is none. Any thread may call this."""
        with self._lock:
            self._console.print(wrapped(printable_text(text), self._console.file, "    "))

    def _draw(self, _: float) -> None:
        # A signal's handler may wait for this thread's end while the code that it interrupts holds the lock.
        if self._lock.acquire(timeout=_PATIENCE):
            try:
                self._live.refresh()
            finally:
                self._lock.release()
