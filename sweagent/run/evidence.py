"""What is known of the candidates of a run."""

from sweagent.frozen import Frozen
from sweagent.patch.normal_form import normal_forms
from sweagent.patch_store import Candidate
from sweagent.task import Repository
from sweagent.verdict import Verdict


class CandidateEvidence(Frozen):
    """One candidate beside the others."""

    candidate: Candidate
    passes: tuple[bool | None, ...] = ()
    """Whether it passes each reproduction of the pool; None where that shows nothing."""
    weakening: tuple[bool | None, ...] = ()
    """The same of each weakening reproduction."""
    normal_form: str = ""
    """Equal for patches that differ in blanks, comments or docstrings alone; empty before a choice."""
    weakened_by: int = 1
    """So many failures of weakening reproductions take a verified candidate its verdict."""

    @property
    def weakened(self) -> bool:
        """Whether weakening reproductions took its verdict."""
        failed = sum(passed is False for passed in self.weakening)
        return self.candidate.verdict is Verdict.VERIFIED and failed >= self.weakened_by

    @property
    def verdict(self) -> Verdict:
        """Of its own proof, unless weakening reproductions took it."""
        return Verdict.UNVERIFIED if self.weakened else self.candidate.verdict

    @property
    def form(self) -> str:
        """What tells whether two patches are the same."""
        return self.normal_form or self.candidate.patch.sha256

    @property
    def tests_compared(self) -> int:
        """Existing tests that its proof compared."""
        proof = self.candidate.proof
        return proof.regression.passed_after if proof else 0

    @property
    def size(self) -> int:
        """Lines that its patch adds or removes."""
        lines = self.candidate.patch.text.splitlines()
        return sum(line[:1] in ("+", "-") and line[:3] not in ("+++", "---") for line in lines)

    @property
    def passed(self) -> frozenset[int]:
        """The reproductions of the pool that it passes, by their positions."""
        return frozenset(position for position, passed in enumerate(self.passes) if passed)


class Evidence(Frozen):
    """All candidates that are worth a choice, in the order in which the strategy made or named them."""

    items: tuple[CandidateEvidence, ...] = ()
    pool: tuple[str, ...] = ()
    """The reproductions that the candidates were run on, by the names of their files."""
    weakening: tuple[str, ...] = ()
    """Those that may only weaken."""

    @property
    def verified(self) -> bool:
        """Whether a candidate is verified."""
        return any(item.verdict is Verdict.VERIFIED for item in self.items)

    def of(self, candidate: Candidate) -> CandidateEvidence:
        """What is known of one candidate; of one that was never named, what it says itself."""
        found = next((item for item in self.items if item.candidate.number == candidate.number), None)
        return found or CandidateEvidence(candidate=candidate)


class Choice(Frozen):
    """What a selector chose."""

    selector: str
    candidate: Candidate | None
    reason: str = ""
    abstained: bool = False
    """Nothing tells the best ones apart: the verdict is at most `unverified`."""
    remarks: tuple[str, ...] = ()
    """What a person is to look at, each in one line; no verdict depends on it."""


def with_normal_forms(repository: Repository, evidence: Evidence) -> Evidence:
    """Evidence with the normal forms of the patches, where there are several to be compared."""
    if len(evidence.items) < 2:
        return evidence
    forms = normal_forms(repository, [item.candidate.patch for item in evidence.items])
    items = zip(evidence.items, forms, strict=True)
    formed = tuple(item.model_copy(update={"normal_form": form}) for item, form in items)
    return evidence.model_copy(update={"items": formed})
