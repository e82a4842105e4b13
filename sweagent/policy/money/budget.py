"""Budget of money and tokens, reserved before each call."""

import threading
import time
from collections.abc import Callable
from typing import Literal

from sweagent.errors import BudgetExceededError
from sweagent.frozen import Frozen
from sweagent.trajectory import Usage


class UsageLine(Frozen):
    """What one model used for one purpose."""

    model: str
    purpose: str
    calls: int = 0
    unsure_calls: int = 0
    """Calls that were sent and whose answer never came whole; their reservation counts as spent."""
    usage: Usage = Usage()
    cost: float | None = 0.0
    """US dollars known to be spent; None as soon as the price of one call is unknown."""
    unsure_cost: float = 0.0
    """US dollars that the unsure calls may have cost at the most."""


class Reservation:
    """Room in a budget that is held for one call. Exactly one of its methods ends it; further calls do nothing.

    As a context manager it gives the room back on leaving, unless it was settled.
    """

    def __init__(
        self, budgets: "tuple[Budget, ...]", model: str, purpose: str, cost: float | None, tokens: int
    ) -> None:
        self.model = model
        self.purpose = purpose
        self.cost = cost
        self.tokens = tokens
        self._budgets = budgets
        self._open = True

    def settle(self, usage: Usage, cost: float | None) -> None:
        """The call was answered: book what it used instead of what was reserved."""
        self._end("answered", usage, cost)

    def unsure(self) -> None:
        """The call was sent and nobody knows what it used: the whole reservation counts as spent."""
        self._end("unsure", Usage(), None)

    def release(self) -> None:
        """The provider refused the call: nothing was used."""
        self._end("refused", Usage(), None)

    def _end(self, how: Literal["answered", "unsure", "refused"], usage: Usage, cost: float | None) -> None:
        if self._open:
            self._open = False
            for budget in self._budgets:
                budget._book(self, how, usage, cost)

    def __enter__(self) -> "Reservation":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class Budget:
    """Hard limits on money and tokens, for one run or, as the `parent` of others, for a batch of runs.

    All methods may be called from any thread.

    Args:
        cost: US dollars; None for no limit.
        tokens: prompt and completion tokens together; None for no limit.
        parent: a budget that this one draws from as well.
        patience: seconds that a call waits for others to give back room that they reserved and may not need.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        cost: float | None = None,
        tokens: int | None = None,
        *,
        parent: "Budget | None" = None,
        patience: float = 600.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.cost_limit = cost
        self.token_limit = tokens
        self._chain: tuple[Budget, ...] = (self, *(parent._chain if parent else ()))
        self._condition: threading.Condition = parent._condition if parent else threading.Condition()
        self._patience = patience
        self._clock = clock
        self._lines: dict[tuple[str, str], UsageLine] = {}
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
            return tuple(self._lines.values())

    @property
    def needs_prices(self) -> bool:
        """Whether a model of unknown price cannot be asked: dollars are limited, tokens are not."""
        limited = any(budget.cost_limit is not None for budget in self._chain)
        return limited and all(budget.token_limit is None for budget in self._chain)

    def room(self) -> tuple[float | None, int | None]:
        """US dollars and tokens that are neither spent nor reserved; None where there is no limit."""
        with self._condition:
            return self._room(reserved=True)

    def start_from(self, usage: Usage, cost: float | None, model: str = "") -> None:
        """Count what a resumed run used before it was killed."""
        with self._condition:
            for budget in self._chain:
                budget._add(model, "before the resume", usage, cost)

    def reserve(self, *, model: str, cost: float | None, tokens: int, purpose: str = "agent") -> Reservation:
        """Hold room for a call at its worst case.

        When others hold reservations that could leave enough room once they are settled, this waits for them.

        Args:
            model: who is called.
            cost: US dollars at the worst; None when the price is unknown.
            tokens: prompt and completion tokens at the worst.
            purpose: what the call is for, in the report.

        Raises:
            BudgetExceededError: the call could overshoot a limit, or the price is unknown and no limit holds.
        """
        self._check_price(model, cost)
        deadline = self._clock() + self._patience
        with self._condition:
            while not self._fits(cost, tokens, reserved=True):
                left = deadline - self._clock()
                if not self._fits(cost, tokens, reserved=False) or left <= 0:
                    raise self._refusal(cost, tokens)
                self._condition.wait(left)
            for budget in self._chain:
                budget._reserved_cost += cost or 0.0
                budget._reserved_tokens += tokens
        return Reservation(self._chain, model, purpose, cost, tokens)

    def _check_price(self, model: str, cost: float | None) -> None:
        if cost is None and self.needs_prices:
            raise BudgetExceededError(
                f"the price of {model} is unknown, so the cost limit cannot be kept",
                "set a limit in tokens (limits.tokens), or give the model's price in a models file "
                "(`fix-issue models` shows how)",
            )

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

    def _refusal(self, cost: float | None, tokens: int) -> BudgetExceededError:
        dollars, count = self._room(reserved=False)
        if dollars is not None and (cost or 0.0) > dollars:
            return BudgetExceededError(
                f"the next call could cost ${cost or 0.0:.4f} and ${max(0.0, dollars):.4f} of the limit are left",
                "raise limits.cost, or lower model.max_output_tokens",
            )
        return BudgetExceededError(
            f"the next call could use {tokens} tokens and {max(0, count or 0)} of the limit are left",
            "raise limits.tokens, or lower model.max_output_tokens",
        )

    def _book(
        self, held: Reservation, how: Literal["answered", "unsure", "refused"], usage: Usage, cost: float | None
    ) -> None:
        with self._condition:
            self._reserved_cost -= held.cost or 0.0
            self._reserved_tokens -= held.tokens
            if how == "answered":
                self._add(held.model, held.purpose, usage, cost)
            elif how == "unsure":
                self._spent_cost += held.cost or 0.0
                self._spent_tokens += held.tokens
                line = self._line(held.model, held.purpose)
                self._lines[held.model, held.purpose] = line.model_copy(
                    update={
                        "unsure_calls": line.unsure_calls + 1,
                        "unsure_cost": line.unsure_cost + (held.cost or 0.0),
                    }
                )
            self._condition.notify_all()

    def _line(self, model: str, purpose: str) -> UsageLine:
        return self._lines.get((model, purpose)) or UsageLine(model=model, purpose=purpose)

    def _add(self, model: str, purpose: str, usage: Usage, cost: float | None) -> None:
        self._spent_cost += cost or 0.0
        self._spent_tokens += usage.prompt_tokens + usage.completion_tokens
        line = self._line(model, purpose)
        self._lines[model, purpose] = line.model_copy(
            update={
                "calls": line.calls + 1,
                "usage": line.usage + usage,
                "cost": None if line.cost is None or cost is None else line.cost + cost,
            }
        )
