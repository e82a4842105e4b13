"""Solve one task from issue to verdict."""

import logging
import re
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, nullcontext
from contextvars import copy_context
from typing import Any

from sweagent import __version__
from sweagent.agent.journal import Journal, Listener
from sweagent.agent.loop import Agent, Ending, Viewer, repeat_actions
from sweagent.agent.prompting import PromptLimits, PromptVariables, read_context_files, write_prompt
from sweagent.agent.steering import Steering
from sweagent.agent.view import ViewBuilder
from sweagent.agent.view_summary import SummarisingViewer
from sweagent.config import Origin, Settings
from sweagent.errors import ExitCode, FixIssueError, RunInterruptedError, SandboxError, StorageError, UsageError
from sweagent.exit_status import ExitStatus
from sweagent.notes import level_of
from sweagent.patch import FileKind, Patch, extract_patch, untracked_files
from sweagent.patch_store import Candidate, Candidates
from sweagent.policy import (
    Budget,
    Countdown,
    HumanPolicy,
    LitellmPolicy,
    Waiting,
    policy_for,
    preload,
    text_format_instructions,
    with_token_limit,
)
from sweagent.policy.base import Policy
from sweagent.repository import tracked_paths
from sweagent.run_folder import Result, RunFolder
from sweagent.run_log import log_to
from sweagent.sandbox.base import Sandbox
from sweagent.sandbox_factory import prepare
from sweagent.stop_token import StopToken
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
    read_events,
    read_first_event,
)
from sweagent.verify import Proof, Ticker, Verdict, VerifyProgress, feedback, verify

HINT_TOKENS = 400
"""How much of the first prompt the localiser's hints may take."""

_SECRET = re.compile(r"key|token|secret|password|credential|header", re.IGNORECASE)

Note = Callable[[str], None]
Verifying = Callable[[VerifyProgress], None]

_LOG = logging.getLogger("sweagent.solve")


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
    verifying: Verifying | None = None,
    steering: Steering | None = None,
    stop: StopToken | None = None,
) -> Result:
    """Resolve one issue and judge the patch.

    Args:
        task: what to resolve.
        settings: of the run; they are recorded.
        folder: where everything is kept; it must not hold a run yet.
        run_id: the run's name, also the label of its sandboxes.
        listeners: receive every event after it was recorded.
        note: receives lines for people about what is being prepared.
        origin: where the settings came from; it is recorded.
        waiting: receives the waits for the model's provider; None writes them as notes.
        verifying: told of every command of a verification; None has them told in words now and then.
        steering: what a person does to the run meanwhile.
        stop: asks the run to end at its next step, as Ctrl-C does.

    Returns:
        How it ended; whatever ended it, the patch so far is kept.

    Raises:
        UsageError: the folder holds a run, or a setting cannot be used.
        SandboxError: no sandbox or environment could be made.
        PolicyError: the policy could not be made.
        StorageError: the folder cannot be written.
    """
    with folder.locked(), log_to(folder.log):
        if folder.trajectory.exists():
            raise UsageError(
                f"{folder.path} holds a run already", "go on with `fix-issue resume`, or choose another folder"
            )
        kept = with_token_limit(settings)
        if kept.limits.tokens != settings.limits.tokens:
            note(f"the price of {settings.model.name} is unknown: the limit is {kept.limits.tokens:,} tokens")
        return _Run(
            task,
            kept,
            folder,
            run_id,
            listeners,
            note,
            origin=origin,
            waiting=waiting,
            verifying=verifying,
            steering=steering,
            stop=stop,
        ).go()


def resume(
    folder: RunFolder,
    *,
    listeners: Iterable[Listener] = (),
    note: Note = lambda text: None,
    waiting: Waiting | None = None,
    verifying: Verifying | None = None,
    steering: Steering | None = None,
    say: str = "",
    stop: StopToken | None = None,
) -> Result:
    """Go on with a run that was killed, stopped, or ended by a limit or by an error of the infrastructure.

    The sandbox is brought back by replaying the recorded actions. A run that is at its end is not run again, unless
    the policy is told something (`say`) that may change it.

    Raises:
        UsageError, SandboxError, PolicyError, StorageError: as for `solve`.
    """
    with folder.locked(), log_to(folder.log):
        past = tuple(read_events(folder.trajectory))
        started = _first(folder, past[0] if past else None)
        last = past[-1]
        if not say and isinstance(last, RunEnded) and last.exit_status.final and folder.result.is_file():
            return Result.model_validate_json(folder.result.read_text(encoding="utf-8"))
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
            verifying=verifying,
            steering=_saying(say, steering),
            stop=stop,
        ).go()


def recorded_settings(folder: RunFolder) -> Settings:
    """The settings that a run was started with.

    Raises:
        UsageError: there is no run.
        StorageError: the log cannot be read.
    """
    return Settings.model_validate(_first(folder, read_first_event(folder.trajectory)).settings)


def _first(folder: RunFolder, event: AnyEvent | None) -> RunStarted:
    if not isinstance(event, RunStarted):
        raise UsageError(f"{folder.trajectory} does not start with a run", "start the run again")
    return event


def _saying(text: str, steering: Steering | None) -> Steering:
    steering = steering or Steering()
    if text:
        steering.say(text)
    return steering


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
        verifying: Verifying | None = None,
        steering: Steering | None = None,
        stop: StopToken | None = None,
    ) -> None:
        self._steering = steering or Steering()
        self._verifying = verifying
        self._stop = stop or StopToken()
        self._waiting = waiting or Countdown(note)
        self._origin = origin or Origin()
        self._task = task
        self._settings = settings
        self._folder = folder
        self._run_id = run_id
        self._listeners = tuple(listeners)
        self._tell = note
        self._past = past
        self._start = time.monotonic()
        self._candidates = Candidates(folder)
        self._budget: Budget | None = None
        self._judged: tuple[tuple[object, ...], Proof] | None = None

    def _note(self, text: str) -> None:
        """Tell people, and the log, what is being done. Any thread may call this."""
        _LOG.log(level_of(text), "%s", text)
        self._tell(text)

    def _prepared(self, text: str) -> None:
        """Tell people what is prepared, and stop between two steps of it when somebody asks for that."""
        self._note(text)
        self._stop.check()

    def go(self) -> Result:
        self._tools = load_tools(self._settings.tools, self._settings.tool_folders)
        with ExitStack() as stack:
            log = stack.enter_context(TrajectoryWriter(self._folder.trajectory))
            self._viewer = ViewBuilder(self._settings.model, tools=self._tools.values())
            self._journal = Journal(log, self._viewer, self._listeners, self._past)
            if not self._past:
                settings = _recorded(self._settings)
                self._journal.record(
                    RunStarted(
                        version=__version__,
                        run_id=self._run_id,
                        task=self._task,
                        settings=settings,
                        origin=self._origin,
                    )
                )
            try:
                ending = self._work(stack)
                ending = self._conclude(ending)
            except RunInterruptedError as error:
                ending = Ending(ExitStatus.INTERRUPTED, str(error), error)
            except StorageError:
                raise
            except FixIssueError as error:
                sandbox = isinstance(error, SandboxError)
                self._end(Ending(ExitStatus.SANDBOX_ERROR if sandbox else ExitStatus.POLICY_ERROR, error.told))
                raise
            except Exception as error:
                _LOG.exception("internal error")
                error.add_note(str(self._folder.log))
                self._end(Ending(ExitStatus.INTERNAL_ERROR, f"{type(error).__name__}: {error}"))
                raise
            return self._end(ending)

    def _work(self, stack: ExitStack) -> Ending:
        """Make everything ready and let the agent work."""
        state = self._journal.state
        limits = self._settings.limits
        budget = self._budget = Budget(limits.cost, limits.tokens)
        if self._past:
            budget.start_from(state.usage, state.cost, self._settings.model.name)
        # Made first: what is wrong with it must not wait for the build of an environment.
        policy = policy_for(self._settings, budget, self._waiting)
        if isinstance(policy, HumanPolicy):
            policy.offer_paths(tracked_paths(self._task.repository))
        pool = stack.enter_context(ThreadPoolExecutor(max_workers=2))
        loading = None if self._settings.policy else pool.submit(preload)
        hints = pool.submit(copy_context().run, self._hints) if self._settings.hints and not self._past else None
        self._workplace = stack.enter_context(prepare(self._task, self._settings, self._run_id, self._prepared))
        self._sandboxes = stack.enter_context(ExitStack())
        self._open_sandbox()
        if loading:
            loading.result()
        if self._past:
            done = sum(len(turn.observations) for turn in state.turns)
            self._note(f"replaying {done} recorded action{'s' * (done != 1)} in a fresh sandbox")
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
            steering=self._steering,
            stop=self._stop,
        )
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
            _LOG.exception("no hints")
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
        candidate, state = self._take(), self._journal.state
        if self._known(candidate):
            return None
        proof = self._verify(candidate)
        if state.rounds >= self._settings.verify.rounds:
            return None
        return feedback(proof) or None

    def _submission(self, candidate: Candidate) -> tuple[object, ...]:
        state = self._journal.state
        return candidate.patch.sha256, state.reproduction, tuple(state.named_tests)

    def _known(self, candidate: Candidate) -> bool:
        """Whether just this was judged last; the patch then has that proof."""
        if self._judged is None or self._judged[0] != self._submission(candidate):
            return False
        self._candidates.judged(candidate, self._judged[1])
        return True

    def _verify(self, candidate: Candidate) -> Proof:
        state = self._journal.state
        with nullcontext(self._verifying) if self._verifying else Ticker(self._note) as progress:
            proof = verify(
                self._task,
                candidate.patch,
                sandboxes=self._open_for_judgement,
                reproduction=state.reproduction,
                named_tests=tuple(state.named_tests),
                test_command=self._workplace.test_command,
                lacks=self._workplace.lacks,
                settings=self._settings.verify,
                progress=progress,
            ).model_copy(update={"contacts": self._workplace.contacts})
        self._judged = self._submission(candidate), proof
        file = self._candidates.file(self._candidates.judged(candidate, proof))
        self._journal.record(VerdictGiven(step=state.step, verdict=proof.verdict, reason=proof.reason, proof_file=file))
        return proof

    def _open_for_judgement(self) -> AbstractContextManager[Sandbox]:
        """Open a sandbox for one command of the verification, which stops between two commands when it is asked to."""
        self._stop.check()
        return self._workplace.open()

    def _conclude(self, ending: Ending) -> Ending:
        """Take and judge what an ending without a submission has left behind."""
        if ending.status is ExitStatus.SUBMITTED:
            return ending
        try:
            candidate = self._take()
            if not self._known(candidate) and ending.status.can_be_judged:
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
            verdict=verdict,
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
            cost=state.cost,
            usage=state.usage,
            spending=tuple(line.model_dump(mode="json") for line in self._budget.lines) if self._budget else (),
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


def _recorded(settings: Settings) -> dict[str, Any]:
    """The settings as they are written to the log: without what may be a secret."""
    data = settings.model_dump(mode="json")
    extra = data["model"]["extra"]
    # What the user has run on this machine is never taken from a log.
    del data["hooks"], data["notify"]
    data["model"]["extra"] = {name: extra[name] for name in extra if not _SECRET.search(name)}
    return data


def _exit_code(ending: Ending, patch: Patch | None, proof: Proof | None) -> int:
    if isinstance(ending.error, RunInterruptedError):
        return ending.error.exit_code
    if not patch and ending.error is not None and ending.status.is_failure:
        return ending.error.exit_code
    if proof is not None:
        return proof.verdict.exit_code
    return ExitCode.UNVERIFIED if patch else ExitCode.NO_PATCH
