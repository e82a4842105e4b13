"""Choose among candidates by what was seen of them."""

from collections.abc import Callable

from sweagent.run.evidence import CandidateEvidence, Choice, Evidence

Selector = Callable[[Evidence], Choice]


def best_verdict(evidence: Evidence) -> Choice:
    """The candidate with the best verdict, the latest of equals."""
    best = min(reversed(evidence.items), key=lambda item: item.verdict.rank, default=None)
    if best is None:
        return Choice(selector="best-verdict", candidate=None, reason="there is no candidate")
    return Choice(selector="best-verdict", candidate=best.candidate, reason=f"its verdict is {best.verdict.value}")


def agreement(evidence: Evidence) -> Choice:
    """By verdict, then by agreement, then by the tests compared, then the smaller patch, then the earlier one.

    Agreement is that of CodeT (Chen et al., 2022, arXiv:2207.10397): candidates that pass the same reproductions of the
    pool stand together, and a group counts as its number of candidates times that of the reproductions it passes.
    Candidates with the same patch are one vote each, as samples are there.

    It abstains where candidates of equal verdict and equal agreement pass different reproductions: each is then
    contradicted by a test that the other one's author wrote.
    """
    if not evidence.items:
        return Choice(selector="agreement", candidate=None, reason="there is no candidate")
    top = min(item.verdict.rank for item in evidence.items)
    equal = [item for item in evidence.items if item.verdict.rank == top]
    score = max(_agreement(item, equal) for item in equal)
    leading = [item for item in equal if _agreement(item, equal) == score]
    # Of equals the earlier one; numbers tell nothing, for candidates that are gathered get them by who is faster.
    best = max(leading, key=lambda item: (item.tests_compared, -item.size))
    abstained = len({item.passed for item in leading}) > 1
    return Choice(
        selector="agreement",
        candidate=best.candidate,
        reason=_why(best, evidence, equal, leading, abstained=abstained),
        abstained=abstained,
    )


def _agreement(item: CandidateEvidence, among: list[CandidateEvidence]) -> int:
    return len(item.passed) * sum(other.passed == item.passed for other in among)


def _why(
    best: CandidateEvidence,
    evidence: Evidence,
    equal: list[CandidateEvidence],
    leading: list[CandidateEvidence],
    *,
    abstained: bool,
) -> str:
    if len(evidence.items) == 1:
        return f"the only candidate; its verdict is {best.verdict.value}"
    if len(equal) == 1:
        return f"the best verdict of {len(evidence.items)} candidates: {best.verdict.value}"
    pool = f"{len(best.passed)} of {len(evidence.pool)} reproductions of the pool"
    same = f"{len(equal)} of {len(evidence.items)} candidates are {best.verdict.value}"
    if abstained:
        return f"{same}, and reproductions of the pool speak for and against each of {len(leading)}"
    if len(leading) < len(equal):
        return f"{same}; it passes {pool}, and {len(leading)} agree on that"
    return f"{same} and pass the same; {best.tests_compared} existing tests were compared, {best.size} lines changed"
