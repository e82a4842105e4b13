"""One log for all attempts of a run, with totals over them."""

import threading
from collections.abc import Collection, Iterable
from typing import TypeVar

from sweagent.agent.journal import Journal, Listener
from sweagent.agent.view import ViewBuilder
from sweagent.policy import Spending
from sweagent.trajectory import (
    ActionDone,
    AnyEvent,
    AttemptEnded,
    Event,
    FeedbackGiven,
    PoolJudged,
    ReplyReceived,
    TrajectoryWriter,
    VerdictGiven,
)

_E = TypeVar("_E", bound=Event)
_TAKE_TIME = ActionDone | PoolJudged | ReplyReceived | VerdictGiven


def _is_word(event: AnyEvent, scope: str | None) -> bool:
    return isinstance(event, FeedbackGiven) and event.kind == "user" and scope in (None, event.scope)


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
        self.past = tuple(past)
        self.spending = Spending()
        self.seconds = 0.0
        """Wall time of policies, actions and verifications."""
        for event in self.past:
            self._add(event)

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
        self.append(event)
        for listener in self._listeners:
            listener(event)

    def journal(self, scope: str, view: ViewBuilder) -> Journal:
        """The journal of an attempt, its past included."""
        return Journal(self, view, self._listeners, self.past, scope)

    def used_until(self, scopes: Collection[str]) -> tuple[Spending, float] | None:
        """What was used up to the end of the last of some attempts, as it was then; None when one has not ended yet.

        A resumed strategy has to see what it saw, not what the run used later.
        """
        ends = [number for number, event in enumerate(self.past) if isinstance(event, AttemptEnded)]
        if not set(scopes) <= {self.past[number].scope for number in ends}:
            return None
        last = max((number for number in ends if self.past[number].scope in scopes), default=-1)
        before = self.past[: last + 1]
        return Spending(before), sum(event.seconds for event in before if isinstance(event, _TAKE_TIME))

    def recorded(self, kind: type[_E], scope: str = "") -> list[_E]:
        """The events of a kind that an attempt had before the run was resumed."""
        return [event for event in self.past if isinstance(event, kind) and event.scope == scope]

    def standing(self, kind: type[_E], scope: str | None = None) -> list[_E]:
        """Those that still hold: what followed from an attempt is void once the user spoke to it.

        Args:
            kind: of events.
            scope: of an attempt; None for steps of the run as a whole, which follow from all attempts.
        """
        spoken = [number for number, event in enumerate(self.past) if _is_word(event, scope)]
        after = self.past[spoken[-1] :] if spoken else self.past
        return [event for event in after if isinstance(event, kind) and event.scope == (scope or "")]

    def _add(self, event: AnyEvent) -> None:
        self.spending.apply(event)
        if isinstance(event, _TAKE_TIME):
            self.seconds += event.seconds
