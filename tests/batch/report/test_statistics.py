"""Intervals, paired comparison and pass@k against published figures, brute force, and what must always hold."""

from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweagent.batch.report.statistics import mcnemar, mean_pass_at_k, paired, pass_at_k, wilson


@pytest.mark.parametrize(
    ("successes", "total", "low", "high"),
    # R. G. Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_figures(successes: int, total: int, low: float, high: float) -> None:
    interval = wilson(successes, total)

    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@given(st.integers(0, 500), st.integers(0, 500))
def test_wilson_holds_the_share_and_mirrors(successes: int, failures: int) -> None:
    interval, mirrored = wilson(successes, successes + failures), wilson(failures, successes + failures)

    assert 0 <= interval.low <= interval.high <= 1
    assert interval.low == pytest.approx(1 - mirrored.high, abs=1e-12)
    if successes + failures:
        assert interval.low <= successes / (successes + failures) <= interval.high


@pytest.mark.parametrize("numbers", [(-1, 5), (6, 5), (1, 0)])
def test_wilson_refuses_what_cannot_be(numbers: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="of"):
        wilson(*numbers)


@given(st.integers(0, 5), st.integers(0, 5))
def test_mcnemar_is_the_share_of_coin_throws_as_uneven(first: int, second: int) -> None:
    throws = list(product((0, 1), repeat=first + second))
    uneven = abs(first - second)
    as_uneven = sum(abs(first + second - 2 * sum(throw)) >= uneven for throw in throws)

    assert mcnemar(first, second) == pytest.approx(as_uneven / len(throws))


def test_mcnemar_of_many_is_small_and_symmetric() -> None:
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(10, 0) == pytest.approx(2 / 1024)
    assert mcnemar(400, 300) == mcnemar(300, 400) < 0.001
    assert mcnemar(2000, 2000) == 1.0


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=80))
def test_paired_counts_every_instance_once_and_mirrors(outcomes: list[tuple[bool, bool]]) -> None:
    names = [f"i{number}" for number in range(len(outcomes))]
    first = [name for name, (one, _) in zip(names, outcomes, strict=True) if one]
    second = [name for name, (_, other) in zip(names, outcomes, strict=True) if other]

    there, back = paired(first, second, names), paired(second, first, names)

    assert there.both + there.only_first + there.only_second + there.neither == len(names)
    assert there.interval.low <= there.difference + 1e-9
    assert there.difference <= there.interval.high + 1e-9
    assert there.interval.low == pytest.approx(-back.interval.high, abs=1e-9)
    assert there.p_value == back.p_value


def test_paired_leaves_out_what_only_one_run_had() -> None:
    result = paired(["a", "b", "elsewhere"], ["b"], ["a", "b", "c"])

    assert (result.both, result.only_first, result.only_second, result.neither) == (1, 1, 0, 1)


@given(st.integers(1, 7), st.data())
def test_pass_at_k_is_the_share_of_choices_with_a_success(attempts: int, data: st.DataObject) -> None:
    resolved, k = data.draw(st.integers(0, attempts)), data.draw(st.integers(1, attempts))
    outcomes = [True] * resolved + [False] * (attempts - resolved)
    choices = list(combinations(outcomes, k))

    assert pass_at_k(attempts, resolved, k) == pytest.approx(sum(any(choice) for choice in choices) / len(choices))


@pytest.mark.parametrize("numbers", [(3, 1, 4), (3, 1, 0), (3, 4, 1)])
def test_pass_at_k_refuses_what_cannot_be(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="pass@"):
        pass_at_k(*numbers)


def test_mean_pass_at_k_leaves_out_what_was_tried_too_seldom() -> None:
    assert mean_pass_at_k([(2, 1), (2, 2), (1, 1)], 2) == 1.0
    assert mean_pass_at_k([(2, 1), (2, 0)], 1) == 0.25
    assert mean_pass_at_k([(1, 1)], 2) is None
