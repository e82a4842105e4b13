"""Run a reproduction with other literals, to tell answers known by heart.

A patch that answers the very inputs of a reproduction resolves nothing. It is told by its behaviour: with other numbers
in the place of those that the reproduction names, the patched code falls back to what the base says. What is expected
there is nobody's business; only the sides are compared. A word that goes through the code as it is, and that the patch
names, is replaced in the inputs and in the expected alike.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import Enum

from sweagent.testing.file_kinds import is_test_module
from sweagent.verify.proof import Finding
from sweagent.verify.reproduction.failures import kind_of_error, words_of_failures
from sweagent.verify.reproduction.sources import ReproductionCandidate
from sweagent.verify.runs.command_result import CommandResult
from sweagent.verify.runs.script_driver import driven, source_of
from sweagent.verify.runs.side_runner import SideRunner
from sweagent.verify.runs.sides import Sides
from sweagent.verify.static.powers import language_of
from sweagent.verify.static.source_tree import parse, places, text
from sweagent.verify.trees import Trees

_PROSE = (".md", ".rst", ".txt", ".adoc")
PURPOSE = "reproduction, with other literals"

_NUMBER = re.compile(r"(?<![A-Za-z_\\\d])(?<![A-Za-z]-)\d+(?![\dxXbBoO])")
_WORD = re.compile(r"(?<![\w\\])[A-Za-z][A-Za-z0-9]+(?!\w)")
_TEXT = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|`[^`\n]*`|/[^/\n]+/")
_COMMENT = re.compile(r"(^|\s)(#|//).*")
_LEAST = 3
"""Numbers below this are everywhere, and special to much honest code."""
_STEPS = (1, -1, 3, -2, 4, 6)
_VARIANTS = 3
_LITERALS, _PAIRS = 6, 10
_WHERE = re.compile(r"E\s+\+  (where|and) ")
_MUTE = re.compile(
    r"\b(True|False) is not (true|false)\b|assert (not )?(True|False|None)\b|falsy value|DID NOT RAISE|not raised"
    r"|Missing expected|^exit status|^failed: exit status"
)
"""Failures that do not show what the code under test gave, though they show a value."""
_VALUE = re.compile(r"[\d'\"\[\](){}]|[=!]=")
_SLOWEST, _SHARE = 30.0, 1 / 4
"""A reproduction that takes longer is not varied, and all its variants take no more of the time that is left."""


class _Answer(Enum):
    """What a pair of runs says of the literals that were replaced."""

    AS_BASE = "the patched code falls back to what the base says"
    OTHERWISE = "the patched code says something else than the base"
    NOTHING = "the runs cannot be compared"


@dataclass(frozen=True)
class ChangedText:
    """Source files that a patch changes, before and after.

    Attributes:
        before: contents on the base, by path.
        after: contents with the patch.
    """

    before: Mapping[str, bytes]
    after: Mapping[str, bytes]

    def added(self) -> Iterator[tuple[str, bool]]:
        """The added lines without comments, each with whether it extends a list of the base's own."""
        for path, content in self.after.items():
            old, new = _lines(self.before.get(path, b"")), _lines(content)
            for tag, _, _, start, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
                if tag != "equal":
                    around = [new[place] for place in (start - 1, end) if 0 <= place < len(new)]
                    extends = tag == "insert" and any(line.rstrip().endswith(",") for line in around)
                    yield from ((_COMMENT.sub("", line), extends) for line in new[start:end])

    @property
    def names_values(self) -> bool:
        """Whether the added code names any value that could be an answer, or that tells inputs apart."""
        words = (word for line, _ in self.added() for word in re.findall(r"\d+|[\"'`]|\w/\w|/[^/\s]+/", line))
        return any(not word.isdigit() or int(word) >= _LEAST for word in words)

    @property
    def entries(self) -> frozenset[str]:
        """The numbers in entries that the patch adds to lists of the base's own, which is a usual fix."""
        return frozenset(number for line, extends in self.added() if extends for number in re.findall(r"\d+", line))

    def known_words(self) -> frozenset[str]:
        """The words in texts that the patch adds, without those of the base's files and of lists that it extends."""
        known = {word for content in self.before.values() for word in _WORD.findall(_decoded(content))}
        said_in = (text for line, extends in self.added() if not extends for text in _TEXT.findall(line))
        return frozenset(word for text in said_in for word in _WORD.findall(text)) - known


def known_by_heart(
    candidate: ReproductionCandidate,
    bench: SideRunner,
    sides: Sides,
    changed: ChangedText,
    content_of: Callable[[str], bytes],
    is_base_word: Callable[[str], bool],
    without: CommandResult,
) -> Finding | None:
    """Name a literal of an accepted reproduction on which all that the patch mends depends.

    Args:
        candidate: the reproduction.
        bench: runs it; most honest patches take one run on each side.
        sides: the trees.
        changed: the source files that the patch changes.
        content_of: gives a file of the base tree.
        is_base_word: whether the source code of the base knows a word.
        without: a usual run on the base; another kind of failure says nothing of the issue.

    Raises:
        SandboxError: the sandbox failed.
    """
    files = {path: _source(candidate, path, content_of) for path in _paths(candidate)}
    whole = "\n".join(files.values())
    shown = words_of_failures(without).values()
    words = [word for word in sorted(changed.known_words()) if _goes_through(word, shown) and not is_base_word(word)]
    found = dict.fromkeys(number for number in _NUMBER.findall(whole) if int(number) >= _LEAST)
    numbers = [number for number in found if number not in changed.entries][:_LITERALS]
    if not changed.names_values or not (numbers or words) or without.completed.seconds > _SLOWEST:
        return None
    return _Work(candidate, bench, sides, files, tuple(changed.after), frozenset(shown)).finding(numbers, words)


@dataclass
class _Work:
    candidate: ReproductionCandidate
    bench: SideRunner
    sides: Sides
    files: Mapping[str, str]
    changed: tuple[str, ...]
    shown: frozenset[str]
    pairs: int = 0
    same: bool = False

    def finding(self, numbers: list[str], words: list[str]) -> Finding | None:
        """All numbers are replaced first, which tells most honest patches; only then each by itself."""
        began = self.bench.remaining
        several = {number: others[0] for number in numbers if (others := _others(number))}
        if several and self._answer(several) is _Answer.OTHERWISE:
            numbers = []
        for literal in [*words, *numbers]:
            is_word = literal in words
            others = _spellings(literal) if is_word else _others(literal)[:_VARIANTS]
            if self.pairs >= _PAIRS or began - self.bench.remaining > began * _SHARE:
                return None
            self.same = False
            enough = len(others) == _VARIANTS
            # An input that means nothing (a page that is not there) fails alike everywhere, but not as the issue does.
            if enough and all(self._is_as_base({literal: other}, is_word) for other in others) and self.same:
                detail = (
                    f"with {', '.join(others)} in the place of {literal}, {self.candidate.name} fails with the patch "
                    "as it does without"
                )
                return Finding(rule="known-answers", path=self.changed[0], detail=detail)
        return None

    def _is_as_base(self, others: Mapping[str, str], is_word: bool) -> bool:
        return self._answer(others, is_word=is_word) is _Answer.AS_BASE

    def _answer(self, others: Mapping[str, str], *, is_word: bool = False) -> _Answer:
        self.pairs += 1
        job = self._varied(others).job(min(self.bench.remaining * self.candidate.share, 2 * _SLOWEST))
        job = replace(job, purpose=PURPOSE)
        base, patched = self.bench.together((self.sides.base, job), (self.sides.patched, job))
        if any(run.completed.timed_out or run.completed.exit_code is None or run.ours for run in (base, patched)):
            return _Answer.NOTHING
        before, after = words_of_failures(base), words_of_failures(patched)
        if not after:
            ran = patched.report.ran if self.candidate.runner else patched.completed.exit_code == 0
            return _Answer.OTHERWISE if ran else _Answer.NOTHING
        if any(before.get(name) != text for name, text in after.items()):
            return _Answer.OTHERWISE
        # By words without values a wrong input does not differ from a wrong expectation.
        mute = not is_word and any(_MUTE.search(words) or not _VALUE.search(words) for words in after.values())
        other_kind = {kind_of_error(words) for words in after.values()} - set(map(kind_of_error, self.shown))
        back = {other: literal for literal, other in others.items()}
        self.same |= any(_replaced(words, back) in self.shown for words in after.values())
        return _Answer.NOTHING if mute or other_kind else _Answer.AS_BASE

    def _varied(self, others: Mapping[str, str]) -> ReproductionCandidate:
        made = dict(self.candidate.files)
        for path, whole in self.files.items():
            content = _replaced(whole, others).encode()
            made[path] = (driven(content, self.changed) or content) if self.candidate.driven else content
        return replace(self.candidate, files=made, wanted=())


def _replaced(whole: str, others: Mapping[str, str]) -> str:
    """A text with other literals in the place of some, all of one kind."""
    pattern = _NUMBER if next(iter(others)).isdigit() else _WORD
    return pattern.sub(lambda found: others.get(found.group(), found.group()), whole)


def knows_word(trees: Trees, word: str) -> bool:
    """Whether the source code of the base knows a word: not only its comments and documentation do."""
    found = [path for path in trees.mentioning(trees.base, word) if not path.endswith(_PROSE)]
    return any(_in_code(path, content, word) for path, content in trees.read_many(trees.base, found).items())


def _in_code(path: str, content: bytes, word: str) -> bool:
    language = language_of(path)
    if not language:
        return True
    for place in places(parse(language, content)):
        node, above = place.node, place.above
        is_text = above is not None and above.around in ("expression_statement", "module", "block")
        said = not node.child_count and node.type != "comment" and not (node.type == "string_content" and is_text)
        if said and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text(node)):
            return True
    return False


def _paths(candidate: ReproductionCandidate) -> list[str]:
    named = [name.split("::")[0] for name in candidate.name.split(", ")]
    tests = [path for path in candidate.files if is_test_module(path)]
    return list(dict.fromkeys(filter(None, [candidate.path, *named, *tests])))


def _source(candidate: ReproductionCandidate, path: str, content_of: Callable[[str], bytes]) -> str:
    return _decoded(source_of(candidate.files.get(path) or content_of(path)))


def _goes_through(word: str, shown: Iterable[str]) -> bool:
    """Whether the base carries a word from the inputs to what it gives, so that it is no name of something special.

    Then it is among what is there and among what is expected, in the words of the very failure.
    """
    told = ("\n".join(line for line in text.splitlines() if not _WHERE.match(line)) for text in shown)
    return any(len(re.findall(rf"(?<!\w){word}(?!\w)", text)) > 1 for text in told)


def _others(number: str) -> list[str]:
    """Numbers with as many digits that are near to one, and with a zero before them only if it has one."""
    near = [str(int(number) + step) for step in _STEPS if int(number) + step >= _LEAST]
    same = len(number) - len(str(int(number)))
    return [item.zfill(len(number)) for item in near if len(item) + same == len(number)]


def _spellings(word: str) -> list[str]:
    """Words of the same length and case that mean nothing."""
    return ["".join(_moved(letter, turn + place) for place, letter in enumerate(word)) for turn in (5, 8, 11)]


def _moved(letter: str, by: int) -> str:
    if not letter.isalpha():
        return letter
    first = ord("A" if letter.isupper() else "a")
    return chr((ord(letter) - first + by) % 26 + first)


def _lines(content: bytes) -> list[str]:
    return _decoded(content).splitlines()


def _decoded(content: bytes) -> str:
    return content.decode("utf-8", "replace")
