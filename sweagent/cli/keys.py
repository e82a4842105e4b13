"""Read single keys and lines from the terminal."""

import os
import select
import sys
import termios
import time
import tty


def write(text: str) -> None:
    """Write to the terminal at once: safe in a signal handler, which may have interrupted another write."""
    os.write(2, text.encode("utf-8", "replace"))


def read_key(seconds: float | None = None) -> str | None:
    """One key, in lower case; None where none was pressed in time or the input ended.

    Ctrl-C is no key: it is a signal as anywhere else.
    """
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor, termios.TCSANOW)
        deadline = None if seconds is None else time.monotonic() + seconds
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not select.select([descriptor], [], [], left)[0]:
                return None
            key = os.read(descriptor, 1)
            if not key or key == b"\x04":
                return None
            if key.isascii():
                return key.decode("ascii").lower()
    finally:
        termios.tcsetattr(descriptor, termios.TCSANOW, before)


def read_line(question: str) -> str:
    """A line; empty where the input ended."""
    write(question)
    collected = b""
    while not collected.endswith(b"\n"):
        piece = os.read(sys.stdin.fileno(), 4096)
        if not piece:
            break
        collected += piece
    return collected.decode("utf-8", "replace").strip()
