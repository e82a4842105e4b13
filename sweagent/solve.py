"""Solve one task from issue to verdict."""

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial

from sweagent import __version__
from sweagent.agent.journal import Listener
from sweagent.agent.loop import Ending
from sweagent.agent.steering import Steering
from sweagent.attempt_events import chosen_scope, events_of
from sweagent.config import Origin, Settings
from sweagent.errors import FixIssueError, RunInterruptedError, SandboxError, StorageError, UsageError
from sweagent.exit_status import ExitStatus
from sweagent.notes import level_of
from sweagent.patch_store import Candidate, Candidates
from sweagent.policy import Countdown, Waiting, with_token_limit
from sweagent.run import Choice, Evidence, Run
from sweagent.run.context import RunContext
from sweagent.run.errors import RunCutError, StrategyChangedError
from sweagent.run.lost_time import SignOfLife, last_sign, lost_time
from sweagent.run.record import RunLog
from sweagent.run.result import write_result
from sweagent.run.second_look import SecondLook
from sweagent.run.strategy import Strategy, load_strategy
from sweagent.run_folder import Result, RunFolder
from sweagent.run_log import log_to
from sweagent.settings_record import without_secrets
from sweagent.stop_token import StopToken
from sweagent.task import Task
from sweagent.trajectory import (
    AnyEvent,
    AttemptStarted,
    CandidateChosen,
    FeedbackGiven,
    ReplyReceived,
    RunEnded,
    RunStarted,
)
from sweagent.trajectory_file import TrajectoryWriter, read_events, read_first_event
from sweagent.verdict import Verdict
from sweagent.verify import VerifyProgress

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
                f"{folder.path} contains a run already", "go on with `fix-issue resume`, or choose another folder"
            )
        kept = with_token_limit(settings)
        if kept.limits.tokens != settings.limits.tokens:
            note(f"the price of {settings.model.name} is unknown: the limit is {kept.limits.tokens:,} tokens")
        return _Solving(
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

    The sandbox is brought back by doing again what the log says was done. A run that is at its end is not run again,
    unless there is something to say to it.

    Args:
        folder: of the run.
        listeners: receive every event after it was recorded.
        note: receives lines for people about what is being prepared.
        waiting: receives the waits for the model's provider.
        verifying: receives the progress of verifications; None writes it as notes.
        steering: what a person does to the run meanwhile.
        stop: asks the run to end at its next step.
        say: a word for the attempt that was chosen, or that is at work; it opens another round.

    Raises:
        UsageError, SandboxError, PolicyError, StorageError: as for `solve`.
    """
    with folder.locked(), log_to(folder.log):
        past = tuple(read_events(folder.trajectory))
        started = _first(folder, past[0] if past else None)
        last = past[-1]
        if not say and isinstance(last, RunEnded) and last.exit_status.final and folder.result.is_file():
            return Result.model_validate_json(folder.result.read_text(encoding="utf-8"))
        listeners = tuple(listeners)
        if not started.task.repository.git_dir:
            raise UsageError(
                f"the run in {folder.path} was made on another machine", "go on with it by the command of its batch"
            )
        settings = Settings.model_validate(started.settings)
        more: list[AnyEvent] = [*lost_time(past, last_sign(folder.alive), settings)]
        more += [_word(past, say)] if say else []
        with TrajectoryWriter(folder.trajectory) as log:
            for event in more:
                log.append(event)
                for listener in listeners:
                    listener(event)
        past = (*past, *more)
        return _Solving(
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
            steering=steering,
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


def _word(past: tuple[AnyEvent, ...], text: str) -> FeedbackGiven:
    """A user's word to the attempt that it is for: the chosen one, or the one at work."""
    ended = any(isinstance(event, CandidateChosen) and not event.scope for event in past)
    begun = {event.scope for event in past if isinstance(event, AttemptStarted)} or {""}
    at_work = next((event.scope for event in reversed(past) if event.scope in begun), "")
    scope = chosen_scope(past) if ended else at_work
    if scope not in begun:
        raise UsageError(
            "the chosen candidate was composed without an attempt, so nobody is there to be spoken to",
            "run the issue again with the word in it",
        )
    step = sum(isinstance(event, ReplyReceived) for event in events_of(list(past), scope))
    return FeedbackGiven(scope=scope, step=step, kind="user", text=f"The user says: {text}")


class _Solving:
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
        self._run: Run | None = None
        self._choice: Choice | None = None

    def _note(self, text: str) -> None:
        """Tell people, and the log, what is being done. Any thread may call this."""
        _LOG.log(level_of(text), "%s", text)
        self._tell(text)

    def go(self) -> Result:
        strategy = load_strategy(self._settings.strategy)
        if self._past and isinstance(self._past[0], RunStarted) and self._past[0].strategy_digest != strategy.digest:
            raise StrategyChangedError(f"the file of {strategy.name} is another one now")
        with ExitStack() as stack:
            writer = stack.enter_context(TrajectoryWriter(self._folder.trajectory))
            stack.enter_context(SignOfLife(self._folder.alive))
            self._log = RunLog(writer, self._listeners, self._past)
            if not self._past:
                self._log.record(
                    RunStarted(
                        version=__version__,
                        run_id=self._run_id,
                        task=self._task,
                        settings=without_secrets(self._settings),
                        origin=self._origin,
                        strategy_digest=strategy.digest,
                    )
                )
            self._candidates = Candidates(self._folder)
            try:
                ending = self._work(strategy, stack)
            except RunCutError as error:
                ending = error.ending
            except RunInterruptedError as error:
                ending = Ending(ExitStatus.INTERRUPTED, str(error), error)
            except StorageError:
                raise
            except FixIssueError as error:
                sandbox = isinstance(error, SandboxError)
                self._end(Ending(ExitStatus.SANDBOX_ERROR if sandbox else ExitStatus.POLICY_ERROR, error.with_hint))
                raise
            except Exception as error:
                _LOG.exception("internal error")
                error.add_note(str(self._folder.log))
                self._end(Ending(ExitStatus.INTERNAL_ERROR, f"{type(error).__name__}: {error}"))
                raise
            return self._end(ending)

    def _work(self, strategy: Strategy, stack: ExitStack) -> Ending:
        """Run the strategy; the ending of the attempt whose candidate it chose."""
        context = RunContext(
            self._task,
            self._settings,
            self._candidates,
            self._run_id,
            self._log,
            stack,
            self._note,
            self._waiting,
            self._stop,
            self._verifying,
            self._steering,
        )
        self._run = Run(context, advice=SecondLook)
        self._run.check_settings()
        if self._settings.memory:
            self._run.recall()
        self._choice = strategy.run(self._run)
        self._hear(self._run)
        if self._settings.memory:
            self._run.remember()
        attempts, candidate = self._run.attempts, self._choice.candidate
        chosen = next((item for item in attempts if candidate and item.scope == candidate.attempt), None)
        if candidate and not chosen:
            return Ending(ExitStatus.SUBMITTED)
        ended = (chosen or attempts[-1]).ending if attempts else None
        if ended and ended.status is ExitStatus.PAUSED:
            return Ending(ExitStatus.SUBMITTED, "its strategy delivered what a paused attempt had")
        return ended or Ending(ExitStatus.SUBMITTED, "no attempt came to an end")

    def _hear(self, run: Run) -> None:
        """Let attempts that were spoken to after their end work on; the last of them has the last word."""
        for attempt in run.attempts:
            while attempt.unheard:
                attempt.work()
                best = attempt.best
                self._choice = run.choose(partial(_after_a_word, best), run.evidence)

    def _end(self, ending: Ending) -> Result:
        """Write the result: what was chosen; of a run that was cut, the best candidate, the latest of equals."""
        result = write_result(
            self._folder,
            ending,
            self._log,
            run_id=self._run_id,
            settings=self._settings,
            origin=self._origin,
            run=self._run,
            choice=self._choice,
            candidates=self._candidates,
            started=self._start,
        )
        self._log.record(
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


def _after_a_word(best: Candidate | None, _: Evidence) -> Choice:
    verdict = best.verdict if best else Verdict.NO_PATCH
    return Choice(selector="the user's word", candidate=best, reason=f"it was spoken to; its verdict is {verdict}")
