"""Similarity of a definition's text and names to an issue.

A word is worth more the fewer of the definitions that are looked into say it, for in the files that an issue is about
nearly all of them say what the issue is about.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import log

from sweagent.code.index.own_text import FileText
from sweagent.code.localise.file_signals import COMMON_NAMES, FileSignals
from sweagent.code.localise.related_words import akin

_K1, _B = 1.2, 0.6
_TYPICAL_LENGTH = 60.0
"""Identifiers of a definition of middling length; a fixed number, so that one file more changes no score."""

_Hits = Mapping[int, tuple[int, int]]
"""How often definitions say a word in all, and in their documentation."""

_NOWHERE: _Hits = {}


def text_signals(files: FileSignals, texts: Sequence[FileText]) -> list[dict[str, float]]:
    """Return how much each definition of some files reads like an issue, from 0 to 1; what is 0 is left out.

    `body` and `told` are the similarity of the definition without its documentation, and of the documentation; `pairs`
    is that of neighbouring words that are one name, `raw` that of the names in the issue as they are written. `akin` is
    how much of the title without the words of any report the definition's name and the names around it say, in the same
    words or in such as are near them; `cover_prose` is the share of the prose that they say with the definition's text.

    Args:
        files: the signals of the files, computed before.
        texts: what the definitions of each file say.
    """
    hits = _hits(files, texts)
    alike = {**_similar(files, texts, hits), "raw": _raw(files, texts), "akin": _akin(files, texts, hits)}
    columns = {name: _scaled(column) for name, column in alike.items()}
    columns["cover_prose"] = _covered(files, texts, hits)
    found: list[dict[str, float]] = [{} for text in texts for _ in text.own]
    for name, column in columns.items():
        for signals, value in zip(found, column, strict=True):
            if value:
                signals[name] = value
    return found


def _scaled(column: Sequence[float]) -> Sequence[float]:
    top = max(column, default=0.0)
    return [value / top for value in column] if top > 0 else column


def _hits(files: FileSignals, texts: Sequence[FileText]) -> dict[str, _Hits]:
    """Find the definitions that hold the words of a question, by their position among those of all files."""
    there = frozenset[str]().union(*(text.words for text in texts))
    terms = sorted({*files.told, *files.told_prose, *files.pairs, *files.question.title_matter})
    terms_of: defaultdict[str, list[str]] = defaultdict(list)
    for term in terms:
        for word in there.intersection(files.index.words_with(term)):
            terms_of[word].append(term)
    found: dict[str, dict[int, tuple[int, int]]] = {term: {} for term in terms}
    for place, own in enumerate(own for text in texts for own in text.own):
        for word in own.words.keys() & terms_of.keys():
            whole, told = own.words[word], own.told.get(word, 0)
            for term in terms_of[word]:
                hits = found[term]
                if place in hits:
                    before = hits[place]
                    hits[place] = (before[0] + whole, before[1] + told)
                else:
                    hits[place] = (whole, told)
    return {term: hits for term, hits in found.items() if hits}


def _similar(files: FileSignals, texts: Sequence[FileText], hits: Mapping[str, _Hits]) -> dict[str, list[float]]:
    lengths = [item for text in texts for item in text.lengths]
    number = len(lengths)
    of_whole = _norms(whole for whole, _ in lengths)
    of_body = _norms(whole - told for whole, told in lengths)
    of_told = _norms(told for _, told in lengths)
    body_scores, told_scores, pair_scores = ([0.0] * number for _ in range(3))
    for term, places in hits.items():
        rarity = _rarity(number, len(places)) * (_K1 + 1)
        if weight := files.told.get(term, 0.0) * rarity:
            for place, (whole, told) in places.items():
                if told:
                    told_scores[place] += weight * told / (told + of_told[place])
                if body := whole - told:
                    body_scores[place] += weight * body / (body + of_body[place])
        if weight := files.pairs.get(term, 0.0) * rarity:
            for place, (whole, _) in places.items():
                pair_scores[place] += weight * whole / (whole + of_whole[place])
    return {"body": body_scores, "told": told_scores, "pairs": pair_scores}


def _raw(files: FileSignals, texts: Sequence[FileText]) -> list[float]:
    question = files.question
    names = question.code_names | question.block_names | question.title_names
    wanted = {name for name in names if len(name) > 2 and name not in COMMON_NAMES}
    norms = _norms(whole for text in texts for whole, _ in text.lengths)
    holders: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for place, own in enumerate(own for text in texts for own in text.own):
        for name in own.words.keys() & wanted:
            holders[name].append((place, own.words[name]))
    scores = [0.0] * len(norms)
    for name in sorted(holders):
        rarity = _rarity(len(norms), len(holders[name])) * (_K1 + 1)
        for place, count in holders[name]:
            scores[place] += rarity * count / (count + norms[place])
    return scores


def _norms(lengths: Iterable[int]) -> list[float]:
    return [_K1 * (1 - _B + _B * length / _TYPICAL_LENGTH) for length in lengths]


def _covered(files: FileSignals, texts: Sequence[FileText], hits: Mapping[str, _Hits]) -> list[float]:
    """The share of the prose that each definition says with the names around it."""
    prose = _shares({term: files.rarity(term) * weight for term, weight in files.told_prose.items()})
    named = [prose.keys() & names for text in texts for names in text.named]
    shares = [0.0] * len(named)
    for term in sorted(prose):
        for place in hits.get(term, _NOWHERE):
            shares[place] += prose[term]
    for place, terms in enumerate(named):
        for term in sorted(terms):
            if place not in hits.get(term, _NOWHERE):
                shares[place] += prose[term]
    # What is added up in another order differs in its last digits, and who says the same is to have the same rank.
    return [share and round(share, 9) for share in shares]


def _akin(files: FileSignals, texts: Sequence[FileText], hits: Mapping[str, _Hits]) -> list[float]:
    """How much of the title's matter the names say, each word of it by the nearest word of theirs."""
    named = [names for text in texts for names in text.named]
    counts = files.question.title_matter
    shares = _shares(
        {term: _rarity(len(named), len(hits.get(term, ()))) * (1 + log(count)) for term, count in counts.items()}
    )
    saying: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for number, (term, share) in enumerate(shares.items()):
        for other, near in {**akin(term), term: 1.0}.items():
            saying[other].append((number, share * near))
    scores: list[float] = []
    for names in named:
        best = [0.0] * len(shares)
        for name in names & saying.keys():
            for number, value in saying[name]:
                best[number] = max(best[number], value)
        scores.append(sum(best))
    return scores


def _rarity(number: int, having: int) -> float:
    return log(1 + (number - having + 0.5) / (having + 0.5))


def _shares(weights: Mapping[str, float]) -> dict[str, float]:
    total = sum(weights.values())
    return {term: weight / total for term, weight in weights.items()} if total else {}
