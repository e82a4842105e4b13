"""What is known of the candidates of a run."""

from sweagent.frozen import Frozen
from sweagent.patch_store import Candidate
from sweagent.verdict import Verdict


class CandidateEvidence(Frozen):
    """One candidate beside the others."""

    candidate: Candidate
    passes: tuple[bool | None, ...] = ()
    """Whether it passes each reproduction of the pool; None where that shows nothing."""

    @property
    def verdict(self) -> Verdict:
        """Of its own proof."""
        return self.candidate.verdict

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
    """All candidates that are worth a choice: the best one of each attempt, in the order of the attempts."""

    items: tuple[CandidateEvidence, ...] = ()
    pool: tuple[str, ...] = ()
    """The reproductions that all candidates were run on, by the names of their files."""

    @property
    def verified(self) -> bool:
        """Whether a candidate is verified."""
        return any(item.verdict is Verdict.VERIFIED for item in self.items)


class Choice(Frozen):
    """What a selector chose."""

    selector: str
    candidate: Candidate | None
    reason: str = ""
    abstained: bool = False
    """Nothing tells the best ones apart: the verdict is at most `unverified`."""
