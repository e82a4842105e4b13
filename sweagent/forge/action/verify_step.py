"""Verify step of the Action: judge the patch anew, without a key."""

import shutil
from contextlib import ExitStack
from pathlib import Path

from sweagent import __version__
from sweagent.config import Settings
from sweagent.errors import FixIssueError, StorageError, UsageError
from sweagent.forge.action.inputs import Inputs
from sweagent.forge.action.workflow import Workflow, failure_text
from sweagent.forge.api.protocol import Remote
from sweagent.forge.artifact import Claims, claims_of
from sweagent.forge.artifact import digest as digest_of_artifact
from sweagent.forge.clone import CleanClone
from sweagent.forge.proposal import WholeProof
from sweagent.forge.records import RECORD_FILE, BranchRecord
from sweagent.forge.run_proposal import WHOLE, WHOLE_FILE
from sweagent.forge.whole_pull_request import digest
from sweagent.patch import Patch
from sweagent.printable import one_line
from sweagent.repository import open_repository
from sweagent.run_folder import RunFolder, new_run_id
from sweagent.sandbox_factory import prepare
from sweagent.task import Issue, Repository, Task
from sweagent.trajectory import ActionDone, Observation, Reproduction, RunStarted, SandboxStarted
from sweagent.trajectory_file import TrajectoryWriter
from sweagent.verify import Proof, verify, verify_without_running


def run_verify(workflow: Workflow | None = None) -> int:
    """Judge the patch of another job's artifact, and leave an artifact with the verdict of this job.

    Returns:
        0 when there is a verdict, whatever it is; 1 when there is none.
    """
    workflow = workflow or Workflow()
    inputs = Inputs(workflow)
    target = RunFolder(inputs.folder() / "verified")
    try:
        with workflow.untrusted_output():
            proof = _judge(inputs, target)
    except FixIssueError as error:
        workflow.output("failure", failure_text(f"the patch could not be verified again: {error}", error.hint))
        workflow.error(f"The patch could not be verified again: {error}. {error.hint}")
        return 1
    workflow.output("artifact", str(target.path))
    workflow.output("verdict", proof.verdict.value)
    workflow.output("judged", digest_of_artifact(target.path))
    workflow.notice(f"Verified again: {proof.verdict.value}: {proof.reason}")
    return 0


def _judge(inputs: Inputs, target: RunFolder) -> Proof:
    """Write the verdict and what it is about to a folder of its own."""
    source = RunFolder(Path(inputs.path("run-folder")))
    if not inputs.text("run-folder") or not source.trajectory.is_file():
        raise UsageError("there is no run to judge", "see the job that ran the agent")
    claims = claims_of(source)
    diff = _diff(source)
    repository = open_repository(inputs.path("path") or inputs.workflow.get("GITHUB_WORKSPACE", "/"))
    issue = Issue.model_validate_json((inputs.folder() / "issue.json").read_bytes())
    judge = _Judge(inputs, repository, issue)
    patch = Patch(base_commit=repository.base_commit, text=diff)
    proof = judge.proof(patch, claims.reproduction, claims.named_tests)
    record = _record(inputs)
    whole = judge.whole(diff, record, claims.reproduction) if record and diff.strip() else ()
    _write(target, judge.task, claims, diff, proof)
    if whole:
        target.write(target.path / WHOLE_FILE, WHOLE.dump_json(whole).decode())
    return proof


class _Judge:
    def __init__(self, inputs: Inputs, repository: Repository, issue: Issue) -> None:
        self._settings = _settings(inputs)
        self._log = inputs.workflow.log
        self.task = Task.of(
            repository,
            issue,
            image=inputs.text("image"),
            test_command=inputs.text("test-command"),
            setup_command=inputs.text("setup-command"),
        )

    def proof(
        self, patch: Patch, reproduction: Reproduction | None, named: tuple[str, ...] = (), base: str = ""
    ) -> Proof:
        repository = self.task.repository
        base = base or repository.base_commit
        task = self.task.model_copy(update={"repository": repository.model_copy(update={"base_commit": base})})
        at_once = verify_without_running(task, patch, settings=self._settings.verify)
        if at_once is not None:
            return at_once
        with ExitStack() as stack:
            run_id = new_run_id(f"verify-{task.id}")
            workplace = stack.enter_context(prepare(task, self._settings, run_id, self._log))
            return verify(
                task,
                patch,
                sandboxes=workplace.open,
                reproduction=reproduction,
                named_tests=named,
                test_command=workplace.test_command,
                lacks=workplace.lacks,
                settings=self._settings.verify,
            ).model_copy(update={"contacts": workplace.contacts})

    def whole(self, diff: str, record: BranchRecord, newest: Reproduction | None) -> tuple[WholeProof, ...]:
        """Run what was accepted before, or else the newest, on everything from the base of the branch to its tip."""
        with CleanClone(Remote(url=self.task.repository.git_dir), None) as clone:
            tip = clone.fetch_reference("HEAD")
            if not clone.is_ancestor(record.base, tip):
                raise UsageError(
                    f"the checkout does not have {record.base[:12]}, on which the branch was started",
                    "check it out with `fetch-depth: 0`",
                )
            tree = clone.apply(diff.encode(), tip)
            text = clone.patch(record.base, tree).decode("utf-8", "surrogateescape")
        patch = Patch(base_commit=record.base, text=text)
        return tuple(
            WholeProof(
                base=record.base,
                tree=tree,
                reproduction=digest(reproduction),
                proof=self.proof(patch, reproduction, base=record.base),
            )
            for reproduction in record.reproductions or (newest,)
        )


def _settings(inputs: Inputs) -> Settings:
    hosts = inputs.words("network")
    named = () if hosts in ((), ("none",), ("open",)) else hosts
    sandbox = {
        "kind": inputs.text("sandbox", "auto"),
        "image": inputs.text("image") or None,
        "network": hosts == ("open",),
        "allow_hosts": named,
    }
    verify_settings = {
        "allow_protected": bool(inputs.words("allowed-paths")),
        "allow_binaries": inputs.flag("allow-binaries"),
    }
    try:
        return Settings.model_validate({"sandbox": sandbox, "verify": verify_settings})
    except ValueError as error:
        raise UsageError("an input cannot be used: " + one_line(str(error), 300), "correct it") from error


def _diff(source: RunFolder) -> str:
    try:
        return source.patch.read_bytes().decode("utf-8") if source.patch.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"the patch in the artifact cannot be read: {error}", "run the workflow again") from error


def _record(inputs: Inputs) -> BranchRecord | None:
    if inputs.number("pull-request") is None:
        return None
    path = inputs.folder() / RECORD_FILE
    if not path.is_file():
        raise UsageError("there is no record of the branch", "see the step that reads the issue")
    return BranchRecord.model_validate_json(path.read_bytes())


def _write(target: RunFolder, task: Task, claims: Claims, diff: str, proof: Proof) -> None:
    """The artifact: the patch as it was judged, this job's proof, and what the agent says of its run."""
    shutil.rmtree(target.path, ignore_errors=True)
    target.path.mkdir(parents=True)
    target.write(target.patch, diff)
    target.write(target.proof, proof.model_dump_json(indent=2))
    if claims.result is not None:
        target.write(target.result, claims.result.model_dump_json(indent=2))
    said = Observation(text="", submitted=True, summary=claims.summary, reproduction=claims.reproduction)
    with TrajectoryWriter(target.trajectory) as log:
        log.append(RunStarted(version=__version__, run_id=claims.run_id, task=task, settings={}))
        if proof.sandbox:
            log.append(SandboxStarted(kind=proof.sandbox, image=proof.image, contacts=proof.contacts))
        log.append(ActionDone(step=1, action_id="1", observation=said))
