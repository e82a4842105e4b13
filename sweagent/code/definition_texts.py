"""How much the text of a definition, and the names around it, read like an issue.

A word is worth more the fewer of the definitions that are looked into say it, for in the files that an issue is about
nearly all of them say what the issue is about.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import log

from sweagent.code.file_signals import COMMON_NAMES, FileSignals
from sweagent.code.own_text import FileText
from sweagent.code.words import OF_REPORTS

_K1, _B, _B_FLAT = 1.2, 0.6, 0.2
_TYPICAL_LENGTH = 60.0
"""Identifiers of a definition of middling length; a fixed number, so that one file more changes no score."""

_Hits = Mapping[int, tuple[int, int, int]]
"""How often definitions say a word in all, in their documentation, and in their other strings."""

_NOWHERE: _Hits = {}


def text_signals(files: FileSignals, texts: Sequence[FileText]) -> list[dict[str, float]]:
    """Return how much each definition of some files reads like an issue, from 0 to 1; what is 0 is left out.

    `body`, `whole`, `told` and `strings` are the similarity of the definition without its documentation, with it, of
    the documentation, and of its other strings; `pairs` is that of neighbouring words that are one name, `raw` that of
    the names in the issue as they are written. `cover_names` is the share of the title that the definition's name says
    with the names around it, `cover_matter` that of the title without the words of any report; `cover` and
    `cover_prose` are the shares of the title and of the prose that these names say with the definition's text.

    Args:
        files: the signals of the files, computed before.
        texts: what the definitions of each file say.
    """
    hits = _hits(files, texts)
    alike = {**_similar(files, texts, hits), "raw": _raw(files, texts)}
    columns = {**{name: _scaled(column) for name, column in alike.items()}, **_covered(files, texts, hits)}
    # What is added up in another order differs in its last digits.
    rows = zip(*([round(value, 9) for value in column] for column in columns.values()), strict=True)
    return [{name: value for name, value in zip(columns, row, strict=True) if value} for row in rows]


def _scaled(column: Sequence[float]) -> Sequence[float]:
    top = max(column, default=0.0)
    return [value / top for value in column] if top > 0 else column


def _hits(files: FileSignals, texts: Sequence[FileText]) -> dict[str, _Hits]:
    """Where the words of a question are said, by the place of the definition among those of all the files."""
    there = frozenset[str]().union(*(text.words for text in texts))
    terms = sorted({*files.told, *files.told_prose, *files.pairs, *files.question.told_prose_terms})
    terms_of: defaultdict[str, list[str]] = defaultdict(list)
    for term in terms:
        for word in there.intersection(files.index.words_with(term)):
            terms_of[word].append(term)
    found: dict[str, dict[int, tuple[int, int, int]]] = {term: {} for term in terms}
    for place, own in enumerate(own for text in texts for own in text.own):
        for word in own.words.keys() & terms_of.keys():
            whole, told, strings = own.words[word], own.told.get(word, 0), own.strings.get(word, 0)
            for term in terms_of[word]:
                hits = found[term]
                if place in hits:
                    before = hits[place]
                    hits[place] = (before[0] + whole, before[1] + told, before[2] + strings)
                else:
                    hits[place] = (whole, told, strings)
    return {term: hits for term, hits in found.items() if hits}


def _similar(files: FileSignals, texts: Sequence[FileText], hits: Mapping[str, _Hits]) -> dict[str, list[float]]:
    lengths = [item for text in texts for item in text.lengths]
    number = len(lengths)
    flat = _norms((whole for whole, _, _ in lengths), _B_FLAT)
    plain = _norms(whole for whole, _, _ in lengths)
    of_body = _norms(whole - told for whole, told, _ in lengths)
    of_told = _norms(told for _, told, _ in lengths)
    of_strings = _norms(strings for _, _, strings in lengths)
    body_scores, whole_scores, told_scores, string_scores, pair_scores = ([0.0] * number for _ in range(5))
    for term, places in hits.items():
        rarity = log(1 + (number - len(places) + 0.5) / (len(places) + 0.5)) * (_K1 + 1)
        if weight := files.told.get(term, 0.0) * rarity:
            for place, (whole, told, _) in places.items():
                whole_scores[place] += weight * whole / (whole + flat[place])
                if told:
                    told_scores[place] += weight * told / (told + of_told[place])
                if body := whole - told:
                    body_scores[place] += weight * body / (body + of_body[place])
        if weight := files.told_prose.get(term, 0.0) * rarity:
            for place, (_, _, strings) in places.items():
                if strings:
                    string_scores[place] += weight * strings / (strings + of_strings[place])
        if weight := files.pairs.get(term, 0.0) * rarity:
            for place, (whole, _, _) in places.items():
                pair_scores[place] += weight * whole / (whole + plain[place])
    return {
        "body": body_scores,
        "whole": whole_scores,
        "told": told_scores,
        "strings": string_scores,
        "pairs": pair_scores,
    }


def _raw(files: FileSignals, texts: Sequence[FileText]) -> list[float]:
    question = files.question
    names = question.code_names | question.block_names | question.title_names
    wanted = {name for name in names if len(name) > 2 and name not in COMMON_NAMES}
    norms = _norms(whole for text in texts for whole, _, _ in text.lengths)
    holders: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for place, own in enumerate(own for text in texts for own in text.own):
        for name in own.words.keys() & wanted:
            holders[name].append((place, own.words[name]))
    scores = [0.0] * len(norms)
    for name in sorted(holders):
        rarity = log(1 + (len(norms) - len(holders[name]) + 0.5) / (len(holders[name]) + 0.5)) * (_K1 + 1)
        for place, count in holders[name]:
            scores[place] += rarity * count / (count + norms[place])
    return scores


def _norms(lengths: Iterable[int], b: float = _B) -> list[float]:
    return [_K1 * (1 - b + b * length / _TYPICAL_LENGTH) for length in lengths]


def _covered(files: FileSignals, texts: Sequence[FileText], hits: Mapping[str, _Hits]) -> dict[str, list[float]]:
    title = _shares({term: files.rarity(term) for term in files.question.title_terms})
    matter = _shares({term: files.rarity(term) for term in files.question.title_terms if term not in OF_REPORTS})
    prose = _shares({term: files.rarity(term) * weight for term, weight in files.told_prose.items()})
    wanted = title.keys() | prose.keys()
    named = [wanted & names for text in texts for names in text.named]
    by_name, of_matter, of_title, of_prose = ([0.0] * len(named) for _ in range(4))
    for term in sorted(wanted):
        in_title, in_prose = title.get(term, 0.0), prose.get(term, 0.0)
        for place in hits.get(term, _NOWHERE):
            of_title[place] += in_title
            of_prose[place] += in_prose
    for place, terms in enumerate(named):
        for term in terms:
            in_title = title.get(term, 0.0)
            by_name[place] += in_title
            of_matter[place] += matter.get(term, 0.0)
            if place not in hits.get(term, _NOWHERE):
                of_title[place] += in_title
                of_prose[place] += prose.get(term, 0.0)
    return {
        "cover_names": by_name,
        "cover_matter": of_matter,
        "cover": [share**2 for share in of_title],
        "cover_prose": of_prose,
    }


def _shares(weights: Mapping[str, float]) -> dict[str, float]:
    total = sum(weights.values())
    return {term: weight / total for term, weight in weights.items()} if total else {}
