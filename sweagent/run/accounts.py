"""Describe what became of a candidate, by facts of the harness."""

from typing import TYPE_CHECKING

from sweagent.patch_store import Candidate
from sweagent.verify import feedback

if TYPE_CHECKING:
    from sweagent.verify import Proof

_DIFF = 8_000
_OUTPUT = 3_000


def diff_of(candidate: Candidate, characters: int = _DIFF) -> str:
    """A candidate's patch, cut where it is long."""
    text = candidate.patch.text.strip("\n")
    if candidate.patch.blocked:
        return f"(nothing: {candidate.patch.blocked})"
    return (text if len(text) <= characters else f"{text[:characters]}\n[… cut]") or "(nothing was changed)"


def proof_of(candidate: Candidate, *, own_runs: bool = True) -> str:
    """What the harness found: verdict, which reproductions hold, tests, findings.

    Args:
        candidate: judged or not.
        own_runs: with what the last run of its own reproduction printed.
    """
    proof = candidate.proof
    if proof is None:
        return "It was not judged."
    lines = [f"verdict: {proof.verdict.value}. {proof.reason}"]
    lines += _reproductions(proof)
    regression = proof.regression
    if regression.compared:
        lines.append(f"existing tests: {regression.passed_before} passed before, {regression.passed_after} pass now")
    lines += [f"broken by it: {item.id}: {item.message}"[:400] for item in regression.regressions[:5]]
    lines += [f"to review: {item.location} {item.detail}" for item in proof.to_review[:5]]
    if own_runs and (said := feedback(proof)):
        lines.append(said[-_OUTPUT:])
    return "\n".join(lines)


def account_of(candidate: Candidate, lesson: str = "") -> str:
    """What was tried and what came of it, for another attempt.

    Args:
        candidate: of an attempt that failed.
        lesson: what the model learned from it, in its own words.
    """
    parts = [f"What it changed:\n{diff_of(candidate)}", f"What the harness found:\n{proof_of(candidate)}"]
    return "\n\n".join([*parts, f"Lesson: {lesson}"] if lesson else parts)


def _reproductions(proof: "Proof") -> list[str]:
    lines = []
    for item in proof.reproductions:
        shows = "shows the issue on the base" if item.shows_issue else "does not show the issue on the base"
        came = "passes with the change" if item.accepted else f"is not accepted: {item.reason}"
        lines.append(f"reproduction {item.name}: {shows}, {came}"[:500])
    return lines
