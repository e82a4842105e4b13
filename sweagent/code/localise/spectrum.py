"""Spectrum-based fault localisation, and re-ranking by it.

Formulas: Ochiai in R. Abreu, P. Zoeteweij and A. van Gemund, "An Evaluation of Similarity Coefficients for Software
Fault Localization" (2006); Tarantula in J. Jones and M. Harrold, "Empirical Evaluation of the Tarantula Automatic
Fault-Localization Technique" (2005); D* in W. E. Wong et al., "The DStar Method for Effective Software Fault
Localization" (2014). How much they move the ranking by the words was chosen on the tests that SWE-bench names for
issues of SymPy.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import exp, sqrt
from typing import Literal

from sweagent.code.index.index import Index
from sweagent.code.index.languages import is_test
from sweagent.code.localise.localise import DefinitionHit, FileHit, Localisation
from sweagent.code.localise.path_mentions import file_of_frame
from sweagent.code.localise.traces import frames_of, undecorated
from sweagent.frozen import Frozen

Formula = Literal["ochiai", "tarantula", "dstar"]

_Place = tuple[str, str, int]
"""A definition: its path, its qualified name and its first line."""

_TOP = 5.0
"""What the words suggest is worth one over this and the rank: the first few are nearly as good as the first."""
_RAN = 2.0
"""The most suspicious of what was run is worth so much more, as a power of e; what was not run, nothing more."""
_ON_TRACEBACK, _OUTWARDS = 1.0, 0.7
"""The same for the deepest line of the traceback, and for each line further out."""
_MOST_READ = 100_000
"""Characters of the end of an output in which tracebacks are looked for."""


class CoveredRun(Frozen):
    """What one test ran.

    Attributes:
        failed: whether the test failed.
        lines: the numbers of the lines that it ran, by path from the repository's root.
    """

    failed: bool
    lines: Mapping[str, frozenset[int]]


def covered_run(report: str, *, failed: bool) -> CoveredRun:
    """Read what `coverage json` reports of a run.

    Args:
        report: the JSON.
        failed: whether the run failed.

    Raises:
        ValueError: it is no such report.
    """
    try:
        files = json.loads(report)["files"]
        lines = {path.replace("\\", "/"): frozenset(of_file["executed_lines"]) for path, of_file in files.items()}
        return CoveredRun(failed=failed, lines=lines)
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise ValueError("it is no report of `coverage json`") from error


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

    Tests are left out: what is wrong is what they show.

    Args:
        index: the repository.
        localisation: the ranking from the issue's text; the longer it is, the more can rise.
        output: what the reproduction printed; its tracebacks are read.
        runs: what tests ran, the failing reproduction among them.
        formula: how counts become suspicion.
        limit: how many files, and how many definitions, to return at most.
    """
    frames = _on_traceback(index, output)
    ran = _suspected(index, suspicion(runs, formula))
    if not frames and not ran:
        return _first(localisation, limit)
    ranks: dict[_Place, int] = {}
    reasons: dict[_Place, str] = {}
    for rank, hit in enumerate(localisation.definitions):
        ranks[hit.path, hit.name, hit.start] = rank
        reasons[hit.path, hit.name, hit.start] = hit.reason
    scores: dict[_Place, float] = {}
    for place in dict.fromkeys((*ranks, *frames, *ran)):
        shown = _RAN * ran.get(place, 0.0) + _ON_TRACEBACK * frames.get(place, 0.0)
        scores[place] = exp(shown) / (_TOP + ranks.get(place, len(ranks)))
        how = ("on the reproduction's traceback" * (place in frames), "run by what fails" * (place in ran))
        reasons[place] = "; ".join(reason for reason in (*how, reasons.get(place, "")) if reason)
    return _assembled(index, scores, reasons, localisation, limit)


def _first(localisation: Localisation, limit: int) -> Localisation:
    return Localisation(files=localisation.files[:limit], definitions=localisation.definitions[:limit])


def _formula(formula: Formula, failed: int, passed: int, failing: int, passing: int) -> float:
    if formula == "ochiai":
        return failed / sqrt(failing * (failed + passed))
    if formula == "tarantula":
        share = failed / failing
        return share / (share + (passed / passing if passing else 0.0))
    return failed**2 / ((passed + failing - failed) or 0.5)


def _on_traceback(index: Index, output: str) -> dict[_Place, float]:
    """How near each definition of the tracebacks is to their end, from 1 for the deepest."""
    found: dict[_Place, float] = {}
    sources = frozenset(range(len(index.sources))) - index.tests
    near = 1.0
    for frame in reversed(frames_of(undecorated(output[-_MOST_READ:]))):
        number = file_of_frame(index, frame.path, sources)
        definition = index.outline(index.sources[number]).enclosing(frame.line) if number is not None else None
        if number is not None and definition is not None:
            found.setdefault((index.sources[number], definition.qualified, definition.start), near)
            near *= _OUTWARDS
    return found


def _suspected(index: Index, lines: Mapping[tuple[str, int], float]) -> dict[_Place, float]:
    """The suspicion of each function's most suspicious line, the greatest of them being 1."""
    found: dict[_Place, float] = {}
    for (path, number), value in lines.items():
        definition = index.outline(path).enclosing(number) if not is_test(path) else None
        # The line of a head, and those of a class, are run by the import.
        if definition is not None and definition.kind in ("function", "method") and number > definition.header:
            place = (path, definition.qualified, definition.start)
            found[place] = max(found.get(place, 0.0), value)
    top = max(found.values(), default=0.0)
    return {place: value / top for place, value in found.items() if value}


def _assembled(
    index: Index,
    scores: Mapping[_Place, float],
    reasons: Mapping[_Place, str],
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
