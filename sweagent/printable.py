"""Make foreign text printable, in lines of bounded length."""

import re

# Invisible and direction-changing characters could make one text look like another.
_UNSEEN = re.compile(r"[\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")
_SEQUENCE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[@-Z\\-~])"
)
"""Escape sequences as ECMA-48 has them: CSI, OSC and other strings, and those of two characters."""


def printable_text(text: str) -> str:
    """A text that does not drive the terminal: without escape sequences, other control characters marked."""
    text = _UNSEEN.sub("\ufffd", _SEQUENCE.sub("", text).replace("\r\n", "\n"))
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)


def first_line(text: str, limit: int = 120) -> str:
    """The first line that says something, printable, cut to so many characters."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return _cut(printable_text(line).replace("\t", " "), limit)


def one_line(text: str, limit: int = 120) -> str:
    """All of a text on one line, printable, cut to so many characters."""
    return _cut(printable_text(" ".join(text.split())), limit)


def _cut(line: str, limit: int) -> str:
    return line if len(line) <= limit else line[: max(1, limit - 1)] + "…"
