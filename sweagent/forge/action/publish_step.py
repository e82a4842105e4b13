"""Publish step of the Action: check the patch, open the request."""

import traceback
from pathlib import Path

from sweagent.errors import FixIssueError, UsageError, please_report
from sweagent.forge.action.inputs import Inputs
from sweagent.forge.action.workflow import Workflow, parted_failure
from sweagent.forge.api.github import GitHub
from sweagent.forge.artifact import check_files, digest
from sweagent.forge.clone import CleanClone
from sweagent.forge.issues import from_forge
from sweagent.forge.progress import ProgressComment, failed, finished
from sweagent.forge.proposal import Outcome, OutcomeKind, Proposal, PublishOptions
from sweagent.forge.pull_request import open_pull_request
from sweagent.forge.records import remember_try
from sweagent.forge.run_proposal import proposal_of
from sweagent.forge.text.escape import inert
from sweagent.forge.text.redaction import Redactor
from sweagent.run_folder import RunFolder
from sweagent.task import Issue
from sweagent.verdict import Verdict

_FAILURES = {OutcomeKind.BLOCKED, OutcomeKind.CONFLICT, OutcomeKind.REFUSED}
_IN_THE_RECORD = {OutcomeKind.OPENED, OutcomeKind.UPDATED, OutcomeKind.UNCHANGED, OutcomeKind.PUSHED}


def run_publish(workflow: Workflow | None = None) -> int:
    """Publish the run, finish the comment, and write the job's summary.

    Returns:
        0 when the run came to an end that is no fault, 1 otherwise.
    """
    workflow = workflow or Workflow()
    inputs = Inputs(workflow)
    redactor = Redactor.from_environment(workflow.environment)
    try:
        forge = inputs.forge()
        number = inputs.number("issue")
        if number is None:
            raise UsageError("there is no issue to publish for", "give the input `issue`")
        options = _options(inputs, forge)
        proposal = _proposal(workflow, inputs, forge, number)
        outcome = open_pull_request(forge, proposal, options, token=inputs.token(), redactor=redactor)
        verdict = outcome.verdict or proposal.verdict
    except Exception as fault:
        # Whatever an artifact holds, the comment and the summary come to an end.
        error = fault if isinstance(fault, FixIssueError) else _fault(fault)
        message = redactor.redact(str(error))
        _comment(inputs, redactor, failed(message, error.hint, workflow.run_url))
        workflow.summary(f"## fix-issue\n\n{inert(message)}\n\n{inert(error.hint)}")
        workflow.error(f"{message}. {error.hint}")
        _remember(inputs, redactor)
        return 1
    if outcome.kind not in _IN_THE_RECORD:
        _remember(inputs, redactor)
    text = finished(outcome, verdict, workflow.run_url)
    _comment(inputs, redactor, text)
    _tell(workflow, outcome, verdict, redactor.redact(f"## fix-issue\n\n{text}\n\n{outcome.body}"))
    return 1 if outcome.kind in _FAILURES else 0


class RunFailedError(FixIssueError):
    """The run could not be carried out, so there is nothing to publish."""


def _fault(fault: Exception) -> FixIssueError:
    traceback.print_exception(fault)
    return FixIssueError(
        f"internal error while publishing: {type(fault).__name__}",
        f"nothing more was done; {please_report('the log of this job')}",
    )


def _remember(inputs: Inputs, redactor: Redactor) -> None:
    """Remember that the issue was tried, whatever came of it."""
    try:
        number = inputs.number("issue")
        if number is None or inputs.flag("dry-run"):
            return
        with CleanClone(inputs.forge().remote(), inputs.token()) as clone:
            remember_try(clone, Issue(title="", number=number), f"workflow-{inputs.workflow.get('GITHUB_RUN_ID')}")
    except FixIssueError as error:
        said = redactor.redact(str(error))
        inputs.workflow.notice(f"That the issue was tried could not be remembered: {said}. {error.hint}")


def _proposal(workflow: Workflow, inputs: Inputs, forge: GitHub, number: int) -> Proposal:
    """What the run proposes, for the issue that the gate let through, whatever the record says."""
    folder = Path(inputs.path("run-folder") or inputs.folder() / "run")
    failure, hint = parted_failure(inputs.text("failure"))
    has_patch = (folder / "patch.diff").is_file() and bool((folder / "patch.diff").stat().st_size)
    if not (folder / "trajectory.jsonl").is_file() or (failure and not has_patch):
        # A run that could not be carried out is no run that found nothing to change.
        cause = failure or "the run left no record"
        raise RunFailedError(cause, hint or "see the log of the job that ran the agent")
    judged = inputs.text("judged")
    check_files(folder)
    if judged and judged != digest(folder):
        raise RunFailedError(
            failure or "the artifact is not the one that the job with the verdict left",
            hint or "see the log of that job; another job of the run left an artifact of this name",
        )
    proposal = proposal_of(RunFolder(folder), run_url=workflow.run_url)
    return proposal.model_copy(update={"issue": from_forge(forge.issue(number)).issue})


def _options(inputs: Inputs, forge: GitHub) -> PublishOptions:
    options = inputs.publish_options()
    pull_request = inputs.number("pull-request")
    if pull_request is None:
        return options
    branch = forge.pull_request(pull_request).head
    return options.model_copy(update={"branch": branch, "only_ours": True})


def _comment(inputs: Inputs, redactor: Redactor, text: str) -> None:
    try:
        number = inputs.number("pull-request") or inputs.number("issue")
        if number and inputs.choice("comment", ("true", "false")) == "true" and not inputs.flag("dry-run"):
            ProgressComment(inputs.forge(), number, redactor).write(text, inputs.number("comment-id"))
    except FixIssueError as error:
        inputs.workflow.notice(f"The comment could not be written: {redactor.redact(str(error))}")


def _tell(workflow: Workflow, outcome: Outcome, verdict: Verdict, summary: str) -> None:
    outputs = {
        "outcome": outcome.kind.value,
        "verdict": verdict,
        "branch": outcome.branch,
        "pull-request-number": "" if outcome.number is None else str(outcome.number),
        "pull-request-url": outcome.url,
        "compare-url": outcome.compare_url,
    }
    for name, value in outputs.items():
        workflow.output(name, value)
    workflow.summary(summary)
    say = workflow.error if outcome.kind in _FAILURES else workflow.notice
    say(f"{outcome.message}. {outcome.hint}".strip())
