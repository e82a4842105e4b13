"""One policy at work in a sandbox of its own."""

import time
from collections.abc import Iterable
from contextlib import ExitStack, nullcontext
from pathlib import PurePosixPath

from sweagent.agent.loop import Agent, Ending, Viewer, repeat_actions
from sweagent.agent.prompting import PromptLimits, PromptVariables, read_context_files, write_prompt
from sweagent.agent.state import RunState
from sweagent.agent.view import ViewBuilder
from sweagent.agent.view_summary import SummarisingViewer
from sweagent.config import Settings
from sweagent.errors import ContextOverflowError, FixIssueError, SandboxError, UsageError
from sweagent.exit_status import ExitStatus
from sweagent.patch import extract_patch, untracked_files
from sweagent.patch_store import Candidate
from sweagent.policy import Budget, HumanPolicy, LitellmPolicy, policy_for, text_format_instructions
from sweagent.repository import tracked_paths
from sweagent.run.context import RunContext
from sweagent.run.errors import RunCutError
from sweagent.sandbox.base import Sandbox
from sweagent.tool_api import Limits, ToolContext, load_tools
from sweagent.trajectory import (
    AnyEvent,
    AttemptEnded,
    AttemptStarted,
    FeedbackGiven,
    PatchTaken,
    PromptWritten,
    Reproduction,
    SandboxStarted,
    VerdictGiven,
    VerificationStarted,
)
from sweagent.verify import Proof, Ticker, feedback, verify

_VERDICT_SHARE = 1 / 6
"""The part of an attempt's time, at the most, that is kept for the verification at its end."""

_LEAST_SECONDS = 1.0
"""A verification for which no time is left says what can be said without running anything for long."""

_Submission = tuple[str, Reproduction | None, tuple[str, ...]]
"""What a verdict depends on: the patch, the reproduction and the tests that the policy named."""


class Attempt:
    """From the first prompt to the last verdict; a resumed one goes on at its last event.

    Args:
        context: what it shares with others.
        scope: its name in the log.
        settings: of this attempt.
        started: what it may use.

    Raises:
        UsageError: its policy or a tool cannot be made.
    """

    def __init__(self, context: RunContext, scope: str, settings: Settings, started: AttemptStarted) -> None:
        self.scope = scope
        self.settings = settings
        self._context = context
        self._tools = load_tools(settings.tools, settings.tool_folders)
        self._view = ViewBuilder(settings.model, tools=self._tools.values())
        self._journal = context.log.journal(scope, self._view)
        budget = Budget(started.cost, started.tokens, parent=context.budget, record=self._journal.record)
        budget.start_from(self._journal.state.spending)
        # Made first: what is wrong with it must not wait for the build of an environment.
        self._policy = policy_for(settings, budget, context.waiting)
        if isinstance(self._policy, HumanPolicy):
            self._policy.offer_paths(tracked_paths(context.task.repository))
        self._limits = settings.limits.model_copy(update={"seconds": started.seconds})
        self._past = [event for event in context.log.past if event.scope == scope]
        self._ending = _ending_of(context.log.standing(AttemptEnded, scope))
        self._deadline = 0.0
        self._judged, self._told = self._judged_before()

    @property
    def reproduction(self) -> Reproduction | None:
        """What the policy registered last."""
        return self._journal.state.reproduction

    @property
    def steps(self) -> int:
        """Replies so far."""
        return self._journal.state.step

    @property
    def ending(self) -> Ending | None:
        """How it ended; None as long as it has not."""
        return self._ending

    @property
    def best(self) -> Candidate | None:
        """Its candidate with the best verdict, the latest of equals."""
        return self._context.candidates.best(self.scope)

    def work(self) -> Ending:
        """Let the policy work until it submits what stands or something ends the attempt; what is left is judged.

        Raises:
            RunCutError: the infrastructure failed, or somebody stopped the run.
            SandboxError: no sandbox or environment could be made.
            StorageError: the log cannot be written.
        """
        if self._ending is None:
            with ExitStack() as stack:
                ending = self._conclude(self._work(stack))
            if ending.status.unfinished:
                raise RunCutError(ending)
            self._journal.record(AttemptEnded(status=ending.status, message=ending.message))
            self._ending = ending
        return self._ending

    def _work(self, stack: ExitStack) -> Ending:
        context, state = self._context, self._journal.state
        context.begin()
        self._workplace = context.workplace
        self._sandboxes = stack.enter_context(ExitStack())
        self._open_sandbox()
        if context.loading:
            context.loading.result()
        if any(isinstance(event, PromptWritten) for event in self._past):
            done = sum(len(turn.observations) for turn in state.turns)
            context.note(f"replaying {done} recorded action{'s' * (done != 1)} in a fresh sandbox")
            repeat_actions(self._journal, self._tools, self._tool_context)
        else:
            self._write_prompt()
        agent = Agent(
            policy=self._policy,
            tools=self._tools,
            context=self._tool_context,
            journal=self._journal,
            viewer=self._viewer(),
            limits=self._limits,
            judge=self._judge,
            recover=self._recover,
            stop=context.stop,
            steering=context.steering,
            reserve=self._kept_for_the_verdict,
        )
        self._deadline = time.monotonic() + self._limits.seconds - state.seconds
        try:
            return agent.run()
        except FixIssueError:
            raise
        except Exception:
            # A fault of our own must not cost the work that was done.
            self._take()
            raise

    @property
    def _kept_for_the_verdict(self) -> float:
        """Seconds of its time that the verification at its end may need."""
        verification = self.settings.verify
        return min(verification.seconds, self._limits.seconds * _VERDICT_SHARE) if verification.enabled else 0.0

    def _viewer(self) -> Viewer:
        if not self.settings.model.summaries:
            return self._view
        if not isinstance(self._policy, LitellmPolicy):
            raise UsageError("summaries need a single model", "leave out model.summaries, fallbacks and mixes")
        return SummarisingViewer(self._view, self._policy)

    def _open_sandbox(self) -> None:
        start = time.monotonic()
        self._sandbox: Sandbox = self._sandboxes.enter_context(self._workplace.open())
        self._existing = untracked_files(self._sandbox, self._context.task.repository)
        info = self._sandbox.info
        self._journal.record(
            SandboxStarted(
                kind=info.kind,
                image=info.image,
                seconds=time.monotonic() - start,
                contacts=self._workplace.contacts,
            )
        )
        limits, task = self.settings.sandbox, self._context.task
        self._tool_context = ToolContext(
            sandbox=self._sandbox,
            limits=Limits(characters=limits.output, timeout=limits.timeout, max_timeout=limits.max_timeout),
            test_command=self._workplace.test_command,
            git_dir=self._workplace.git_dir,
            base_commit=task.repository.base_commit,
            issue_text=task.issue.text,
            hints=self.settings.hints,
        )

    def _recover(self) -> None:
        """Replace a lost sandbox by a fresh one in which everything was done again."""
        self._context.note("the sandbox was lost; making a new one")
        self._sandboxes.close()
        before = self._tool_context
        self._open_sandbox()
        repeat_actions(self._journal, self._tools, self._tool_context)
        before.sandbox, before.state = self._tool_context.sandbox, self._tool_context.state
        self._tool_context = before

    def _write_prompt(self) -> None:
        settings, task = self.settings, self._context.task
        instructions = ""
        if getattr(self._policy, "uses_text_format", False):
            instructions = text_format_instructions([tool.schema for tool in self._tools.values()])
        variables = PromptVariables(
            issue=task.issue,
            repository=task.repository.name,
            workdir=self._sandbox.workdir,
            test_command=self._workplace.test_command,
            hints=self._context.hints(),
            context_files=read_context_files(self._sandbox, settings.context_files),
            limits=PromptLimits(
                steps=settings.limits.steps,
                seconds_per_command=settings.sandbox.timeout,
                max_seconds_per_command=settings.sandbox.max_timeout,
                characters=settings.sandbox.output,
            ),
            format_instructions=instructions,
            network=settings.sandbox.network,
            hosts=settings.sandbox.allow_hosts,
        )
        self._journal.record(write_prompt(settings.profile, variables))

    def _take(self) -> Candidate:
        """Take the patch from the work tree as it is now, and keep it."""
        state, candidates = self._journal.state, self._context.candidates
        patch = extract_patch(
            self._sandbox,
            self._context.task.repository,
            existing=self._existing,
            reproduction_paths=state.reproduction.paths if state.reproduction else (),
            allow_tests=self.settings.verify.allow_tests,
            allow_protected=self.settings.verify.allow_protected,
            allow_binaries=self.settings.verify.allow_binaries,
        )
        latest = candidates.latest(self.scope)
        if latest and latest.patch == patch and (latest.proof is None or self._was_judged(latest)):
            # Taken before a kill, or just before this.
            return latest
        candidate = candidates.add(patch, self.scope)
        file, paths = candidates.file(candidate), tuple(item.path for item in patch.kept)
        self._journal.record(PatchTaken(step=state.step, file=file, sha256=patch.sha256, files=paths))
        return candidate

    def _submission(self, candidate: Candidate) -> _Submission:
        state = self._journal.state
        return candidate.patch.sha256, state.reproduction, tuple(state.named_tests)

    def _was_judged(self, candidate: Candidate) -> bool:
        return self._judged is not None and self._judged[0] == self._submission(candidate)

    def _judge(self) -> str | None:
        """Judge a submission; say what the policy can mend, as long as there are rounds left.

        A submission that nothing of the policy's own makes better stands, and costs no round.

        A policy that submits again just what was judged stands by it: the verdict would be the same.
        """
        candidate = self._take()
        if not self.settings.verify.enabled:
            return None
        stands = self._told and self._was_judged(candidate)
        proof = self._verify(candidate)
        if stands or self._journal.state.rounds >= self.settings.verify.rounds:
            return None
        self._told = True
        return feedback(proof) or None

    def _verify(self, candidate: Candidate) -> Proof:
        """Judge a candidate in the time that is left, unless just the same was judged before."""
        context, state = self._context, self._journal.state
        submission = self._submission(candidate)
        if self._judged and self._judged[0] == submission:
            context.candidates.judged(candidate, self._judged[1])
            return self._judged[1]
        left = max(_LEAST_SECONDS, self._deadline - time.monotonic())
        settings = self.settings.verify
        settings = settings.model_copy(update={"seconds": min(settings.seconds, left)})
        self._journal.record(
            VerificationStarted(step=state.step, sha256=candidate.patch.sha256, seconds=settings.seconds)
        )
        start = time.monotonic()
        with nullcontext(context.verifying) if context.verifying else Ticker(context.note) as progress:
            proof = verify(
                context.task,
                candidate.patch,
                sandboxes=lambda: context.open_for_judgement(self._workplace),
                reproduction=state.reproduction,
                named_tests=tuple(state.named_tests),
                test_command=self._workplace.test_command,
                lacks=self._workplace.lacks,
                settings=settings,
                progress=progress,
            ).model_copy(update={"contacts": self._workplace.contacts})
        file = context.candidates.file(context.candidates.judged(candidate, proof))
        self._judged, self._told = (submission, proof), False
        self._journal.record(
            VerdictGiven(
                step=state.step,
                verdict=proof.verdict,
                reason=proof.reason,
                proof_file=file,
                seconds=time.monotonic() - start,
            )
        )
        return proof

    def _conclude(self, ending: Ending) -> Ending:
        """Take and judge what an ending without a submission has left behind."""
        if ending.status is ExitStatus.SUBMITTED:
            return ending
        try:
            candidate = self._take()
            if ending.status.can_be_judged and self.settings.verify.enabled:
                self._verify(candidate)
        except SandboxError as error:
            self._context.note(f"the work tree is out of reach: {error}")
        return ending

    def _judged_before(self) -> tuple[tuple[_Submission, Proof] | None, bool]:
        """What was judged last before a kill, and whether the policy was told of it."""
        found, told = _last_verdict(self._past)
        candidate = self._context.candidates.get(found[0]) if found else None
        if not found or candidate is None or candidate.proof is None:
            return None, False
        return ((candidate.patch.sha256, *found[1:]), candidate.proof), told


def _last_verdict(
    past: Iterable[AnyEvent],
) -> tuple[tuple[int, Reproduction | None, tuple[str, ...]] | None, bool]:
    """The candidate's number, the reproduction and the named tests of the last verdict; whether feedback followed."""
    state, found, told = RunState(), None, False
    for event in past:
        state.apply(event)
        if isinstance(event, VerdictGiven) and event.proof_file:
            number = int(PurePosixPath(event.proof_file).stem)
            found, told = (number, state.reproduction, tuple(state.named_tests)), False
        if isinstance(event, FeedbackGiven) and event.kind == "verifier":
            told = True
    return found, told


def _ending_of(ended: list[AttemptEnded]) -> Ending | None:
    if not ended:
        return None
    overflow = ended[-1].status is ExitStatus.CONTEXT_OVERFLOW
    error = ContextOverflowError(ended[-1].message) if overflow else None
    return Ending(ended[-1].status, ended[-1].message, error)
