"""The proof: one verdict and its evidence, stored as `proof.json`."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field

from sweagent.frozen import Frozen
from sweagent.testing.report import TestOutcome
from sweagent.trajectory import Reproduction
from sweagent.verdict import Verdict
from sweagent.verify.oracle import Oracle

FORMAT_VERSION = 2


class Side(StrEnum):
    """A tree that is compared with the others."""

    BASE = "base"
    CONTROL = "control"
    """The base tree with a comment in the patched files."""
    PATCHED = "patched"
    """The base tree with the patch's source changes."""


class CanaryState(StrEnum):
    """What became of the planted test, which must fail."""

    FAILED = "failed as planted"
    NOT_SEEN = "not seen"
    NOT_PLANTED = "not planted"


class Origin(StrEnum):
    """Source of a reproduction, the most telling first."""

    ORACLE = "oracle"
    """FAIL_TO_PASS of the task."""
    REGISTERED = "registered"
    """Registered by the agent or given by the user."""
    NAMED = "named tests"
    """Tests of the base tree that were named and that fail on it."""
    PATCH = "tests of the patch"
    """Tests that the patch adds."""
    ISSUE = "code in the issue"


class Author(StrEnum):
    """Who wrote a reproduction."""

    TASK = "the task (FAIL_TO_PASS)"
    USER = "the user"
    MODEL = "the model"
    BASE = "the base's own tests"
    PATCH = "the patch itself"
    ISSUE = "the issue"


class CommandRun(Frozen):
    """One command that the harness ran in a fresh sandbox of its own."""

    side: Side
    purpose: str
    command: str
    """As a person can run it; the harness adds a report file and a planted test."""
    exit_code: int | None
    """Of that command, without the planted test's failure."""
    timed_out: bool = False
    seconds: float = 0.0
    summary: str = ""
    """Counts of tests in one line, where the command is a test run."""
    output: str = ""
    """The end of the output; empty where the run went as it should."""
    canary: CanaryState = CanaryState.NOT_PLANTED
    """Whether the test that must fail, which the harness planted beside the others, did so."""
    kept: bool = False
    """The result is that of an earlier verification of the same run, for another round or candidate."""


class Cause(StrEnum):
    """What has to be mended where a reproduction was not accepted."""

    REPRODUCTION = "the reproduction"
    PATCH = "the patch"
    ENVIRONMENT = "the environment"
    """It lacks something, or it tests something else than the work tree; no reproduction can show anything in it."""
    HARNESS = "fix-issue itself"
    """Runs fail because of what the harness adds to them; nothing can be judged."""
    TIME = "the time"


class AssertionCounts(Frozen):
    """How the assertions of a reproduction were judged, each counted once."""

    blind: int = 0
    """Outside of the process, and what the test expects was not in it."""
    outside: int = 0
    """Outside, but the process knew what the test expects."""
    by_origin: int = 0
    """Inside, by functions that stand word for word in the base or in a library."""
    in_process: int = 0
    """Inside, as they are."""


class Coverage(Frozen):
    """Changed statements in functions that a reproduction executed, in one more run with the patch."""

    statements: int
    ran: int = 0
    unseen: tuple[str, ...] = ()
    """Why some of the change may have run and was not seen: data, code that runs on import, other processes."""

    @property
    def none(self) -> bool:
        """Whether all of the change can be seen, and none of it ran."""
        return bool(self.statements) and not self.ran and not self.unseen


class ReproductionEvidence(Frozen):
    """One attempt to show the issue, and what became of it."""

    origin: Origin
    name: str
    """The file, or the tests."""
    accepted: bool
    """It fails without the patch for the issue's reason, on the base and on the control, three times or more in all,
    and passes with the patch twice. Not to come to an end is a failure too."""
    reason: str = ""
    """Why it was not accepted."""
    shows_issue: bool = False
    """It fails on the base and on the control as it should; so a failure with the patch speaks against the patch."""
    base: tuple[str, ...] = ()
    """What the runs on the base came to, such as `failed: AssertionError: 1 != 2`."""
    control: tuple[str, ...] = ()
    patched: tuple[str, ...] = ()
    cause: Cause | None = None
    """What has to be mended, where it was not accepted."""
    note: str = ""
    """How it was judged, where that is not the usual way, in one sentence."""
    author: Author | None = None
    """Who wrote it; None in proofs of older versions."""
    assertions: AssertionCounts | None = None
    """How its assertions were judged in one more run with the patch; None where they were not."""
    coverage: Coverage | None = None
    """Which of the changed statements ran; None where that was not measured."""


# Proofs of older versions have null for a test that was not reported.
_Outcome = Annotated[
    TestOutcome, BeforeValidator(lambda outcome: TestOutcome.NOT_THERE if outcome is None else outcome)
]


class TestChange(Frozen):
    """A test whose outcome is not the same before and after."""

    __test__ = False

    id: str
    before: _Outcome
    after: _Outcome
    message: str = ""
    """What the test says when it fails with the patch."""
    note: str = ""
    """What its reruns alone came to."""


class Weight(StrEnum):
    """What a finding does to the verdict."""

    REJECT = "reject"
    """Seen at run time, or a patch that changes nothing but how it is judged: the patch is rejected."""
    REVIEW = "review"
    """A person has to look at it before the patch counts as verified; `--accept` says that somebody did."""
    NOTE = "note"
    """Named, without an effect on the verdict."""


class Finding(Frozen):
    """Something in the patch, or in how its run behaved, that may bend the judgement."""

    rule: str
    """A short fixed name, such as `power-exits`."""
    path: str
    detail: str
    line: int | None = None
    waived: bool = False
    """The user allows it."""
    weight: Weight = Weight.REVIEW

    @property
    def location(self) -> str:
        """The path, with the line where there is one."""
        return f"{self.path}:{self.line}" if self.line else self.path


class RegressionEvidence(Frozen):
    """The existing tests before and after."""

    compared: int = 0
    """Tests whose outcome is known on both sides. Both counts below are of these."""
    passed_before: int = 0
    passed_after: int = 0
    files: tuple[str, ...] = ()
    """The test files that were run, nearest first."""
    regressions: tuple[TestChange, ...] = ()
    fixed: tuple[TestChange, ...] = ()
    flaky: tuple[TestChange, ...] = ()
    unsettled: tuple[TestChange, ...] = ()
    """They failed with the patch, and the time was used up before they could be run again."""
    already_failing: tuple[str, ...] = ()
    canary: CanaryState = CanaryState.NOT_PLANTED
    """Whether the test that must fail did so: then the runner really ran. What was run without it is not compared."""
    whole_suite: bool = False
    vanished: tuple[str, ...] = ()
    """They passed before and are not reported with the patch, which is no regression: told anew under other ids."""
    otherwise: tuple[TestChange, ...] = ()
    """Known on both sides, ended in another way, and neither fixed nor a regression: now expected to fail, or
    skipped before and failing now …"""
    not_compared: tuple[str, ...] = ()
    """Test files that were not compared, or only in part, and why, each in one sentence."""
    pinned: tuple[TestChange, ...] = ()
    """They passed before and fail now, and an accepted reproduction wants another answer of the same call: they pin
    what the issue calls wrong. The note says in what they contradict each other."""


class Question(Frozen):
    """What a verdict was asked of: enough to ask again elsewhere, given the repository."""

    source: str
    """The repository as the user named it, without credentials."""
    uncommitted: str = ""
    """Uncommitted changes that belonged to the base."""
    patch: str
    issue_text: str = ""
    reproduction: Reproduction | None = None
    replaces: bool = False
    """The reproduction was the user's, so that newer versions of test files took their place."""
    named_tests: tuple[str, ...] = ()
    test_command: str = ""
    oracle: Oracle = Field(default=Oracle(), repr=False)
    image: str | None = None
    """The image that was asked for; None for one that was built."""
    given_test_command: str | None = None
    """As the user gave it, before the repository was looked at."""
    setup_command: str | None = None
    seconds: float = 600.0
    hash_seed: int | None = None
    """Of Python's hashes in all commands; None where it is made of the patch."""


class Selection(Frozen):
    """How a candidate was chosen among those of several attempts."""

    selector: str
    candidates: int
    """How many there were to choose from."""
    pool: tuple[str, ...] = ()
    """The reproductions of all attempts that every candidate was run on."""
    weakening: tuple[str, ...] = ()
    """Those of somebody who had not seen the patch; they could only take a verdict."""
    tests_compared: tuple[int, ...] = ()
    """Existing tests that the proof of each candidate compared, in their order."""
    reason: str = ""
    abstained: bool = False
    """Nothing tells the best ones apart, so that the verdict is at most `unverified`."""
    remarks: tuple[str, ...] = ()
    """What a reviewer found, for a person to look at; no verdict depends on it."""


class Proof(Frozen):
    """The verdict on a patch, and everything that it rests on."""

    format: int = FORMAT_VERSION
    verdict: Verdict
    reason: str
    """One sentence."""
    cause: Cause | None = None
    """With the verdict `unverified`: what has to be mended before the patch can be judged."""
    proved: str = ""
    """What was shown, in one sentence, with the verdicts `verified` and `needs review`."""
    task_id: str
    repository: str
    base_commit: str
    patch_sha256: str
    issue: str = ""
    """The issue's title."""
    image: str | None = None
    """The image by digest or id."""
    sandbox: str = ""
    isolated: bool = True
    version: str = ""
    """Of fix-issue."""
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    seconds: float = 0.0
    changed_files: tuple[str, ...] = ()
    held_back: tuple[str, ...] = ()
    """Files of the patch that the judged runs replaced by those of the base: tests, configuration of runners …"""
    findings: tuple[Finding, ...] = ()
    reproductions: tuple[ReproductionEvidence, ...] = ()
    regression: RegressionEvidence = RegressionEvidence()
    commands: tuple[CommandRun, ...] = ()
    question: Question | None = Field(default=None, repr=False)
    """The patch and the reproductions, for `fix-issue recheck`; None where they are too large to travel."""
    not_checked: tuple[str, ...] = ()
    """What the verdict does not cover, each in one sentence."""
    contacts: tuple[str, ...] = ()
    """The hosts that were reached or refused when the environment was made, one a line."""
    selection: Selection | None = None
    """How it was chosen; None where there was one attempt only."""

    @property
    def to_review(self) -> tuple[Finding, ...]:
        """What a person has to look at and has not accepted yet."""
        return tuple(item for item in self.findings if item.weight is Weight.REVIEW and not item.waived)

    @property
    def reproduction(self) -> ReproductionEvidence | None:
        """The reproduction that was accepted, when there is one."""
        return next((item for item in self.reproductions if item.accepted), None)
