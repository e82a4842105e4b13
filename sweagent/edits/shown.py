"""Show parts of a text to the model, with line numbers."""

import difflib

from sweagent.edits.errors import EditRefused

MOST_LINES = 200_000
"""Lines of a text above which nothing but exact matches is looked for."""


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
    if len(lines) > MOST_LINES or not any(wanted):
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
    """Find the rows at which the text could begin, by equal lines, or else by lines like the longest one."""
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


def ambiguous(text: str, rows: list[int], height: int) -> EditRefused:
    """The refusal of an edit that fits at several lines; it shows them with the lines around."""
    shown = "\n   …\n".join(numbered(text, row - 1, row + min(height, 4)) for row in rows[:6])
    more = f"\n… and {len(rows) - 6} more" if len(rows) > 6 else ""
    return EditRefused(
        f"the text to replace is there {len(rows)} times, at lines {', '.join(map(str, rows[:20]))}; "
        f"give more lines around it, or `line`:\n{shown}{more}"
    )
