"""Finding the text that an edit means.

The exact text comes first. If the file does not have it, forms that differ less and less strictly are tried: blanks at
line ends, indentation, look-alike characters, blanks within lines, and at last lines of context that have changed.
A form that fits at one place only is taken; at several places the edit is refused, and looser forms are not tried.
"""

import re

from sweagent.edits.errors import EditRefused
from sweagent.edits.indent import indentation
from sweagent.edits.shown import ambiguous, line_of, nearest
from sweagent.edits.source import Span
from sweagent.edits.tolerant import Found, splits_word, tolerant

_NUMBERED = re.compile(r"^ *\d+(\t|[|:→] ?)")


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
        _check_tabs(text, new)
        return Found(Span(place, place + len(old), new))
    if not whole_lines and "\n" not in old and old in text[start:]:
        raise EditRefused(f"{old.strip()!r} is there only within longer words; give whole words{nearest(text, old)}")
    old, new = _without_numbers(old, new)
    return tolerant(text, old, new, line, start)


def locate_all(text: str, old: str, new: str) -> list[Span]:
    """Every place of exactly `old`.

    Raises:
        EditRefused: there is none.
    """
    places = _exact(text, old, 0) if old else []
    if not places:
        raise EditRefused(f"the text to replace is not in the file{nearest(text, old)}")
    return [Span(place, place + len(old), new) for place in places]


def _exact(text: str, old: str, start: int) -> list[int]:
    """Find `old`, except at positions that would split a word."""
    places = []
    place = text.find(old, start)
    while place >= 0:
        if not splits_word(text, place, place + len(old)):
            places.append(place)
        place = text.find(old, place + 1)
    return places


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


def _check_tabs(text: str, new: str) -> None:
    """Refuse lines that are all indented with tabs in a file that is indented with spaces only."""
    mine = {indentation(item)[:1] for item in new.split("\n") if item.strip()} - {""}
    if mine == {"\t"}:
        theirs = {indentation(item)[:1] for item in text.split("\n") if item.strip()} - {""}
        if theirs == {" "}:
            raise EditRefused("the new lines are indented with tabs, the file with spaces")


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


def _without_numbers(old: str, new: str) -> tuple[str, str]:
    """Line numbers copied from a numbered view are not part of the text."""
    lines = [line for line in old.split("\n") if line.strip()]
    if not lines or not all(_NUMBERED.match(line) for line in lines):
        return old, new

    def strip(text: str) -> str:
        return "\n".join(_NUMBERED.sub("", line) for line in text.split("\n"))

    numbered_new = all(_NUMBERED.match(line) for line in new.split("\n") if line.strip())
    return strip(old), strip(new) if numbered_new else new
