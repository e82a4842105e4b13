"""Signals for each definition of the likeliest files."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log, sqrt

from sweagent.code.index.definitions import Definition
from sweagent.code.index.index import DefinitionSite
from sweagent.code.index.own_text import OwnText
from sweagent.code.index.words import parts
from sweagent.code.localise.definition_calls import Calls
from sweagent.code.localise.definition_texts import text_signals
from sweagent.code.localise.file_signals import FileSignals

_TRIGRAMS_AT_MOST = 24
_WITH_OUTER = 3
"""So much more a name says when the name around it is said too."""
_SCALED = ("phrase", "exact", "exact_block", "name", "name_title", "around", "around_title")


@dataclass(slots=True)
class RankedDefinition:
    """A definition with what speaks for it.

    Attributes:
        place: where it is.
        file_number: the file's place in `index.sources`.
        outer: the definition around it.
        own: its own text, without that of the definitions within it.
        signals: by name; absent ones are 0.
    """

    place: DefinitionSite
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
        question = files.question
        self._named = question.code_names | question.title_names
        self._like_all = _Likeness(files, question.prose_terms)
        self._like_prose = _Likeness(files, question.told_prose_terms)
        self._texts = self._index.file_texts([self._index.sources[n] for n in numbers])
        self.candidates = self._read(numbers)

    def compute(self) -> list[RankedDefinition]:
        """Fill in the signals of all candidates and return them."""
        shapes = (shape for text in self._texts for shape in text.shapes)
        read = text_signals(self._files, self._texts)
        for candidate, signals, shape in zip(self.candidates, read, shapes, strict=True):
            signals.update(shape)
            self._mentions(candidate, signals)
            candidate.signals = signals
        self._frames()
        self._phrases()
        self._lines()
        self._called()
        self._reached()
        self._rank_by_prose()
        self._scale()
        return self.candidates

    def _read(self, numbers: Sequence[int]) -> list[RankedDefinition]:
        found: list[RankedDefinition] = []
        for number, text in zip(numbers, self._texts, strict=True):
            path = self._index.sources[number]
            definitions = self._index.definitions_of(path)
            for definition, own in zip(definitions, text.own, strict=True):
                outer = definitions[definition.parent] if definition.parent >= 0 else self._owner(definition)
                found.append(RankedDefinition(DefinitionSite(path, definition), number, outer, own))
        return found

    def _owner(self, definition: Definition) -> Definition | None:
        """What a definition belongs to that is written beside it, as a method of Go is beside its type."""
        name = definition.qualified.rpartition(".")[0].rpartition(".")[2]
        owners = (place.definition for place in self._index.by_name.get(name, ()) if name)
        return next((owner for owner in owners if owner.kind in ("class", "module")), None)

    def _mentions(self, candidate: RankedDefinition, signals: dict[str, float]) -> None:
        """What the question says of the names of a candidate and of the definition around it."""
        question, name, outer = self._question, candidate.place.definition.name, candidate.outer
        if len(name) > 2 and (name in question.code_names or name in question.block_calls):
            alone = 1 / sqrt(max(1, len(self._index.by_name.get(name, ()))))
            if name in question.code_names:
                signals["exact"] = alone
            if name in question.block_calls:
                signals["exact_block"] = alone
        if outer is not None:
            said = outer.name in self._named
            if said:
                signals["outer"] = 1.0
            if (said or outer.name in question.block_names) and (name in self._named or name in question.block_calls):
                signals["outer_and_name"] = 1.0
            around, in_title = self._like_prose[outer.name]
            if around:
                signals["around"], signals["around_title"] = around, in_title
        likeness, in_title = self._like_all[name]
        if likeness:
            signals["name"], signals["name_title"] = likeness, in_title

    def _frames(self) -> None:
        """Candidates on the traceback, the deepest first; a function's name tells when the lines have moved."""
        if not self._question.frames:
            return
        by_place: defaultdict[tuple[int, str], list[RankedDefinition]] = defaultdict(list)
        for candidate in self.candidates:
            by_place[candidate.file_number, candidate.definition.name].append(candidate)
        weight = 1.0
        for frame in reversed(self._question.frames):
            number = self._files.resolve_frame(frame.path)
            if number is None:
                continue
            # What has no name of its own, such as a comprehension, is known by its line.
            named = by_place.get((number, frame.function)) or self._around(number, frame.line)
            if len(named) > 1 and frame.line:
                named = [min(named, key=lambda item: abs(item.definition.start - frame.line))]
            for candidate in named:
                candidate.signals["frame"] = max(candidate.signals.get("frame", 0.0), weight)
            weight *= 0.7

    def _around(self, number: int, line: int) -> list[RankedDefinition]:
        """The innermost candidate around a line of a file."""
        around = [
            c for c in self.candidates if c.file_number == number and c.definition.start <= line <= c.definition.end
        ]
        return around[-1:]

    def _phrases(self) -> None:
        """Candidates in which pieces of the quoted messages stand; a message's own words are fixed, its values not."""
        pieces: dict[str, None] = {}
        for phrase in self._question.phrases:
            words = phrase.split()
            for first in range(max(1, len(words) - 2)):
                piece = " ".join(words[first : first + 3]).strip("'\"`.,:;")
                if len(piece) > 8 and " " in piece:
                    pieces.setdefault(piece)
        wanted = list(pieces)[:_TRIGRAMS_AT_MOST]
        holding = self._holding(wanted)
        for piece in wanted:
            holders = [
                candidate
                for candidate in self.candidates
                if piece in holding.get(candidate.place.path, ()) and piece in candidate.own.text
            ]
            for candidate in holders:
                candidate.signals["phrase"] = candidate.signals.get("phrase", 0.0) + 1 / len(holders)

    def _lines(self) -> None:
        """Candidates in which lines stand that the issue shows: who reports a fault often shows the guilty code."""
        there = self._holding(self._question.code_lines)
        holders: defaultdict[str, list[RankedDefinition]] = defaultdict(list)
        for candidate in self.candidates:
            if lines := there.get(candidate.place.path):
                for line in lines.intersection(text.strip() for text in candidate.own.text.split("\n")):
                    holders[line].append(candidate)
        for line in sorted(holders):
            for candidate in holders[line]:
                said = candidate.signals.get("lines", 0.0) + 1 / len(holders[line])
                candidate.signals["lines"] = min(2.0, round(said, 9))

    def _holding(self, texts: Iterable[str]) -> dict[str, set[str]]:
        """The files looked into that hold some of the texts, with those that they hold."""
        wanted = {text: text.encode("utf-8", "replace") for text in texts}
        if not wanted:
            return {}
        contents = self._index.contents(dict.fromkeys(candidate.place.path for candidate in self.candidates))
        there = {path: {text for text, raw in wanted.items() if raw in data} for path, data in contents.items()}
        return {path: found for path, found in there.items() if found}

    def _called(self) -> None:
        """Candidates that those which the question names call, and the other way round."""
        named = [c for c in self.candidates if c.signals.get("exact") or c.signals.get("frame")]
        named = sorted(named, key=lambda c: -(c.signals.get("exact", 0) + c.signals.get("frame", 0)))[:30]
        called: dict[str, float] = {}
        for candidate in named:
            for word in candidate.own.words:
                if word != candidate.definition.name:
                    called[word] = called.get(word, 0.0) + 1 / len(named)
        for candidate in self.candidates:
            name = candidate.definition.name
            if name in called and len(self._index.by_name.get(name, ())) <= 6:
                candidate.signals["called"] = min(1.0, called[name] * 3)

    def _reached(self) -> None:
        """Candidates that are called, in one step or two, from those that the question or its code names."""
        names = self._named | self._question.block_calls
        around = self._named | self._question.block_names
        named: list[float] = []
        for candidate in self.candidates:
            name, value = candidate.definition.name, 0.0
            if len(name) > 2 and name in names:
                value = 1 / sqrt(max(1, len(self._index.by_name.get(name, ()))))
                if candidate.outer is not None and candidate.outer.name in around:
                    value *= _WITH_OUTER
            named.append(value + candidate.signals.get("frame", 0.0))
        if any(named):
            places = [(candidate.place.path, candidate.definition) for candidate in self.candidates]
            calls = Calls(places, [candidate.own.text for candidate in self.candidates])
            for candidate, value in zip(self.candidates, calls.reached(named), strict=True):
                if value:
                    candidate.signals["reached"] = value

    def _rank_by_prose(self) -> None:
        """Who says most of the prose: one over the rank, equals sharing the best."""
        ranks = best_ranks(candidate.signals.get("cover_prose", 0.0) for candidate in self.candidates)
        for candidate in self.candidates:
            if value := candidate.signals.get("cover_prose", 0.0):
                candidate.signals["prose_rank"] = 1 / ranks[value]

    def _scale(self) -> None:
        for name in _SCALED:
            having = [candidate.signals for candidate in self.candidates if name in candidate.signals]
            top = max((signals[name] for signals in having), default=0.0)
            for signals in having if top > 0 else ():
                signals[name] /= top


class _Likeness(dict[str, tuple[float, float]]):
    """How much a name has of some words of a question, and of the title's; found out when it is first asked for."""

    def __init__(self, files: FileSignals, terms: Mapping[str, int]) -> None:
        super().__init__()
        self._index = files.index
        self._terms = terms
        self._title = files.question.title_terms

    def __missing__(self, name: str) -> tuple[float, float]:
        name_terms = [part for part in parts(name) if len(part) > 1]
        known = [part for part in name_terms if part in self._terms]
        rarities = {part: self._rarity(part) for part in known}
        in_title = sum(rarities[part] for part in known if part in self._title)
        self[name] = found = (sum(rarities.values()) * len(known) / max(1, len(name_terms)), in_title)
        return found

    def _rarity(self, part: str) -> float:
        return log(1 + len(self._index.sources) / max(1, len(self._index.name_files(part))))


def best_ranks(values: Iterable[float]) -> dict[float, int]:
    """The rank of each value from 1, the greatest first; equals share the best of theirs."""
    ranks: dict[float, int] = {}
    for rank, value in enumerate(sorted(values, reverse=True), 1):
        ranks.setdefault(value, rank)
    return ranks
