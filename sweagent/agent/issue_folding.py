"""Fold lists of versions, long logs and repetitions in an issue's text.

Every request pays for the whole of the first prompt, and a list of installed packages is most of some issues. Prose,
code and traces stay as they are; the whole text is kept in a file that the fold names.
"""

import ast
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

_VERSION = r"v?\d+(?:\.\w+)+\S*"
_LISTED = re.compile(
    r"\s*(?:"
    rf"[\w.\-\[\]]+\s*(?:===?|>=|=)\s*v?\d\S*(?:=\S+)?"  # pip freeze, conda env
    rf"|[\w.\-]+\s+(?:{_VERSION}|\d+)(?:\s+\S+){{0,3}}"  # pip list, conda list
    rf"|[\w.\- ]{{1,40}}:\s*(?:{_VERSION}|None|not installed)(?:\s+\S+){{0,3}}"  # name: 1.2.3
    r"|Package\s+Version.*|[-=\s]{3,}|- [\w.\-]+=\S+"
    r")\s*"
)
_LEAST_LISTED = 10
"""Lines of versions in a row that are folded; a shorter list tells more than the fold would save."""
_KEPT_OF_A_LIST = 2
_LEAST_LOG = 60
_HEAD, _TAIL = 15, 20
"""Lines that are kept of a long log."""
_LEAST_REPEATED = 12
_LONGEST_LINE = 1_500
_TELLING = re.compile(r"\b(?:error|exception|failed|traceback|assert\w*)\b|\w(?:Error|Exception)\b", re.I)
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_CODE = re.compile(
    r"^\s*(?:>>>|\.\.\.|In \[|(?:def|class|import|from|return|if|for|while|try|with|const|let|var|func|fn|pub|package|"
    r"public|private|#include|@)\b|[\w.\[\]]+\s*(?:=|\+=)\s*\S|[\w.]+\(.*|[)\]}]+[,;]?$)"
)
_TRACE = re.compile(r'^\s*(?:Traceback \(|File ".*", line \d+|-{2,}> ?\d+ |\s+at \S+ ?\(|goroutine \d+|panic:|thread )')
_SENTENCE = re.compile(r"\s*\W{0,3}[A-Z].{20,}[\w)\"'`][.!?:]\s*")
_FRAME = re.compile(r'^\s*(?:File ".*", line \d+|at \S+ ?\(|\S+:\d+: |Traceback |.*\.\w+:\d+(?::\d+)?\)?$)')


@dataclass(frozen=True)
class _Fold:
    """Lines `start` to before `end` become one line that tells what they were."""

    start: int
    end: int
    what: str


def fold_issue(text: str, whole: str) -> str:
    """Return the text with what is neither prose nor code nor trace folded; the same text where there is nothing.

    Args:
        text: title, body and comments.
        whole: where the whole text is to be had.
    """
    lines = text.split("\n")
    folds = _versions(lines)
    folds += [fold for fold in _logs(lines) if not _overlaps(fold, folds)]
    folds += [fold for fold in _repeated(lines) if not _overlaps(fold, folds)]
    kept: list[str] = []
    position, where = 0, f"; the whole text: {whole}"
    for fold in sorted(folds, key=lambda item: item.start):
        kept += [*lines[position : fold.start], f"[… {fold.end - fold.start} lines: {fold.what}{where}]"]
        where = ""
        position = fold.end
    kept += lines[position:]
    return "\n".join(_shortened(line, whole) for line in kept)


def _shortened(line: str, whole: str) -> str:
    if len(line) <= _LONGEST_LINE or line.count(" ") > len(line) / 30:
        return line
    return f"{line[: _LONGEST_LINE // 3]} [… {len(line) - _LONGEST_LINE // 3:,} characters; the whole text: {whole}]"


def _overlaps(fold: _Fold, others: Sequence[_Fold]) -> bool:
    return any(fold.start < other.end and other.start < fold.end for other in others)


def _versions(lines: Sequence[str]) -> list[_Fold]:
    """Runs of lines that name packages with their versions; empty lines may stand between."""
    folds, start, count = [], 0, 0
    last = 0
    for number, line in enumerate([*lines, "the end"]):
        if _LISTED.fullmatch(line) and line.strip():
            start = start if count else number
            count, last = count + 1, number
        elif line.strip():
            if count >= _LEAST_LISTED:
                folds.append(_Fold(start + _KEPT_OF_A_LIST, last + 1, "versions"))
            count = 0
    return folds


def _logs(lines: Sequence[str]) -> list[_Fold]:
    """The middles of long fenced blocks that are no code; what tells of errors stays."""
    folds: list[_Fold] = []
    opened: int | None = None
    for number, line in enumerate(lines):
        if not _FENCE.match(line):
            continue
        if opened is None:
            opened = number
            continue
        block = lines[opened + 1 : number]
        if len(block) >= _LEAST_LOG and not _is_code(block) and not any(_TRACE.match(line) for line in block):
            folds += _middles(block, opened + 1)
        opened = None
    return folds


def _is_code(block: Sequence[str]) -> bool:
    """Whether a block is code, or prose that somebody has put into a fence."""
    try:
        ast.parse(textwrap.dedent("\n".join(block)))
    except (SyntaxError, ValueError, RecursionError):
        full = [line for line in block if line.strip()]
        sentences = sum(bool(_SENTENCE.fullmatch(line)) for line in full)
        return sentences > len(full) / 2 or sum(bool(_CODE.match(line)) for line in full) > len(full) / 3
    return True


def _middles(block: Sequence[str], offset: int) -> list[_Fold]:
    folds = []
    start = _HEAD
    for number in range(_HEAD, len(block) - _TAIL + 1):
        ends = number == len(block) - _TAIL
        if ends or _TELLING.search(block[number]) or _FRAME.match(block[number]):
            if number - start >= _LEAST_REPEATED:
                folds.append(_Fold(offset + start, offset + number, "of the log"))
            # A frame is followed by its line of code.
            start = number + 2
    return folds


def _repeated(lines: Sequence[str]) -> list[_Fold]:
    """Parts that stand in the text a second time, word for word."""
    first: dict[tuple[str, ...], int] = {}
    folds: list[_Fold] = []
    number = 0
    while number + _LEAST_REPEATED <= len(lines):
        window = tuple(lines[number : number + _LEAST_REPEATED])
        before = first.get(window)
        if before is None or sum(map(len, window)) < 100:
            first.setdefault(window, number)
            number += 1
            continue
        length = _LEAST_REPEATED
        while number + length < len(lines) and before + length < number:
            if lines[before + length] != lines[number + length]:
                break
            length += 1
        folds.append(_Fold(number, number + length, "as above"))
        number += length
    return folds
