"""What a run proposes, and what became of it on the forge."""

from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from sweagent.errors import ExitCode
from sweagent.forge.branch_names import PREFIX
from sweagent.forge.rules import Objection, Rules
from sweagent.frozen import Frozen
from sweagent.task import Issue
from sweagent.trajectory import Reproduction
from sweagent.verdict import Verdict
from sweagent.verify import Proof

TITLE = "Fix: {title}"


class WholeProof(Frozen):
    """The proof of everything that a pull request changes, from its base to its tip, by one reproduction."""

    base: str
    """The commit that the branch was started on."""
    tree: str
    """What the branch holds then."""
    reproduction: str
    """Its digest."""
    proof: Proof


class Proposal(Frozen):
    """A patch with its proof, ready to be offered to people."""

    issue: Issue
    base_commit: str
    """The commit that the patch was made and proven against."""
    diff: bytes = Field(repr=False)
    """The patch, as `git apply` takes it."""
    verdict: Verdict
    reason: str = ""
    """The verdict's, in one sentence."""
    proof_markdown: str = ""
    to_review: tuple[str, ...] = ()
    """What the proof names for a person to look at."""
    not_checked: tuple[str, ...] = ()
    """What the verdict does not cover."""
    summary: str = ""
    """The model's own account of cause and change; untrusted."""
    model: str = ""
    steps: int = Field(default=0, ge=0, le=1_000_000)
    cost: float | None = Field(default=None, ge=0, le=1_000_000, allow_inf_nan=False)
    """US dollars; None when a price is unknown."""
    seconds: float = Field(default=0.0, ge=0, le=100_000_000, allow_inf_nan=False)
    run_url: str = ""
    version: str = ""
    """Of fix-issue."""
    run_id: str = ""
    reproductions: tuple[Reproduction, ...] = ()
    """Those of this run that were accepted."""
    whole: tuple[WholeProof, ...] = ()
    """With a follow-up: proofs of the whole pull request."""


class PublishOptions(Frozen):
    """How a proposal is published."""

    mode: Literal["draft", "ready", "branch", "none"] = "draft"
    """A draft pull request, one that is ready for review, only a branch, or nothing."""
    accept: Verdict = Verdict.UNVERIFIED
    """The weakest verdict that is published. Only what is verified can be more than a draft."""
    base: str = ""
    """The branch that the change is meant for; empty for the default branch."""
    branch: str = ""
    """An existing branch to add a commit to, for a follow-up; empty for the issue's own."""
    branch_prefix: str = Field(default=PREFIX, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*([./][A-Za-z0-9_-]+)*[/_-]?$")
    """What the names of the issue's own branches begin with."""
    title: str = TITLE
    """Of the pull request and the commit; `{title}` and `{number}` stand for those of the issue."""
    author: str = Field(default="", pattern=r"^([^<>\n]{1,100} <[^<>\s@]{1,100}@[^<>\s@]{1,100}>)?$")
    """`Name <address>`: who the commit is by. Empty lets the forge make it, as whom the token is, and sign it."""
    signoff: bool = False
    """Add the author's `Signed-off-by` to the commit."""
    only_ours: bool = False
    """Add no commit to a branch that our record does not name."""
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    fork: bool = True
    """Push to a fork when the token may not push to the repository."""
    rules: Rules = Rules()
    dry_run: bool = False

    @model_validator(mode="after")
    def _signoff_needs_an_author(self) -> Self:
        if self.signoff and not self.author:
            raise ValueError("signoff needs the input author, for who signs off")
        return self

    @field_validator("accept")
    @classmethod
    def _accept_is_publishable(cls, accept: Verdict) -> Verdict:
        if not accept.publishable:
            raise ValueError(f"a patch that is {accept} is never published")
        return accept

    def takes(self, verdict: Verdict) -> bool:
        """Whether a verdict is strong enough to be published."""
        return verdict.rank <= self.accept.rank


class OutcomeKind(StrEnum):
    """What became of a proposal."""

    OPENED = "opened"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    """The same change was there already."""
    PUSHED = "pushed"
    """There is a branch, and no pull request."""
    DRY_RUN = "dry run"
    NOTHING = "nothing to publish"
    NOT_ACCEPTED = "not accepted"
    """The verdict is too weak."""
    BLOCKED = "blocked"
    """A rule on patches forbids it."""
    CONFLICT = "conflict"
    """The patch does not apply to what the branch is now."""
    REFUSED = "refused"
    """The forge refused the push."""


_EXIT_CODES = {
    OutcomeKind.NOTHING: ExitCode.NO_PATCH,
    OutcomeKind.NOT_ACCEPTED: ExitCode.UNVERIFIED,
    OutcomeKind.BLOCKED: ExitCode.REJECTED,
    OutcomeKind.CONFLICT: ExitCode.FORGE,
    OutcomeKind.REFUSED: ExitCode.FORGE,
}


class Outcome(Frozen):
    """What became of a proposal on the forge."""

    kind: OutcomeKind
    verdict: Verdict | None = None
    """On all that was offered, which a follow-up's own verdict is only a part of."""
    message: str
    """One sentence."""
    hint: str = ""
    """What to do next."""
    branch: str = ""
    commit: str = ""
    number: int | None = None
    """Of the pull request."""
    url: str = ""
    """Of the pull request."""
    compare_url: str = ""
    """Opens a pull request by hand."""
    notes: tuple[str, ...] = ()
    objections: tuple[Objection, ...] = ()
    title: str = ""
    body: str = ""
    """With a dry run: what would have been written."""

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the command that ends so."""
        return _EXIT_CODES.get(self.kind, ExitCode.VERIFIED)
