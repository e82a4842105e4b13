"""Tell the events of one attempt from those of a run."""

from collections.abc import Iterable

from sweagent.trajectory import (
    ActionDone,
    AnyEvent,
    AttemptStarted,
    CandidateChosen,
    FeedbackGiven,
    PromptWritten,
    ReplyReceived,
    RunStarted,
    ViewCompacted,
)


def chosen_scope(events: Iterable[AnyEvent]) -> str:
    """The scope of the attempt whose candidate was chosen last; of the first one, where nothing was chosen."""
    scope = ""
    for event in events:
        if isinstance(event, CandidateChosen) and not event.scope:
            scope = event.attempt
    return scope


def of_the_chosen(events: Iterable[AnyEvent]) -> list[AnyEvent]:
    """The events of the attempt whose candidate was chosen; of the only one, where nothing was chosen."""
    listed = list(events)
    return events_of(listed, chosen_scope(listed))


def events_of(events: list[AnyEvent], scope: str) -> list[AnyEvent]:
    """The events of an attempt, after those that it inherited when it was forked from another one."""
    begun = next((n for n, event in enumerate(events) if isinstance(event, AttemptStarted) and event.scope == scope), 0)
    start = events[begun] if events else None
    inherited: list[AnyEvent] = []
    if isinstance(start, AttemptStarted) and start.forked_from is not None:
        kinds = ActionDone | FeedbackGiven | PromptWritten | ReplyReceived | RunStarted | ViewCompacted
        inherited = [item for item in events_of(events[:begun], start.forked_from) if isinstance(item, kinds)]
    own = [event for event in events if event.scope == scope or (isinstance(event, RunStarted) and not inherited)]
    return [*inherited, *own]
