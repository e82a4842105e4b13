"""What a verification has gathered so far."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from sweagent.verify.acceptance import accepted
from sweagent.verify.proof import Author, Finding, Origin, RegressionEvidence, ReproductionEvidence, Weight


@dataclass
class Gathered:
    """Evidence and findings, which the steps of a verification add to.

    Attributes:
        accept: the findings that the user has looked at.
        findings: of all kinds, in the order in which they were found.
        reproductions: what became of each.
        regression: the existing tests.
        not_checked: what the proof does not speak of, in words.
        too_late: the reproductions that there was no time for.
        nearest_missed: the tests nearest to the change were not compared.
        stopped: why the comparison of the existing tests stopped; empty when it did not.
    """

    accept: Collection[str]
    findings: list[Finding] = field(default_factory=list)
    reproductions: list[ReproductionEvidence] = field(default_factory=list)
    regression: RegressionEvidence = field(default_factory=RegressionEvidence)
    not_checked: list[str] = field(default_factory=list)
    too_late: list[str] = field(default_factory=list)
    nearest_missed: bool = False
    stopped: str = ""

    def take(self, found: Iterable[Finding]) -> None:
        """Add findings; those that the user accepts are marked."""
        self.findings += accepted(found, self.accept)

    @property
    def tampered(self) -> str:
        """Why the patch is rejected; empty when it is not."""
        rejecting = (item for item in self.findings if item.weight is Weight.REJECT and not item.waived)
        finding = next(rejecting, None)
        return f"{finding.path}: {finding.detail}" if finding else ""

    @property
    def shown(self) -> list[ReproductionEvidence]:
        """The reproductions that were accepted."""
        return [item for item in self.reproductions if item.accepted]

    @property
    def task_vouches(self) -> bool:
        """Whether the task itself brought an accepted reproduction."""
        return Author.TASK in {item.author for item in self.shown}

    @property
    def given(self) -> list[ReproductionEvidence]:
        """Those that somebody gave, rather than what the harness tried by itself."""
        return [item for item in self.reproductions if item.origin is not Origin.ISSUE]
