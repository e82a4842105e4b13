"""Break a long silence: say at intervals what is still going on."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from sweagent.cli.console import clock, is_plain, open_console, wrapped
from sweagent.printable import printable_text

SILENCE = 20.0
"""Seconds without a line after which there is one."""
_SOON = 1.0
"""A wait that is shorter needs no word."""
_FIRST = 0.4
"""Seconds after which a wait has its first word in a pipe: what came before took some of the first second."""


def first_word(text: str, *, quiet: bool = False) -> None:
    """Say on standard error what begins, before anything that takes time is even loaded."""
    if not quiet:
        print(wrapped(printable_text(text), sys.stderr, "  "), file=sys.stderr, flush=True)


class Heartbeat:
    """Calls back whenever nothing was written for a while.

    Args:
        still: told how many seconds it has been silent, from a thread of the heartbeat's own.
        every: seconds.
        first: seconds until the first call, if that is sooner.
    """

    def __init__(self, still: Callable[[float], None], every: float = SILENCE, first: float | None = None) -> None:
        self._still, self._every = still, every
        self._next = every if first is None else first
        self._last = time.monotonic()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def beat(self) -> None:
        """Something was written."""
        self._last = time.monotonic()

    def start(self) -> None:
        """Begin to listen."""
        self.beat()
        self._thread = threading.Thread(target=self._listen, name="heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Call back no more."""
        self._ended.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    def _listen(self) -> None:
        while not self._ended.wait(max(0.01, self._last + self._next - time.monotonic())):
            silent = time.monotonic() - self._last
            if silent >= self._next:
                self._still(silent)
                self._next = self._every
                self.beat()


@contextmanager
def busy(what: str, *, quiet: bool = False) -> Iterator[None]:
    """Say on standard error what is being waited for.

    In a terminal it is one line that counts from the first second on and goes away; in a pipe a line before the first
    second is over, and one every 20 seconds.
    """
    if quiet:
        yield
    elif sys.stderr.isatty() and not is_plain():
        from rich.live import Live
        from rich.spinner import Spinner

        start = time.monotonic()
        spinner = Spinner("dots")

        def shown() -> Spinner:
            lasted = time.monotonic() - start
            spinner.update(text=f"{what} ({clock(lasted)})" if lasted > _SOON else "")
            return spinner

        with Live(get_renderable=shown, console=open_console(sys.stderr), refresh_per_second=4, transient=True):
            yield
    else:
        start = time.monotonic()

        def still(_: float) -> None:
            lasted = time.monotonic() - start
            print(f"… {what}" + (f" ({clock(lasted)} so far)" if lasted > _SOON else ""), file=sys.stderr, flush=True)

        with Heartbeat(still, first=_FIRST):
            yield
