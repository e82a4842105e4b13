"""Budgets: no limit is overshot, whoever spends and whatever fails."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweagent.errors import BudgetExceededError, RunInterruptedError
from sweagent.policy import Budget, Spending
from sweagent.policy.money.spending import answered
from sweagent.policy.money.usage import Prices
from sweagent.trajectory import AnyEvent, CallReserved, CallSettled, Reply, ReplyReceived, Usage

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
    before = Spending()
    before.add(answered("a", "agent", Usage(prompt_tokens=300, completion_tokens=100), 0.75))
    budget.start_from(before)
    assert budget.room() == (pytest.approx(0.25), 600)  # type: ignore[comparison-overlap]


def logged(events: list[AnyEvent]) -> list[tuple[str, int | None]]:
    return [(event.type, getattr(event, "call", None)) for event in events]


def test_reservations_settlements_refusals_and_reached_limits_are_events() -> None:
    events: list[AnyEvent] = []
    budget = Budget(cost=1.0, record=events.append)
    budget.reserve(model="a", cost=0.5, tokens=10).settle(Usage(prompt_tokens=7), 0.2)
    with budget.reserve(model="a", cost=0.5, tokens=10):
        pass
    Budget(cost=0.5, parent=budget).reserve(model="b", cost=0.5, tokens=10, purpose="advice").unsure()
    with pytest.raises(BudgetExceededError):
        budget.reserve(model="a", cost=0.5, tokens=10)
    pairs = [(kind, number) for number in (1, 2, 3) for kind in ("call_reserved", "call_settled")]
    assert logged(events) == [*pairs, ("limit_reached", None)]
    assert [event.outcome for event in events if isinstance(event, CallSettled)] == ["answered", "refused", "unsure"]
    assert Spending(events).lines == budget.lines
    assert Spending(events).dollars == pytest.approx(0.7)


def test_a_call_in_flight_at_a_kill_counts_as_spent_and_is_not_numbered_again() -> None:
    events: list[AnyEvent] = []
    first = Budget(cost=1.0, tokens=100, record=events.append)
    first.reserve(model="a", cost=0.25, tokens=10).settle(Usage(prompt_tokens=5), 0.1)
    first.reserve(model="a", cost=0.5, tokens=20)
    second = Budget(cost=1.0, tokens=100, record=events.append)
    second.start_from(Spending(events))
    assert second.room() == (pytest.approx(0.4), 75)  # type: ignore[comparison-overlap]
    second.reserve(model="a", cost=0.25, tokens=10)
    assert logged(events)[-1] == ("call_reserved", 3)


def test_one_call_without_a_price_does_not_hide_what_the_others_cost() -> None:
    events: list[AnyEvent] = []
    first = Budget(cost=1.0, tokens=1_000, record=events.append)
    first.reserve(model="a", cost=0.5, tokens=10).settle(Usage(prompt_tokens=5), 0.5)
    first.reserve(model="b", cost=None, tokens=10).settle(Usage(prompt_tokens=5), None)
    second = Budget(cost=1.0, tokens=1_000)
    second.start_from(Spending(events))
    assert second.spent_cost == pytest.approx(0.5)
    assert {line.model: line.cost for line in second.lines} == {"a": 0.5, "b": None}
    assert Spending(events).cost is None


def test_who_stops_the_run_before_a_call_is_sent_does_not_have_it_pay() -> None:
    events: list[AnyEvent] = []

    def stop(event: AnyEvent) -> None:
        events.append(event)
        if isinstance(event, CallReserved):
            raise RunInterruptedError("stopped")

    budget = Budget(cost=1.0, record=stop)
    with pytest.raises(RunInterruptedError):
        budget.reserve(model="a", cost=0.5, tokens=10)
    assert budget.room()[0] == 1.0
    assert Spending(events).dollars == 0


def test_replies_of_a_log_without_calls_count_and_those_with_calls_count_once() -> None:
    reply = ReplyReceived(step=1, reply=Reply(usage=Usage(prompt_tokens=5), cost=0.25, model="a"))
    old = Spending([reply, reply])
    assert [(line.model, line.calls, line.cost) for line in old.lines] == [("a", 2, 0.5)]
    events: list[AnyEvent] = []
    Budget(cost=1.0, record=events.append).reserve(model="a", cost=0.5, tokens=9).settle(Usage(prompt_tokens=5), 0.25)
    assert Spending([*events, reply]).dollars == pytest.approx(0.25)


def test_a_limit_in_dollars_is_not_kept_by_one_in_tokens_elsewhere() -> None:
    run = Budget(cost=3.0, tokens=1_000)
    with pytest.raises(BudgetExceededError, match="price of a is unknown"):
        Budget(cost=0.1, parent=run).reserve(model="a", cost=None, tokens=10)
    run.reserve(model="a", cost=None, tokens=10)
