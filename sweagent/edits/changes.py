"""Apply all edits to a file's text, or none."""

import itertools
from dataclasses import dataclass

from sweagent.edits.errors import EditRefused
from sweagent.edits.match import locate, locate_all
from sweagent.edits.shown import line_of
from sweagent.edits.source import SourceText, Span


@dataclass(frozen=True)
class Replacement:
    """Text to be replaced.

    Attributes:
        old: the text as the file is thought to have it; empty with `line` for an insertion.
        new: the text to be there instead.
        line: where `old` begins, from 1, when that is known; an insertion goes after this line, 0 being the beginning.
        after: a line that comes before, such as the header of a class, which narrows the search; empty for none.
        everywhere: replace each occurrence of exactly `old`.
        whole_lines: `old` and `new` are whole lines.
    """

    old: str
    new: str
    line: int | None = None
    after: str = ""
    everywhere: bool = False
    whole_lines: bool = False


@dataclass(frozen=True)
class Hunk:
    """Lines of the new text that an edit brought, from 1; `last` is less than `first` when it only removed."""

    first: int
    last: int


@dataclass(frozen=True)
class Applied:
    """The new content of a file.

    Attributes:
        data: the file's bytes.
        text: the same as text, with `\\n` line ends.
        hunks: what is new in it, in order.
        notes: what had to be forgiven.
    """

    data: bytes
    text: str
    hunks: tuple[Hunk, ...]
    notes: tuple[str, ...]


def apply(data: bytes, replacements: list[Replacement]) -> Applied:
    """Apply replacements to a file's content.

    Each is looked for in the text as it was before all of them, so their order does not matter; they must not overlap.

    Args:
        data: the file's bytes.
        replacements: what is to change.

    Raises:
        EditRefused: one of them cannot be applied; the message says which.
    """
    source = SourceText.of(data)
    spans: list[Span] = []
    notes: list[str] = []
    for number, replacement in enumerate(replacements, 1):
        try:
            found, note = _spans(source.text, replacement)
        except EditRefused as error:
            which = f"change {number} of {len(replacements)}: " if len(replacements) > 1 else ""
            raise EditRefused(f"{which}{error}") from error
        spans += found
        notes += [note] if note else []
    return _applied(source, sorted(spans, key=lambda span: (span.start, span.end)), notes)


def create(text: str, like: bytes | None = None) -> bytes:
    """The bytes of a file with a new text; an existing file's encoding, byte order mark and line ends are kept.

    Raises:
        EditRefused: the file's encoding lacks a character of the text, or the file is binary.
    """
    if like is None:
        return text.encode("utf-8", "surrogateescape")
    source = SourceText.of(like)
    plain = text.replace("\r\n", "\n")
    return source.replaced([Span(0, len(source.text), plain)])


def _applied(source: SourceText, spans: list[Span], notes: list[str]) -> Applied:
    for before, after in itertools.pairwise(spans):
        if after.start < before.end:
            raise EditRefused(f"two of the changes overlap at line {line_of(source.text, after.start)}")
    data = source.replaced(spans)
    parts: list[str] = []
    hunks: list[Hunk] = []
    position, length, line = 0, 0, 1
    for span in spans:
        kept = source.text[position : span.start]
        line += kept.count("\n")
        height = span.new.count("\n") + (1 if span.new and not span.new.endswith("\n") else 0)
        hunks.append(Hunk(line, line + height - 1))
        line += span.new.count("\n")
        parts += [kept, span.new]
        length += len(kept) + len(span.new)
        position = span.end
    return Applied(data, "".join([*parts, source.text[position:]]), tuple(hunks), tuple(dict.fromkeys(notes)))


def _spans(text: str, replacement: Replacement) -> tuple[list[Span], str]:
    new, old = replacement.new.replace("\r\n", "\n"), replacement.old.replace("\r\n", "\n")
    if not old and replacement.line is not None:
        return [_insertion(text, new, replacement.line)], ""
    if replacement.everywhere:
        return locate_all(text, old, new), ""
    start = _start(text, replacement.after)
    found = locate(text, old, new, line=replacement.line, start=start, whole_lines=replacement.whole_lines)
    return [found.span], found.note


def _insertion(text: str, new: str, line: int) -> Span:
    lines = text.count("\n") + (1 if text and not text.endswith("\n") else 0)
    if not 0 <= line <= lines:
        raise EditRefused(f"there is no line {line}; the file has {lines}")
    if not new.endswith("\n"):
        new += "\n"
    position = 0
    for _ in range(line):
        end = text.find("\n", position)
        if end < 0:  # after a last line without a line end
            return Span(len(text), len(text), "\n" + new.removesuffix("\n"))
        position = end + 1
    return Span(position, position, new)


def _start(text: str, after: str) -> int:
    """Return the start of the search: after the one line that holds a header; several or none narrow nothing."""
    if not after.strip():
        return 0
    position, places = 0, []
    for line in text.split("\n"):
        if line.strip() == after.strip() or line.strip().startswith(after.strip()):
            places.append(position + len(line))
        position += len(line) + 1
    return places[0] if len(places) == 1 else 0
