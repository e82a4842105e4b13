"""Time that was in flight when a run was killed."""

import logging
import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from sweagent.config import Settings
from sweagent.trajectory import (
    ActionDone,
    AnswerReceived,
    AnyEvent,
    CallReserved,
    CallSettled,
    ReplyReceived,
    RunEnded,
    StepDone,
    TimeLost,
    VerdictGiven,
    VerificationStarted,
)

_LOG = logging.getLogger("sweagent.run")
_EVERY = 5.0
_LEAST = 0.05
_GRACE = 60.0
"""Seconds that a verification, or a call, may take beyond its limit."""


class SignOfLife:
    """Touches a file now and then, as long as it is open, so that a killed process's end is known.

    Args:
        path: of the file; it is made when it is missing.
        every: seconds.
    """

    def __init__(self, path: Path, every: float = _EVERY) -> None:
        self._path, self._every = path, every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="sign of life", daemon=True)

    def __enter__(self) -> Self:
        self._touch()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def _go_on(self) -> None:
        while not self._ended.wait(self._every):
            self._touch()

    def _touch(self) -> None:
        try:
            self._path.touch()
            os.utime(self._path)
        except OSError:
            # The log is what has to be written; it says so where the disk is full.
            _LOG.debug("no sign of life", exc_info=True)


def last_sign(path: Path) -> datetime | None:
    """When the process that had a run last was seen alive."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return None


@dataclass
class _Work:
    """What is in flight in one scope, with the moments at which it began, and seconds that are lost already."""

    calls: dict[int, datetime] = field(default_factory=dict)
    actions: int = 0
    acting: datetime | None = None
    verifying: tuple[datetime, float] | None = None
    lost: float = 0.0

    def until(self, end: datetime, settings: Settings) -> float:
        """The longest that something has been in flight by then; no longer than it may be."""
        spans = [min((end - since).total_seconds(), settings.model.timeout + _GRACE) for since in self.calls.values()]
        if self.actions and self.acting:
            spans.append(min((end - self.acting).total_seconds(), settings.sandbox.max_timeout + _GRACE))
        if self.verifying:
            spans.append(min((end - self.verifying[0]).total_seconds(), self.verifying[1] + _GRACE))
        return max(0.0, *spans) if spans else 0.0

    def forget(self) -> None:
        """Nothing of it is in flight any more; what is still to be done begins anew."""
        self.calls.clear()
        self.acting = self.verifying = None


def lost_time(past: Iterable[AnyEvent], alive: datetime | None, settings: Settings) -> list[TimeLost]:
    """The time that was in flight when a run was killed or stopped, and is not in its log yet.

    Args:
        past: the log.
        alive: when the killed process was last seen; None when nobody knows.
        settings: of the run; they bound what can have been in flight.

    Returns:
        An event for each attempt or question that lost time.
    """
    works: dict[str, _Work] = {}
    for event in past:
        work = works.setdefault(event.scope, _Work())
        _follow(work, event)
        if isinstance(event, VerdictGiven | StepDone):
            _go_on_verifying(works, event)
        if isinstance(event, RunEnded):
            for other in works.values():
                other.lost += other.until(event.time, settings)
                other.forget()
    lost = {scope: work.lost + (work.until(alive, settings) if alive else 0.0) for scope, work in works.items()}
    return [TimeLost(scope=scope, seconds=seconds) for scope, seconds in lost.items() if seconds > _LEAST]


def _follow(work: _Work, event: AnyEvent) -> None:
    match event:
        case CallReserved() if event.purpose != "advice":
            work.calls[event.call] = event.time
        case CallSettled():
            work.calls.pop(event.call, None)
        case ReplyReceived():
            work.calls.clear()
            work.actions, work.acting = len(event.reply.actions) * (not event.reply.problem), event.time
        case AnswerReceived():
            work.calls.clear()
        case ActionDone():
            work.actions, work.acting = max(0, work.actions - 1), event.time
        case VerificationStarted():
            work.verifying = event.time, event.seconds
        case TimeLost():
            work.forget()
            work.lost = 0.0


def _go_on_verifying(works: dict[str, _Work], event: VerdictGiven | StepDone) -> None:
    """A verdict ends a verification; that of many candidates goes on with the next one."""
    works[event.scope].verifying = None
    if isinstance(event, StepDone) and event.kind == "verify":
        works.setdefault(f"{event.scope}verify", _Work()).verifying = None
    for work in works.values():
        if work.verifying and isinstance(event, VerdictGiven):
            work.verifying = event.time, work.verifying[1]
