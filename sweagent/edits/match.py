"""Finding the text that an edit means.

The exact text comes first. If the file does not have it, forms that differ less and less strictly are tried: blanks at
line ends, indentation, look-alike characters, blanks within lines, and at last lines of context that have changed.
A form that fits at one place only is taken; at several places the edit is refused, and looser forms are not tried.
"""

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sweagent.edits.errors import EditRefused
from sweagent.edits.indent import UnmatchedError, indentation, reindenter, unit_of
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
_NUMBERED = re.compile(r"^ *\d+(\t|[|:→] ?)")
_MOST_LINES = 200_000


@dataclass(frozen=True)
class Found:
    """Where an edit goes, what it becomes there, and what had to be forgiven."""

    span: Span
    note: str = ""


def locate(
    text: str, old: str, new: str, *, line: int | None = None, start: int = 0, whole_lines: bool = False
) -> Found:
    """Find `old` in a text and return the replacement by `new`, fitted to the file's own indentation.

    Lines that `old` and `new` share keep the file's own bytes, so a tolerated difference never gets into the file.

    Args:
        text: the file's text with `\\n` line ends.
        old: the text to be replaced.
        new: the text to put there.
        line: where `old` begins, from 1; decides between several places.
        start: characters before this are not searched.
        whole_lines: `old` is known to be whole lines, so a part of a line is no match.

    Raises:
        EditRefused: it is not there, or at several places; the message shows them.
    """
    if not old.strip():
        raise EditRefused("the text to replace is empty")
    if old == new:
        raise EditRefused("the old and the new text are the same")
    exact = [] if whole_lines else _exact(text, old, start)
    if exact:
        place = _one_of(exact, text, old, line)
        _check_first_line(text, place, old, new)
        return Found(Span(place, place + len(old), new))
    if not whole_lines and "\n" not in old and old in text[start:]:
        raise EditRefused(f"{old.strip()!r} is there only within longer words; give whole words{nearest(text, old)}")
    old, new = _without_numbers(old, new)
    return _tolerant(text, old, new, line, start)


def locate_all(text: str, old: str, new: str) -> list[Span]:
    """Every place of exactly `old`.

    Raises:
        EditRefused: there is none.
    """
    places = _exact(text, old, 0) if old else []
    if not places:
        raise EditRefused(f"the text to replace is not in the file{nearest(text, old)}")
    return [Span(place, place + len(old), new) for place in places]


def line_of(text: str, position: int) -> int:
    """The line, from 1, of a position in a text."""
    return text.count("\n", 0, position) + 1


def numbered(text: str, first: int, last: int) -> str:
    """Lines `first` to `last` with their numbers."""
    lines = text.removesuffix("\n").split("\n")
    return "\n".join(f"{number:6}\t{lines[number - 1]}" for number in range(max(1, first), min(last, len(lines)) + 1))


def nearest(text: str, old: str) -> str:
    """The part of the text that is most like `old`, numbered, for a refusal; empty when nothing is like it."""
    wanted = [line.strip() for line in old.strip("\n").split("\n")]
    lines = [line.strip() for line in text.split("\n")]
    if len(lines) > _MOST_LINES or not any(wanted):
        return ""
    best, best_row = 0.0, -1
    rows = _likely_rows(lines, wanted)
    for row in rows:
        score = _likeness(lines[row : row + len(wanted)], wanted)
        if score > best:
            best, best_row = score, row
    if best < 0.5:
        return ""
    last = min(best_row + len(wanted), best_row + 20)
    return f"; most like it is:\n{numbered(text, best_row + 1, last)}"


def _likely_rows(lines: list[str], wanted: list[str]) -> list[int]:
    """Where the text could begin, judged by equal lines; without any, by lines like the longest."""
    votes: dict[int, int] = {}
    places: dict[str, list[int]] = {}
    for row, line in enumerate(lines):
        places.setdefault(line, []).append(row)
    for offset, line in enumerate(wanted):
        for row in places.get(line, ()) if len(line) > 3 else ():
            if 0 <= row - offset < len(lines):
                votes[row - offset] = votes.get(row - offset, 0) + len(line)
    if not votes:
        longest = max(wanted, key=len)
        offset = wanted.index(longest)
        like = difflib.get_close_matches(longest, [line for line in places if line], n=3, cutoff=0.6)
        votes = {max(0, row - offset): 1 for line in like for row in places[line]}
    return sorted(votes, key=lambda row: (-votes[row], row))[:20]


def _likeness(part: list[str], wanted: list[str]) -> float:
    return difflib.SequenceMatcher(None, "\n".join(part)[:4000], "\n".join(wanted)[:4000], autojunk=False).ratio()


def _exact(text: str, old: str, start: int) -> list[int]:
    """Where `old` stands; places that would split a word are left out."""
    places = []
    place = text.find(old, start)
    while place >= 0:
        if not _splits_word(text, place, place + len(old)):
            places.append(place)
        place = text.find(old, place + 1)
    return places


def _splits_word(text: str, start: int, end: int) -> bool:
    """Whether a word goes on beyond either end: `size` within `resized` is hardly ever what was meant."""
    return any(0 < place < len(text) and _wordy(text[place - 1]) and _wordy(text[place]) for place in (start, end))


def _wordy(character: str) -> bool:
    return character.isalnum() or character == "_"


def _check_first_line(text: str, place: int, old: str, new: str) -> None:
    """Refuse what would go wrong when `old` begins within the indentation of its line.

    Only the first line of `new` then gets the blanks before it. Whether the others were meant to get them too is often
    not to be told.
    """
    before = text[text.rfind("\n", 0, place) + 1 : place]
    given = indentation(old)
    others = [indentation(item) for item in new.split("\n")[1:] if item.strip()]
    if not before or before.strip() or not others or not old.strip():
        return
    real = len(before) + len(given)
    if "\n" in old.strip("\n"):
        doubtful = given in others
    else:
        opens = new.split("\n")[0].rstrip().endswith((":", "{", "(", "[", "then", "do"))
        doubtful = min(map(len, others)) < real or (opens and len(others[0]) <= real)
    if doubtful:
        raise EditRefused(
            "the text to replace begins within the indentation of its line, and how the new lines are to be "
            f"indented is not certain; give whole lines, with their indentation{nearest(text, old)}"
        )


def _one_of(places: list[int], text: str, old: str, line: int | None) -> int:
    if len(places) == 1 and line is None:
        return places[0]
    lead = len(old) - len(old.lstrip("\n"))
    rows = [line_of(text, place + lead) for place in places]
    if line is not None and line in rows and rows.count(line) == 1:
        return places[rows.index(line)]
    if len(places) == 1:
        return places[0]
    raise ambiguous(text, rows, old.strip("\n").count("\n") + 1)


def ambiguous(text: str, rows: list[int], height: int) -> EditRefused:
    """The refusal of an edit that fits at several lines; it shows them with the lines around."""
    shown = "\n   …\n".join(numbered(text, row - 1, row + min(height, 4)) for row in rows[:6])
    more = f"\n… and {len(rows) - 6} more" if len(rows) > 6 else ""
    return EditRefused(
        f"the text to replace is there {len(rows)} times, at lines {', '.join(map(str, rows[:20]))}; "
        f"give more lines around it, or `line`:\n{shown}{more}"
    )


def _without_numbers(old: str, new: str) -> tuple[str, str]:
    """Line numbers copied from a numbered view are not part of the text."""
    lines = [line for line in old.split("\n") if line.strip()]
    if not lines or not all(_NUMBERED.match(line) for line in lines):
        return old, new
    strip: Callable[[str], str] = lambda text: "\n".join(_NUMBERED.sub("", line) for line in text.split("\n"))  # noqa: E731
    numbered_new = all(_NUMBERED.match(line) for line in new.split("\n") if line.strip())
    return strip(old), strip(new) if numbered_new else new


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


def _tolerant(text: str, old: str, new: str, line: int | None, start: int) -> Found:
    lines = text.split("\n")
    if len(lines) > _MOST_LINES:
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
    found = (
        None
        if problem
        else _within_lines(text, wanted, replacement, start) or _stale(lines, wanted, replacement, first_row)
    )
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
        place for place in places if positions[place] >= start and not _splits_word(folded, place, place + len(target))
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
    try:
        fit = reindenter([wanted[index] for index in same_rows], [own[index] for index in same_rows], unit_of(lines))
    except UnmatchedError:
        return None
    result: list[str] = []
    for tag, a_start, a_end, b_start, b_end in changes:
        result += own[a_start:a_end] if tag == "equal" else [fit(item) for item in replacement[b_start:b_end]]
    changed = [str(row + index + 1) for index in range(len(target)) if index not in same_rows]
    note = f"the file's line {', '.join(changed)}, which differs from the context you gave, was kept"
    return Found(_line_span(lines, row, len(wanted), result), note)


def _needed(changes: Sequence[tuple[str, int, int, int, int]], height: int) -> Iterator[int]:
    """The rows that an edit changes, and one on each side."""
    for tag, a_start, a_end, _, _ in changes:
        if tag != "equal":
            yield from range(max(0, a_start - 1), min(height, a_end + 1))
