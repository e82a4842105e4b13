"""Open one pull request for an issue, however often it runs."""

from sweagent.errors import ForgeError
from sweagent.forge.api.errors import NotFoundError, PermissionMissingError, PullRequestRefusedError, Refusal
from sweagent.forge.api.protocol import Forge, NewPullRequest, PullRequest
from sweagent.forge.branch import Brancher, PushedCommit
from sweagent.forge.branch_names import branch_name, issue_key
from sweagent.forge.clone import CleanClone
from sweagent.forge.commit import Ready, StopError, prepare, too_weak
from sweagent.forge.proposal import Outcome, OutcomeKind, Proposal, PublishOptions
from sweagent.forge.pull_request_body import body_of, merged_body, title_of
from sweagent.forge.records import MAX_REPRODUCTION, BranchRecord, PublishedCommit, Records
from sweagent.forge.text.redaction import Redactor


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
        return refusal.model_copy(update={"verdict": proposal.verdict, "message": redactor.redact(refusal.message)})
    issue = proposal.issue.model_copy(update={"title": redactor.redact(proposal.issue.title)})
    proposal = proposal.model_copy(update={"issue": issue})
    with CleanClone(forge.remote(), token) as clone:
        try:
            return _Publication(forge, clone, proposal, options, redactor).go()
        except StopError as stop:
            return stop.outcome.model_copy(update={"verdict": stop.outcome.verdict or proposal.verdict})


def _not_worth(proposal: Proposal, options: PublishOptions) -> Outcome | None:
    if not proposal.diff.strip():
        return Outcome(
            kind=OutcomeKind.NOTHING,
            message="the run made no patch, so there is nothing to publish"
            + (f": {proposal.reason}" if proposal.reason else ""),
            hint="see the trajectory for what the agent tried, and result.json for files that were left out",
        )
    if options.mode == "none":
        return Outcome(kind=OutcomeKind.NOTHING, message="publishing is switched off (pr: none)")
    return too_weak(proposal, options)


class _Publication:
    def __init__(
        self, forge: Forge, clone: CleanClone, proposal: Proposal, options: PublishOptions, redactor: Redactor
    ) -> None:
        self._forge = forge
        self._clone = clone
        self._proposal = proposal
        self._options = options
        self._redactor = redactor
        self._title = title_of(proposal, options.title)

    def go(self) -> Outcome:
        ready = prepare(self._forge, self._clone, self._proposal, self._options, self._redactor)
        self._proposal = ready.proposal
        outcome = self._publish(ready)
        return outcome.model_copy(update={"verdict": self._proposal.verdict})

    def _publish(self, ready: Ready) -> Outcome:
        if self._options.dry_run:
            return Outcome(
                kind=OutcomeKind.DRY_RUN,
                message="nothing was pushed (dry run)",
                branch=self._options.branch or branch_name(self._proposal.issue, self._options.branch_prefix),
                commit=ready.commit,
                notes=ready.notes,
                objections=ready.objections,
                title=self._title,
                body=self._body(ready, ready.notes),
            )
        place = Brancher(self._forge, self._clone, self._proposal.issue, self._options, self._redactor).push(ready)
        place = self._remembered(ready, place)
        if self._options.mode == "branch":
            return self._pushed(ready, place, f"the change is on the branch {place.branch}")
        outcome = self._offer(ready, place)
        return self._decorated(outcome)

    def _remembered(self, ready: Ready, place: PushedCommit) -> PushedCommit:
        """Keep the record by which the branch is known as ours."""
        proposal, before = self._proposal, ready.record
        commit = PublishedCommit(
            commit=place.commit,
            run=proposal.run_id,
            verdict=ready.own_verdict,
            reason=self._redactor.redact(ready.own_reason),
            summary=self._redactor.redact(ready.own_summary),
        )
        kept = [
            item
            for item in proposal.reproductions
            if len(item.model_dump_json()) <= MAX_REPRODUCTION and not self._redactor.find(item.model_dump_json())
        ]
        records = Records(self._clone, place.remote)
        try:
            known = before or records.read(issue_key(proposal.issue))
            if known is not None and known.owns(place.branch, place.commit):
                return place
            records.write(
                BranchRecord(
                    issue=issue_key(proposal.issue),
                    tries=(*(known.tries if known else ()), proposal.run_id),
                    branch=place.branch,
                    base=before.base if before else ready.start,
                    tip=place.commit,
                    commits=(*(before.commits if before else ()), commit),
                    reproductions=(*(before.reproductions if before else ()), *kept),
                )
            )
        except ForgeError as error:
            said = self._redactor.redact(str(error))
            note = f"What was done could not be remembered, so the next run will leave this branch alone: {said}"
            return place.model_copy(update={"notes": (*place.notes, note)})
        return place

    def _offer(self, ready: Ready, place: PushedCommit) -> Outcome:
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
        if known and not known[0].merged:
            note = f"An earlier pull request, no. {known[0].number}, was closed."
            place = place.model_copy(update={"notes": (*place.notes, note)})
        return self._open(ready, place, draft=ready.draft)

    def _open(self, ready: Ready, place: PushedCommit, *, draft: bool) -> Outcome:
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

    def _after_refusal(
        self, error: PullRequestRefusedError, ready: Ready, place: PushedCommit, *, draft: bool
    ) -> Outcome:
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

    def _update(self, ready: Ready, place: PushedCommit, pull: PullRequest) -> Outcome:
        body = merged_body(pull.body, self._body(ready, (*ready.notes, *place.notes)))
        if body.replace("\r\n", "\n") != pull.body.replace("\r\n", "\n"):
            pull = self._forge.update_pull_request(pull.number, body=body)
            return self._done(OutcomeKind.UPDATED, ready, place, pull)
        return self._done(OutcomeKind.UPDATED if place.pushed else OutcomeKind.UNCHANGED, ready, place, pull)

    def _body(self, ready: Ready, notes: tuple[str, ...]) -> str:
        issue = self._proposal.issue
        same = issue.url is None or f"/{self._forge.name}/issues/{issue.number}" in issue.url
        body = body_of(self._proposal, ready.changes, ready.objections, notes, same_repository=same)
        return self._redactor.redact(body)

    def _pushed(
        self, ready: Ready, place: PushedCommit, message: str, *, hint: str = "", because: ForgeError | None = None
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

    def _done(self, kind: OutcomeKind, ready: Ready, place: PushedCommit, pull: PullRequest) -> Outcome:
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
