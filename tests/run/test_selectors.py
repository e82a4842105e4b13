"""What the selectors choose, and where they abstain."""

import pytest

from sweagent.patch import Patch
from sweagent.patch_store import Candidate
from sweagent.run import CandidateEvidence, Evidence, agreement, best_verdict
from sweagent.verdict import Verdict
from sweagent.verify import Proof
from sweagent.verify.proof import RegressionEvidence


def item(
    number: int, verdict: Verdict, passes: tuple[bool | None, ...] = (), *, tests: int = 5, lines: int = 1
) -> CandidateEvidence:
    proof = Proof(
        verdict=verdict,
        reason="so",
        task_id="t",
        repository="r",
        base_commit="b",
        patch_sha256="p",
        regression=RegressionEvidence(passed_after=tests),
    )
    text = "--- a/x\n+++ b/x\n" + "+line\n" * lines
    return CandidateEvidence(
        candidate=Candidate(number=number, patch=Patch(base_commit="b", text=text), proof=proof), passes=passes
    )


def chosen(*items: CandidateEvidence) -> tuple[int | None, bool]:
    choice = agreement(Evidence(items=items, pool=("a", "b", "c")))
    return (choice.candidate.number if choice.candidate else None), choice.abstained


V, U, R = Verdict.VERIFIED, Verdict.UNVERIFIED, Verdict.REGRESSED


def test_the_latest_of_the_best_verdicts() -> None:
    found = best_verdict(Evidence(items=(item(1, V), item(2, V), item(3, U))))
    assert found.candidate is not None
    assert found.candidate.number == 2
    assert best_verdict(Evidence()).candidate is None


@pytest.mark.parametrize(
    ("items", "wanted"),
    [
        ((), None),
        ((item(1, R), item(2, U)), 2),
        # A verdict comes before any agreement.
        ((item(1, V, (True, False, False)), item(2, U, (True, True, True)), item(3, U, (True, True, True))), 1),
        # Two that agree on two reproductions count for more than one that passes three.
        ((item(1, U, (True, True, True)), item(2, U, (True, True, False)), item(3, U, (True, True, False))), 2),
        ((item(1, U, (True, None, False)), item(2, U, (True, True, False))), 2),
        # The same behaviour: more tests compared, then fewer lines, then the earlier one.
        ((item(1, U, (True,), tests=3), item(2, U, (True,), tests=9)), 2),
        ((item(1, U, (True,), lines=9), item(2, U, (True,), lines=2)), 2),
        ((item(1, U), item(2, U)), 1),
    ],
)
def test_agreement_chooses(items: tuple[CandidateEvidence, ...], wanted: int | None) -> None:
    assert chosen(*items) == (wanted, False)


def test_agreement_abstains_where_each_is_contradicted_by_the_other_ones_test() -> None:
    number, abstained = chosen(item(1, V, (True, False)), item(2, V, (False, True)))
    assert (number, abstained) == (1, True)
