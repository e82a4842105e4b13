"""Verdicts and exit statuses: their order, and that each has the properties that decide."""

import pytest

from sweagent.errors import ExitCode
from sweagent.exit_status import ExitStatus
from sweagent.verdict import Verdict


def test_verdicts_are_ranked_from_the_strongest_to_none() -> None:
    assert sorted(Verdict, key=lambda verdict: verdict.rank) == [
        Verdict.VERIFIED,
        Verdict.NEEDS_REVIEW,
        Verdict.UNVERIFIED,
        Verdict.NOT_VERIFIED,
        Verdict.REGRESSED,
        Verdict.REJECTED,
        Verdict.NO_PATCH,
    ]


@pytest.mark.parametrize("verdict", Verdict)
def test_a_verdict_has_an_exit_code_and_is_not_both_harmful_and_published(verdict: Verdict) -> None:
    assert verdict.exit_code in ExitCode
    assert not (verdict.harmful and verdict.publishable)


@pytest.mark.parametrize("status", ExitStatus)
def test_a_run_that_is_final_was_ended_by_the_policy_alone(status: ExitStatus) -> None:
    assert not status.final or not (status.is_limit or status.unfinished or status.is_failure)
    assert not status.final or status.can_be_judged
