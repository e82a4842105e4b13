"""Steps of a strategy, answered from the log of a resumed run."""

import hashlib
import json
from typing import Any

from sweagent.run.errors import StrategyChangedError
from sweagent.run.limits import Left
from sweagent.run.record import Mark, RunLog, Used
from sweagent.trajectory import AnyEvent, CandidateChosen, Step, StepDone


def digest(*asked: Any) -> str:
    """A short digest of what a step asks for."""
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()[:16]


class Steps:
    """The recorded steps of some kinds in one scope, in the order in which they have to be asked for again.

    Args:
        log: of the run.
        scope: whose steps.
        kinds: of events.
    """

    def __init__(self, log: RunLog, scope: str, kinds: tuple[type[Step], ...]) -> None:
        self._marks = [mark for mark in log.marks(scope) if isinstance(mark.event, kinds)]
        self._scope = scope
        self._next = 0

    @property
    def left(self) -> bool:
        """Whether there are recorded steps that were not asked for yet."""
        return self._next < len(self._marks)

    def next(self, kind: type[Step], asked: str, what: str) -> Mark | None:
        """The recorded step that answers the next one; None when it has to be done.

        Args:
            kind: of the event by which it ends.
            asked: the digest.
            what: the step in words.

        Raises:
            StrategyChangedError: the log holds another step in this place.
        """
        if not self.left:
            return None
        mark = self._marks[self._next]
        if not isinstance(mark.event, kind) or mark.event.digest not in ("", asked):
            place = f"step {self._next + 1} of {self._scope.rstrip('/') or 'the run'}"
            raise StrategyChangedError(f"{place} is now to {what}")
        self._next += 1
        return mark


class Standing:
    """Where a run stands: its steps in the log, and what it may still use.

    Args:
        log: of all runs.
        path: of this one.
        limits: what it may use in all.
    """

    def __init__(self, log: RunLog, path: str, limits: Left) -> None:
        self._log, self._path, self._limits = log, path, limits
        self._steps = Steps(log, path, (StepDone, CandidateChosen))
        self._used = Used()

    @property
    def left(self) -> Left:
        """What it may still use; while a resumed one repeats what it did, as it was then."""
        return self._limits.without(self._used)

    def next(self, kind: type[Step], asked: str, what: str) -> Mark | None:
        """The recorded step that answers the next one; see `Steps.next`."""
        return self._steps.next(kind, asked, what)

    def consume(self, mark: Mark | None, kind: str, asked: str, result: dict[str, Any], seconds: float = 0.0) -> None:
        """Put a step into the log, unless it is there."""
        self.reach(mark, StepDone(scope=self._path, digest=asked, kind=kind, result=result, seconds=seconds))

    def reach(self, mark: Mark | None, event: AnyEvent) -> Mark:
        """Put the event of a step into the log, unless it is there; the run stands behind it."""
        if mark is None:
            self._log.record(event)
            mark = self._log.marks(event.scope)[-1]
        self.used(mark.used)
        return mark

    def used(self, used: Used) -> None:
        """Take what was used by the end of a step."""
        self._used = used


def result_of(mark: Mark) -> dict[str, Any]:
    """The result of a recorded step."""
    return mark.event.result if isinstance(mark.event, StepDone) else {}
