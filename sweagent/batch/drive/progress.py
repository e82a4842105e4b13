"""What a batch is doing right now, for whoever shows it."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sweagent.agent.journal import Listener
from sweagent.batch.drive.outcomes import InstanceResult, Outcome, count
from sweagent.trajectory import AnyEvent, ReplyReceived, VerdictGiven


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
        ended: how each instance that ended since the batch was started did so, in a few words.
    """

    total: int
    running: tuple[Running, ...]
    ended: dict[str, str] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    outcomes: dict[Outcome, int] = field(default_factory=dict)
    cost: float | None = 0.0
    eta: float | None = None
    stopping: bool = False

    @property
    def done(self) -> int:
        """How many have ended."""
        return sum(self.outcomes.values())


def told(result: InstanceResult) -> str:
    """How an instance ended, in a few words: its verdict, or what kept it from one."""
    return ": ".join(filter(None, (label(result), result.message)))


def label(result: InstanceResult) -> str:
    """What an instance counts as, for people: of a patch that nobody has graded, the product's own verdict."""
    outcome = result.outcome
    return result.verdict if outcome is Outcome.UNGRADED and result.verdict else outcome.value


class ProgressTracker:
    """Collects what the workers do. All methods may be called from any thread.

    Args:
        total: instances of the batch.
        before: results of instances that had ended before the batch was resumed.
        clock: seconds, monotonic.
    """

    def __init__(
        self, total: int, before: dict[str, InstanceResult], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._total = total
        self._clock = clock
        self._start = clock()
        self._lock = threading.Lock()
        self._running: dict[str, Running] = {}
        self._done = dict(before)
        self._ended_now: dict[str, str] = {}
        self._stopping = False

    def begin(self, instance_id: str) -> None:
        """An instance starts."""
        with self._lock:
            self._running[instance_id] = Running(instance_id, self._clock())

    def end(self, instance_id: str, result: InstanceResult | None) -> None:
        """An instance has ended, or was left (None)."""
        with self._lock:
            self._running.pop(instance_id, None)
            if result is not None:
                self._done[instance_id] = result
                self._ended_now[instance_id] = told(result)

    def stopping(self) -> None:
        """Nothing new is started any more."""
        self._stopping = True

    def say(self, instance_id: str, doing: str) -> None:
        """Tell what an instance is doing."""
        self._change(instance_id, doing=doing)

    def listener(self, instance_id: str) -> Listener:
        """What follows the events of an instance's run."""

        def listen(event: AnyEvent) -> None:
            if isinstance(event, ReplyReceived):
                tools = ", ".join(action.tool for action in event.reply.actions)
                self._change(instance_id, step=event.step, doing=tools or "thinking", more=event.reply.cost)
            elif isinstance(event, VerdictGiven):
                self._change(instance_id, doing=event.verdict)

        return listen

    def _change(self, instance_id: str, *, doing: str, step: int | None = None, more: float | None = 0.0) -> None:
        with self._lock:
            now = self._running.get(instance_id)
            if now is not None:
                cost = None if now.cost is None or more is None else now.cost + more
                self._running[instance_id] = replace(
                    now, doing=doing, cost=cost, step=now.step if step is None else step
                )

    def snapshot(self) -> Snapshot:
        """The batch at this moment."""
        with self._lock:
            running = tuple(self._running.values())
            costs = [result.cost for result in self._done.values()] + [item.cost for item in running]
            left = self._total - len(self._done)
            pace = len(self._ended_now) / max(1e-9, self._clock() - self._start)
            return Snapshot(
                total=self._total,
                running=running,
                outcomes=count(result.outcome for result in self._done.values()),
                cost=None if None in costs else sum(cost or 0.0 for cost in costs),
                eta=left / pace if self._ended_now else None,
                stopping=self._stopping,
                ended=dict(self._ended_now),
                labels=dict(sorted(Counter(label(result) for result in self._done.values()).items())),
            )
