"""How much the text of a definition, and the names around it, read like an issue.

A word is worth more the fewer of the definitions that are looked into say it, for in the files that an issue is about
nearly all of them say what the issue is about.
"""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from functools import cached_property, lru_cache
from math import log

from sweagent.code.definitions import Definition
from sweagent.code.file_signals import FileSignals
from sweagent.code.imports import module_names
from sweagent.code.own_text import OwnText
from sweagent.code.words import parts

_K1, _B, _B_FLAT = 1.2, 0.6, 0.2
_TYPICAL_LENGTH = 60.0
"""Identifiers of a definition of middling length; a fixed number, so that one file more changes no score."""

Counts = dict[str, int]


class TextSignals:
    """The similarity of an issue to each of some definitions.

    Args:
        files: the signals of the files, computed before.
        texts: what each definition says itself.
    """

    def __init__(self, files: FileSignals, texts: Sequence[OwnText]) -> None:
        self._files = files
        self._question = files.question
        terms = {*files.told, *files.told_prose, *files.pairs, *self._question.told_prose_terms}
        self._terms_of = _interesting(files, texts, terms)
        self._counts = [self._count(own.words) for own in texts]
        self._texts = texts
        holders = Counter(term for counts in self._counts for term in counts)
        number = len(texts)
        self._rarity = {term: log(1 + (number - count + 0.5) / (count + 0.5)) for term, count in holders.items()}

    def text(self, position: int) -> dict[str, float]:
        """The similarity of a definition's parts: its body, the whole of it, its documentation and its strings."""
        own, counts = self._texts[position], self._counts[position]
        files = self._files
        told = self._count(own.told)
        length = sum(own.told.values())
        body = {term: rest for term, count in counts.items() if (rest := count - told.get(term, 0)) > 0}
        strings = self._count(own.strings)
        return {
            "body": self._bm25(body, own.length - length, files.told),
            "whole": self._bm25(counts, own.length, files.told, _B_FLAT),
            "told": self._bm25(told, length, files.told),
            "strings": self._bm25(strings, sum(own.strings.values()), files.told_prose),
            "pairs": self._bm25(counts, own.length, files.pairs),
        }

    def cover(self, position: int, path: str, chain: Sequence[Definition]) -> dict[str, float]:
        """How much of the title and of the prose is said by a definition with the names of what is around it.

        Args:
            position: of the definition.
            path: its file.
            chain: the definition and those around it, innermost first.
        """
        names = self._wanted & {*_path_parts(path), *(part for item in chain for part in parts(item.name))}
        known = names | self._counts[position].keys()
        return {
            "cover_names": _share(self._title, names),
            "cover": _share(self._title, known) ** 2,
            "cover_prose": _share(self._prose, known),
        }

    @cached_property
    def _wanted(self) -> Set[str]:
        return self._title.keys() | self._prose.keys()

    @cached_property
    def _title(self) -> dict[str, float]:
        return {term: self._files.rarity(term) for term in self._question.title_terms}

    @cached_property
    def _prose(self) -> dict[str, float]:
        return {term: self._files.rarity(term) * weight for term, weight in self._files.told_prose.items()}

    def _count(self, words: Mapping[str, int]) -> Counts:
        """How often each word of the question is said."""
        counts: Counts = {}
        for word in words.keys() & self._terms_of.keys():
            count = words[word]
            for term in self._terms_of[word]:
                counts[term] = counts.get(term, 0) + count
        return counts

    def _bm25(self, counts: Counts, length: int, weights: Mapping[str, float], b: float = _B) -> float:
        norm = _K1 * (1 - b + b * length / _TYPICAL_LENGTH)
        score = 0.0
        for term, count in counts.items():
            if term in weights:
                score += weights[term] * self._rarity.get(term, 0.0) * count * (_K1 + 1) / (count + norm)
        # The order of a set differs from run to run, and with it the last digits of a sum.
        return round(score, 9)


def _share(weights: Mapping[str, float], known: Set[str]) -> float:
    """The share of the weights that is known."""
    both = weights.keys() & known
    total = sum(weights.values()) if both else 0.0
    return round(sum(weights[term] for term in both) / total, 9) if total else 0.0


def _interesting(files: FileSignals, texts: Sequence[OwnText], terms: set[str]) -> dict[str, tuple[str, ...]]:
    """Those identifiers of the definitions that contain a word of the question, and which words."""
    there: set[str] = set()
    for own in texts:
        there.update(own.words)
    found: dict[str, list[str]] = {}
    for term in sorted(terms):
        for word in there.intersection(files.index.words_with(term)):
            found.setdefault(word, []).append(term)
    return {word: tuple(items) for word, items in found.items()}


@lru_cache(maxsize=256)
def _path_parts(path: str) -> frozenset[str]:
    """The words of a file's name and of its folder's."""
    return frozenset(part for name in module_names(path)[-2:] for part in parts(name))
