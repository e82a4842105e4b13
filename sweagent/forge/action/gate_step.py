"""Gate step of the Action, and the issue as a file."""

from sweagent.errors import FixIssueError, UsageError
from sweagent.forge.action.gate import Decision, decide
from sweagent.forge.action.inputs import Inputs
from sweagent.forge.action.workflow import Workflow, failure_text, moment
from sweagent.forge.api.protocol import Forge, ForgeComment, ForgeIssue, Permission, PullRequest
from sweagent.forge.clone import CleanClone
from sweagent.forge.issues import OUR_MARK, ReadIssue, from_forge
from sweagent.forge.progress import ProgressComment, started
from sweagent.forge.records import RECORD_FILE, BranchRecord, Records
from sweagent.forge.text.redaction import Redactor
from sweagent.task import Comment


def run_gate(workflow: Workflow | None = None) -> int:
    """Decide on the event of the workflow, set the outputs, and write the first comment.

    Returns:
        the exit code; a refusal is no failure.
    """
    workflow = workflow or Workflow()
    inputs = Inputs(workflow)
    try:
        forge = inputs.forge()
        actors = (workflow.get("GITHUB_ACTOR"), workflow.get("GITHUB_TRIGGERING_ACTOR"))
        with CleanClone(forge.remote(), inputs.token()) as clone:
            options = inputs.gate_options()
            decision = decide(workflow.event_name, workflow.event(), actors, options, forge, Records(clone))
        if decision.pull_request is not None and inputs.text("mode", "all") == "all":
            decision = Decision(
                proceed=False, reason="work on a review needs a workflow with a job for the gate; see hardened.yml"
            )
        _tell(workflow, inputs, forge, decision)
    except FixIssueError as error:
        workflow.output("proceed", "false")
        workflow.error(f"{error}. {error.hint}")
        return 1
    return 0


def _tell(workflow: Workflow, inputs: Inputs, forge: Forge, decision: Decision) -> None:
    comment = None
    wanted = inputs.choice("comment", ("true", "false")) == "true" and not inputs.flag("dry-run")
    if decision.proceed and decision.issue is not None and wanted:
        redactor = Redactor.from_environment(workflow.environment)
        progress = ProgressComment(forge, decision.pull_request or decision.issue, redactor)
        comment = progress.write(started(workflow.run_url))
    outputs = {
        "proceed": str(decision.proceed).lower(),
        "reason": decision.reason,
        "issue": decision.issue,
        "until": decision.until.isoformat() if decision.until else None,
        "pull-request": decision.pull_request,
        "ref": decision.commit,
        "comment": comment,
    }
    for name, value in outputs.items():
        workflow.output(name, "" if value is None else str(value))
    workflow.notice(f"{'A run starts' if decision.proceed else 'No run'}: {decision.reason}.")


def write_issue(workflow: Workflow | None = None) -> int:
    """Read the issue and write it to a file for the next step, which has no token.

    Returns:
        the exit code.
    """
    workflow = workflow or Workflow()
    inputs = Inputs(workflow)
    try:
        number = inputs.number("issue")
        if number is None:
            raise UsageError("there is no issue to work on", "give the input `issue`")
        forge = inputs.forge()
        until = moment(inputs.text("until"))
        heard = Heard(forge, inputs.least_of_comments(), inputs.words("allowed-users"))
        read = from_forge(heard.only(_as_triggered(forge.issue(number), workflow)), until)
        record, pull_request = None, inputs.number("pull-request")
        if pull_request is not None:
            read = _with_review(read, forge, forge.pull_request(pull_request), inputs, heard)
            record = _record(forge, number, inputs)
    except FixIssueError as error:
        workflow.error(f"{error}. {error.hint}")
        workflow.output("failure", failure_text(str(error), error.hint))
        return 1
    folder = inputs.folder()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "issue.json").write_text(read.issue.model_dump_json(indent=2), "utf-8")
    if record is not None:
        (folder / RECORD_FILE).write_text(record.model_dump_json(), "utf-8")
    if heard.unheard:
        workflow.notice(
            f"{heard.unheard} comments of people without the permission {heard.least.value} were left out; "
            "see the input comments-from."
        )
    for finding in read.findings:
        workflow.notice(f"The issue holds {finding.count} × {finding.kind}; it was removed or made visible.")
    return 0


class Heard:
    """People whose comments reach the model: those with a permission. Others could instruct it by theirs.

    Args:
        forge: asked once for each person.
        least: the permission; `NONE` hears everybody.
        allowed: logins that need none.
    """

    def __init__(self, forge: Forge, least: Permission, allowed: tuple[str, ...]) -> None:
        self._forge = forge
        self.least = least
        self._known = {name.lower(): True for name in allowed}
        self.unheard = 0
        """Comments that were left out."""

    def only(self, issue: ForgeIssue) -> ForgeIssue:
        """An issue with the comments that count."""
        kept = tuple(comment for comment in issue.comments if OUR_MARK in comment.body or self._hears(comment.author))
        self.unheard += len(issue.comments) - len(kept)
        return issue.model_copy(update={"comments": kept})

    def _hears(self, login: str) -> bool:
        if self.least is Permission.NONE:
            return True
        if login.lower() not in self._known:
            person = bool(login) and not login.endswith("[bot]")
            self._known[login.lower()] = person and self._forge.permission(login).at_least(self.least)
        return self._known[login.lower()]


def _record(forge: Forge, number: int, inputs: Inputs) -> BranchRecord | None:
    """What was proven of the branch before, for the job that judges the whole pull request."""
    with CleanClone(forge.remote(), inputs.token()) as clone:
        return Records(clone).read(str(number))


def _as_triggered(issue: ForgeIssue, workflow: Workflow) -> ForgeIssue:
    """The issue with the title and the body that the event carries: edits that came later do not count."""
    seen = workflow.event().get("issue") or {}
    if seen.get("number") != issue.number or "pull_request" in seen:
        return issue
    return issue.model_copy(update={"title": str(seen.get("title") or ""), "body": str(seen.get("body") or "")})


def _words_of_review(workflow: Workflow) -> tuple[ForgeComment, ...]:
    """What the review that started the run says as a whole; it is no comment of the discussion."""
    review = workflow.event().get("review") or {}
    body = str(review.get("body") or "")
    if not body.strip():
        return ()
    author = str((review.get("user") or {}).get("login") or "")
    number = review.get("id")
    return (
        ForgeComment(
            id=number if isinstance(number, int) else 0,
            author=author,
            body=body,
            created_at=moment(review.get("submitted_at")),
        ),
    )


def _with_review(read: ReadIssue, forge: Forge, pull: PullRequest, inputs: Inputs, heard: "Heard") -> ReadIssue:
    """The issue with what people said of our pull request."""
    discussion = ForgeIssue(
        number=pull.number,
        title=f"Review of pull request {pull.number}",
        comments=(
            *forge.comments(pull.number),
            *forge.review_comments(pull.number),
            *_words_of_review(inputs.workflow),
        ),
    )
    places = {comment.body: comment.place for comment in discussion.comments if comment.place}
    review = from_forge(heard.only(discussion), moment(inputs.text("until")))
    remarks = tuple(
        Comment(author=f"{c.author} (review{', ' + places[c.body] if c.body in places else ''})", body=c.body)
        for c in review.issue.comments
    )
    issue = read.issue.model_copy(update={"comments": (*read.issue.comments, *remarks)})
    return ReadIssue(issue=issue, findings=(*read.findings, *review.findings))
