"""Intervals, paired comparison and pass@k, with their sources."""

from collections.abc import Iterable
from fractions import Fraction
from math import comb, sqrt
from statistics import NormalDist

from sweagent.frozen import Frozen


class Interval(Frozen):
    """An interval of confidence, as fractions."""

    low: float
    high: float


class Paired(Frozen):
    """Two runs on the same instances."""

    both: int
    only_first: int
    only_second: int
    neither: int
    difference: float
    """Share resolved by the first, less that of the second."""
    interval: Interval
    """Of the difference."""
    p_value: float
    """Two-sided, of the hypothesis that both are equally good."""


def wilson(successes: int, total: int, confidence: float = 0.95) -> Interval:
    """The interval of a proportion; of nothing tried it is all of 0 to 1.

    Method: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927.

    Args:
        successes: from 0 to `total`.
        total: how many were tried.
        confidence: between 0 and 1.

    Raises:
        ValueError: the numbers cannot be.
    """
    if not 0 <= successes <= total or not 0 < confidence < 1:
        raise ValueError(f"{successes} of {total} at {confidence}")
    if total == 0:
        return Interval(low=0.0, high=1.0)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = successes / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / (1 + z * z / total)
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    return Interval(low=low, high=1.0 if successes == total else min(1.0, middle + half))


def mcnemar(only_first: int, only_second: int) -> float:
    """The exact two-sided p-value of two runs on the same instances.

    Method: Q. McNemar, "Note on the Sampling Error of the Difference Between Correlated Proportions or Percentages",
    1947, with the binomial distribution in place of its approximation.

    Args:
        only_first: instances that the first alone resolved.
        only_second: instances that the second alone resolved.
    """
    total = only_first + only_second
    tail = sum(comb(total, count) for count in range(min(only_first, only_second) + 1))
    # As a fraction, since the two numbers may be too large for floats.
    return min(1.0, float(Fraction(2 * tail, 2**total)))


def paired(first: Iterable[str], second: Iterable[str], instances: Iterable[str], confidence: float = 0.95) -> Paired:
    """Compare two runs instance by instance.

    Method of the difference's interval: R. G. Newcombe, "Improved Confidence Intervals for the Difference Between
    Binomial Proportions Based on Paired Data", 1998, method 10.

    Args:
        first: what the first run resolved.
        second: what the second run resolved.
        instances: what both runs had to do.
        confidence: of the interval.
    """
    every = set(instances)
    one, other = every & set(first), every & set(second)
    both, only_first, only_second = len(one & other), len(one - other), len(other - one)
    neither, total = len(every - one - other), len(every)
    shares = [len(side) / total if total else 0.0 for side in (one, other)]
    bounds = [wilson(len(side), total, confidence) for side in (one, other)]
    phi = _correlation(both, only_first, only_second, neither)
    down = _joined(shares[0] - bounds[0].low, bounds[1].high - shares[1], phi)
    up = _joined(bounds[0].high - shares[0], shares[1] - bounds[1].low, phi)
    difference = shares[0] - shares[1]
    return Paired(
        both=both,
        only_first=only_first,
        only_second=only_second,
        neither=neither,
        difference=difference,
        interval=Interval(low=max(-1.0, difference - down), high=min(1.0, difference + up)),
        p_value=mcnemar(only_first, only_second),
    )


def _correlation(both: int, only_first: int, only_second: int, neither: int) -> float:
    """Correlate the two outcomes, with Newcombe's correction for continuity."""
    product = (both + only_first) * (only_second + neither) * (both + only_second) * (only_first + neither)
    if product == 0:
        return 0.0
    excess: float = both * neither - only_first * only_second
    if excess > 0:
        excess = max(0.0, excess - (both + only_first + only_second + neither) / 2)
    return excess / sqrt(product)


def _joined(one: float, other: float, phi: float) -> float:
    square: float = one * one - 2 * phi * one * other + other * other
    return sqrt(max(0.0, square))


def pass_at_k(attempts: int, resolved: int, k: int) -> float:
    """The unbiased estimate of the chance that at least one of `k` attempts at an instance resolves it.

    Method: M. Chen et al., "Evaluating Large Language Models Trained on Code", 2021, equation 1.

    Args:
        attempts: how often the instance was tried, at least `k`.
        resolved: how many of the attempts resolved it.
        k: at least 1.

    Raises:
        ValueError: the numbers cannot be.
    """
    if not 0 <= resolved <= attempts or not 1 <= k <= attempts:
        raise ValueError(f"pass@{k} of {resolved} in {attempts}")
    return 1 - comb(attempts - resolved, k) / comb(attempts, k)


def mean_pass_at_k(counts: Iterable[tuple[int, int]], k: int) -> float | None:
    """The mean of `pass_at_k` over instances; None when no instance was tried `k` times.

    Args:
        counts: attempts and resolved ones of each instance; those with fewer than `k` attempts are left out.
        k: at least 1.
    """
    values = [pass_at_k(attempts, resolved, k) for attempts, resolved in counts if attempts >= k]
    return sum(values) / len(values) if values else None
