"""Decide the verdict from what was gathered."""

from collections.abc import Iterable
from dataclasses import dataclass

from sweagent.verdict import Verdict
from sweagent.verify.acceptance import review_reason
from sweagent.verify.gathered import Gathered
from sweagent.verify.plan import Plan
from sweagent.verify.proof import CanaryState, Cause, Origin, ReproductionEvidence, Weight
from sweagent.verify.runs.side_runner import SideRunner
from sweagent.verify.sentences import listed, proved, regressed


@dataclass(frozen=True)
class Decision:
    """A verdict and its reason.

    Attributes:
        verdict: on the patch.
        reason: one sentence.
        cause: what has to be mended; None where that is not told.
        proved: the sentence on what was proved; empty when nothing was.
    """

    verdict: Verdict
    reason: str
    cause: Cause | None = None
    proved: str = ""


def decide(gathered: Gathered, unresolved: str, plan: Plan, bench: SideRunner) -> Decision:
    """Decide the verdict.

    Args:
        gathered: what the runs have shown.
        unresolved: why the issue is still there, or nothing can be judged; empty when neither is so.
        plan: what was to be compared.
        bench: what ran it, and the time that is left.
    """
    regression = gathered.regression
    if gathered.tampered:
        return Decision(Verdict.REJECTED, gathered.tampered)
    if regression.regressions:
        return Decision(Verdict.REGRESSED, regressed(regression))
    if unresolved:
        return Decision(Verdict.UNVERIFIED, unresolved, cause_of(gathered.reproductions))
    shown = next(iter(gathered.shown), None)
    if shown is None and gathered.too_late and not gathered.given:
        reason = f"the time was used up before {gathered.too_late[0]} could be run"
        return Decision(Verdict.UNVERIFIED, reason, Cause.TIME)
    if shown is None:
        cause = cause_of(gathered.reproductions)
        return Decision(Verdict.UNVERIFIED, f"no reproduction: {_why_none(gathered)}", cause)
    if doubt := _doubt_of_the_tests(gathered, plan, bench):
        cause, reason = doubt
        return Decision(Verdict.UNVERIFIED, reason, cause)
    sentence = proved(shown, regression)
    to_review = [item for item in gathered.findings if item.weight is Weight.REVIEW and not item.waived]
    if to_review:
        return Decision(Verdict.NEEDS_REVIEW, review_reason(sentence, to_review), proved=sentence)
    return Decision(Verdict.VERIFIED, sentence, proved=sentence)


def _doubt_of_the_tests(gathered: Gathered, plan: Plan, bench: SideRunner) -> tuple[Cause, str] | None:
    """Why the existing tests do not speak for a patch that its reproduction does, and what has to be mended."""
    regression = gathered.regression
    if gathered.stopped and not regression.compared:
        return Cause.ENVIRONMENT, f"the existing tests could not be compared: {gathered.stopped}"
    if regression.canary is CanaryState.NOT_SEEN:
        reason = "the test runner cannot be shown to run: the canary, a test that must fail, was not reported"
        return Cause.ENVIRONMENT, reason
    if not regression.compared and plan.tests:
        reason = "none of the existing tests could be compared"
        late = gathered.nearest_missed and bench.remaining < 1
        return (Cause.TIME, f"{reason} in the time there was") if late else (Cause.ENVIRONMENT, reason)
    if regression.unsettled:
        names = listed(item.id for item in regression.unsettled)
        return Cause.TIME, f"passed before and failed once now, and there was no time to run it again: {names}"
    if gathered.nearest_missed:
        return Cause.TIME, "the time was used up before the tests nearest to the change were compared"
    if elsewhere := bench.strays_of("tests"):
        return Cause.ENVIRONMENT, f"the existing tests prove nothing: {elsewhere[0]}"
    return None


def _why_none(gathered: Gathered) -> str:
    """What was given comes before what the harness tried by itself."""
    if gathered.given:
        return gathered.given[0].reason
    tried = "".join(f"; {item.name}: {item.reason}" for item in gathered.reproductions[:1])
    return f"nothing was given that shows the issue{tried}"


def cause_of(reproductions: Iterable[ReproductionEvidence]) -> Cause:
    """What has to be mended where nothing was accepted: what somebody can mend at once comes first.

    What was registered or given goes before what the harness took besides, such as tests that were merely run.
    """
    given = [item for item in reproductions if item.origin is not Origin.ISSUE]
    own = [item for item in given if item.origin is Origin.REGISTERED]
    causes = {item.cause for item in own or given if item.cause}
    order = (Cause.HARNESS, Cause.ENVIRONMENT, Cause.PATCH, Cause.REPRODUCTION, Cause.TIME)
    return next((cause for cause in order if cause in causes), Cause.REPRODUCTION)
