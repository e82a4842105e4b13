"""Texts for the model: visible, and within their bound."""

import re

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_TOLERANCE = 1.1
"""A text that is longer than its bound by less than this is not cut: the notice would save nothing."""


def visible(text: str) -> str:
    """Drop colours and other terminal commands and what `\\r` overwrote, and show control characters.

    Invisible characters that turn the direction of text are shown too: they are used to hide things.
    """
    if "\x1b" in text:
        text = _ANSI.sub("", text)
    if "\r" in text:
        text = re.sub(r"[^\n]*\r(?=[^\r\n])", "", text.replace("\r\n", "\n")).replace("\r", "")
    return _CONTROL.sub(_shown, text.encode("utf-8", "replace").decode("utf-8"))


def _shown(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def cut_lines(text: str, width: int = 2000) -> str:
    """Cut lines that are longer than `width` characters, saying by how much."""
    if len(text) <= width:
        return text
    return "\n".join(
        line if len(line) <= width else f"{line[:width]} [… {len(line) - width:,} characters more]"
        for line in text.split("\n")
    )


def bounded(text: str, limit: int, *, whole: str = "") -> tuple[str, bool]:
    """Return the head and the tail of a text, cut at line ends, and whether something was left out.

    Args:
        text: the text.
        limit: characters.
        whole: where the whole text is to be had, for the notice.
    """
    if len(text) <= limit * _TOLERANCE:
        return text, False
    half = limit // 2
    head, tail = text[:half], text[-half:]
    if head.rfind("\n") > half // 2:
        head = head[: head.rfind("\n")]
    if -1 < tail.find("\n") < half // 2:
        tail = tail[tail.find("\n") + 1 :]
    left_out = text[len(head) : len(text) - len(tail)]
    where = f"; {whole}" if whole else ""
    notice = f"[… {left_out.count(chr(10)):,} lines, {len(left_out):,} characters left out{where} …]"
    return f"{head}\n{notice}\n{tail}", True


def first_lines(text: str, limit: int) -> tuple[str, int]:
    """Return the lines that fit into `limit` characters, at least one, and how many lines were left out."""
    if len(text) <= limit:
        return text, 0
    lines = text.split("\n")
    used, count = 0, 0
    for line in lines:
        used += len(line) + 1
        if used > limit and count:
            break
        count += 1
    return "\n".join(lines[:count]), len(lines) - count
