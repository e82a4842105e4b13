"""Compare runs: paired by instance, and as attempts (pass@k)."""

from collections.abc import Sequence
from itertools import combinations

from sweagent.batch.report.report import RunReport
from sweagent.batch.report.statistics import Paired, mean_pass_at_k, paired
from sweagent.frozen import Frozen


class Pair(Frozen):
    """Two runs on the instances that both have a verdict on."""

    first: str
    second: str
    result: Paired
    only_first: tuple[str, ...]
    """Instances that the first alone resolved."""
    only_second: tuple[str, ...]


class InstanceLine(Frozen):
    """One instance over all runs: whether each resolved it, None where there is no verdict."""

    instance_id: str
    resolved: tuple[bool | None, ...]


class Comparison(Frozen):
    """Runs side by side."""

    runs: tuple[str, ...]
    pairs: tuple[Pair, ...]
    lines: tuple[InstanceLine, ...]
    pass_at: dict[int, float]
    """The mean unbiased estimate over instances, by k, with the runs taken as attempts of one and the same system."""


def compare(runs: Sequence[RunReport]) -> Comparison:
    """Compare runs.

    Args:
        runs: two or more; names that occur twice are numbered.
    """
    names = _names(runs)
    verdicts = [{row.instance_id: row.resolved for row in run.instances if row.judged} for run in runs]
    every = sorted({name for verdict in verdicts for name in verdict})
    counts = [
        (len(seen), sum(seen)) for name in every if (seen := [verdict[name] for verdict in verdicts if name in verdict])
    ]
    estimates = {k: mean_pass_at_k(counts, k) for k in range(1, len(runs) + 1)}
    return Comparison(
        runs=names,
        pairs=tuple(
            _pair(names[one], verdicts[one], names[other], verdicts[other])
            for one, other in combinations(range(len(runs)), 2)
        ),
        lines=tuple(
            InstanceLine(instance_id=name, resolved=tuple(verdict.get(name) for verdict in verdicts)) for name in every
        ),
        pass_at={k: estimate for k, estimate in estimates.items() if estimate is not None},
    )


def _pair(first: str, one: dict[str, bool], second: str, other: dict[str, bool]) -> Pair:
    common = one.keys() & other.keys()
    resolved = [{name for name in common if verdict[name]} for verdict in (one, other)]
    return Pair(
        first=first,
        second=second,
        result=paired(resolved[0], resolved[1], common),
        only_first=tuple(sorted(resolved[0] - resolved[1])),
        only_second=tuple(sorted(resolved[1] - resolved[0])),
    )


def _names(runs: Sequence[RunReport]) -> tuple[str, ...]:
    given = [run.name for run in runs]
    return tuple(
        f"{name} ({given[: place + 1].count(name)})" if given.count(name) > 1 else name
        for place, name in enumerate(given)
    )
