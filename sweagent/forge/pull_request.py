"""From a patch with proof to a pull request: one for an issue, however often it is run."""

from sweagent.errors import ForgeError
from sweagent.forge.base import Forge, NewPullRequest, PullRequest, Remote
from sweagent.forge.body import body_of, commit_message, merged_body, title_of
from sweagent.forge.clone import CleanClone, PushRefusedError, Refused
from sweagent.forge.errors import NotFoundError, PermissionMissingError, PullRequestRefusedError, Refusal
from sweagent.forge.naming import branch_name, branch_stem, numbered
from sweagent.forge.proposal import Outcome, OutcomeKind, Proposal, PublishOptions
from sweagent.forge.redaction import Redactor
from sweagent.forge.rules import Change, Objection, Ruling, judge
from sweagent.model import Frozen

_RACES = 3
"""How often a push that lost a race is tried again."""


class _Ready(Frozen):
    """A commit that may be pushed."""

    commit: str
    start: str
    base: str
    base_tip: str
    changes: tuple[Change, ...]
    objections: tuple[Objection, ...]
    notes: tuple[str, ...]
    draft: bool


class _Place(Frozen):
    """Where the commit is now."""

    remote: Remote
    branch: str
    commit: str
    pushed: bool
    notes: tuple[str, ...] = ()


class _StopError(Exception):
    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


def open_pull_request(
    forge: Forge,
    proposal: Proposal,
    options: PublishOptions,
    *,
    token: str | None = None,
    redactor: Redactor | None = None,
) -> Outcome:
    """Offer a patch to the people of a repository, or bring what was offered before up to date.

    Nothing of the repository runs: the commit is made in a clean bare clone. A person's commits are never overwritten.

    Args:
        forge: where to.
        proposal: the patch with its proof.
        options: how.
        token: for git, when the forge's remote wants one.
        redactor: knows the secrets that must not be published; None takes those of the environment.

    Returns:
        what became of it; the expected refusals are outcomes, not errors.

    Raises:
        ForgeError: the forge or the remote cannot be reached or read.
    """
    redactor = redactor or Redactor.from_environment(None, *([token] if token else []))
    refusal = _not_worth(proposal, options)
    if refusal is not None:
        return refusal
    issue = proposal.issue.model_copy(update={"title": redactor.redact(proposal.issue.title)})
    proposal = proposal.model_copy(update={"issue": issue})
    with CleanClone(forge.remote(), token) as clone:
        try:
            return _Publication(forge, clone, proposal, options, redactor).go()
        except _StopError as stop:
            return stop.outcome


def _not_worth(proposal: Proposal, options: PublishOptions) -> Outcome | None:
    if not proposal.diff.strip():
        return Outcome(
            kind=OutcomeKind.NOTHING,
            message="the run made no patch, so there is nothing to publish",
            hint="see the trajectory for what the agent tried",
        )
    if options.mode == "none":
        return Outcome(kind=OutcomeKind.NOTHING, message="publishing is switched off (pr: none)")
    accepted = {"verified"} if options.accept == "verified" else {"verified", "unverified"}
    if proposal.verdict not in accepted:
        return Outcome(
            kind=OutcomeKind.NOT_ACCEPTED,
            message=f"the verdict is {proposal.verdict}, so nothing was published: {proposal.reason}",
            hint="read the proof of the run; a patch with this verdict is never pushed",
        )
    return None


class _Publication:
    def __init__(
        self, forge: Forge, clone: CleanClone, proposal: Proposal, options: PublishOptions, redactor: Redactor
    ) -> None:
        self._forge = forge
        self._clone = clone
        self._proposal = proposal
        self._options = options
        self._redactor = redactor
        self._title = title_of(proposal)

    def go(self) -> Outcome:
        ready = self._prepare()
        if self._options.dry_run:
            return Outcome(
                kind=OutcomeKind.DRY_RUN,
                message="nothing was pushed (dry run)",
                branch=self._options.branch or branch_name(self._proposal.issue),
                commit=ready.commit,
                notes=ready.notes,
                objections=ready.objections,
                title=self._title,
                body=self._body(ready, ready.notes),
            )
        place = self._push(ready)
        if self._options.mode == "branch":
            return self._pushed(ready, place, f"the change is on the branch {place.branch}")
        outcome = self._offer(ready, place)
        return self._decorated(outcome)

    def _prepare(self) -> _Ready:
        """Make the commit, and look at it."""
        base = self._options.base or self._forge.default_branch()
        base_tip = self._clone.fetch(base)
        start, notes = self._start(base, base_tip)
        try:
            tree = self._clone.apply(self._proposal.diff, start)
        except ForgeError as error:
            raise _StopError(Outcome(kind=OutcomeKind.CONFLICT, message=str(error), hint=error.hint)) from error
        if tree == self._clone.tree(start):
            raise _StopError(Outcome(kind=OutcomeKind.NOTHING, message=f"{base} already has this change"))
        changes = self._clone.changes(start, tree)
        diff = self._clone.diff(start, tree)
        objections = judge(changes, diff, self._options.rules, redactor=self._redactor)
        if any(objection.ruling is Ruling.BLOCK for objection in objections):
            first = next(objection for objection in objections if objection.ruling is Ruling.BLOCK)
            raise _StopError(
                Outcome(
                    kind=OutcomeKind.BLOCKED,
                    message=f"the patch may not be pushed: {first}",
                    hint="apply patch.diff by hand after reading it, or allow the path in the rules",
                    objections=objections,
                )
            )
        commit = self._clone.commit(tree, start, self._redactor.redact(commit_message(self._proposal)))
        conflicts = self._clone.conflicts(base_tip, commit)
        if conflicts:
            notes.append(f"The change conflicts with `{base}` as it is now, in {len(conflicts)} files.")
        return _Ready(
            commit=commit,
            start=start,
            base=base,
            base_tip=base_tip,
            changes=changes,
            objections=objections,
            notes=tuple(notes),
            draft=bool(
                self._options.mode == "draft" or objections or conflicts or self._proposal.verdict != "verified"
            ),
        )

    def _start(self, base: str, base_tip: str) -> tuple[str, list[str]]:
        """The commit to build on: the one that the patch was proven on, when the forge has it."""
        proven = self._proposal.base_commit
        if self._options.branch:
            tip = self._clone.fetch(self._options.branch)
            return tip, [] if tip == proven else [f"`{self._options.branch}` moved while the run was going on."]
        if self._clone.is_ancestor(proven, base_tip):
            behind = self._clone.count(proven, base_tip)
            return proven, [f"`{base}` is {behind} commits ahead of what the patch was proven on."] if behind else []
        return base_tip, [
            f"The patch was proven on `{proven[:12]}`, which is not in `{base}`; it was applied to `{base_tip[:12]}`."
        ]

    def _push(self, ready: _Ready) -> _Place:
        try:
            return self._push_to(ready, self._clone.remote)
        except PushRefusedError as error:
            if error.reason is Refused.NO_ACCESS and self._options.fork and not self._options.branch:
                fork = self._forge.fork()
                if fork is not None:
                    place = self._push_to(ready, fork)
                    note = "The branch is in a fork, because the token may not push to the repository."
                    return place.model_copy(update={"notes": (*place.notes, note)})
            raise _StopError(
                Outcome(kind=OutcomeKind.REFUSED, message=self._redactor.redact(str(error)), hint=error.hint)
            ) from error

    def _push_to(self, ready: _Ready, remote: Remote) -> _Place:
        """Push to the issue's branch, or to another beside it when people work on that one."""
        for attempt in range(_RACES):
            branch, expected, notes = self._choose(ready, remote)
            if expected is not None and self._same(expected, ready):
                return _Place(remote=remote, branch=branch, commit=expected, pushed=False, notes=notes)
            try:
                self._clone.push(ready.commit, branch, expected=expected, remote=remote)
            except PushRefusedError as error:
                if error.reason is not Refused.MOVED or attempt == _RACES - 1 or self._options.branch:
                    raise
                continue
            return _Place(remote=remote, branch=branch, commit=ready.commit, pushed=True, notes=notes)
        raise AssertionError  # the last attempt returns or raises

    def _choose(self, ready: _Ready, remote: Remote) -> tuple[str, str | None, tuple[str, ...]]:
        """A branch, the commit it must have now, and what to say about it."""
        if self._options.branch:
            return self._options.branch, ready.start, ()
        existing = self._clone.branches(branch_stem(self._proposal.issue), remote)
        preferred = min(existing, key=lambda name: (len(name), name), default=branch_name(self._proposal.issue))
        notes: tuple[str, ...] = ()
        for number in range(1, len(existing) + 2):
            branch = numbered(preferred, number)
            tip = existing.get(branch)
            if tip is None or self._clone.only_ours(ready.base_tip, self._clone.fetch(branch, remote)):
                return branch, tip, notes
            notes = (f"People have committed to `{branch}`, so it was left alone.",)
        raise AssertionError  # one of len + 1 names is free

    def _same(self, tip: str, ready: _Ready) -> bool:
        return self._clone.tree(tip) == self._clone.tree(ready.commit) and self._clone.parents(tip) == [ready.start]

    def _offer(self, ready: _Ready, place: _Place) -> Outcome:
        """Open the pull request, or update the one that is there."""
        try:
            known = self._forge.pull_requests(place.branch, place.remote.owner)
        except PermissionMissingError:
            known = []
        if known is None:
            return self._pushed(ready, place, f"the change is on the branch {place.branch}")
        current = next((pull for pull in known if pull.state == "open"), None)
        if current is not None:
            return self._update(ready, place, current)
        closed = tuple(
            f"An earlier pull request, no. {pull.number}, was closed." for pull in known[:1] if not pull.merged
        )
        place = place.model_copy(update={"notes": (*place.notes, *closed)})
        return self._open(ready, place, draft=ready.draft)

    def _open(self, ready: _Ready, place: _Place, *, draft: bool) -> Outcome:
        notes = (*ready.notes, *place.notes)
        new = NewPullRequest(
            title=self._title,
            body=self._body(ready, notes),
            head=place.branch,
            head_owner=place.remote.owner,
            base=ready.base,
            draft=draft,
        )
        try:
            pull = self._forge.open_pull_request(new)
        except PullRequestRefusedError as error:
            return self._after_refusal(error, ready, place, draft=draft)
        except (PermissionMissingError, NotFoundError) as error:
            return self._pushed(
                ready,
                place,
                f"the change is on the branch {place.branch}, but the token may not open pull requests",
                hint="open it with the link, or allow it: Settings > Actions > General > Workflow permissions > "
                "Allow GitHub Actions to create and approve pull requests",
                because=error,
            )
        return self._done(OutcomeKind.OPENED, ready, place, pull)

    def _after_refusal(self, error: PullRequestRefusedError, ready: _Ready, place: _Place, *, draft: bool) -> Outcome:
        if error.reason is Refusal.NO_DRAFTS and draft:
            note = "This repository has no drafts, so the pull request is open for review at once."
            return self._open(ready, place.model_copy(update={"notes": (*place.notes, note)}), draft=False)
        if error.reason is Refusal.EXISTS:
            known = self._forge.pull_requests(place.branch, place.remote.owner) or []
            current = next((pull for pull in known if pull.state == "open"), None)
            if current is not None:
                return self._update(ready, place, current)
        if error.reason is Refusal.NO_COMMITS:
            return Outcome(kind=OutcomeKind.NOTHING, message=str(error), hint=error.hint, branch=place.branch)
        message = f"the change is on the branch {place.branch}, but no pull request could be opened"
        return self._pushed(ready, place, message, hint=error.hint, because=error)

    def _update(self, ready: _Ready, place: _Place, pull: PullRequest) -> Outcome:
        body = merged_body(pull.body, self._body(ready, (*ready.notes, *place.notes)))
        if body.replace("\r\n", "\n") != pull.body.replace("\r\n", "\n"):
            pull = self._forge.update_pull_request(pull.number, body=body)
            return self._done(OutcomeKind.UPDATED, ready, place, pull)
        return self._done(OutcomeKind.UPDATED if place.pushed else OutcomeKind.UNCHANGED, ready, place, pull)

    def _body(self, ready: _Ready, notes: tuple[str, ...]) -> str:
        issue = self._proposal.issue
        same = issue.url is None or f"/{self._forge.name}/issues/{issue.number}" in issue.url
        body = body_of(self._proposal, ready.changes, ready.objections, notes, same_repository=same)
        return self._redactor.redact(body)

    def _pushed(
        self, ready: _Ready, place: _Place, message: str, *, hint: str = "", because: ForgeError | None = None
    ) -> Outcome:
        notes = (*ready.notes, *place.notes, *([str(because)] if because else []))
        return Outcome(
            kind=OutcomeKind.PUSHED,
            message=message,
            hint=hint,
            branch=place.branch,
            commit=place.commit,
            compare_url=self._forge.compare_link(
                ready.base,
                place.branch,
                head_owner=place.remote.owner,
                title=self._title,
                body=self._body(ready, (*ready.notes, *place.notes)),
            ),
            notes=tuple(self._redactor.redact(note) for note in notes),
            objections=ready.objections,
        )

    def _done(self, kind: OutcomeKind, ready: _Ready, place: _Place, pull: PullRequest) -> Outcome:
        return Outcome(
            kind=kind,
            message=f"pull request {pull.number} was {kind.value}",
            branch=place.branch,
            commit=place.commit,
            number=pull.number,
            url=pull.url,
            notes=(*ready.notes, *place.notes),
            objections=ready.objections,
        )

    def _decorated(self, outcome: Outcome) -> Outcome:
        """Add labels and ask for reviews; when that fails, the pull request is there all the same."""
        if outcome.number is None:
            return outcome
        notes = list(outcome.notes)
        for what, act, values in (
            ("labels", self._forge.add_labels, self._options.labels),
            ("reviewers", self._forge.request_reviewers, self._options.reviewers),
        ):
            try:
                if values:
                    act(outcome.number, values)
            except ForgeError as error:
                notes.append(f"The {what} could not be set: {self._redactor.redact(str(error))}")
        return outcome.model_copy(update={"notes": tuple(notes)})
