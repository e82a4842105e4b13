"""The tree of attempts and questions of a recorded run."""

import re
from collections.abc import Sequence

from sweagent.cli.console import counted, money
from sweagent.policy import Spending
from sweagent.trajectory import (
    AnswerReceived,
    AnyEvent,
    AttemptEnded,
    AttemptStarted,
    CandidateChosen,
    ReplyReceived,
    VerdictGiven,
)

_QUESTION = re.compile(r"^((?:.*/)?ask\d+)\.\d+$")


def attempt_lines(events: Sequence[AnyEvent]) -> list[str]:
    """What each attempt and question came to and cost, and why one was chosen; nothing for a run with one attempt.

    Forks stand below the attempt that they were made of, what was gathered in the order of its items.
    """
    started = [event for event in events if isinstance(event, AttemptStarted)]
    questions = _questions(events)
    if len(started) + len(questions) < 2:
        return []
    whole = [event for event in events if isinstance(event, CandidateChosen) and not event.scope]
    chosen = whole[-1] if whole else None
    lines: list[str] = []
    by_path = sorted(started, key=lambda event: _place(event.scope))
    for number, (begun, depth) in enumerate(_tree(by_path), 1):
        lines.append(_line(number, depth, begun, events, chosen))
    lines += [_question(scope, events) for scope in sorted(questions, key=_place)]
    if chosen:
        lines.append(f"{chosen.selector}{' abstained' if chosen.abstained else ''}: {chosen.reason}")
    return ["attempts", *lines]


def _tree(started: Sequence[AttemptStarted]) -> list[tuple[AttemptStarted, int]]:
    """Attempts with their depths, each followed by its forks."""
    found: list[tuple[AttemptStarted, int]] = []

    def add(parent: str | None, depth: int) -> None:
        for begun in started:
            if begun.forked_from == parent:
                found.append((begun, depth))
                add(begun.scope, depth + 1)

    add(None, 0)
    return found


def _place(scope: str) -> tuple[tuple[int, ...], int]:
    """Where a scope stands among others: by the numbers of what it was gathered by, then by its own."""
    return tuple(int(number) for number in re.findall(r"\d+", scope)[:-1]), int(
        (re.findall(r"\d+$", scope) or ["1"])[0]
    )


def _questions(events: Sequence[AnyEvent]) -> dict[str, None]:
    """The scopes of questions; all samples of one question are one."""
    return {_QUESTION.sub(r"\1", event.scope): None for event in events if isinstance(event, AnswerReceived)}


def _question(scope: str, events: Sequence[AnyEvent]) -> str:
    own = [event for event in events if _QUESTION.sub(r"\1", event.scope) == scope]
    answers = [event for event in own if isinstance(event, AnswerReceived)]
    given = sum(not event.missing and not event.problem for event in answers)
    cost = money(Spending(own).cost)
    return f"  {scope} ({answers[0].purpose}): {counted(given, 'answer')}, {cost}"


def _line(
    number: int, depth: int, begun: AttemptStarted, events: Sequence[AnyEvent], chosen: CandidateChosen | None
) -> str:
    own = [event for event in events if event.scope == begun.scope]
    steps = sum(isinstance(event, ReplyReceived) for event in own)
    verdict = next((event.verdict for event in reversed(own) if isinstance(event, VerdictGiven)), "not judged")
    ending = next((event.status for event in reversed(own) if isinstance(event, AttemptEnded)), "not ended")
    mark = "*" if chosen and chosen.candidate is not None and chosen.attempt == begun.scope else " "
    model = f" ({begun.model})" if begun.model else ""
    cost = money(Spending(own).cost)
    path = f" {begun.scope[: begun.scope.rfind('/')]}" if "/" in begun.scope else ""
    return f"{'  ' * depth}{mark} {number} {begun.role}{path}{model}: {verdict}, {ending}, {steps} steps, {cost}"
