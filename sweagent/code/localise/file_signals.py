"""Signals for each file as the location of a fix.

BM25 follows S. Robertson and H. Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009).
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import log, sqrt

from sweagent.code.index.index import Index
from sweagent.code.localise.issue_text import Question
from sweagent.code.localise.path_mentions import file_of_frame, files_meant

Signal = dict[int, float]

_K1, _B = 1.2, 0.75
_TERMS_AT_MOST = 120
_ALIKE = 30
"""So many files that read most like the issue speak for those they import and those that import them."""
COMMON_NAMES = frozenset(
    {"self", "cls", "args", "kwargs", "name", "value", "data", "type", "result", "object", "test", "main"}
)
"""Names that tell nothing, whatever the repository."""


class FileSignals:
    """The signals of a question for the files of an index; a file is its place in `index.sources`."""

    def __init__(self, index: Index, question: Question) -> None:
        self.index = index
        self.question = question
        self.candidates = [n for n in range(len(index.sources)) if n not in index.tests]
        self._allowed = frozenset(self.candidates)
        self._number = index.number
        self.idf: dict[str, float] = {}
        self._everywhere: dict[str, Mapping[int, int]] = {}
        self._counts_of: dict[str, Mapping[int, int]] = {}
        self._norms = _norms(index.lengths, self.candidates)
        self.told = term_weights(question.told_terms, question.title_terms)
        self.told_prose = term_weights(question.told_prose_terms, question.title_terms)
        self.pairs = {pair: weight for pair, weight in question.pairs.items() if index.words_with(pair)}

    def all(self) -> dict[str, Signal]:
        """Every signal by its name; a file that is not in a signal has 0 there."""
        question = self.question
        every = term_weights(question.all_terms, question.title_terms)
        prose = term_weights(question.prose_terms, question.title_terms)
        told, rare = self._bm25((self.told, 1), (self.told, 2))
        # They differ by the words of tracebacks alone.
        content = told if every == self.told else self._bm25((every, 1))[0]
        found = {
            "content": content,
            "told": told,
            "rare": rare,
            "pairs": self._bm25((self.pairs, 1))[0],
            "pair_names": self._names(self.pairs),
            "title_names": self._names(term_weights(question.title_terms, Counter())),
            "path": self._path_words(prose),
            "raw": self._raw(question.code_names),
            "qualified": self._qualified(),
            "imported": self._imported(),
            "path_full": self._paths(full=True),
            "path_name": self._paths(full=False),
            "frame": self._frames(),
            "tested": self._tests(every),
            "history": self._history(every),
            **self._neighbours(told),
        }
        found = {name: _scaled(signal) for name, signal in found.items()}
        found["aside"] = dict.fromkeys(sorted(self.index.asides & self._allowed), 1.0)
        return found

    def rarity(self, term: str) -> float:
        """How much a word tells: 0 when most files have it."""
        return self.idf[term] if self._counts(term) else 0.0

    def _bm25(self, *asked: tuple[Mapping[str, float], int]) -> list[Signal]:
        """BM25 of some words, each set with their weights and the power to which their rarity counts."""
        found = [[0.0] * len(self.index.sources) for _ in asked]
        for term in dict.fromkeys(term for weights, _ in asked for term in weights):
            counts = self._counts(term)
            if not counts:
                continue
            shares = [(n, count / (count + self._norms[n])) for n, count in counts.items()]
            for (weights, power), scores in zip(asked, found, strict=True):
                if factor := weights.get(term, 0.0) * self.idf[term] ** power:
                    for n, share in shares:
                        scores[n] += factor * share
        return [{n: score for n, score in enumerate(scores) if score} for scores in found]

    def _counts(self, term: str) -> Mapping[int, int]:
        """Count a word in the candidates; a word that most of them hold counts nothing."""
        if term not in self._counts_of:
            self._everywhere[term] = everywhere = self.index.term_files(term)
            counts = {n: count for n, count in everywhere.items() if n in self._allowed}
            share = len(counts) / max(1, len(self.candidates))
            self.idf[term] = log(1 + (len(self.candidates) - len(counts) + 0.5) / (len(counts) + 0.5))
            self._counts_of[term] = counts if share < 0.6 else {}
        return self._counts_of[term]

    def _names(self, weights: Mapping[str, float]) -> Signal:
        scores: defaultdict[int, float] = defaultdict(float)
        for term, weight in weights.items():
            numbers = self.index.name_files(term)
            if not numbers:
                continue
            factor = weight * log(1 + len(self.candidates) / len(numbers))
            for n, count in numbers.items():
                if n in self._allowed:
                    scores[n] += factor * count / (count + 2)
        return dict(scores)

    def _path_words(self, weights: Mapping[str, float]) -> Signal:
        scores: defaultdict[int, float] = defaultdict(float)
        for term, weight in weights.items():
            numbers = self.index.path_files(term)
            for n, share in numbers.items():
                if n in self._allowed:
                    scores[n] += weight * share * log(1 + len(self.candidates) / len(numbers))
        return dict(scores)

    def _raw(self, names: Iterable[str]) -> Signal:
        scores: defaultdict[int, float] = defaultdict(float)
        for name in sorted(names):
            if len(name) < 3 or name in COMMON_NAMES:
                continue
            counts = self.index.word_files(name)
            if not counts:
                continue
            factor = log(1 + len(self.index.sources) / len(counts))
            for n, count in counts.items():
                if n in self._allowed:
                    scores[n] += factor * count / (count + 1.5)
        return dict(scores)

    def _history(self, weights: Mapping[str, float]) -> Signal:
        alike = self.index.history.alike(weights)
        return {n: value for path, value in alike.items() if (n := self._number.get(path)) in self._allowed}

    def _neighbours(self, scores: Signal) -> dict[str, Signal]:
        """What the files that read most like the issue import, and what imports them."""
        imports: defaultdict[int, float] = defaultdict(float)
        importers: defaultdict[int, float] = defaultdict(float)
        sources, graph = self.index.sources, self.index.graph
        for n in sorted(scores, key=lambda n: (-scores[n], n))[:_ALIKE]:
            targets = [self._number[path] for path in graph.imported(sources[n])]
            targets = [target for target in targets if target in self._allowed]
            for target in targets:
                popular = 1 + len(graph.importers(sources[target]))
                imports[target] += scores[n] / sqrt(len(targets) * popular)
            users = [self._number[path] for path in graph.importers(sources[n])]
            for user in users:
                if user in self._allowed:
                    importers[user] += scores[n] / sqrt(1 + len(users))
        return {"imported_by": dict(imports), "importing": dict(importers)}

    def imports(self, numbers: Sequence[int]) -> dict[int, frozenset[int]]:
        """The candidates that each of some files imports."""
        graph, sources = self.index.graph, self.index.sources
        return {
            n: self._allowed.intersection(self._number[path] for path in graph.imported(sources[n])) for n in numbers
        }

    def _qualified(self) -> Signal:
        scores: defaultdict[int, float] = defaultdict(float)
        for dotted in self.question.dotted:
            names = dotted.split(".")
            for first in range(len(names) - 1):
                places = self.index.find(".".join(names[first : first + 2]))
                numbers = {self._number[place.path] for place in places} & self._allowed
                for n in numbers:
                    scores[n] += 1 / len(numbers)
        return dict(scores)

    def _imported(self) -> Signal:
        """Files that define what the code blocks import; a package's own re-export is looked through."""
        scores: defaultdict[int, float] = defaultdict(float)
        for dotted in self.question.imported:
            module, _, name = dotted.rpartition(".")
            top = module.partition(".")[0]
            places = [p for p in self.index.by_name.get(name, ()) if f"{top}/" in p.path and p.definition.parent < 0]
            inside = [p for p in places if module.replace(".", "/") in p.path]
            numbers = {self._number[place.path] for place in inside or places} & self._allowed
            for n in numbers:
                scores[n] += 1 / len(numbers)
        return dict(scores)

    def _paths(self, *, full: bool) -> Signal:
        scores: defaultdict[int, float] = defaultdict(float)
        for mention in self.question.paths:
            if ("/" in mention) is full:
                numbers = files_meant(self.index, mention, self._allowed)
                for n in numbers:
                    scores[n] += 1 / len(numbers)
        return dict(scores)

    def resolve_frame(self, path: str) -> int | None:
        """The candidate that a traceback's path means, or None when it is none of the repository's."""
        return file_of_frame(self.index, path, self._allowed)

    def _frames(self) -> Signal:
        """The files of the traceback, the deepest first."""
        deepest: Signal = {}
        weight = 1.0
        for frame in reversed(self.question.frames):
            n = self.resolve_frame(frame.path)
            if n is not None:
                deepest[n] = max(deepest.get(n, 0.0), weight)
                weight *= 0.7
        return deepest

    def _tests(self, weights: Mapping[str, float]) -> Signal:
        """What the tests that read like the issue import."""
        tests = self.index.tests
        if not tests:
            return {}
        norms = _norms(self.index.lengths, tests)
        scores: defaultdict[int, float] = defaultdict(float)
        heaviest = sorted(weights, key=lambda term: -weights[term] * self.idf.get(term, 0.0))[:25]
        for term in heaviest:
            factor = weights[term] * self.idf[term]
            for n, count in self._everywhere[term].items():
                if n in tests:
                    scores[n] += factor * count / (count + norms[n])
        imports: defaultdict[int, float] = defaultdict(float)
        for n in sorted(scores, key=lambda number: (-scores[number], number))[:15]:
            path = self.index.sources[n]
            targets = [self._number[t] for t in self.index.graph.imported(path)]
            targets = [t for t in targets if t in self._allowed]
            for target in targets:
                imports[target] += (
                    scores[n] / sqrt(len(targets)) / sqrt(1 + len(self.index.importers(self.index.sources[target])))
                )
        return dict(imports)


def term_weights(counts: Mapping[str, int], title: Mapping[str, int]) -> dict[str, float]:
    """The weights of a question's words: those of the title count twice, repetitions little; only the heaviest stay."""
    weights = {term: (1 + log(count)) * (2.0 if term in title else 1.0) for term, count in counts.items()}
    if len(weights) > _TERMS_AT_MOST:
        kept = sorted(weights, key=lambda term: (-weights[term], term))[:_TERMS_AT_MOST]
        weights = {term: weights[term] for term in kept}
    return weights


def _norms(lengths: Sequence[int], some: Collection[int]) -> list[float]:
    """BM25's correction for the length of each file, by the average of some of them."""
    average = max(1.0, sum(lengths[n] for n in some) / max(1, len(some)))
    return [_K1 * (1 - _B + _B * length / average) for length in lengths]


def _scaled(signal: Signal) -> Signal:
    top = max(signal.values(), default=0.0)
    return {n: value / top for n, value in signal.items()} if top > 0 else {}
