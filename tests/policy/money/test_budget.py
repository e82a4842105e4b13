"""Budgets: no limit is overshot, whoever spends and whatever fails."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweagent.errors import BudgetExceededError
from sweagent.policy import Budget
from sweagent.policy.money.usage import Prices
from sweagent.trajectory import Usage

PRICE = st.floats(0, 1e-4)


@settings(max_examples=40)
@given(
    limit=st.floats(0.001, 1.0),
    tokens=st.none() | st.integers(1_000, 200_000),
    prices=st.builds(Prices, input=PRICE, output=PRICE, cached=PRICE, cache_write=PRICE),
    seed=st.integers(0, 10**6),
)
def test_eight_workers_never_overshoot(limit: float, tokens: int | None, prices: Prices, seed: int) -> None:
    shared = Budget(cost=limit, tokens=tokens, patience=0.0)
    truly_spent: list[tuple[float, int]] = []

    def work(number: int) -> None:
        chance = random.Random(seed + number)
        own = Budget(cost=limit / 2, parent=shared, patience=0.0)
        for _ in range(25):
            prompt, output = chance.randrange(1, 5_000), chance.randrange(1, 2_000)
            try:
                held = own.reserve(model="m", cost=prices.worst(prompt, output), tokens=prompt + output)
            except BudgetExceededError:
                return
            cached = chance.randrange(prompt)
            written = chance.randrange(prompt - cached)
            usage = Usage(
                prompt_tokens=prompt,
                cached_tokens=cached,
                cache_write_tokens=written,
                completion_tokens=chance.randrange(output),
            )
            fate = chance.random()
            with held:
                if fate < 0.6:
                    held.settle(usage, prices.cost(usage))
                elif fate < 0.8:
                    held.unsure()
            if fate < 0.8:
                truly_spent.append((prices.cost(usage), usage.prompt_tokens + usage.completion_tokens))
        assert own.spent_cost <= limit / 2 + 1e-9

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(work, number) for number in range(8)]:
            done.result()
    assert sum(cost for cost, _ in truly_spent) <= shared.spent_cost + 1e-9
    assert shared.spent_cost <= limit + 1e-9
    if tokens is not None:
        assert sum(count for _, count in truly_spent) <= shared.spent_tokens <= tokens


def test_a_call_that_could_overshoot_is_refused_before_it_is_made() -> None:
    budget = Budget(cost=1.0)
    with pytest.raises(BudgetExceededError, match=r"could cost \$1\.1000") as caught:
        budget.reserve(model="m", cost=1.1, tokens=10)
    assert "limits.cost" in caught.value.hint
    budget = Budget(tokens=100)
    with pytest.raises(BudgetExceededError, match="could use 101 tokens"):
        budget.reserve(model="m", cost=None, tokens=101)


def test_an_unknown_price_needs_a_limit_that_can_be_kept() -> None:
    with pytest.raises(BudgetExceededError, match="price of x/y is unknown") as caught:
        Budget(cost=1.0).reserve(model="x/y", cost=None, tokens=10)
    assert "limits.tokens" in caught.value.hint
    held = Budget(cost=1.0, tokens=100).reserve(model="x/y", cost=None, tokens=10)
    held.settle(Usage(prompt_tokens=5), None)
    Budget().reserve(model="x/y", cost=None, tokens=10**9)


def test_an_unknown_cost_is_never_reported_as_zero() -> None:
    budget = Budget(tokens=1_000)
    budget.reserve(model="a", cost=None, tokens=10).settle(Usage(prompt_tokens=5), None)
    budget.reserve(model="a", cost=0.5, tokens=10).settle(Usage(prompt_tokens=5), 0.5)
    assert [line.cost for line in budget.lines] == [None]


def test_usage_is_kept_by_model_and_purpose() -> None:
    budget = Budget(cost=10.0)
    budget.reserve(model="a", cost=1.0, tokens=10).settle(Usage(prompt_tokens=7, completion_tokens=1), 0.3)
    budget.reserve(model="a", cost=1.0, tokens=10, purpose="summary").settle(Usage(prompt_tokens=2), 0.1)
    budget.reserve(model="b", cost=1.0, tokens=10).unsure()
    found = {(line.model, line.purpose): (line.calls, line.unsure_calls, line.cost) for line in budget.lines}
    assert found == {("a", "agent"): (1, 0, 0.3), ("a", "summary"): (1, 0, 0.1), ("b", "agent"): (0, 1, 0.0)}
    assert budget.spent_cost == pytest.approx(1.4)


def test_a_reservation_waits_for_room_that_others_may_give_back() -> None:
    budget = Budget(cost=1.0)
    held = budget.reserve(model="a", cost=0.9, tokens=1)
    waiting = threading.Event()
    results: list[str] = []

    def other() -> None:
        waiting.set()
        budget.reserve(model="b", cost=0.5, tokens=1)
        results.append("reserved")

    thread = threading.Thread(target=other)
    thread.start()
    waiting.wait()
    held.settle(Usage(prompt_tokens=1), 0.2)
    thread.join(10)
    assert results == ["reserved"]


def test_a_reservation_ends_once() -> None:
    budget = Budget(cost=1.0)
    with budget.reserve(model="a", cost=0.5, tokens=10) as held:
        held.settle(Usage(prompt_tokens=1), 0.1)
        held.unsure()
    assert budget.spent_cost == pytest.approx(0.1)
    assert budget.room()[0] == pytest.approx(0.9)


def test_a_resumed_run_goes_on_with_what_it_spent() -> None:
    budget = Budget(cost=1.0, tokens=1_000)
    budget.start_from(Usage(prompt_tokens=300, completion_tokens=100), 0.75, "a")
    assert budget.room() == (pytest.approx(0.25), 600)  # type: ignore[comparison-overlap]
