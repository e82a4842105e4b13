"""What a batch is doing right now, for whoever shows it."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from sweagent.batch.drive.outcomes import Outcome
from sweagent.verdict import Verdict


class HasEnded(Protocol):
    """How an instance ended, as far as it is shown."""

    @property
    def outcome(self) -> Outcome:
        """What it counts as."""

    @property
    def verdict(self) -> Verdict | None:
        """Of the product's own proof."""

    @property
    def message(self) -> str:
        """For people."""

    @property
    def cost(self) -> float | None:
        """US dollars; None when a price is unknown."""


@dataclass(frozen=True)
class Running:
    """An instance that is at work.

    Attributes:
        instance_id: which one.
        since: when it began, by the monotonic clock.
        step: of its run.
        cost: US dollars so far; None when a price is unknown.
        doing: in a few words.
    """

    instance_id: str
    since: float
    step: int = 0
    cost: float | None = 0.0
    doing: str = "preparing"


@dataclass(frozen=True)
class Snapshot:
    """A batch at one moment.

    Attributes:
        total: instances of the batch.
        running: those that are at work.
        outcomes: of those that have ended.
        cost: US dollars of all, the running ones included; None when a price is unknown.
        eta: seconds until the end at the pace so far; None when nobody can tell.
        stopping: nothing new is started any more.
        labels: outcomes for people: of what nobody has graded, the verdict.
        ended: each instance that ended since the batch was started and how it did so, in a few words, in order. The
            list grows; who shows it remembers how far it has come.
    """

    total: int
    running: tuple[Running, ...]
    ended: Sequence[tuple[str, str]] = ()
    labels: dict[str, int] = field(default_factory=dict)
    outcomes: dict[Outcome, int] = field(default_factory=dict)
    cost: float | None = 0.0
    eta: float | None = None
    stopping: bool = False

    @property
    def done(self) -> int:
        """How many have ended."""
        return sum(self.outcomes.values())


def told(result: HasEnded) -> str:
    """How an instance ended, in a few words: its verdict, or what kept it from one."""
    return ": ".join(filter(None, (label(result), result.message)))


def label(result: HasEnded) -> str:
    """What an instance counts as, for people: of a patch that nobody has graded, the product's own verdict."""
    outcome = result.outcome
    return result.verdict if outcome is Outcome.UNGRADED and result.verdict else outcome.value


class ProgressTracker:
    """Collects what the nodes report. One thread uses it; what it keeps of an ended instance does not grow with it.

    Args:
        total: instances of the batch.
        before: results of instances that had ended before the batch was resumed.
        clock: seconds, monotonic.
    """

    def __init__(
        self, total: int, before: Iterable[HasEnded] = (), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._total = total
        self._clock = clock
        self._start = clock()
        self._running: dict[str, Running] = {}
        self._outcomes: Counter[Outcome] = Counter()
        self._labels: Counter[str] = Counter()
        self._cost: float | None = 0.0
        self._ended_now: list[tuple[str, str]] = []
        self._stopping = False
        for result in before:
            self._count(result)

    def begin(self, instance_id: str) -> None:
        """An instance starts."""
        self._running[instance_id] = Running(instance_id, self._clock())

    def end(self, instance_id: str, result: HasEnded | None) -> None:
        """An instance has ended, or was left (None)."""
        self._running.pop(instance_id, None)
        if result is not None:
            self._count(result)
            self._ended_now.append((instance_id, told(result)))

    def stopping(self) -> None:
        """Nothing new is started any more."""
        self._stopping = True

    def say(self, instance_id: str, doing: str) -> None:
        """Tell what an instance is doing."""
        self.advance(instance_id, doing)

    def advance(self, instance_id: str, doing: str, step: int | None = None, more: float | None = 0.0) -> None:
        """An instance has come further.

        Args:
            instance_id: which one.
            doing: in a few words.
            step: of its run.
            more: US dollars since the last time; None when the price is unknown.
        """
        now = self._running.get(instance_id)
        if now is not None:
            cost = None if now.cost is None or more is None else now.cost + more
            self._running[instance_id] = replace(now, doing=doing, cost=cost, step=now.step if step is None else step)

    def snapshot(self) -> Snapshot:
        """The batch at this moment."""
        running = tuple(self._running.values())
        costs = [self._cost, *(item.cost for item in running)]
        left = self._total - sum(self._outcomes.values())
        pace = len(self._ended_now) / max(1e-9, self._clock() - self._start)
        return Snapshot(
            total=self._total,
            running=running,
            outcomes={outcome: self._outcomes[outcome] for outcome in Outcome if self._outcomes[outcome]},
            cost=None if None in costs else sum(cost or 0.0 for cost in costs),
            eta=left / pace if self._ended_now else None,
            stopping=self._stopping,
            ended=self._ended_now,
            labels=dict(sorted(self._labels.items())),
        )

    def _count(self, result: HasEnded) -> None:
        self._outcomes[result.outcome] += 1
        self._labels[label(result)] += 1
        self._cost = None if self._cost is None or result.cost is None else self._cost + result.cost
