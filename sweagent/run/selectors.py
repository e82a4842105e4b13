"""Choose among candidates by what was seen of them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from sweagent.run.evidence import CandidateEvidence, Choice, Evidence
from sweagent.verdict import Verdict

Selector = Callable[[Evidence], Choice]

Features = Mapping[str, float]
"""What is known of a candidate, by the names that `features_of` gives."""

_NOTHING = "there is no candidate"


def best_verdict(evidence: Evidence) -> Choice:
    """The candidate with the best verdict, the latest of equals."""
    best = min(reversed(evidence.items), key=lambda item: item.verdict.rank, default=None)
    if best is None:
        return Choice(selector="best-verdict", candidate=None, reason=_NOTHING)
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
        return Choice(selector="agreement", candidate=None, reason=_NOTHING)
    equal = _best_of_all(evidence)
    score = max(_agreement(item, equal) for item in equal)
    leading = [item for item in equal if _agreement(item, equal) == score]
    # Of equals the earlier one; numbers tell nothing, for candidates that are gathered get them by who is faster.
    best = max(leading, key=lambda item: (item.tests_compared, -item.size))
    abstained = _contradict_each_other(leading)
    return Choice(
        selector="agreement",
        candidate=best.candidate,
        reason=_why(best, evidence, equal, leading, abstained=abstained),
        abstained=abstained,
    )


def majority(evidence: Evidence) -> Choice:
    """By verdict, then by the reproductions passed, then by votes, then the earlier one.

    Votes are those of Agentless (Xia et al., 2024, arXiv:2407.01489): each candidate is one for all whose patch is the
    same but for blanks, comments and docstrings. Candidates without a patch have no vote.

    It abstains where candidates with equally many votes pass different reproductions of the pool.
    """
    if not evidence.items:
        return Choice(selector="majority", candidate=None, reason=_NOTHING)
    equal = _best_of_all(evidence)
    most = max(len(item.passed) for item in equal)
    passing = [item for item in equal if len(item.passed) == most]
    votes = Counter(item.form for item in passing if item.candidate.patch)
    count = max(votes.values(), default=0)
    leading = [item for item in passing if votes[item.form] == count]
    best, abstained = leading[0], _contradict_each_other(leading)
    reason = f"{len(equal)} of {len(evidence.items)} candidates are {best.verdict.value}"
    reason += f"; {len(passing)} pass {most} of {len(evidence.pool)} reproductions of the pool" if evidence.pool else ""
    reason += f"; {count} of these have the same patch but for blanks and comments"
    reason += ", and reproductions speak against as many others" if abstained else ""
    return Choice(selector="majority", candidate=best.candidate, reason=reason, abstained=abstained)


def by_score(
    score: Callable[[Features], float], name: str = "score", *, least: float | None = None, margin: float = 0.0
) -> Selector:
    """A selector of one's own: a learned scorer, say.

    Args:
        score: given the features of a candidate; the higher the better.
        name: for the proof.
        least: it abstains where the best score is less than this.
        margin: it abstains where the next other patch comes closer than this.

    Returns:
        The selector; of equals it takes the earlier one.
    """

    def select(evidence: Evidence) -> Choice:
        scored = [(score(features_of(item, evidence)), item) for item in evidence.items]
        if not scored:
            return Choice(selector=name, candidate=None, reason=_NOTHING)
        top, best = max(scored, key=lambda pair: pair[0])
        next_one = max((value for value, item in scored if item.form != best.form), default=None)
        close = next_one is not None and top - next_one < margin
        reason = f"its score is {top:.4g} of {len(scored)} candidates"
        reason += f", that of the next other patch {next_one:.4g}" if next_one is not None else ""
        abstained = close or (least is not None and top < least)
        return Choice(selector=name, candidate=best.candidate, reason=reason, abstained=abstained)

    return select


def features_of(item: CandidateEvidence, evidence: Evidence) -> Features:
    """What is known of a candidate beside the others, as numbers.

    Returns:
        `verified`, `needs_review`, `unverified`, `regressed`, `no_patch` (1 or 0, of its verdict as it was weakened);
        `rank` of the verdict (0 is the best); `candidates`; `pool`, `passed`, `failed` reproductions; `agreement` as
        CodeT counts it; `votes` as Agentless counts them; `weakening_failed`; `tests_compared`, `regressions`;
        `files`, `lines` that its patch changes.
    """
    proof = item.candidate.proof
    verdicts = (Verdict.VERIFIED, Verdict.NEEDS_REVIEW, Verdict.UNVERIFIED, Verdict.REGRESSED, Verdict.NO_PATCH)
    return {
        **{verdict.name.lower(): float(item.verdict is verdict) for verdict in verdicts},
        "rank": float(item.verdict.rank),
        "candidates": float(len(evidence.items)),
        "pool": float(len(evidence.pool)),
        "passed": float(len(item.passed)),
        "failed": float(sum(passed is False for passed in item.passes)),
        "agreement": float(_agreement(item, evidence.items)),
        "votes": float(sum(other.form == item.form for other in evidence.items)),
        "weakening_failed": float(sum(passed is False for passed in item.weakening)),
        "tests_compared": float(item.tests_compared),
        "regressions": float(len(proof.regression.regressions) if proof else 0),
        "files": float(len(item.candidate.patch.kept)),
        "lines": float(item.size),
    }


def _best_of_all(evidence: Evidence) -> list[CandidateEvidence]:
    top = min(item.verdict.rank for item in evidence.items)
    return [item for item in evidence.items if item.verdict.rank == top]


def _agreement(item: CandidateEvidence, among: Sequence[CandidateEvidence]) -> int:
    return len(item.passed) * sum(other.passed == item.passed for other in among)


def _contradict_each_other(leading: Sequence[CandidateEvidence]) -> bool:
    return len({item.passed for item in leading}) > 1


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
