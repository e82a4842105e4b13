"""Finding a text that the file has in a slightly different form.

Each form of seeing a line is looser than the one before. A form that fits at one place only is taken; at several places
the edit is refused, and looser forms are not tried.
"""

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sweagent.edits.errors import EditRefused
from sweagent.edits.indent import UnmatchedError, reindenter, unit_of
from sweagent.edits.shown import MOST_LINES, ambiguous, line_of, nearest
from sweagent.edits.source import Span

LOOKALIKES = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′＇", "'"),
        **dict.fromkeys("“”„‟″＂", '"'),
        **dict.fromkeys("‐‑‒–—―−﹣－", "-"),
        **dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u200a\u202f\u3000", " "),
        "…": "...",
        "\u200b": None,
        "\u200c": None,
        "\u200d": None,
        "\ufeff": None,
    }
)


@dataclass(frozen=True)
class Found:
    """Position of an edit, its text there, and what had to be forgiven."""

    span: Span
    note: str = ""


def splits_word(text: str, start: int, end: int) -> bool:
    """Whether a word goes on beyond either end: `size` within `resized` is hardly ever what was meant."""
    return any(0 < place < len(text) and _wordy(text[place - 1]) and _wordy(text[place]) for place in (start, end))


def _wordy(character: str) -> bool:
    return character.isalnum() or character == "_"


@dataclass(frozen=True)
class _Form:
    """A way to see a line, under which two lines count as the same."""

    note: str
    key: Callable[[str], str]


_FORMS = (
    _Form("", lambda line: line),
    _Form("", lambda line: line.rstrip()),
    _Form("", lambda line: line.strip()),
    _Form("look-alike characters", lambda line: line.translate(LOOKALIKES).strip()),
    _Form("blanks within lines", lambda line: re.sub(r"\s+", " ", line.translate(LOOKALIKES)).strip()),
)


def tolerant(text: str, old: str, new: str, line: int | None, start: int) -> Found:
    """Find `old` apart from slips that are known to be harmless; arguments and errors as for `locate`."""
    lines = text.split("\n")
    if len(lines) > MOST_LINES:
        raise EditRefused("the text to replace is not in the file")
    wanted, replacement = _trimmed(old, new)
    # The line end after the last line goes too, so a blank line that follows is to vanish.
    joins = bool(new) and old.endswith("\n") and not new.endswith("\n")
    first_row = line_of(text, start) - 1
    problem = ""
    for form in _FORMS:
        keys, target = [form.key(item) for item in lines], [form.key(item) for item in wanted]
        rows = [row for row in _rows_of(keys, target) if row >= first_row]
        if line is not None and len(rows) > 1 and line - 1 in rows:
            rows = [line - 1]
        if len(rows) > 1:
            raise ambiguous(text, [row + 1 for row in rows], len(wanted))
        if rows:
            if joins and not "".join(lines[rows[0] + len(wanted) : rows[0] + len(wanted) + 1]).strip():
                wanted = [*wanted, *lines[rows[0] + len(wanted) : rows[0] + len(wanted) + 1]]
            try:
                return _fitted(lines, rows[0], wanted, replacement, form.note)
            except UnmatchedError as error:
                problem = str(error)
                break
    found = None
    if not problem:
        found = _within_lines(text, wanted, replacement, start)
        # Which blank line an edit with a stale context wants to lose is not certain.
        found = found or (None if joins else _stale(lines, wanted, replacement, first_row))
    if found is None:
        raise EditRefused(f"the text to replace is not in the file{problem and f': {problem}'}{nearest(text, old)}")
    return found


def _trimmed(old: str, new: str) -> tuple[list[str], list[str]]:
    """The lines of both, without the blank lines that both have at an end; a line end is not a line."""
    wanted, replacement = old.split("\n"), new.split("\n") if new else []
    if wanted[-1] == "":
        wanted.pop()
        if replacement and replacement[-1] == "":
            replacement.pop()
    for end in (0, -1):
        while wanted and replacement and not wanted[end].strip() and not replacement[end].strip():
            wanted.pop(end)
            replacement.pop(end)
    return wanted, replacement


def _rows_of(keys: list[str], target: list[str]) -> list[int]:
    first, height = target[0], len(target)
    return [row for row in range(len(keys) - height + 1) if keys[row] == first and keys[row : row + height] == target]


def _fitted(lines: list[str], row: int, wanted: list[str], replacement: list[str], note: str) -> Found:
    """Replace whole lines: lines that old and new share stay the file's, the others get the file's indentation."""
    own = lines[row : row + len(wanted)]
    fit = reindenter(wanted, own, unit_of(lines))
    result: list[str] = []
    for tag, a_start, a_end, b_start, b_end in _changes(wanted, replacement):
        result += own[a_start:a_end] if tag == "equal" else [fit(item) for item in replacement[b_start:b_end]]
    return Found(_line_span(lines, row, len(wanted), result), note)


def _changes(wanted: list[str], replacement: list[str]) -> Sequence[tuple[str, int, int, int, int]]:
    """What the edit itself changes, as difflib's opcodes; blanks at line ends do not count."""
    old, new = [item.rstrip() for item in wanted], [item.rstrip() for item in replacement]
    return difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()


def _line_span(lines: list[str], row: int, height: int, result: list[str]) -> Span:
    start = sum(len(item) + 1 for item in lines[:row])
    end = start + sum(len(item) + 1 for item in lines[row : row + height]) - 1
    if not result:
        # The lines go altogether, with the line end after them or, at the end of the file, before them.
        last = row + height == len(lines)
        return Span(max(0, start - 1) if last else start, end if last else end + 1, "")
    return Span(start, end, "\n".join(result))


def _within_lines(text: str, wanted: list[str], replacement: list[str], start: int) -> Found | None:
    """A part of one line, apart from blanks and look-alike characters."""
    if len(wanted) != 1 or len(replacement) > 1:
        return None
    folded, positions = _folded(text)
    target = _folded(wanted[0].strip())[0]
    if len(target) < 4:
        return None
    places = [found.start() for found in re.finditer(re.escape(target), folded)]
    places = [
        place for place in places if positions[place] >= start and not splits_word(folded, place, place + len(target))
    ]
    if len(places) > 1:
        raise ambiguous(text, [line_of(text, positions[place]) for place in places], 1)
    if not places:
        return None
    span = (positions[places[0]], positions[places[0] + len(target) - 1] + 1)
    return Found(Span(*span, "".join(replacement).strip()), "blanks or look-alike characters")


def _folded(text: str) -> tuple[str, list[int]]:
    """The text with look-alikes replaced and runs of blanks made one, and where each character came from."""
    characters: list[str] = []
    positions: list[int] = []
    for position, character in enumerate(text):
        for folded in character.translate(LOOKALIKES):
            blank = folded in " \t"
            if blank and characters and characters[-1] == " ":
                continue
            characters.append(" " if blank else folded)
            positions.append(position)
    return "".join(characters), positions


def _stale(lines: list[str], wanted: list[str], replacement: list[str], first_row: int) -> Found | None:
    """Lines of context have changed since they were read; the lines that the edit changes have not.

    As `patch` does with its fuzz: what is to be replaced, and the line on each side of it, must be there as given, the
    other lines need only be mostly the same, and there must be one such place. The file's own context is kept.
    """
    key = _FORMS[-1].key
    keys, target = [key(item) for item in lines], [key(item) for item in wanted]
    changes = _changes(wanted, replacement)
    needed = set(_needed(changes, len(target)))
    if not any(len(target[index]) > 3 for index in needed):
        return None
    sure = [index for index in needed if target[index]]
    candidates = []
    for row in range(first_row, len(keys) - len(target) + 1):
        if all(keys[row + index] == target[index] for index in needed):
            same = sum(keys[row + index] == item for index, item in enumerate(target))
            if same >= 0.6 * len(target) and sure:
                candidates.append(row)
    if len(candidates) != 1:
        return None
    row = candidates[0]
    own = lines[row : row + len(wanted)]
    same_rows = [index for index, item in enumerate(target) if keys[row + index] == item]
    result: list[str] = []
    try:
        fit = reindenter([wanted[index] for index in same_rows], [own[index] for index in same_rows], unit_of(lines))
        for tag, a_start, a_end, b_start, b_end in changes:
            result += own[a_start:a_end] if tag == "equal" else [fit(item) for item in replacement[b_start:b_end]]
    except UnmatchedError:
        return None
    changed = [str(row + index + 1) for index in range(len(target)) if index not in same_rows]
    note = f"the file's line {', '.join(changed)}, which differs from the context you gave, was kept"
    return Found(_line_span(lines, row, len(wanted), result), note)


def _needed(changes: Sequence[tuple[str, int, int, int, int]], height: int) -> Iterator[int]:
    """The rows that an edit changes, and one on each side."""
    for tag, a_start, a_end, _, _ in changes:
        if tag != "equal":
            yield from range(max(0, a_start - 1), min(height, a_end + 1))
