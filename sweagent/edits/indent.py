"""Carrying an edit's lines over to the indentation of the file."""

import itertools
from collections import Counter
from collections.abc import Callable, Sequence


class UnmatchedError(ValueError):
    """The indentation of the file and that of the edit do not belong together. The message is written for the model."""


def indentation(line: str) -> str:
    """The blanks that a line begins with."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def unit_of(lines: Sequence[str]) -> int:
    """How many spaces a level of a file has: the most frequent step inwards; 0 when nothing tells."""
    widths = [len(indentation(line)) for line in lines if line.strip() and "\t" not in indentation(line)]
    steps = Counter(second - first for first, second in itertools.pairwise(widths) if second > first)
    return steps.most_common(1)[0][0] if steps else 0


def reindenter(given: Sequence[str], own: Sequence[str], unit: int = 0) -> Callable[[str], str]:
    """Return a function that gives a line of the edit the file's indentation.

    An indentation that occurs in `given` is replaced as there. Any other is derived: by the same shift, or from spaces
    to tabs or back. The function raises `UnmatchedError` where neither is certain.

    Args:
        given: lines as the edit has them.
        own: the same lines as the file has them.
        unit: spaces of a level of the file; a shift by another width is not trusted. 0 trusts any.

    Raises:
        UnmatchedError: one indentation of the edit stands for two of the file.
    """
    known: dict[str, str] = {}
    for mine, theirs in zip(given, own, strict=True):
        if mine.strip() and known.setdefault(indentation(mine), indentation(theirs)) != indentation(theirs):
            raise UnmatchedError("its indentation differs from the file's, and not everywhere in the same way")
    derive = _rule(known, unit)

    def fit(line: str) -> str:
        if not line.strip():
            return ""
        mine = indentation(line)
        return (known[mine] if mine in known else derive(mine)) + line[len(mine) :]

    return fit


def _rule(known: dict[str, str], unit: int) -> Callable[[str], str]:
    if all(mine == theirs for mine, theirs in known.items()):
        return lambda mine: mine
    for rule in (_scale(known), _shift(known, unit)):
        if rule is not None and all(_try(rule, mine) == theirs for mine, theirs in known.items()):
            return rule
    return _refuse


def _refuse(mine: str) -> str:
    raise UnmatchedError("its indentation differs from the file's, and that of the new lines cannot be derived")


def _try(rule: Callable[[str], str], indent: str) -> str | None:
    try:
        return rule(indent)
    except UnmatchedError:
        return None


def _shift(known: dict[str, str], unit: int) -> Callable[[str], str] | None:
    """The file has the same blanks more, or fewer, before each line."""
    mine, theirs = next(iter(known.items()))
    longer, shorter = (theirs, mine) if len(theirs) >= len(mine) else (mine, theirs)
    blanks = longer.removesuffix(shorter)
    if len(blanks) != len(longer) - len(shorter) or (unit and "\t" not in blanks and len(blanks) % unit):
        return None

    def shift(indent: str) -> str:
        if (" " in indent and "\t" in blanks) or ("\t" in indent and " " in blanks):
            return _refuse(indent)
        if longer is theirs:
            return blanks + indent
        return indent.removeprefix(blanks) if indent.startswith(blanks) else _refuse(indent)

    return shift


def _scale(known: dict[str, str]) -> Callable[[str], str] | None:
    """The file is indented by tabs and the edit by spaces, or the other way round."""
    pairs = [(mine, theirs) for mine, theirs in known.items() if mine or theirs]
    mine_kind, their_kind = ({character for pair in pairs for character in pair[side]} for side in (0, 1))
    if (mine_kind, their_kind) not in (({" "}, {"\t"}), ({"\t"}, {" "})) or not all(all(pair) for pair in pairs):
        return None
    mine_width, their_width = len(pairs[0][0]), len(pairs[0][1])
    blank = their_kind.pop()

    def scale(indent: str) -> str:
        levels, rest = divmod(len(indent) * their_width, mine_width)
        if rest or (indent and set(indent) != mine_kind):
            return _refuse(indent)
        return blank * levels

    return scale
