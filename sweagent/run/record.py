"""One log for all attempts of a run, with totals over them."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from sweagent.agent.journal import Journal, Listener
from sweagent.agent.view import ViewBuilder
from sweagent.policy import Spending
from sweagent.trajectory import (
    ActionDone,
    AnswerReceived,
    AnyEvent,
    FeedbackGiven,
    PoolJudged,
    ReplyReceived,
    Step,
    StepDone,
    TimeLost,
    VerdictGiven,
)
from sweagent.trajectory_file import TrajectoryWriter

_TAKE_TIME = ActionDone | AnswerReceived | PoolJudged | ReplyReceived | StepDone | TimeLost | VerdictGiven


class Used(NamedTuple):
    """What was used up to some moment."""

    dollars: float = 0.0
    tokens: int = 0
    seconds: float = 0.0


class Mark(NamedTuple):
    """A step that is in the log.

    Attributes:
        event: by which it ended.
        number: of the event in the log.
        used: by the run that the step belongs to, and what it gathered, up to the step.
    """

    event: Step
    number: int
    used: Used


@dataclass
class _Meter:
    spending: Spending = field(default_factory=Spending)
    seconds: float = 0.0

    def apply(self, event: AnyEvent) -> None:
        self.spending.apply(event)
        if isinstance(event, _TAKE_TIME):
            self.seconds += event.seconds


def path_of(scope: str) -> str:
    """The path of the run that an attempt or a question belongs to: empty, or ending in a slash."""
    return scope[: scope.rfind("/") + 1]


class RunLog:
    """Writes the events of all attempts, and keeps what they used together. Threads may share it.

    Args:
        writer: of the trajectory.
        listeners: told every event after it was recorded.
        past: the events of a run that is resumed.
    """

    def __init__(self, writer: TrajectoryWriter, listeners: Iterable[Listener], past: Iterable[AnyEvent] = ()) -> None:
        self._writer = writer
        self._listeners = tuple(listeners)
        self._lock = threading.RLock()
        self._meters: dict[str, _Meter] = {"": _Meter()}
        self._marks: dict[str, list[Mark]] = {}
        self.events: list[AnyEvent] = []
        """All events so far."""
        self.past = tuple(past)
        for event in self.past:
            self._add(event)

    @property
    def spending(self) -> Spending:
        """Of the run as a whole."""
        return self.spending_of("")

    def spending_of(self, path: str) -> Spending:
        """Of a run by its path, with all that it gathered."""
        return self._meter(path).spending

    @property
    def seconds(self) -> float:
        """Wall time of policies, actions and verifications, all attempts together."""
        return self._meter("").seconds

    def used(self, path: str) -> Used:
        """What a run, with all that it gathered, has used by now."""
        with self._lock:
            meter = self._meter(path)
            return Used(meter.spending.dollars, meter.spending.tokens, meter.seconds)

    def append(self, event: AnyEvent) -> None:
        """Write an event of an attempt; its journal tells the listeners.

        Raises:
            StorageError: the disk refuses it.
        """
        with self._lock:
            self._writer.append(event)
            self._add(event)

    def record(self, event: AnyEvent) -> None:
        """Write an event of the run as a whole, and tell the listeners.

        Raises:
            StorageError: the disk refuses it.
        """
        with self._lock:
            self.append(event)
            self._tell(event)

    def _tell(self, event: AnyEvent) -> None:
        """Tell the listeners, one event after the other, whichever thread it comes from."""
        with self._lock:
            for listener in self._listeners:
                listener(event)

    def journal(self, scope: str, view: ViewBuilder, inherited: Iterable[AnyEvent] = ()) -> Journal:
        """The journal of an attempt, its past included.

        Args:
            scope: the attempt.
            view: what makes its view.
            inherited: events of the attempt that it was forked from.
        """
        return Journal(self, view, [self._tell], self.past, scope, inherited)

    def marks(self, scope: str) -> list[Mark]:
        """The steps of a scope that are in the log, in order."""
        with self._lock:
            return list(self._marks.get(scope, ()))

    def of(self, scope: str, until: int | None = None) -> list[AnyEvent]:
        """The events of a scope, up to some number of events of the log."""
        with self._lock:
            return [event for event in self.events[:until] if event.scope == scope]

    def _meter(self, path: str) -> _Meter:
        return self._meters.setdefault(path, _Meter())

    def _add(self, event: AnyEvent) -> None:
        path = path_of(event.scope)
        end = -1
        self._meters[""].apply(event)
        while (end := path.find("/", end + 1)) >= 0:
            self._meter(path[: end + 1]).apply(event)
        if isinstance(event, Step) and not (isinstance(event, FeedbackGiven) and event.kind != "strategy"):
            mark = Mark(event, len(self.events), self.used(path))
            self._marks.setdefault(event.scope, []).append(mark)
        self.events.append(event)
