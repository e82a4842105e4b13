"""Reserve an instance's whole cost limit before it starts."""

import threading
from collections.abc import Mapping

from sweagent.stop_token import StopToken


class CostReservations:
    """Keeps the cost of all instances together under one limit, from any thread.

    Each running instance has its own limit set aside, so that together they cannot overshoot the batch's. None is
    started with less than its whole limit: its result would not compare with the others'. What an instance spent before
    the batch was killed counts as spent, and the rest of its limit is set aside when it is gone on with.

    Args:
        limit: US dollars of the batch; None for no limit.
        each: US dollars that one instance may cost at the most; needed with a limit.
        spent: US dollars of the instances that had ended before this batch was resumed.
        begun: US dollars that instances without an end have cost so far, by their names.
    """

    def __init__(
        self, limit: float | None, each: float | None, spent: float = 0.0, begun: Mapping[str, float] | None = None
    ) -> None:
        self._limit = limit
        self.each = each if limit is None or each is None else min(limit, each)
        self._begun = dict(begun or {})
        self._spent = spent + sum(self._begun.values())
        self._aside: dict[str, float] = {}
        self._condition = threading.Condition()

    @property
    def spent(self) -> float:
        """US dollars of all instances, those that run now as far as they had come before the batch was resumed."""
        return self._spent

    def take(self, name: str, stop: StopToken) -> bool:
        """Set an instance's limit aside, waiting for others to give back what they did not need.

        Args:
            name: of the instance.
            stop: ends the waiting.

        Returns:
            False when the limit has no room left even when all that run now cost nothing more.
        """
        if self._limit is None or self.each is None:
            return True
        needed = max(0.0, self.each - self._begun.get(name, 0.0))
        with self._condition:
            while self._spent + sum(self._aside.values()) + needed > self._limit + 1e-9:
                if not self._aside or stop.asked:
                    return False
                self._condition.wait(0.5)
            self._aside[name] = needed
            return True

    def settle(self, name: str, cost: float | None) -> None:
        """An instance has ended, or was given up.

        Args:
            name: of the instance.
            cost: US dollars of all its runs; None, for an unknown price, counts as all that was set aside.
        """
        with self._condition:
            self._aside.pop(name, None)
            before = self._begun.get(name, 0.0)
            now = max(before, self.each or 0.0) if cost is None else cost
            self._begun[name] = now
            self._spent += now - before
            self._condition.notify_all()
