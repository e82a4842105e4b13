"""Steps of a strategy, answered from the log of a resumed run."""

import hashlib
import json
from typing import Any

from sweagent.run.errors import StrategyChangedError
from sweagent.run.record import Mark, RunLog
from sweagent.trajectory import Step


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
