"""Budget of money and tokens, reserved before each call."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from sweagent.errors import BudgetExceededError, StorageError
from sweagent.policy.money.spending import AGENT, Spending, UsageLine, answered, unsure
from sweagent.trajectory import AnyEvent, CallOutcome, CallReserved, CallSettled, Limit, LimitReached, Usage

Recorder = Callable[[AnyEvent], None]
"""Puts an event on disk before it returns."""


class Reservation:
    """Room in a budget that is held for one call. Exactly one of its methods ends it; further calls do nothing.

    As a context manager it gives the room back on leaving, unless it was settled.
    """

    def __init__(
        self, budgets: "tuple[Budget, ...]", number: int, model: str, purpose: str, cost: float | None, tokens: int
    ) -> None:
        self.number = number
        self.model = model
        self.purpose = purpose
        self.cost = cost
        self.tokens = tokens
        self._budgets = budgets
        self._open = True

    def settle(self, usage: Usage, cost: float | None) -> None:
        """The call was answered: book what it used instead of what was reserved."""
        self._end(CallOutcome.ANSWERED, usage, cost)

    def unsure(self) -> None:
        """The call was sent and nobody knows what it used: the whole reservation counts as spent."""
        self._end(CallOutcome.UNSURE)

    def release(self) -> None:
        """The provider refused the call, or it was not sent: nothing was used."""
        self._end(CallOutcome.REFUSED)

    def _end(self, outcome: CallOutcome, usage: Usage | None = None, cost: float | None = 0.0) -> None:
        if not self._open:
            return
        self._open = False
        usage = usage or Usage()
        for budget in self._budgets:
            budget._book(self, outcome, usage, cost)
        self._budgets[0]._record(CallSettled(call=self.number, outcome=outcome, usage=usage, cost=cost))

    def __enter__(self) -> "Reservation":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class Budget:
    """Hard limits on money and tokens, for one run or, as the `parent` of others, for several.

    All methods may be called from any thread.

    Args:
        cost: US dollars; None for no limit.
        tokens: prompt and completion tokens together; None for no limit.
        parent: a budget that this one draws from as well.
        patience: seconds that a call waits for others to give back room that they reserved and may not need.
        clock: seconds, monotonic.
        record: puts reservations, settlements and reached limits into the run's log; None takes the parent's.
    """

    def __init__(
        self,
        cost: float | None = None,
        tokens: int | None = None,
        *,
        parent: "Budget | None" = None,
        patience: float = 600.0,
        clock: Callable[[], float] = time.monotonic,
        record: Recorder | None = None,
    ) -> None:
        self.cost_limit = cost
        self.token_limit = tokens
        self._chain: tuple[Budget, ...] = (self, *(parent._chain if parent else ()))
        self._condition: threading.Condition = parent._condition if parent else threading.Condition()
        self._patience = patience
        self._clock = clock
        self._record: Recorder = record or (parent._record if parent else lambda event: None)
        self._spending = Spending()
        self._spent_cost = 0.0
        self._spent_tokens = 0
        self._reserved_cost = 0.0
        self._reserved_tokens = 0

    @property
    def spent_cost(self) -> float:
        """US dollars that count against the limit: known costs and the worst case of unsure calls."""
        return self._spent_cost

    @property
    def spent_tokens(self) -> int:
        """Tokens that count against the limit."""
        return self._spent_tokens

    @property
    def lines(self) -> tuple[UsageLine, ...]:
        """Usage by model and purpose."""
        with self._condition:
            return self._spending.lines

    @property
    def needs_prices(self) -> bool:
        """Whether a model of unknown price cannot be asked: somewhere dollars are limited and tokens are not."""
        return any(budget.cost_limit is not None and budget.token_limit is None for budget in self._chain)

    @property
    def strictest_cost(self) -> float | None:
        """The lowest limit in US dollars, its parents' included."""
        return min((budget.cost_limit for budget in self._chain if budget.cost_limit is not None), default=None)

    def room(self) -> tuple[float | None, int | None]:
        """US dollars and tokens that are neither spent nor reserved; None where there is no limit."""
        with self._condition:
            return self._room(reserved=True)

    def start_from(self, spending: Spending) -> None:
        """Count what was used before the run was killed, model by model, in this budget and not in its parents.

        What was reserved and never settled counts as spent. The calls of a run are numbered on.
        """
        with self._condition:
            self._chain[-1]._spending.calls = max(self._chain[-1]._spending.calls, spending.calls)
            for line in spending.lines:
                self._add(line)

    def reserve(self, *, model: str, cost: float | None, tokens: int, purpose: str = AGENT) -> Reservation:
        """Hold room for a call at its worst case.

        When others hold reservations that could leave enough room once they are settled, this waits for them.

        Args:
            model: who is called.
            cost: US dollars at the worst; None when the price is unknown.
            tokens: prompt and completion tokens at the worst.
            purpose: what the call is for, in the report.

        Raises:
            BudgetExceededError: the call could overshoot a limit, or the price is unknown and no limit holds.
            StorageError: the log cannot be written; nothing is reserved.
        """
        if cost is None and self.needs_prices:
            self._refuse(Limit.PRICE, *_unpriced(model), purpose)
        deadline = self._clock() + self._patience
        with self._condition:
            while not self._fits(cost, tokens, reserved=True):
                left = deadline - self._clock()
                if not self._fits(cost, tokens, reserved=False) or left <= 0:
                    refusal = self._refusal(cost, tokens)
                    break
                self._condition.wait(left)
            else:
                refusal = None
                for budget in self._chain:
                    budget._reserved_cost += cost or 0.0
                    budget._reserved_tokens += tokens
                self._chain[-1]._spending.calls += 1
                number = self._chain[-1]._spending.calls
        if refusal:
            self._refuse(*refusal, purpose)
        held = Reservation(self._chain, number, model, purpose, cost, tokens)
        try:
            self._record(CallReserved(call=number, model=model, purpose=purpose, cost=cost, tokens=tokens))
        except BaseException:
            # Nothing was sent; who stops the run here must not have it pay for that.
            with suppress(StorageError):
                held.release()
            raise
        return held

    def _refuse(self, limit: Limit, message: str, hint: str, purpose: str) -> NoReturn:
        self._record(LimitReached(limit=limit, message=message, purpose=purpose))
        raise BudgetExceededError(message, hint)

    def _fits(self, cost: float | None, tokens: int, *, reserved: bool) -> bool:
        for budget in self._chain:
            dollars, count = Budget._room_of(budget, reserved)
            if (dollars is not None and (cost or 0.0) > dollars) or (count is not None and tokens > count):
                return False
        return True

    def _room(self, *, reserved: bool) -> tuple[float | None, int | None]:
        rooms = [Budget._room_of(budget, reserved) for budget in self._chain]
        return (
            min((dollars for dollars, _ in rooms if dollars is not None), default=None),
            min((count for _, count in rooms if count is not None), default=None),
        )

    @staticmethod
    def _room_of(budget: "Budget", reserved: bool) -> tuple[float | None, int | None]:
        dollars = None if budget.cost_limit is None else budget.cost_limit - budget._spent_cost
        count = None if budget.token_limit is None else budget.token_limit - budget._spent_tokens
        if reserved:
            dollars = None if dollars is None else dollars - budget._reserved_cost
            count = None if count is None else count - budget._reserved_tokens
        return dollars, count

    def _refusal(self, cost: float | None, tokens: int) -> tuple[Limit, str, str]:
        """The limit that a call has no room in, what to tell of it, and what to do."""
        dollars, count = self._room(reserved=False)
        if dollars is not None and (cost or 0.0) > dollars:
            message = f"the next call could cost ${cost or 0.0:.4f} and ${max(0.0, dollars):.4f} of the limit are left"
            return Limit.COST, message, "raise limits.cost, or lower model.max_output_tokens"
        message = f"the next call could use {tokens} tokens and {max(0, count or 0)} of the limit are left"
        return Limit.TOKENS, message, "raise limits.tokens, or lower model.max_output_tokens"

    def _book(self, held: Reservation, outcome: CallOutcome, usage: Usage, cost: float | None) -> None:
        with self._condition:
            self._reserved_cost -= held.cost or 0.0
            self._reserved_tokens -= held.tokens
            if outcome is CallOutcome.ANSWERED:
                self._add(answered(held.model, held.purpose, usage, cost))
            elif outcome is CallOutcome.UNSURE:
                self._add(unsure(held.model, held.purpose, held.cost, held.tokens))
            self._condition.notify_all()

    def _add(self, line: UsageLine) -> None:
        self._spending.add(line)
        self._spent_cost += line.known_cost + line.unsure_cost
        self._spent_tokens += line.usage.prompt_tokens + line.usage.completion_tokens + line.unsure_tokens


def _unpriced(model: str) -> tuple[str, str]:
    return (
        f"the price of {model} is unknown, so the cost limit cannot be kept",
        "set a limit in tokens (limits.tokens), or give the model's price in a models file "
        "(`fix-issue models` shows how)",
    )
