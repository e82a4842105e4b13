"""What speaks for each definition of the likeliest files as the place of a fix."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import log, sqrt

from sweagent.code.definitions import Definition
from sweagent.code.file_signals import FileSignals, term_weights
from sweagent.code.index import Place
from sweagent.code.own_text import OwnText
from sweagent.code.words import parts

_K1, _B = 1.2, 0.6
_TYPICAL_LENGTH = 60.0
"""Identifiers of a definition of middling length; a fixed number, so that one file more changes no score."""
_TRIGRAMS_AT_MOST = 24
_SCALED = ("content", "prose", "title", "raw", "name", "name_title", "exact", "exact_block")


@dataclass(slots=True)
class Candidate:
    """A definition with what speaks for it.

    Attributes:
        place: where it is.
        file_number: the file's place in `index.sources`.
        outer: the definition around it.
        own: its own text, without that of the definitions within it.
        signals: by name; absent ones are 0.
    """

    place: Place
    file_number: int
    outer: Definition | None
    own: OwnText
    signals: dict[str, float] = field(default_factory=dict)

    @property
    def definition(self) -> Definition:
        """The definition itself."""
        return self.place.definition


class DefinitionSignals:
    """The signals of a question for the definitions of some files.

    Args:
        files: the signals of the files, computed before.
        numbers: the files to look into, by their place in `index.sources`, likeliest first.
    """

    def __init__(self, files: FileSignals, numbers: Sequence[int]) -> None:
        self._files = files
        self._index = files.index
        self._question = files.question
        self._rarities: dict[str, float] = {}
        self._words_of: dict[str, tuple[str, ...]] = {}
        self._code_names = self._question.code_names
        self._named = self._question.code_names | self._question.title_names
        self.candidates = self._read(numbers)

    def compute(self) -> list[Candidate]:
        """Fill in the signals of all candidates and return them."""
        question = self._question
        weights = term_weights(question.all_terms, question.title_terms)
        self._words_of = self._interesting(weights)
        prose, title = question.prose_terms, question.title_terms
        for candidate in self.candidates:
            candidate.signals = self._texts(candidate, weights, prose, title)
            candidate.signals.update(self._mentions(candidate))
            candidate.signals.update(self._shape(candidate))
        self._frames()
        self._phrases()
        self._called()
        self._scale()
        self._classes()
        return self.candidates

    def _read(self, numbers: Sequence[int]) -> list[Candidate]:
        paths = [self._index.sources[n] for n in numbers]
        texts = self._index.own_texts(paths)
        found: list[Candidate] = []
        for number, path in zip(numbers, paths, strict=True):
            definitions = self._index.definitions_of(path)
            for definition, own in zip(definitions, texts[path], strict=True):
                outer = definitions[definition.parent] if definition.parent >= 0 else None
                found.append(Candidate(Place(path, definition), number, outer, own))
        return found

    def _interesting(self, weights: Mapping[str, float]) -> dict[str, tuple[str, ...]]:
        """Those identifiers of the candidates that contain a word of the question, and which words."""
        there: set[str] = set()
        for candidate in self.candidates:
            there.update(candidate.own.words)
        found: defaultdict[str, list[str]] = defaultdict(list)
        for term in weights:
            for word in there.intersection(self._index.words_with(term)):
                found[word].append(term)
        return {word: tuple(items) for word, items in found.items()}

    def _texts(
        self, candidate: Candidate, weights: Mapping[str, float], prose: Mapping[str, int], title: Mapping[str, int]
    ) -> dict[str, float]:
        counts: dict[str, int] = {}
        words = candidate.own.words
        for word in words.keys() & self._words_of.keys():
            count = words[word]
            for term in self._words_of[word]:
                counts[term] = counts.get(term, 0) + count
        norm = _K1 * (1 - _B + _B * candidate.own.length / _TYPICAL_LENGTH)
        content = in_prose = in_title = 0.0
        for term, count in counts.items():
            value = self._files.idf.get(term, 0.0) * count * (_K1 + 1) / (count + norm)
            weighted = weights[term] * value
            content += weighted
            if term in prose:
                in_prose += weighted
            if term in title:
                in_title += value
        raw = sum(self._rarity(name) for name in sorted(words.keys() & self._code_names))
        # The order of a set differs from run to run, and with it the last digits of a sum.
        return {"content": round(content, 9), "prose": round(in_prose, 9), "title": round(in_title, 9), "raw": raw}

    def _rarity(self, name: str) -> float:
        known = self._rarities
        if name not in known:
            files = len(self._index.word_files(name))
            known[name] = log(1 + len(self._index.sources) / files) if files and len(name) > 2 else 0.0
        return known[name]

    def _mentions(self, candidate: Candidate) -> dict[str, float]:
        question, definition = self._question, candidate.definition
        name = definition.name
        alone = 1 / sqrt(max(1, len(self._index.by_name.get(name, ()))))
        long_enough = len(name) > 2
        signals: dict[str, float] = {}
        if long_enough and name in question.code_names:
            signals["exact"] = alone
        if long_enough and name in question.block_calls:
            signals["exact_block"] = alone
        outer = candidate.outer
        if outer is not None:
            said = outer.name in question.code_names or outer.name in question.title_names
            signals["outer"] = float(said)
            signals["outer_block"] = float(outer.name in question.block_names)
            both = (said or outer.name in question.block_names) and (
                name in question.code_names or name in question.title_names or name in question.block_calls
            )
            signals["outer_and_name"] = float(both)
            signals["base"] = float(not self._named.isdisjoint(outer.bases))
        name_terms = [part for part in parts(name) if len(part) > 1]
        known = [part for part in name_terms if part in question.prose_terms]
        if known:
            rarity = sum(self._name_rarity(part) for part in known)
            signals["name"] = rarity * len(known) / len(name_terms)
            signals["name_title"] = sum(self._name_rarity(part) for part in known if part in question.title_terms)
        return signals

    def _name_rarity(self, part: str) -> float:
        return log(1 + len(self._index.sources) / max(1, len(self._index.name_files(part))))

    def _shape(self, candidate: Candidate) -> dict[str, float]:
        definition = candidate.definition
        name = definition.name
        return {
            "class": float(definition.kind == "class"),
            "dunder": float(name.startswith("__") and name.endswith("__")),
            "private": float(name.startswith("_") and not name.startswith("__")),
            "nested": float(definition.kind == "function" and definition.parent >= 0),
            "length": log(1 + candidate.own.length) / 6,
        }

    def _frames(self) -> None:
        """Candidates on the traceback, the deepest first; a function's name tells when the lines have moved."""
        by_place: defaultdict[tuple[int, str], list[Candidate]] = defaultdict(list)
        for candidate in self.candidates:
            by_place[candidate.file_number, candidate.definition.name].append(candidate)
        weight = 1.0
        for frame in reversed(self._question.frames):
            number = self._files.resolve_frame(frame.path)
            if number is None:
                continue
            named = by_place.get((number, frame.function), [])
            if len(named) > 1 and frame.line:
                named = [min(named, key=lambda item: abs(item.definition.start - frame.line))]
            for candidate in named:
                candidate.signals["frame"] = max(candidate.signals.get("frame", 0.0), weight)
            weight *= 0.7

    def _phrases(self) -> None:
        """Candidates in which pieces of the quoted messages stand; a message's own words are fixed, its values not."""
        pieces: dict[str, None] = {}
        for phrase in self._question.phrases:
            words = phrase.split()
            for first in range(max(1, len(words) - 2)):
                piece = " ".join(words[first : first + 3]).strip("'\"`.,:;")
                if len(piece) > 8 and " " in piece:
                    pieces.setdefault(piece)
        for piece in list(pieces)[:_TRIGRAMS_AT_MOST]:
            holders = [candidate for candidate in self.candidates if piece in candidate.own.text]
            for candidate in holders:
                candidate.signals["phrase"] = candidate.signals.get("phrase", 0.0) + 1 / len(holders)

    def _called(self) -> None:
        """Candidates that those which the question names call, and the other way round."""
        named = [c for c in self.candidates if c.signals.get("exact") or c.signals.get("frame")]
        named = sorted(named, key=lambda c: -(c.signals.get("exact", 0) + c.signals.get("frame", 0)))[:30]
        called: dict[str, float] = {}
        for candidate in named:
            for word in candidate.own.words:
                called[word] = called.get(word, 0.0) + 1 / len(named)
        for candidate in self.candidates:
            name = candidate.definition.name
            if name in called and len(self._index.by_name.get(name, ())) <= 6:
                candidate.signals["called"] = min(1.0, called[name] * 3)

    def _classes(self) -> None:
        """How much the whole class around a candidate reads like the question, and its rank within its file."""
        whole: defaultdict[tuple[int, str], float] = defaultdict(float)
        best: defaultdict[int, float] = defaultdict(float)
        for candidate in self.candidates:
            number, content = candidate.file_number, candidate.signals.get("content", 0.0)
            whole[number, _class_of(candidate)] += content
            best[number] = max(best[number], content)
        top = max(whole.values(), default=0.0) or 1.0
        for candidate in self.candidates:
            number, content = candidate.file_number, candidate.signals.get("content", 0.0)
            candidate.signals["class_content"] = whole[number, _class_of(candidate)] / top
            candidate.signals["in_file"] = content / (best[number] or 1.0)

    def _scale(self) -> None:
        for name in (*_SCALED, "phrase"):
            top = max((candidate.signals.get(name, 0.0) for candidate in self.candidates), default=0.0)
            if top > 0:
                for candidate in self.candidates:
                    if name in candidate.signals:
                        candidate.signals[name] /= top


def _class_of(candidate: Candidate) -> str:
    """The qualified name of the outermost definition around a candidate; a function outside of classes has none."""
    definition = candidate.definition
    outermost = definition.qualified.partition(".")[0]
    return outermost if definition.kind in ("class", "method") or definition.parent >= 0 else ""
