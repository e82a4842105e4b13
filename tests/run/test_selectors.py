"""What the selectors choose, and where they abstain."""

import pytest

from sweagent.patch import Patch
from sweagent.patch_store import Candidate
from sweagent.run import CandidateEvidence, Evidence, Features, agreement, best_verdict, by_score, majority
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


def formed(number: int, verdict: Verdict, form: str, passes: tuple[bool | None, ...] = ()) -> CandidateEvidence:
    return item(number, verdict, passes).model_copy(update={"normal_form": form})


@pytest.mark.parametrize(
    ("items", "wanted", "abstained"),
    [
        # Two of the same are more than one; which of them is delivered is the earlier one.
        ((formed(1, U, "a"), formed(2, U, "b"), formed(3, U, "b")), 2, False),
        ((formed(1, U, "a"), formed(2, U, "b")), 1, False),
        # A verdict and a passed reproduction come before votes.
        ((formed(1, V, "a"), formed(2, U, "b"), formed(3, U, "b")), 1, False),
        ((formed(1, U, "a", (True,)), formed(2, U, "b", (False,)), formed(3, U, "b", (False,))), 1, False),
        ((formed(1, U, "a", (True, False)), formed(2, U, "b", (False, True))), 1, True),
        (
            (formed(1, U, "a", (True, False)), formed(2, U, "b", (False, True)), formed(3, U, "b", (False, True))),
            2,
            False,
        ),
    ],
)
def test_the_majority_of_normalised_patches(items: tuple[CandidateEvidence, ...], wanted: int, abstained: bool) -> None:
    choice = majority(Evidence(items=items, pool=("a", "b")))
    assert choice.candidate is not None
    assert (choice.candidate.number, choice.abstained) == (wanted, abstained)


def test_a_function_of_ones_own_gets_every_candidates_features_and_may_abstain() -> None:
    seen: list[Features] = []

    def score(features: Features) -> float:
        seen.append(features)
        return features["passed"] - 0.01 * features["lines"]

    items = (item(1, U, (True, False), lines=9), item(2, V, (True, True), lines=30), item(3, U, (True, True), lines=3))
    evidence = Evidence(items=items, pool=("a", "b"))
    choice = by_score(score, "mine")(evidence)
    assert choice.candidate is not None
    assert (choice.selector, choice.candidate.number, choice.abstained) == ("mine", 3, False)
    assert [features["verified"] for features in seen] == [0.0, 1.0, 0.0]
    assert [(features["agreement"], features["failed"]) for features in seen] == [(1.0, 1.0), (4.0, 0.0), (4.0, 0.0)]
    assert by_score(score, least=3.0)(evidence).abstained
    assert by_score(score, margin=0.5)(evidence).abstained
    assert by_score(score)(Evidence()).candidate is None


@pytest.mark.parametrize(("needed", "left"), [(1, "unverified"), (2, "verified")])
def test_weakening_reproductions_take_a_verdict_only_when_enough_fail(needed: int, left: str) -> None:
    weak = item(1, V).model_copy(update={"weakening": (None, False, True), "weakened_by": needed})
    assert weak.verdict == left
    never = item(1, U).model_copy(update={"weakening": (True, True)})
    assert never.verdict == "unverified"
