"""Rank files and definitions where an issue is likely fixed.

The funnel from files to definitions follows C. Xia et al., "Agentless: Demystifying LLM-based Software Engineering
Agents" (2024); the mix of similarity, structure and stack traces follows C. Wong et al., "Boosting Bug-Report-Oriented
Fault Localization with Segmentation and Stack-Trace Analysis" (2014). The weights are learned by a softmax over the
candidates of each question (Z. Cao et al., "Learning to Rank: From Pairwise Approach to Listwise Approach", 2007) and
lie beside this module in `weights.json`.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from heapq import nsmallest
from itertools import chain
from math import exp, log, sqrt
from pathlib import Path
from typing import Annotated

from pydantic import PlainSerializer

from sweagent.code.index.gc_pause import without_collection
from sweagent.code.index.index import Index
from sweagent.code.localise.definition_signals import DefinitionSignals, RankedDefinition, best_ranks
from sweagent.code.localise.explanations import definition_reason, file_reason
from sweagent.code.localise.file_signals import FileSignals, Signal
from sweagent.code.localise.issue_text import read_question
from sweagent.code.printable import encodable
from sweagent.frozen import Frozen

LIKELY = 40
"""Files whose imports are looked at."""
LOOKED_INTO = 16
"""Files whose definitions are looked into."""

RepositoryPath = Annotated[str, PlainSerializer(encodable, when_used="json")]
"""A path in a repository; JSON cannot hold its bytes that are not UTF-8."""

_DEFINITION_BEST = ("phrase", "outer", "around_title", "length")


class FileHit(Frozen):
    """A file that may need the change."""

    path: RepositoryPath
    score: float
    """Its share of the belief among the files looked into, from 0 to 1."""
    reason: str


class DefinitionHit(Frozen):
    """A definition that may need the change."""

    path: RepositoryPath
    name: str
    """Qualified, such as `Session.send`."""
    kind: str
    start: int
    end: int
    score: float
    """Its share of the belief among the definitions looked into, from 0 to 1."""
    reason: str


class Localisation(Frozen):
    """The likeliest files and definitions, best first."""

    files: tuple[FileHit, ...] = ()
    definitions: tuple[DefinitionHit, ...] = ()


@without_collection()
def locate(index: Index, issue_text: str, limit: int = 10) -> Localisation:
    """Rank the files and the definitions of a repository for an issue; the same input always gives the same ranking.

    Args:
        index: the repository at the base commit.
        issue_text: title and body; the first line is the title.
        limit: how many files, and how many definitions, to return at most.
    """
    signals = FileSignals(index, read_question(issue_text))
    by_name = signals.all()
    weights = load_weights()
    first = _sum(by_name, weights["stage1"], signals.candidates)
    chosen = with_imports(first, signals.imports(best_files(first, LIKELY)), weights["stage2"])
    numbers = best_files(chosen, LOOKED_INTO)
    if not numbers:
        return Localisation()
    candidates = DefinitionSignals(signals, numbers).compute()
    own = [_dot(candidate.signals, weights["definition"]) for candidate in candidates]
    early = _with_files(own, candidates, first, weights["definition"])
    features = file_features(candidates, early, first, by_name, signals.imports(numbers))
    final = {n: _dot(features[n], weights["file"]) for n in numbers}
    late = _with_files(own, candidates, final, weights["definition"])
    others = best_files(chosen, limit)[LOOKED_INTO:]
    return Localisation(
        files=(*_file_hits(index, by_name, features, final, limit), *_other_files(index, by_name, others)),
        definitions=_definition_hits(candidates, late, limit),
    )


@lru_cache(maxsize=1)
def load_weights() -> Mapping[str, Mapping[str, float]]:
    """The weights of the rankings: of files at first (`stage1`), to choose the files to look into (`stage2`), of
    definitions, and of files at last.
    """
    weights: Mapping[str, Mapping[str, float]] = json.loads(Path(__file__).with_name("weights.json").read_text("utf-8"))
    return weights


def file_beliefs(scores: Mapping[int, float]) -> dict[int, dict[str, float]]:
    """What a ranking of files says of the definitions in each."""
    belief = _log_share(scores)
    ranks = best_ranks(scores.values())
    return {n: {"file": belief[n], "file_rank": 1 / ranks[score]} for n, score in scores.items()}


def best_files(scores: Mapping[int, float], count: int) -> list[int]:
    """The files of the highest scores, best first."""
    return nsmallest(count, scores, key=lambda n: (-scores[n], n))


def with_imports(
    first: Mapping[int, float], imports: Mapping[int, Collection[int]], weights: Mapping[str, float]
) -> dict[int, float]:
    """The scores by which the files to look into are chosen: who imports a file tells of it too."""
    used = _used(first, imports)
    by_first, by_used = weights["first"], weights["used"]
    return {n: by_first * score + by_used * used.get(n, 0.0) for n, score in first.items()}


def import_features(first: Mapping[int, float], imports: Mapping[int, Collection[int]]) -> dict[int, dict[str, float]]:
    """What the first ranking says of each file, and of those that import it.

    Args:
        first: the scores of all files.
        imports: what each of the likely files imports.
    """
    used = _used(first, imports)
    return {n: {"first": score, "used": used.get(n, 0.0)} for n, score in first.items()}


def file_features(
    candidates: Sequence[RankedDefinition],
    scores: Sequence[float],
    first: Mapping[int, float],
    by_name: Mapping[str, Signal],
    imports: Mapping[int, Collection[int]],
) -> dict[int, dict[str, float]]:
    """What the first ranking, the definitions of each file, and those that import it, say of it.

    Args:
        candidates: the definitions.
        scores: of each of them.
        first: the scores of all files.
        by_name: the signals of all files.
        imports: what each of the files looked into imports.
    """
    inside: defaultdict[int, list[int]] = defaultdict(list)
    for position, candidate in enumerate(candidates):
        inside[candidate.file_number].append(position)
    belief = _log_share(first)
    used = _used(first, imports)
    top = max(scores, default=0.0)
    features: dict[int, dict[str, float]] = {}
    for n in imports:
        ordered = sorted((scores[position] - top for position in inside[n]), reverse=True)
        own = {
            "stage1": belief[n],
            "best": max(ordered[0] / 3, -4.0) if ordered else -4.0,
            "best5": max(log(sum(exp(score) for score in ordered[:5]) or 1e-9) / 3, -4.0) if ordered else -4.0,
        }
        for name in _DEFINITION_BEST:
            own[name] = max((candidates[position].signals.get(name, 0.0) for position in inside[n]), default=0.0)
        own["f_imported"] = by_name["imported"].get(n, 0.0)
        own["used"] = used.get(n, 0.0)
        features[n] = own
    return features


def _used(scores: Mapping[int, float], imports: Mapping[int, Collection[int]]) -> dict[int, float]:
    """How much the likely files import each: reports tell of a package's surface, and faults are often beneath it."""
    importers = Counter(chain.from_iterable(imports.values()))
    used: defaultdict[int, float] = defaultdict(float)
    for share, targets in zip(_shares([scores[n] for n in imports]), imports.values(), strict=True):
        for target in targets:
            used[target] += share / sqrt(importers[target])
    return used


def _with_files(
    own: Sequence[float],
    candidates: Sequence[RankedDefinition],
    file_scores: Mapping[int, float],
    weights: Mapping[str, float],
) -> list[float]:
    """The scores of the definitions with what is believed of their files."""
    chosen = {candidate.file_number for candidate in candidates}
    added = {n: _dot(beliefs, weights) for n, beliefs in file_beliefs(file_scores).items() if n in chosen}
    return [score + added[candidate.file_number] for score, candidate in zip(own, candidates, strict=True)]


def _sum(by_name: Mapping[str, Signal], weights: Mapping[str, float], candidates: Iterable[int]) -> dict[int, float]:
    scores = dict.fromkeys(candidates, 0.0)
    for name, weight in weights.items():
        for n, value in by_name[name].items():
            scores[n] += weight * value
    return scores


def _dot(features: Mapping[str, float], weights: Mapping[str, float]) -> float:
    total = 0.0
    for name, value in features.items():
        if value and name in weights:
            total += weights[name] * value
    return total


def _log_share(scores: Mapping[int, float]) -> dict[int, float]:
    """The logarithm of each score's softmax share, bounded below and scaled to the size of the other signals."""
    top = max(scores.values(), default=0.0)
    total = log(sum(exp(score - top) for score in scores.values()) or 1.0) + top
    return {number: max(score - total, -9.0) / 3 for number, score in scores.items()}


def _shares(scores: Sequence[float]) -> list[float]:
    top = max(scores, default=0.0)
    raised = [exp(score - top) for score in scores]
    total = sum(raised) or 1.0
    return [value / total for value in raised]


def _file_hits(
    index: Index,
    by_name: Mapping[str, Signal],
    features: Mapping[int, Mapping[str, float]],
    scores: Mapping[int, float],
    limit: int,
) -> tuple[FileHit, ...]:
    numbers = sorted(scores, key=lambda n: (-scores[n], index.sources[n]))
    shares = _shares([scores[n] for n in numbers])
    return tuple(
        FileHit(path=index.sources[n], score=round(share, 4), reason=file_reason(n, by_name, features[n]))
        for n, share in list(zip(numbers, shares, strict=True))[:limit]
    )


def _other_files(index: Index, by_name: Mapping[str, Signal], numbers: Iterable[int]) -> Iterator[FileHit]:
    """The files after those looked into, in the order in which they would have been."""
    for n in numbers:
        yield FileHit(path=index.sources[n], score=0.0, reason=file_reason(n, by_name, {}))


def _definition_hits(
    candidates: Sequence[RankedDefinition], scores: Sequence[float], limit: int
) -> tuple[DefinitionHit, ...]:
    shares = _shares(scores)
    order = nsmallest(
        limit,
        range(len(candidates)),
        key=lambda k: (-scores[k], candidates[k].place.path, candidates[k].definition.start),
    )
    hits: list[DefinitionHit] = []
    for position in order:
        candidate = candidates[position]
        definition = candidate.definition
        hits.append(
            DefinitionHit(
                path=candidate.place.path,
                name=definition.qualified,
                kind=definition.kind,
                start=definition.start,
                end=definition.end,
                score=round(shares[position], 4),
                reason=definition_reason(candidate),
            )
        )
    return tuple(hits)
