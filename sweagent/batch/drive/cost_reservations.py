"""Reserve an instance's whole cost limit before it starts."""

from collections.abc import Mapping
from enum import Enum, auto


class Room(Enum):
    """Whether an instance's limit could be set aside."""

    TAKEN = auto()
    LATER = auto()
    """When others give back what they do not need, there may be room."""
    NEVER = auto()
    """There is none even when all that run now cost nothing more."""


class CostReservations:
    """Keeps the cost of all instances together under one limit. One thread uses it.

    Each running instance has its own limit set aside, so that together they cannot overshoot the batch's. None is
    started with less than its whole limit: its result would not compare with the others'. What an instance spent before
    the batch was killed counts as spent, and the rest of its limit is set aside when it is gone on with. The limit of
    an instance whose node was lost stays set aside until its log is all that there will be.

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

    @property
    def spent(self) -> float:
        """US dollars of all instances, those that run now as far as they had come before the batch was resumed."""
        return self._spent

    def take(self, name: str) -> Room:
        """Set an instance's limit aside, if there is room for it.

        Args:
            name: of the instance.
        """
        if self._limit is None or self.each is None:
            return Room.TAKEN
        needed = max(0.0, self.each - self._begun.get(name, 0.0))
        if self._spent + sum(self._aside.values()) + needed > self._limit + 1e-9:
            return Room.LATER if self._aside else Room.NEVER
        self._aside[name] = needed
        return Room.TAKEN

    def settle(self, name: str, cost: float | None) -> None:
        """An instance has ended, or was given up.

        Args:
            name: of the instance.
            cost: US dollars of all its runs; None, for an unknown price, counts as all that was set aside.
        """
        self._aside.pop(name, None)
        before = self._begun.get(name, 0.0)
        now = max(before, self.each or 0.0) if cost is None else cost
        self._begun[name] = now
        self._spent += now - before
