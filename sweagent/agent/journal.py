"""Record events of a run: the one way into the log."""

import threading
from collections.abc import Callable, Iterable
from typing import Protocol

from sweagent.agent.state import RunState
from sweagent.trajectory import AnyEvent

Listener = Callable[[AnyEvent], None]


class _Follower(Protocol):
    def add(self, event: AnyEvent) -> None: ...


class Log(Protocol):
    """Where events are put on disk."""

    def append(self, event: AnyEvent) -> None:
        """Write one event.

        Raises:
            StorageError: the disk refuses it.
        """


class Journal:
    """Writes each event to the log first, then tells the state, the view and the listeners. Threads may share it.

    Args:
        log: the trajectory, or a run's part in it.
        view: what makes the policy's view from the events.
        listeners: who shows progress; they cannot change anything.
        past: the events of a run that is resumed; they are in the log already.
        scope: the attempt whose events these are; events of others in the past are left out.
        inherited: events of the attempt that this one was forked from, which cost it nothing.
    """

    def __init__(
        self,
        log: Log,
        view: _Follower,
        listeners: Iterable[Listener] = (),
        past: Iterable[AnyEvent] = (),
        scope: str = "",
        inherited: Iterable[AnyEvent] = (),
    ) -> None:
        self.state = RunState()
        self._log = log
        self._view = view
        self._listeners = tuple(listeners)
        self._scope = scope
        self._lock = threading.RLock()
        for event in inherited:
            self.state.apply(event)
            self._view.add(event)
        self.state.begin()
        for event in (event for event in past if event.scope == scope):
            self.state.apply(event)
            self._view.add(event)

    def record(self, event: AnyEvent) -> None:
        """Record one event.

        Raises:
            StorageError: the disk refused it; nobody was told.
        """
        if self._scope:
            event = event.model_copy(update={"scope": self._scope})
        with self._lock:
            self._log.append(event)
            self.state.apply(event)
            self._view.add(event)
            for listener in self._listeners:
                listener(event)
