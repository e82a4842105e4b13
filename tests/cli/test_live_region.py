"""Lines scroll above a region that is redrawn meanwhile, and nothing of it stays."""

import io
import threading
from itertools import count

import pyte
from rich.console import Console
from rich.panel import Panel

from sweagent.cli.live_region import LiveRegion

WIDTH, LINES = 40, 400


class Terminal(io.StringIO):
    """What is written goes to a screen."""

    def __init__(self) -> None:
        super().__init__()
        self.screen = pyte.Screen(WIDTH, LINES)
        self._stream = pyte.Stream(self.screen)

    def write(self, text: str) -> int:
        self._stream.feed(text.replace("\n", "\r\n"))
        return len(text)

    def isatty(self) -> bool:
        return True

    @property
    def shown(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display if line.strip()]


def region(terminal: Terminal, every: float) -> LiveRegion:
    heights = count()
    console = Console(file=terminal, force_terminal=True, width=WIDTH, height=LINES, color_system=None)
    # A region that changes its height leaves lines of itself behind wherever it is taken for the one before.
    return LiveRegion(console, lambda: Panel("\n".join("x" * (1 + next(heights) % 3))), every)


def test_lines_and_drawings_do_not_meet() -> None:
    terminal = Terminal()
    drawn = region(terminal, every=0.0001)
    drawn.start()
    for number in range(300):
        drawn.line(f"line {number}")
    drawn.stop()
    assert terminal.shown == [f"line {number}" for number in range(300)]


def test_it_can_be_stopped_by_what_interrupts_a_line() -> None:
    """A signal's handler stops it while the lock is held below it in the same thread."""
    terminal = Terminal()
    drawn = region(terminal, every=0.0001)
    drawn.start()
    with drawn._lock:
        threading.Event().wait(0.01)
        drawn.stop()
    drawn.line("after")
    drawn.start()
    drawn.stop()
    assert terminal.shown == ["after"]
