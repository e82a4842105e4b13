"""What was changed before a commit, and what was said of it.

That older reports which read like a new one point at its files: J. Zhou et al., "Where Should the Bugs Be Fixed?"
(2012); here the messages of commits stand for the reports.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log, sqrt
from pathlib import Path

from sweagent.code.index.words import terms
from sweagent.git import GitError, git

_COMMITS = 3000
_FILES_AT_MOST = 20
"""A commit of more files than this is housekeeping: it says nothing of any one of them."""
_MESSAGE = 600
_K1, _B = 1.2, 0.5


@dataclass(frozen=True, slots=True)
class Change:
    """A commit before the base commit.

    Attributes:
        message: its first characters.
        paths: the files that it touched, as they were named then.
    """

    message: str
    paths: tuple[str, ...]


class History:
    """The commits that led to a commit; merges and commits of very many files are left out.

    Args:
        changes: the latest first.
    """

    def __init__(self, changes: Sequence[Change] = ()) -> None:
        self.changes = changes

    def alike(self, weights: Mapping[str, float]) -> dict[str, float]:
        """How much the messages of each file's changes read like a question.

        Args:
            weights: of the question's stemmed words.
        """
        scores: defaultdict[int, float] = defaultdict(float)
        average = sum(self._lengths) / max(1, len(self._lengths))
        for term, weight in weights.items():
            counts = self._postings.get(term, {})
            rarity = log(1 + (len(self.changes) - len(counts) + 0.5) / (len(counts) + 0.5))
            for number, count in counts.items():
                norm = _K1 * (1 - _B + _B * self._lengths[number] / average)
                scores[number] += weight * rarity * count * (_K1 + 1) / (count + norm)
        found: defaultdict[str, float] = defaultdict(float)
        for number in sorted(scores, key=lambda number: (-scores[number], number))[:100]:
            change = self.changes[number]
            # Squared, for many commits that share a common word should not outweigh one that says the same.
            for path in change.paths:
                found[path] += scores[number] ** 2 / sqrt(len(change.paths))
        return {path: sqrt(score) for path, score in found.items()}

    @cached_property
    def _words(self) -> list[Counter[str]]:
        return [terms(change.message) for change in self.changes]

    @cached_property
    def _lengths(self) -> list[int]:
        return [words.total() for words in self._words]

    @cached_property
    def _postings(self) -> dict[str, dict[int, int]]:
        found: defaultdict[str, dict[int, int]] = defaultdict(dict)
        for number, words in enumerate(self._words):
            for word, count in words.items():
                found[word][number] = count
        return dict(found)


def read_history(git_dir: Path, commit: str) -> History:
    """Read the history of a commit, itself included; empty when there is none, as for a tree.

    A shallow clone gives what it has. Objects that a partial clone left out are not fetched.

    Args:
        git_dir: a git directory; it is only read.
        commit: nothing after it is looked at.
    """
    what = ("--no-merges", "--no-renames", "--name-only", "-z", "--format=%x01%H%n%s%n%b%x02")
    try:
        output = git("log", f"--max-count={_COMMITS}", *what, commit, "--", git_dir=git_dir).stdout
    except GitError:
        return History()
    changes: list[Change] = []
    cut = _shallow(git_dir)
    for record in output.decode("utf-8", "replace").split("\1")[1:]:
        said, _, listed = record.partition("\2")
        name, _, message = said.partition("\n")
        paths = tuple(path.lstrip("\n") for path in listed.split("\0") if path.strip("\n"))
        if 0 < len(paths) <= _FILES_AT_MOST and name not in cut:
            changes.append(Change(message[:_MESSAGE].strip(), paths))
    return History(changes)


def _shallow(git_dir: Path) -> frozenset[str]:
    """The commits at which a shallow clone was cut off: git shows them as if they had made all of their files."""
    try:
        return frozenset((git_dir / "shallow").read_text("ascii").split())
    except (OSError, ValueError):
        return frozenset()
