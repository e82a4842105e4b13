"""Make a commit of a patch, or say why not."""

from sweagent.errors import ForgeError
from sweagent.forge.api.protocol import Forge
from sweagent.forge.clone import CleanClone
from sweagent.forge.proposal import Outcome, OutcomeKind, Proposal, PublishOptions
from sweagent.forge.pull_request_body import commit_message
from sweagent.forge.records import BranchRecord, Records
from sweagent.forge.rules import Change, Objection, Ruling, judge
from sweagent.forge.text.escape import code_span
from sweagent.forge.text.redaction import Redactor
from sweagent.forge.whole_pull_request import of_whole
from sweagent.frozen import Frozen
from sweagent.verdict import Verdict


class Ready(Frozen):
    """A commit that may be pushed."""

    commit: str
    message: str
    tree: str
    start: str
    """Its parent."""
    record: BranchRecord | None = None
    """With a follow-up: of the branch before this commit."""
    base: str
    """The branch that it is meant for."""
    base_tip: str
    changes: tuple[Change, ...]
    objections: tuple[Objection, ...]
    """What a person must look at."""
    notes: tuple[str, ...]
    draft: bool
    proposal: Proposal
    """Of the whole pull request."""
    own_verdict: Verdict
    """On this commit alone."""
    own_reason: str = ""
    own_summary: str = ""


class StopError(Exception):
    """Ends a publication with an outcome that is no fault of the program.

    Args:
        outcome: what became of it.
    """

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


def prepare(forge: Forge, clone: CleanClone, proposal: Proposal, options: PublishOptions, redactor: Redactor) -> Ready:
    """Make the commit in the clone, and look at it as git sees it.

    Raises:
        StopError: it does not apply, changes nothing, or a rule forbids it.
        ForgeError: the remote cannot be read.
    """
    base = options.base or forge.default_branch()
    if options.branch and options.branch in {base, forge.default_branch()}:
        message = f"{options.branch} is the branch that changes are meant for; nothing is pushed to it"
        raise _stop(OutcomeKind.REFUSED, message, "leave --branch out, and review the pull request")
    base_tip = clone.fetch(base)
    record = _record(clone, proposal, options)
    start, notes = _start(clone, proposal, options, base, base_tip)
    try:
        tree = clone.apply(proposal.diff, start)
    except ForgeError as error:
        raise _stop(OutcomeKind.CONFLICT, redactor.redact(str(error)), error.hint) from error
    if tree == clone.tree(start):
        raise _stop(OutcomeKind.NOTHING, f"{base} already has this change")
    whole = of_whole(proposal, record, tree) if record else proposal
    weak = too_weak(whole, options)
    if weak is not None:
        raise StopError(weak.model_copy(update={"verdict": whole.verdict, "message": redactor.redact(weak.message)}))
    changes, objections = _looked_at(clone, record, start, tree, options, redactor)
    signed_off_by = options.author if options.signoff else ""
    message = redactor.redact(commit_message(proposal, options.title, signed_off_by))
    commit = clone.commit(tree, start, message, options.author)
    conflicts = clone.conflicts(base_tip, commit)
    if conflicts:
        shown = ", ".join(code_span(path) for path in conflicts[:10])
        notes.append(f"The change conflicts with `{base}` as it is now: {shown}.")
    return Ready(
        commit=commit,
        message=message,
        tree=tree,
        start=start,
        record=record,
        base=base,
        base_tip=base_tip,
        changes=changes,
        objections=objections,
        notes=tuple(notes),
        draft=options.mode == "draft" or bool(objections or conflicts) or whole.verdict is not Verdict.VERIFIED,
        proposal=whole,
        own_verdict=proposal.verdict,
        own_reason=proposal.reason,
        own_summary=proposal.summary,
    )


def too_weak(proposal: Proposal, options: PublishOptions) -> Outcome | None:
    """The end of a publication whose verdict is not good enough; None when it is."""
    if options.takes(proposal.verdict):
        return None
    return Outcome(
        kind=OutcomeKind.NOT_ACCEPTED,
        message=f"the verdict is {proposal.verdict}, so nothing was published: {proposal.reason}",
        hint="read the proof of the run"
        if proposal.verdict.publishable
        else "read the proof of the run; a patch with this verdict is never pushed",
    )


def _record(clone: CleanClone, proposal: Proposal, options: PublishOptions) -> BranchRecord | None:
    """The record of the branch that a commit is added to; None for a new branch, or one of people."""
    if not options.branch:
        return None
    records = Records(clone)
    record = records.read_of(proposal.issue)
    if record is not None and records.contains(record, options.branch, clone.fetch(options.branch)):
        return record
    if options.only_ours:
        message = f"our record does not name {options.branch} as a branch of ours"
        raise _stop(OutcomeKind.REFUSED, message, "start a run on the issue; it opens a pull request of its own")
    return None


def _looked_at(
    clone: CleanClone,
    record: BranchRecord | None,
    start: str,
    tree: str,
    options: PublishOptions,
    redactor: Redactor,
) -> tuple[tuple[Change, ...], tuple[Objection, ...]]:
    """What the pull request changes, and what a person must look at in it."""
    changes = clone.changes(start, tree)
    objections = judge(changes, clone.diff(start, tree), options.rules, redactor=redactor)
    blocking = next((objection for objection in objections if objection.ruling is Ruling.BLOCK), None)
    if blocking is not None:
        hint = "apply patch.diff by hand after reading it, or allow the path in the rules"
        raise _stop(OutcomeKind.BLOCKED, f"the patch may not be pushed: {blocking}", hint, objections)
    if record is None or not clone.has(record.base):
        return changes, objections
    changes = clone.changes(record.base, tree)
    whole = judge(changes, clone.diff(record.base, tree), options.rules, redactor=redactor)
    return changes, tuple(dict.fromkeys((*objections, *whole)))


def _start(
    clone: CleanClone, proposal: Proposal, options: PublishOptions, base: str, base_tip: str
) -> tuple[str, list[str]]:
    """The commit to build on: the one that the patch was proven on, when the forge has it."""
    proven = proposal.base_commit
    if options.branch:
        tip = clone.fetch(options.branch)
        return tip, [] if tip == proven else [f"`{options.branch}` moved while the run was going on."]
    if clone.is_ancestor(proven, base_tip):
        behind = clone.count(proven, base_tip)
        commits = "1 commit" if behind == 1 else f"{behind} commits"
        return proven, [f"`{base}` is {commits} ahead of what the patch was proven on."] if behind else []
    return base_tip, [
        f"The patch was proven on `{proven[:12]}`, which is not in `{base}`; it was applied to `{base_tip[:12]}`."
    ]


def _stop(kind: OutcomeKind, message: str, hint: str = "", objections: tuple[Objection, ...] = ()) -> StopError:
    return StopError(Outcome(kind=kind, message=message, hint=hint, objections=objections))
