"""The attempts of a recorded run, each in a line."""

from collections.abc import Sequence

from sweagent.cli.console import money
from sweagent.policy import Spending
from sweagent.trajectory import (
    AnyEvent,
    AttemptEnded,
    AttemptStarted,
    CandidateChosen,
    ReplyReceived,
    VerdictGiven,
)


def attempt_lines(events: Sequence[AnyEvent]) -> list[str]:
    """What each attempt came to and cost, and why one was chosen; nothing for a run with one attempt."""
    started = [event for event in events if isinstance(event, AttemptStarted)]
    if len(started) < 2:
        return []
    chosen = next((event for event in reversed(events) if isinstance(event, CandidateChosen)), None)
    lines = [_line(number, begun, events, chosen) for number, begun in enumerate(started, 1)]
    if chosen:
        lines.append(f"{chosen.selector}{' abstained' if chosen.abstained else ''}: {chosen.reason}")
    return ["attempts", *lines]


def _line(number: int, begun: AttemptStarted, events: Sequence[AnyEvent], chosen: CandidateChosen | None) -> str:
    own = [event for event in events if event.scope == begun.scope]
    steps = sum(isinstance(event, ReplyReceived) for event in own)
    verdict = next((event.verdict for event in reversed(own) if isinstance(event, VerdictGiven)), "not judged")
    ending = next((event.status for event in reversed(own) if isinstance(event, AttemptEnded)), "not ended")
    mark = "*" if chosen and chosen.candidate is not None and chosen.attempt == begun.scope else " "
    model = f" ({begun.model})" if begun.model else ""
    cost = money(Spending(own).cost)
    return f"{mark} {number} {begun.role}{model}: {verdict}, {ending}, {steps} steps, {cost}"
