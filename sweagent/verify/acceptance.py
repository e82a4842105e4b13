"""Findings for review, and what the user has accepted."""

from collections.abc import Collection, Iterable

from sweagent.testing import TestOutcome
from sweagent.verdict import Verdict
from sweagent.verify.proof import Finding, Proof, RegressionEvidence, Weight

_SHOWN = 3


def accepted(findings: Iterable[Finding], names: Collection[str]) -> tuple[Finding, ...]:
    """The findings, those marked as waived that the user accepts.

    What was seen at run time cannot be accepted: only findings for review can.

    Args:
        findings: of a patch.
        names: a rule's name for all of its findings, or `RULE:PATH` for those in one file.
    """
    return tuple(
        item.model_copy(update={"waived": True})
        if item.weight is Weight.REVIEW and not {item.rule, f"{item.rule}:{item.path}"}.isdisjoint(names)
        else item
        for item in findings
    )


def with_accepted(proof: Proof, names: Collection[str]) -> Proof:
    """A proof after the user has accepted findings: one that waited for nothing else is verified."""
    proof = proof.model_copy(update={"findings": accepted(proof.findings, names)})
    if proof.verdict is not Verdict.NEEDS_REVIEW:
        return proof
    if proof.to_review:
        return proof.model_copy(update={"reason": review_reason(proof.proved, proof.to_review)})
    return proof.model_copy(update={"verdict": Verdict.VERIFIED, "reason": proof.proved})


def lost_tests(regression: RegressionEvidence) -> list[Finding]:
    """Tests that passed before and neither pass nor fail now: the code under test can have had them skipped."""
    return [
        Finding(rule="lost-test", path=item.id, detail=f"passed before and is {item.after.value} now")
        for item in regression.otherwise
        if item.before is TestOutcome.PASSED and item.after is not TestOutcome.PASSED
    ]


def unused(names: Iterable[str], findings: Collection[Finding]) -> list[str]:
    """Those of the user's names that name no finding."""
    known = {name for item in findings for name in (item.rule, f"{item.rule}:{item.path}")}
    return [name for name in names if name not in known]


def review_reason(proved: str, findings: Collection[Finding]) -> str:
    """The sentence of the verdict `needs review`."""
    shown = "; ".join(f"{item.location} {item.detail} [{item.rule}]" for item in list(findings)[:_SHOWN])
    more = f"; and {len(findings) - _SHOWN} more" if len(findings) > _SHOWN else ""
    return f"{proved}. A person has to look at: {shown}{more}"
