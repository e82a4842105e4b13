"""Solve one task from issue to verdict."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

from sweagent import __version__
from sweagent.agent.journal import Journal, Listener
from sweagent.agent.loop import Agent, Ending, Viewer, repeat_actions
from sweagent.agent.prompting import PromptLimits, PromptVariables, read_context_files, write_prompt
from sweagent.agent.view import ViewBuilder
from sweagent.agent.view_summary import SummarisingViewer
from sweagent.config import Origin, Settings
from sweagent.errors import ExitCode, FixIssueError, RunInterruptedError, SandboxError, StorageError, UsageError
from sweagent.patch import FileKind, Patch, extract_patch, untracked_files
from sweagent.patch_store import Candidate, Candidates
from sweagent.policy import (
    Budget,
    Countdown,
    LitellmPolicy,
    Waiting,
    policy_for,
    preload,
    text_format_instructions,
    with_token_limit,
)
from sweagent.policy.base import Policy
from sweagent.run_folder import Result, RunFolder
from sweagent.sandbox.base import Sandbox
from sweagent.sandbox_factory import prepare
from sweagent.settings_record import without_secrets
from sweagent.task import Task
from sweagent.tool_api import Limits, ToolContext, load_tools
from sweagent.trajectory import (
    AnyEvent,
    PatchTaken,
    RunEnded,
    RunStarted,
    SandboxStarted,
    TrajectoryWriter,
    VerdictGiven,
    VerificationStarted,
    read_events,
)
from sweagent.verify import Proof, Ticker, Verdict, feedback, verify

HINT_TOKENS = 400
"""How much of the first prompt the localiser's hints may take."""

_VERDICT_SHARE = 1 / 6
"""The part of a run's time, at the most, that is kept for the verification at its end."""

_LEAST_SECONDS = 1.0
"""A verification for which no time is left says what can be said without running anything for long."""

_FINAL = frozenset({"submitted", "malformed_replies", "stuck"})
"""Endings after which going on with the same settings would not help."""

_FAILURES = frozenset({"policy_error", "sandbox_error", "context_overflow"})

Note = Callable[[str], None]


def solve(
    task: Task,
    settings: Settings,
    folder: RunFolder,
    *,
    run_id: str,
    listeners: Iterable[Listener] = (),
    note: Note = lambda text: None,
    origin: Origin | None = None,
    waiting: Waiting | None = None,
) -> Result:
    """Resolve one issue and judge the patch.

    Args:
        task: what to resolve.
        settings: of the run; they are recorded.
        folder: where everything is kept; it must not hold a run yet.
        run_id: the run's name, also the label of its sandboxes.
        listeners: told every event after it was recorded.
        note: told in words what is being prepared.
        origin: where the settings came from; it is recorded.
        waiting: told of waits for the model's provider; None has them told in words.

    Returns:
        How it ended; whatever ended it, the patch so far is kept.

    Raises:
        UsageError: the folder holds a run, or a setting cannot be used.
        SandboxError: no sandbox or environment could be made.
        PolicyError: the policy could not be made.
        StorageError: the folder cannot be written.
    """
    with folder.locked():
        if folder.trajectory.exists():
            raise UsageError(
                f"{folder.path} holds a run already", "go on with `fix-issue resume`, or choose another folder"
            )
        kept = with_token_limit(settings)
        if kept.limits.tokens != settings.limits.tokens:
            note(f"the price of {settings.model.name} is unknown: the limit is {kept.limits.tokens:,} tokens")
        return _Run(task, kept, folder, run_id, listeners, note, origin=origin, waiting=waiting).go()


def resume(
    folder: RunFolder,
    *,
    listeners: Iterable[Listener] = (),
    note: Note = lambda text: None,
    waiting: Waiting | None = None,
) -> Result:
    """Go on with a run that was killed, stopped, or ended by a limit or by an error of the infrastructure.

    The sandbox is brought back by doing again what the log says was done. A run that is at its end is not run again.

    Raises:
        UsageError, SandboxError, PolicyError, StorageError: as for `solve`.
    """
    with folder.locked():
        past = tuple(read_events(folder.trajectory))
        if not past or not isinstance(past[0], RunStarted):
            raise UsageError(f"{folder.trajectory} does not start with a run", "start the run again")
        last = past[-1]
        if isinstance(last, RunEnded) and last.exit_status in _FINAL and folder.result.is_file():
            return Result.model_validate_json(folder.result.read_text(encoding="utf-8"))
        started = past[0]
        settings = Settings.model_validate(started.settings)
        return _Run(
            started.task,
            settings,
            folder,
            started.run_id,
            listeners,
            note,
            past,
            origin=started.origin,
            waiting=waiting,
        ).go()


class _Run:
    """A run from its first event to its result."""

    def __init__(
        self,
        task: Task,
        settings: Settings,
        folder: RunFolder,
        run_id: str,
        listeners: Iterable[Listener],
        note: Note,
        past: tuple[AnyEvent, ...] = (),
        *,
        origin: Origin | None = None,
        waiting: Waiting | None = None,
    ) -> None:
        self._waiting = waiting or Countdown(note)
        self._origin = origin or Origin()
        self._task = task
        self._settings = settings
        self._folder = folder
        self._run_id = run_id
        self._listeners = tuple(listeners)
        self._note = note
        self._past = past
        self._start = time.monotonic()
        self._candidates = Candidates(folder)
        self._deadline: float | None = None
        self._judged: tuple[tuple[object, ...], Proof] | None = None

    def go(self) -> Result:
        with ExitStack() as stack:
            log = stack.enter_context(TrajectoryWriter(self._folder.trajectory))
            self._viewer = ViewBuilder(self._settings.model)
            self._journal = Journal(log, self._viewer, self._listeners, self._past)
            if not self._past:
                self._journal.record(
                    RunStarted(
                        version=__version__,
                        run_id=self._run_id,
                        task=self._task,
                        settings=without_secrets(self._settings),
                        origin=self._origin,
                    )
                )
            try:
                ending = self._work(stack)
                ending = self._conclude(ending)
            except RunInterruptedError as error:
                ending = Ending("interrupted", str(error), error)
            except StorageError:
                raise
            except FixIssueError as error:
                self._end(Ending("sandbox_error" if isinstance(error, SandboxError) else "policy_error", error.told))
                raise
            except Exception as error:
                self._end(Ending("internal_error", f"{type(error).__name__}: {error}"))
                raise
            return self._end(ending)

    def _work(self, stack: ExitStack) -> Ending:
        """Make everything ready and let the agent work."""
        state = self._journal.state
        limits = self._settings.limits
        budget = Budget(limits.cost, limits.tokens, record=self._journal.record)
        budget.start_from(state.spending)
        # Made first: what is wrong with it must not wait for the build of an environment.
        policy = policy_for(self._settings, budget, self._waiting)
        self._tools = load_tools(self._settings.tools, self._settings.tool_folders)
        pool = stack.enter_context(ThreadPoolExecutor(max_workers=2))
        loading = None if self._settings.policy else pool.submit(preload)
        hints = pool.submit(self._hints) if self._settings.hints and not self._past else None
        self._workplace = stack.enter_context(
            prepare(self._task, self._settings, self._run_id, self._note, budget=budget)
        )
        self._sandboxes = stack.enter_context(ExitStack())
        self._open_sandbox()
        if loading:
            loading.result()
        if self._past:
            self._note("replaying the recorded actions in a fresh sandbox")
            repeat_actions(self._journal, self._tools, self._context)
        else:
            self._write_prompt(policy, hints)
        agent = Agent(
            policy=policy,
            tools=self._tools,
            context=self._context,
            journal=self._journal,
            viewer=self._summarising(policy) if self._settings.model.summaries else self._viewer,
            limits=limits,
            judge=self._judge,
            recover=self._recover,
            reserve=_kept_for_the_verdict(self._settings),
        )
        self._deadline = time.monotonic() + limits.seconds - state.seconds
        try:
            return agent.run()
        except FixIssueError:
            raise
        except Exception:
            # A fault of our own must not cost the work that was done.
            self._take()
            raise

    def _summarising(self, policy: Policy) -> Viewer:
        if not isinstance(policy, LitellmPolicy):
            raise UsageError("summaries need a single model", "leave out model.summaries, fallbacks and mixes")
        return SummarisingViewer(self._viewer, policy)

    def _open_sandbox(self) -> None:
        start = time.monotonic()
        self._sandbox: Sandbox = self._sandboxes.enter_context(self._workplace.open())
        self._existing = untracked_files(self._sandbox, self._task.repository)
        info = self._sandbox.info
        self._journal.record(
            SandboxStarted(
                kind=info.kind,
                image=info.image,
                seconds=time.monotonic() - start,
                contacts=self._workplace.contacts,
            )
        )
        limits = self._settings.sandbox
        self._context = ToolContext(
            sandbox=self._sandbox,
            limits=Limits(characters=limits.output, timeout=limits.timeout, max_timeout=limits.max_timeout),
            test_command=self._workplace.test_command,
            git_dir=self._workplace.git_dir,
            base_commit=self._task.repository.base_commit,
            issue_text=self._task.issue.text,
            hints=self._settings.hints,
        )

    def _recover(self) -> None:
        """Replace a lost sandbox by a fresh one in which everything was done again."""
        self._note("the sandbox was lost; making a new one")
        self._sandboxes.close()
        before = self._context
        self._open_sandbox()
        repeat_actions(self._journal, self._tools, self._context)
        before.sandbox, before.state = self._context.sandbox, self._context.state
        self._context = before

    def _hints(self) -> str:
        from sweagent.code import hints, locate, open_index

        repository = self._task.repository
        try:
            index = open_index(repository.git_dir, repository.base_commit)
            return hints(locate(index, self._task.issue.text), HINT_TOKENS)
        except Exception as error:
            # The policy can do without them: a fault here must not cost the run.
            self._note(f"no hints: {type(error).__name__}: {error}")
            return ""

    def _write_prompt(self, policy: Policy, hints: "Future[str] | None") -> None:
        settings = self._settings
        instructions = ""
        if getattr(policy, "uses_text_format", False):
            instructions = text_format_instructions([tool.schema for tool in self._tools.values()])
        variables = PromptVariables(
            issue=self._task.issue,
            repository=self._task.repository.name,
            workdir=self._sandbox.workdir,
            test_command=self._workplace.test_command,
            hints=hints.result() if hints else "",
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
        state = self._journal.state
        patch = extract_patch(
            self._sandbox,
            self._task.repository,
            existing=self._existing,
            reproduction_paths=state.reproduction.paths if state.reproduction else (),
            allow_tests=self._settings.verify.allow_tests,
            allow_protected=self._settings.verify.allow_protected,
            allow_binaries=self._settings.verify.allow_binaries,
        )
        candidate = self._candidates.add(patch)
        file, paths = self._candidates.file(candidate), tuple(item.path for item in patch.kept)
        self._journal.record(PatchTaken(step=state.step, file=file, sha256=patch.sha256, files=paths))
        return candidate

    def _judge(self) -> str | None:
        """Judge a submission; say what the policy can mend, as long as there are rounds left.

        A submission that nothing of the policy's own makes better stands, and costs no round.

        A policy that submits again just what was judged stands by it: the verdict would be the same.
        """
        proof = self._verify(self._take())
        if proof is None or self._journal.state.rounds >= self._settings.verify.rounds:
            return None
        return feedback(proof) or None

    def _verify(self, candidate: Candidate) -> Proof | None:
        """Judge a candidate in the time that is left; None when just the same was judged before."""
        state = self._journal.state
        submission = (candidate.patch.sha256, state.reproduction, tuple(state.named_tests))
        if self._judged and self._judged[0] == submission:
            self._candidates.judged(candidate, self._judged[1])
            return None
        settings = self._settings.verify
        if self._deadline is not None:
            left = max(_LEAST_SECONDS, self._deadline - time.monotonic())
            settings = settings.model_copy(update={"seconds": min(settings.seconds, left)})
        self._journal.record(
            VerificationStarted(step=state.step, sha256=candidate.patch.sha256, seconds=settings.seconds)
        )
        start = time.monotonic()
        with Ticker(self._note) as progress:
            proof = verify(
                self._task,
                candidate.patch,
                sandboxes=self._workplace.open,
                reproduction=state.reproduction,
                named_tests=tuple(state.named_tests),
                test_command=self._workplace.test_command,
                lacks=self._workplace.lacks,
                settings=settings,
                progress=progress,
            ).model_copy(update={"contacts": self._workplace.contacts})
        file = self._candidates.file(self._candidates.judged(candidate, proof))
        self._judged = submission, proof
        self._journal.record(
            VerdictGiven(
                step=state.step,
                verdict=proof.verdict.value,
                reason=proof.reason,
                proof_file=file,
                seconds=time.monotonic() - start,
            )
        )
        return proof

    def _conclude(self, ending: Ending) -> Ending:
        """Take and judge what an ending without a submission has left behind."""
        if ending.status == "submitted":
            return ending
        try:
            candidate = self._take()
            if ending.status not in ("interrupted", "sandbox_error"):
                self._verify(candidate)
        except SandboxError as error:
            self._note(f"the work tree is out of reach: {error}")
        return ending

    def _end(self, ending: Ending) -> Result:
        """Choose the best candidate, the latest of equals, and write the result."""
        state = self._journal.state
        best = self._candidates.best()
        patch, proof = (best.patch, best.proof) if best else (None, None)
        if patch:
            self._folder.write(self._folder.patch, patch.text)
        if patch is not None and patch.withheld:
            self._folder.write(self._folder.withheld, patch.withheld)
        if proof:
            self._folder.write(self._folder.proof, proof.model_dump_json(indent=2))
        verdict = best.verdict if best else Verdict.NO_PATCH
        result = Result(
            run_id=self._run_id,
            folder=str(self._folder.path),
            exit_status=ending.status,
            message=ending.message,
            verdict=verdict.value,
            reason=proof.reason if proof else ending.message,
            exit_code=_exit_code(ending, patch, proof),
            patch_file=str(self._folder.patch) if patch else None,
            proof_file=str(self._folder.proof) if proof else None,
            withheld_file=str(self._folder.withheld) if patch is not None and patch.withheld else None,
            files=tuple(item.path for item in patch.kept) if patch else (),
            left_out={
                item.path: item.reason
                for item in (patch.dropped if patch is not None else ())
                if item.kind is not FileKind.CACHE
            },
            model=self._settings.model.name,
            cost=state.spending.cost,
            usage=state.spending.usage,
            spending=tuple(line.model_dump(mode="json") for line in state.spending.lines),
            steps=state.step,
            seconds=time.monotonic() - self._start,
            origin=self._origin,
        )
        self._folder.write(self._folder.result, result.model_dump_json(indent=2))
        self._journal.record(
            RunEnded(
                exit_status=ending.status,
                message=ending.message,
                cost=result.cost,
                usage=result.usage,
                steps=result.steps,
                seconds=result.seconds,
            )
        )
        return result


def _kept_for_the_verdict(settings: Settings) -> float:
    """Seconds of a run's limit that the agent does not get, so that what it leaves behind can be judged."""
    return min(settings.verify.seconds, settings.limits.seconds * _VERDICT_SHARE)


def _exit_code(ending: Ending, patch: Patch | None, proof: Proof | None) -> int:
    if isinstance(ending.error, RunInterruptedError):
        return ending.error.exit_code
    if not patch and ending.error is not None and ending.status in _FAILURES:
        return ending.error.exit_code
    if proof is not None:
        return proof.verdict.exit_code
    return ExitCode.UNVERIFIED if patch else ExitCode.NO_PATCH
