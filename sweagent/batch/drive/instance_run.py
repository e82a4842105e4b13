"""Run one instance until it has its one final result."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sweagent.atomic_write import write_atomically
from sweagent.batch.data.instances import Instance
from sweagent.batch.data.tasks import make_task
from sweagent.batch.drive.instance_folder import STATE, InstanceFolder, State
from sweagent.batch.drive.mirror import listeners, send_log
from sweagent.batch.drive.official_images import Held, Images
from sweagent.batch.drive.outcomes import InstanceResult
from sweagent.batch.drive.portable_log import Home
from sweagent.batch.drive.user_code import UserCode
from sweagent.batch.nodes.service import LeftError, Link
from sweagent.config import LimitSettings, Settings
from sweagent.errors import (
    EnvironmentBuildError,
    FixIssueError,
    RunInterruptedError,
    StorageError,
    UnknownRepositoryError,
    UsageError,
    please_report,
)
from sweagent.exit_status import ExitStatus
from sweagent.notes import FailureNote
from sweagent.printable import one_line
from sweagent.project_file import origin_in_batch
from sweagent.run_folder import Result, new_run_id
from sweagent.sandbox.engine import as_engine_failure
from sweagent.solve import resume, solve
from sweagent.task import Task

_LOG = logging.getLogger("sweagent.batch")

MAX_STARTS = 12
"""Starts of one instance over all batches that were killed; one that kills its batch must not do so for ever."""

MAX_RESUMES = 3
"""How often one run is resumed before the instance is started afresh."""


@dataclass(frozen=True)
class BatchContext:
    """What the instances of a batch share at one node.

    Attributes:
        settings: of each run; they name a kind of sandbox, not `auto`.
        images: hands out the official images.
        code: where the user's own files are that the settings name.
        retries: how often failures of the infrastructure are retried.
        pause: seconds before the first retry; doubled each time, at most a minute.
        recover: waits until the infrastructure is there again, after a failure.
        repositories: a folder with local clones.
        files: the user's files that the settings were read from.
    """

    settings: Settings
    images: Images
    code: UserCode = field(default_factory=UserCode)
    retries: int = 3
    pause: float = 2.0
    recover: Callable[[FixIssueError | OSError], None] = lambda error: None
    repositories: Path | None = None
    files: tuple[str, ...] = ()
    ended: set[str] = field(default_factory=set)
    """Ids of runs that nobody works on any more; what still bears them was left behind."""


class InstanceRun:
    """Brings one instance to its result.

    Args:
        instance: what to solve.
        around: what it shares with the others.
        link: its folder, and its way to the driver.
        forgiven: it has ended before as the infrastructure failed it; it gets as many new chances as one that was
            never tried.
    """

    def __init__(self, instance: Instance, around: BatchContext, link: Link, *, forgiven: bool = False) -> None:
        self._instance = instance
        self._around = around
        self._link = link
        self._folder = InstanceFolder(link.folder)
        self._forgiven = forgiven
        self._state = State()
        self._seconds = 0.0
        self._held = Held(name=None)

    def run(self) -> InstanceResult:
        """Run the instance until it has a result.

        Raises:
            LeftError: the batch was stopped; what was done is kept and is gone on with later.
            StorageError: its folder cannot be written.
        """
        self._state = self._folder.read_state()
        if self._forgiven:
            self._state = self._state.model_copy(update={"starts": 0})
        return self._until_final()

    def _until_final(self) -> InstanceResult:
        retries = 0
        while True:
            self._check_stopped()
            finished = self._folder.finished(self._state.runs)
            if finished is not None:
                return self._final(finished)
            if self._state.starts >= MAX_STARTS:
                return self._failed(f"started {self._state.starts} times and never came to an end")
            if not self._again and self._limits() is None:
                return self._used_up()
            error = self._start()
            if error is None:
                continue
            if isinstance(error, UsageError | UnknownRepositoryError):
                return self._failed(error.with_hint, ExitStatus.USAGE)
            self._fault(error)
            if retries >= self._most_retries(error):
                return self._failed(error.with_hint if isinstance(error, FixIssueError) else str(error))
            retries += 1
            self._around.recover(error)
            self._link.stop.wait(min(60.0, self._around.pause * 2 ** (retries - 1)))

    def _most_retries(self, error: FixIssueError | OSError) -> int:
        # A build has tried what there is to try; what remains is that the network failed it.
        return min(1, self._around.retries) if isinstance(error, EnvironmentBuildError) else self._around.retries

    def _start(self) -> FixIssueError | OSError | None:
        """Start or resume the run once; what the infrastructure did wrong, if anything."""
        begin = time.monotonic()
        try:
            with self._held_image() as held:
                self._held = held
                result = self._solve_or_resume(held)
        except RunInterruptedError:
            raise LeftError from None
        except FixIssueError as error:
            return error
        except Exception as error:
            return self._told(error)
        finally:
            self._seconds += time.monotonic() - begin
        if result.exit_status is ExitStatus.INTERRUPTED:
            raise LeftError
        if self._folder.never_asked(result, self._state.runs):
            return UsageError(result.message, "give a limit that can be kept")
        if self._folder.finished(self._state.runs) is None:
            return FixIssueError(f"{result.exit_status}: {result.message}")
        return None

    def _told(self, error: Exception) -> FixIssueError | OSError:
        """An error of somebody else as one that can be waited out: of the engine, of the disk, or of this program."""
        failure = as_engine_failure(error)
        if failure is not None:
            return failure
        if isinstance(error, OSError):
            return error
        _LOG.error("internal error in %s", self._instance.instance_id, exc_info=error)
        said = f"internal error: {type(error).__name__}: {error}"
        return FixIssueError(said, please_report("the end of the batch's log"))

    @contextmanager
    def _held_image(self) -> Iterator[Held]:
        settings = self._around.settings.sandbox
        if settings.image or settings.kind != "docker":
            yield Held(name=None)
            return
        with self._around.images.hold(self._instance) as held:
            yield held

    @property
    def _again(self) -> bool:
        """Whether the latest run is gone on with."""
        latest = self._state.runs
        return latest > 0 and self._state.resumes < MAX_RESUMES and self._folder.resumable(latest)

    def _limits(self) -> LimitSettings | None:
        """What the instance's runs so far have left of its limits for a fresh one; None when that is nothing."""
        limits, spent = self._around.settings.limits, self._folder.spent(self._state.runs)
        cost = None if limits.cost is None else limits.cost - spent.dollars
        tokens = None if limits.tokens is None else limits.tokens - spent.tokens
        if (cost is not None and cost <= 0) or (tokens is not None and tokens <= 0):
            return None
        return limits.model_copy(update={"cost": cost, "tokens": tokens})

    def _solve_or_resume(self, held: Held) -> Result:
        latest, again, limits = self._state.runs, self._again, self._limits()
        changes = {"resumes": self._state.resumes + 1} if again else {"resumes": 0, "runs": self._state.runs + 1}
        self._keep(self._state.model_copy(update={"starts": self._state.starts + 1, **changes}))
        stop, folder = self._link.stop, self._folder.run(self._state.runs)
        following = listeners(folder, self._link)
        run_id = self._folder.run_id(latest) if again else new_run_id(self._instance.instance_id)
        self._around.ended.discard(run_id)
        try:
            if again:
                self._link.note("going on with the run that was not finished")
                if not self._folder.at_home(latest):
                    self._settle_here(self._task(held))
                return resume(folder, listeners=following, note=self._link.note, stop=stop)
            task = self._task(held)
            origin = origin_in_batch(task.repository, self._around.files)
            for line in origin.lines()[len(origin.files) :]:
                self._link.note(line)
            settings = self._around.settings.model_copy(update={"limits": limits})
            return solve(
                task,
                settings,
                folder,
                run_id=run_id,
                listeners=following,
                note=self._link.note,
                origin=origin,
                stop=stop,
            )
        finally:
            self._around.ended.add(run_id)
            send_log(folder, self._link)

    def _task(self, held: Held) -> Task:
        return make_task(self._instance, image=held.name, repositories=self._around.repositories)

    def _settle_here(self, task: Task) -> None:
        """A log that came from another machine names this one's paths from now on."""
        log = self._folder.run(self._state.runs).trajectory
        first, newline, rest = log.read_bytes().partition(b"\n")
        home = Home(self._around.code, task.repository, self._around.files)
        write_atomically(log, home.line(first.decode()).encode("utf-8", "surrogateescape") + newline + rest)

    def _final(self, result: Result) -> InstanceResult:
        return self._result(
            exit_status=result.exit_status,
            message=result.message,
            verdict=result.verdict,
            patch=self._folder.patch(self._state.runs),
            steps=result.steps,
            prompt=result.prompt,
            seconds=max(self._seconds, result.seconds),
        )

    def _failed(self, message: str, status: ExitStatus = ExitStatus.INFRASTRUCTURE) -> InstanceResult:
        return self._result(exit_status=status, message=message, seconds=self._seconds)

    def _used_up(self) -> InstanceResult:
        """The result of an instance whose runs were all cut short and have spent its limit together."""
        return self._result(
            exit_status=ExitStatus.BUDGET_LIMIT,
            message=f"{self._state.runs} runs that did not come to an end have used up the limit of the instance",
            patch=self._folder.patch(self._state.runs),
            seconds=self._seconds,
        )

    def _result(self, **values: Any) -> InstanceResult:
        spent = self._folder.spent(self._state.runs)
        return InstanceResult(
            cost=spent.cost,
            usage=spent.usage,
            instance_id=self._instance.instance_id,
            repo=self._instance.repo,
            model=self._around.settings.model.name or self._around.settings.policy,
            starts=self._state.starts,
            faults=self._state.faults,
            image=self._held.name or "",
            image_bytes=self._held.bytes,
            folder_bytes=self._folder.size(),
            contacts=self._folder.contacts(self._state.runs),
            ended=datetime.now(UTC),
            **values,
        )

    def _fault(self, error: FixIssueError | OSError) -> None:
        line = one_line(f"{type(error).__name__}: {error}", 300)
        self._link.note(FailureNote(f"failed: {line}"))
        # A disk that is full refuses this too; the fault is then only told.
        with suppress(StorageError):
            self._keep(self._state.model_copy(update={"faults": (*self._state.faults, line)[-20:]}))

    def _check_stopped(self) -> None:
        if self._link.stop.asked:
            raise LeftError

    def _keep(self, state: State) -> None:
        self._state = state
        self._folder.keep(state)
        self._link.write(STATE, state.model_dump_json())
