"""Keep text of others from driving a terminal."""

import re

# Invisible and direction-changing characters could make one text look like another.
_UNSEEN = re.compile(r"[\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")
_SEQUENCE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[@-Z\\-~])"
)
"""Escape sequences as ECMA-48 has them: CSI, OSC and other strings, and those of two characters."""


def without_control(text: str) -> str:
    """A text as a terminal may show it: escape sequences left out, other control characters marked."""
    text = _UNSEEN.sub("\ufffd", _SEQUENCE.sub("", text).replace("\r\n", "\n"))
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)
