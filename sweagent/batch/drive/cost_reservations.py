"""Reserve an instance's whole cost limit before it starts."""

import threading

from sweagent.stop_token import StopToken


class CostReservations:
    """Keeps the cost of all instances together under one limit, from any thread.

    Each running instance has its own limit set aside, so that together they cannot overshoot the batch's. None is
    started with less than its whole limit: its result would not compare with the others'.

    Args:
        limit: US dollars of the batch; None for no limit.
        each: US dollars that one instance may cost at the most; needed with a limit.
        spent: US dollars that instances cost before this batch was resumed.
    """

    def __init__(self, limit: float | None, each: float | None, spent: float = 0.0) -> None:
        self._limit = limit
        self.each = each if limit is None or each is None else min(limit, each)
        self._spent = spent
        self._aside = 0.0
        self._condition = threading.Condition()

    @property
    def spent(self) -> float:
        """US dollars of all instances that have ended."""
        return self._spent

    def take(self, stop: StopToken) -> bool:
        """Set one instance's limit aside, waiting for others to give back what they did not need.

        Args:
            stop: ends the waiting.

        Returns:
            False when the limit has no room left even when all that run now cost nothing more.
        """
        if self._limit is None or self.each is None:
            return True
        with self._condition:
            while self._spent + self._aside + self.each > self._limit + 1e-9:
                if self._aside <= 1e-9 or stop.asked:
                    return False
                self._condition.wait(0.5)
            self._aside += self.each
            return True

    def settle(self, cost: float | None) -> None:
        """An instance has ended, or was given up.

        Args:
            cost: US dollars that it cost; None, for an unknown price, counts as all that was set aside.
        """
        with self._condition:
            if self._limit is not None and self.each is not None:
                self._aside -= self.each
            self._spent += (self.each or 0.0) if cost is None else cost
            self._condition.notify_all()
