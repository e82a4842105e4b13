"""Write to the terminal: width, colour, and text of others made harmless."""

import os
import shutil
import sys
import textwrap
from typing import IO, TYPE_CHECKING

from sweagent.plurals import counted
from sweagent.printable import first_line
from sweagent.printable import printable_text as safe

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "PLAIN",
    "clock",
    "counted",
    "duration",
    "first_line",
    "interactive",
    "is_plain",
    "money",
    "open_console",
    "safe",
    "wrapped",
]

PLAIN = "FIX_ISSUE_PLAIN"
"""Set to anything: no colour, no redrawing, no boxes; what `--plain` sets for the process."""


def is_plain() -> bool:
    """Whether the user, or a terminal that can do nothing else, wants plain lines."""
    return bool(os.environ.get(PLAIN)) or os.environ.get("TERM") == "dumb"


def open_console(stream: IO[str] | None = None, *, soft_wrap: bool = False) -> "Console":
    """A console on a stream (standard output by default): colour only in a terminal, and not with NO_COLOR or --plain.

    In a pipe nothing is cut to a width: what reads it, a program or a file, has none.
    """
    from rich.console import Console

    file = stream or sys.stdout
    live = file.isatty() and not is_plain()
    console = Console(
        file=file,
        emoji=False,
        markup=False,
        highlight=False,
        soft_wrap=soft_wrap,
        no_color=True if is_plain() else None,
        force_terminal=False if is_plain() else None,
        safe_box=not live,
    )
    if not file.isatty() and "COLUMNS" not in os.environ:
        console.width = 120
    return console


def wrapped(text: str, stream: IO[str], indent: str = "") -> str:
    """A text for people, broken between words at the terminal's width; in a pipe as it is.

    Words, such as paths and addresses, stay whole.
    """
    if not stream.isatty():
        return text
    width = max(20, shutil.get_terminal_size().columns)
    lines = text.splitlines()
    return "\n".join(
        textwrap.fill(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
        for line in lines
    )


def interactive() -> bool:
    """Whether a person sits at standard input and standard error."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def money(amount: float | None) -> str:
    """US dollars for people; an unknown price is said to be unknown."""
    return "price unknown" if amount is None else f"${amount:.2f}"


def clock(seconds: float) -> str:
    """A duration as a clock shows it: `0:59`, `1:00`, `1:02:03`; whole seconds, so that no minute has sixty."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def duration(seconds: float) -> str:
    """A duration in words: `42 s`, `3 min 5 s`, `2 h 4 min`."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {left} s" if minutes else f"{left} s"
