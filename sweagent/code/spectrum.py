"""Fault localisation from what passing and failing tests ran, and re-ranking by it and by a traceback.

Formulas: Ochiai in R. Abreu, P. Zoeteweij and A. van Gemund, "An Evaluation of Similarity Coefficients for Software
Fault Localization" (2006); Tarantula in J. Jones and M. Harrold, "Empirical Evaluation of the Tarantula Automatic
Fault-Localization Technique" (2005); D* in W. E. Wong et al., "The DStar Method for Effective Software Fault
Localization" (2014). Rankings are merged as in G. Cormack, C. Clarke and S. Büttcher, "Reciprocal Rank Fusion
Outperforms Condorcet and Individual Rank Learning Methods" (2009).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Literal

from sweagent.code.index import Index
from sweagent.code.issue_text import read_question
from sweagent.code.localise import DefinitionHit, FileHit, Localisation
from sweagent.model import Frozen

Formula = Literal["ochiai", "tarantula", "dstar"]

_FUSION = 10.0
"""The constant of the fusion: small, for only the top of the rankings matters here."""
_SHOWN = 2.0
"""What a run shows counts so many times what the words suggest."""


class CoveredRun(Frozen):
    """What one test ran.

    Attributes:
        failed: whether the test failed.
        lines: the numbers of the lines that it ran, by path from the repository's root.
    """

    failed: bool
    lines: Mapping[str, frozenset[int]]


def suspicion(runs: Sequence[CoveredRun], formula: Formula = "ochiai") -> dict[tuple[str, int], float]:
    """Return how suspicious each line is that a failing test ran, from 0 up.

    Args:
        runs: failing and passing tests; without a failing one nothing is suspicious.
        formula: how counts become suspicion.
    """
    failing = sum(run.failed for run in runs)
    passing = len(runs) - failing
    failed: defaultdict[tuple[str, int], int] = defaultdict(int)
    passed: defaultdict[tuple[str, int], int] = defaultdict(int)
    for run in runs:
        counts = failed if run.failed else passed
        for path, numbers in run.lines.items():
            for number in numbers:
                counts[path, number] += 1
    return {line: _formula(formula, count, passed.get(line, 0), failing, passing) for line, count in failed.items()}


def rerank(
    index: Index,
    localisation: Localisation,
    *,
    output: str = "",
    runs: Sequence[CoveredRun] = (),
    formula: Formula = "ochiai",
    limit: int = 10,
) -> Localisation:
    """Merge a localisation with what a failing reproduction showed.

    Args:
        index: the repository.
        localisation: the ranking from the issue's text; the longer it is, the more can rise.
        output: what the reproduction printed; its tracebacks are read.
        runs: what tests ran, the failing reproduction among them.
        formula: how counts become suspicion.
        limit: how many files, and how many definitions, to return at most.
    """
    scores: defaultdict[tuple[str, str, int], float] = defaultdict(float)
    reasons: dict[tuple[str, str, int], str] = {}
    for rank, hit in enumerate(localisation.definitions):
        key = (hit.path, hit.name, hit.start)
        scores[key] += 1 / (_FUSION + rank)
        reasons[key] = hit.reason
    for reason, order in (
        ("on the reproduction's traceback", _on_traceback(index, output)),
        ("run by the failing tests", _suspected(index, suspicion(runs, formula))),
    ):
        for rank, key in enumerate(order):
            scores[key] += _SHOWN / (_FUSION + rank)
            reasons[key] = f"{reason}; {reasons[key]}" if key in reasons else reason
    if not scores:
        return localisation
    return _assembled(index, scores, reasons, localisation, limit)


def _formula(formula: Formula, failed: int, passed: int, failing: int, passing: int) -> float:
    if formula == "ochiai":
        return failed / sqrt(failing * (failed + passed))
    if formula == "tarantula":
        share = failed / failing
        return share / (share + (passed / passing if passing else 0.0))
    return failed**2 / ((passed + failing - failed) or 0.5)


def _on_traceback(index: Index, output: str) -> list[tuple[str, str, int]]:
    found: dict[tuple[str, str, int], None] = {}
    for frame in reversed(read_question(f"\n{output}").frames):
        names = frame.path.split("/")
        same = [p for p in index.by_file_name.get(names[-1], ()) if frame.path.endswith(p)]
        for path in sorted(same, key=len)[-1:]:
            definition = index.outline(path).enclosing(frame.line)
            if definition is not None:
                found.setdefault((path, definition.qualified, definition.start))
    return list(found)


def _suspected(index: Index, lines: Mapping[tuple[str, int], float]) -> list[tuple[str, str, int]]:
    """Definitions by the suspicion of their most suspicious line, shorter ones first among equals."""
    best: dict[tuple[str, str, int], tuple[float, int]] = {}
    for (path, number), value in lines.items():
        definition = index.outline(path).enclosing(number)
        # The line of a head is run by the import, not by the test.
        if definition is None or number <= definition.header:
            continue
        key = (path, definition.qualified, definition.start)
        best[key] = max(best.get(key, (0.0, 0)), (value, definition.start - definition.end))
    return sorted(best, key=lambda key: (-best[key][0], -best[key][1], key))


def _assembled(
    index: Index,
    scores: Mapping[tuple[str, str, int], float],
    reasons: Mapping[tuple[str, str, int], str],
    before: Localisation,
    limit: int,
) -> Localisation:
    total = sum(scores.values())
    order = sorted(scores, key=lambda key: (-scores[key], key))
    definitions: list[DefinitionHit] = []
    by_file: dict[str, FileHit] = {}
    for path, name, start in order:
        item = next((d for d in index.outline(path).definitions if d.start == start and d.qualified == name), None)
        if item is None:
            continue
        share, reason = round(scores[path, name, start] / total, 4), reasons[path, name, start]
        definitions.append(
            DefinitionHit(path=path, name=name, kind=item.kind, start=start, end=item.end, score=share, reason=reason)
        )
        by_file.setdefault(path, FileHit(path=path, score=share, reason=reason))
    for hit in before.files:
        by_file.setdefault(hit.path, hit)
    return Localisation(files=tuple(by_file.values())[:limit], definitions=tuple(definitions[:limit]))
