"""Begin the attempts of a run, or find them in its log."""

import re
from collections.abc import Callable
from typing import Any

from sweagent.policy import Budget
from sweagent.run.attempt import Attempt
from sweagent.run.context import RunContext
from sweagent.run.limits import Left
from sweagent.run.record import Mark
from sweagent.run.steps import Standing, Steps, digest
from sweagent.settings_record import open_values, without_secrets
from sweagent.settings_sources import with_changes
from sweagent.trajectory import (
    ActionDone,
    AnyEvent,
    AttemptStarted,
    FeedbackGiven,
    PatchTaken,
    PromptWritten,
    ReplyReceived,
    ViewCompacted,
)

_INHERITED = ActionDone | FeedbackGiven | PatchTaken | PromptWritten | ReplyReceived | ViewCompacted


class Beginnings:
    """Begins one attempt after the other.

    Args:
        context: what all attempts share.
        path: of the run in the log.
        standing: of the run.
        budget: that they may spend.
        fork: of the run.
    """

    def __init__(
        self, context: RunContext, path: str, standing: Standing, budget: Budget, fork: Callable[..., Attempt]
    ) -> None:
        self._context, self._path, self._standing = context, path, standing
        self._budget, self._fork = budget, fork
        self._begun = 0

    def begin(self, role: str, share: float, changes: dict[str, Any], parent: Attempt | None = None) -> Attempt:
        """Begin an attempt.

        Args:
            role: for people; it is part of the attempt's name.
            share: the part of what the run has left that it may use.
            changes: of settings.
            parent: the attempt that it is forked from; None for none.

        Raises:
            StrategyChangedError: the log of a resumed run holds another attempt in this place.
            UsageError: its settings cannot be used.
        """
        context = self._context
        name = re.sub(r"[^\w.-]", "-", role)
        self._begun += 1
        # The first one is the run of old, so that its log can be gone on with, and nothing is longer than it was.
        plain = not self._path and self._begun == 1 and parent is None
        scope = "" if plain else f"{self._path}{name}{self._begun}"
        base = parent.settings if parent else context.settings
        settings = with_changes(base, changes) if changes else base
        asked = digest(role, share, open_values(changes), *([parent.scope] if parent else []))
        recorded = Steps(context.log, scope, (AttemptStarted,))
        mark = recorded.next(AttemptStarted, asked, f"begin attempt {self._begun} otherwise")
        dollars, tokens, seconds = self._standing.left.part(share)
        part, differs = share < 1, bool(changes) or settings != context.settings
        started = AttemptStarted(
            scope=scope,
            role=role,
            digest=asked,
            forked_from=parent.scope if parent else None,
            model=settings.model.name,
            settings=without_secrets(settings) if differs else None,
            cost=dollars if part else None,
            tokens=tokens if part else None,
            seconds=seconds,
        )
        mark = self._standing.reach(mark, started)
        inherited = _inherited(parent, context.log.of(parent.scope, mark.number)) if parent else ()
        return Attempt(
            context,
            scope,
            role,
            settings,
            _limits(mark),
            self._budget,
            inherited,
            self._fork,
            self._standing.used,
        )


def _inherited(parent: Attempt, own: list[AnyEvent]) -> tuple[AnyEvent, ...]:
    return (*parent.inherited, *(event for event in own if isinstance(event, _INHERITED)))


def _limits(mark: Mark) -> Left:
    event = mark.event
    return Left(event.cost, event.tokens, event.seconds) if isinstance(event, AttemptStarted) else Left(None, None, 0.0)
