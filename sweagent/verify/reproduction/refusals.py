"""Why a reproduction is not accepted, told from its runs alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from sweagent.verify.proof import Cause, Side
from sweagent.verify.reproduction.hangs import enough, hangs, no_end
from sweagent.verify.reproduction.readings import Reading, State
from sweagent.verify.runs.script_driver import ending
from sweagent.verify.runs.side_runner import CommandResult

UNSTEADY = "it is not steady: "
"""Begins the reasons that speak of chance."""
_NOT_FAILING = {
    State.PASSED: "it passes on the base, so it does not show the issue",
    State.SKIPPED: "it is skipped on the base, so it shows nothing: {}",
    State.EXPECTED_FAILURE: "it is marked as an expected failure on the base, so it shows nothing: {}",
    State.NOT_THERE: "it was not found under its name on the base: {}",
    State.NOTHING: "no test ran on the base: {}",
}
_NOT_PASSING = {
    State.SKIPPED: "with the patch it is skipped, which is no pass: {}",
    State.EXPECTED_FAILURE: "with the patch it is marked as an expected failure, which is no pass: {}",
    State.NOT_THERE: "with the patch it was not found under its name: {}",
    State.NOTHING: "with the patch no test ran: {}",
    State.NO_END: "with the patch it {}",
    State.FAILED: "it still fails with the patch: {}",
}
AS_LONG = 2
"""A run that was not given so many times what another one of its side takes says nothing by not ending."""
_A_HANG = 60.0
"""A run that ends on no side counts as one that never ends only if it had so many seconds."""


@dataclass(frozen=True)
class Refusal:
    """Why a candidate is not accepted.

    Attributes:
        reason: one sentence.
        cause: what has to be mended.
        shows_issue: it fails without the patch as it should.
        company: the side on which tests that were run alone may come to something else among their neighbours.
    """

    reason: str
    cause: Cause = Cause.REPRODUCTION
    shows_issue: bool = False
    company: Side | None = None


def nothing_can_be_shown(*runs: CommandResult) -> Refusal | None:
    """What no reproduction can help: the harness is at fault, or what runs is not the work tree."""
    # A patched run may only seem to fail because of the harness.
    if ours := next((run.ours for run in runs if run.ours and run.side is not Side.PATCHED), ""):
        return Refusal(f"fix-issue itself made the run fail: {ours}", Cause.HARNESS)
    if stray := next((stray for run in runs for stray in run.strays), None):
        return Refusal(str(stray), Cause.ENVIRONMENT)
    return None


def not_failing(before: Reading) -> Refusal | None:
    """Whether a run on the base says something else than that the issue is there."""
    if before.state in (State.FAILED, State.NO_END):
        return None
    return Refusal(_NOT_FAILING[before.state].format(before.detail), company=Side.BASE)


def neither_ends(base: CommandResult, patched: CommandResult, expected: Sequence[str]) -> Refusal | None:
    """Whether a run on the base that does not end shows nothing.

    Args:
        base: the run.
        patched: one with the patch.
        expected: the kinds of error that the issue tells of.
    """
    if not no_end(base):
        return None
    given = f"{base.completed.seconds:.0f} s"
    if expected:
        return Refusal(f"it did not end in {given} on the base, and the issue tells of {' or '.join(expected)}")
    if no_end(patched):
        # A hang is told where it is registered; here less than a minute tells only that there was no more time.
        cause = Cause.TIME if base.completed.seconds < _A_HANG else Cause.REPRODUCTION
        return Refusal(f"it did not end in {given}, neither on the base nor with the patch", cause)
    if hangs(base, patched):
        return None
    needed = f"a run of {enough(patched):.0f} s would tell a hang from slowness, and there is no time for that"
    return Refusal(f"it did not end in {given} on the base; {needed}: give more with --seconds", Cause.TIME)


def starved(run: CommandResult, first: CommandResult) -> Refusal | None:
    """Whether a run was ended sooner than the first one on its side would have been: the time was used up."""
    if no_end(run) and not no_end(first) and run.completed.seconds < AS_LONG * first.completed.seconds:
        took = f"a run takes {first.completed.seconds:.0f} s here"
        reason = f"the time was used up before it could be run again ({took}): give more with --seconds"
        return Refusal(reason, Cause.TIME)
    return None


def not_passing(after: Sequence[Reading], *, shows_issue: bool, base_hangs: bool) -> Refusal | None:
    """Whether runs with the patch do not show that the issue is gone.

    Args:
        after: the runs.
        shows_issue: it fails without the patch as it should.
        base_hangs: the base does not end.
    """
    bad = next((item for item in after if item.state is not State.PASSED), None)
    if bad is None:
        doubts = [_doubt(item.run) for item in after] if base_hangs else []
        return next((Refusal(doubt, Cause.PATCH) for doubt in doubts if doubt), None)
    late = next((item for item in after if item.state is State.NO_END), None)
    if late:
        return Refusal(_NOT_PASSING[State.NO_END].format(late.text), Cause.PATCH)
    if any(item.state is State.PASSED for item in after):
        reason = f"{UNSTEADY}with the patch it passed once and failed once"
        return Refusal(reason, shows_issue=shows_issue, company=Side.PATCHED)
    detail = bad.text.removeprefix("failed: ") if bad.state is State.FAILED else bad.detail
    return Refusal(_NOT_PASSING[bad.state].format(detail), Cause.PATCH, shows_issue, company=Side.PATCHED)


def _doubt(run: CommandResult) -> str:
    """Why a passing run with the patch cannot be trusted by itself; empty when it can."""
    if run.job.canary and not run.canary_failed:
        return "with the patch the canary (a test that must fail) was not reported, so the run shows nothing"
    if run.job.record and not ending(run.record)[0]:
        return "with the patch the script ended before it came to its end"
    return ""
