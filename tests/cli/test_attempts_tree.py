"""What `show` tells of the attempts and questions of a run."""

from typing import Any

from sweagent.cli.attempts import attempt_lines
from sweagent.trajectory import (
    Action,
    AnswerReceived,
    AnyEvent,
    AttemptEnded,
    AttemptStarted,
    CandidateChosen,
    Reply,
    ReplyReceived,
    VerdictGiven,
)


def attempt(scope: str, *, verdict: Any = None, status: Any = "submitted", **more: Any) -> list[AnyEvent]:
    started = AttemptStarted(scope=scope, role=more.pop("role", "coder"), model="m", seconds=1.0, **more)
    reply = Reply(actions=(Action(id="a", tool="submit"),), cost=0.5)
    judged = [VerdictGiven(scope=scope, step=1, verdict=verdict)] if verdict else []
    return [started, ReplyReceived(scope=scope, step=1, reply=reply), *judged, AttemptEnded(scope=scope, status=status)]


def answered(scope: str, purpose: str, **more: Any) -> AnswerReceived:
    return AnswerReceived(scope=scope, purpose=purpose, reply=Reply(cost=0.25), **more)


def test_forks_stand_below_what_they_were_made_of_and_samples_of_one_question_in_one_line() -> None:
    events = [
        answered("ask1.1", "repairer"),
        answered("ask1.2", "repairer", problem="no such field"),
        answered("ask1.2", "repairer"),
        # Side by side the second one may begin first.
        *attempt("1.2/coder1", verdict="unverified"),
        *attempt("1.1/coder1", status="paused"),
        *attempt("brave1", verdict="verified", role="brave", forked_from="1.2/coder1"),
        answered("ask2", "judge", missing="the limit is used up"),
        CandidateChosen(scope="1.1/", selector="best-verdict", candidate=7, attempt="1.1/coder1"),
        CandidateChosen(selector="agreement", candidate=3, attempt="brave1", reason="so it is"),
    ]
    assert attempt_lines(events) == [
        "attempts",
        "  1 coder 1.1 (m): not judged, paused, 1 steps, $0.50",
        "  2 coder 1.2 (m): unverified, submitted, 1 steps, $0.50",
        "  * 3 brave (m): verified, submitted, 1 steps, $0.50",
        "  ask1 (repairer): 2 answers, $0.75",
        "  ask2 (judge): 0 answers, $0.00",
        "agreement: so it is",
    ]


def test_a_run_with_one_attempt_and_nothing_else_has_no_tree() -> None:
    assert attempt_lines(attempt("", verdict="verified")) == []
