"""Runs commands on one side of the comparison, every one of them in a fresh sandbox."""

import secrets
import shlex
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace

from sweagent.errors import SandboxError
from sweagent.sandbox.base import Completed, Sandbox, SandboxInfo
from sweagent.testing import Runner, TestOutcome, TestReport, TestResult, parse
from sweagent.verify.canary import Canary
from sweagent.verify.monitors.import_origins import Stray, strays
from sweagent.verify.proof import CommandRun, Side
from sweagent.verify.scripts import loaded_modules
from sweagent.verify.tree import FileChange, Trees
from sweagent.verify.witness import WITNESS, WITNESSED, Testimony, Witness, read_testimony

SandboxOpener = Callable[[], AbstractContextManager[Sandbox]]
Clock = Callable[[], float]

_OUTPUT_LIMIT = 8_000_000
_REPORT_LIMIT = 64_000_000
_SHOWN = 4_000
# A fixed seed makes two verifications of one patch see the same order of sets; no byte code means no stale byte code.
_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    "CI": "true",
    "NO_COLOR": "1",
}

_STEADY = ("PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE")
"""Those on which results depend; the others only tell that nobody looks on."""


@dataclass(frozen=True)
class SideTree:
    """What one side changes in the base tree."""

    name: Side
    archive: bytes = b""
    deleted: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, name: Side, trees: Trees, changes: tuple[FileChange, ...]) -> "SideTree":
        """The side that differs from the base by these changes."""
        deleted = tuple(change.path for change in changes if change.new is None)
        return cls(name, trees.archive(changes) if changes else b"", deleted)


@dataclass(frozen=True)
class Job:
    """A command to run, and what has to be there for it.

    Attributes:
        purpose: for the record, such as `reproduction`.
        command: a shell command, from the repository's root; `{folder}` stands for a folder whose name nobody can
            guess, where the run's own files go, and `-p {witness}` for the option of pytest that loads the witness.
        timeout: seconds.
        files: contents by path, put over the side's tree.
        runner: the test runner whose report is to be read; None for a plain command.
        report: the report's file name in that folder; empty when the runner has none.
        canary: a test that must fail; it is planted and looked for.
        env: further variables, filled in likewise.
        record: the name of a file in that folder that the run leaves when it ends as it should.
        unseen: the code under test is not to see that a test runner is loaded.
        shown: the command for the record, without what is there for the harness's sake; empty for the very command.
    """

    purpose: str
    command: str
    timeout: float
    files: Mapping[str, bytes] = field(default_factory=dict)
    runner: Runner | None = None
    report: str = ""
    canary: Canary | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    record: str = ""
    unseen: bool = False
    shown: str = ""


@dataclass(frozen=True)
class Run:
    """What came of a job.

    Attributes:
        report: the tests' outcomes, without the canary.
        canary: the canary's result; None when it was not planted or not reported.
        record: what the run left in its record file; None when there is none.
        whole: the printed output and the report agree, and nothing was cut off.
        told: what the second witness saw, whatever the report says; None when it was not there.
        ours: why it failed because of the harness; empty when it did not.
        strays: the changed modules that were not loaded from the work tree; such a run shows nothing of them.
    """

    side: Side
    job: Job
    completed: Completed
    report: TestReport
    canary: TestResult | None = None
    record: str | None = None
    whole: bool = True
    told: Testimony | None = None
    ours: str = ""
    strays: tuple[Stray, ...] = ()

    @property
    def canary_failed(self) -> bool:
        """Whether the canary was run and failed with its own words."""
        planted = self.job.canary
        result = self.canary
        return planted is not None and result is not None and result.outcome.bad


class Bench:
    """Runs jobs and keeps a list of them.

    Args:
        open_sandbox: opens a fresh sandbox with the base tree.
        seconds: for all jobs together.
        clock: monotonic seconds.
    """

    def __init__(self, open_sandbox: SandboxOpener, seconds: float, clock: Clock = time.monotonic) -> None:
        self._open = open_sandbox
        self._clock = clock
        self._deadline = clock() + seconds
        self._live: set[Sandbox] = set()
        self._stopped = False
        self._witnessed = True
        self.watched: Mapping[str, str] = {}
        """The modules whose origin each run records, each with its file in the work tree."""
        self.commands: list[CommandRun] = []
        self.info: SandboxInfo | None = None

    @property
    def remaining(self) -> float:
        """Seconds left; never negative."""
        return max(0.0, self._deadline - self._clock())

    @property
    def apart(self) -> bool:
        """Whether its sandboxes cannot get at each other, so that jobs may run side by side."""
        return self.info is None or self.info.isolated

    def run(self, side: SideTree, job: Job) -> Run:
        """Run a job on a side.

        Raises:
            SandboxError: the sandbox could not be opened, or was lost.
        """
        return self.together((side, job))[0]

    def together(self, *orders: tuple[SideTree, Job]) -> list[Run]:
        """Run jobs side by side, each in a sandbox of its own; one after the other where sandboxes are not isolated.

        Returns:
            The runs in the order of the jobs.

        Raises:
            SandboxError: a sandbox could not be opened, or was lost.
        """
        started: list[Future[tuple[Run, float]]] = []
        with ThreadPoolExecutor(max_workers=len(orders)) as pool:
            try:
                for side, job in orders:
                    opened = threading.Event()
                    started.append(pool.submit(self._run, side, job, opened))
                    if self.info is None and len(orders) > 1:
                        opened.wait()
                    if not self.apart:
                        wait(started)
                done = [future.result() for future in started]
            except BaseException:
                self._end_all()
                raise
        for run, seconds in done:
            self._note(run, seconds)
        return [run for run, _ in done]

    def _end_all(self) -> None:
        """Let no job go on that nobody waits for any more."""
        self._stopped = True
        for sandbox in tuple(self._live):
            sandbox.close()

    @contextmanager
    def _sandbox(self, opened: threading.Event) -> Iterator[Sandbox]:
        try:
            with self._open() as sandbox:
                self.info = sandbox.info
                opened.set()
                self._live.add(sandbox)
                try:
                    if self._stopped:
                        raise SandboxError("the verification was stopped")
                    yield sandbox
                finally:
                    self._live.discard(sandbox)
        finally:
            opened.set()

    def _run(self, side: SideTree, job: Job, opened: threading.Event) -> tuple[Run, float]:
        started = self._clock()
        folder = f"/tmp/{secrets.token_hex(12)}"  # noqa: S108 (in the sandbox; the name is random)
        try:
            with self._sandbox(opened) as sandbox:
                _lay_out(sandbox, side, job, folder)
                witness = None
                if job.runner in WITNESSED and self._witnessed:
                    witness = Witness(folder, job.runner, unseen=job.unseen, modules=self.watched)
                done = self._execute(sandbox, job, folder, witness)
                if witness and witness.not_found(done.output):
                    # What a patched run prints must not decide how the others are watched.
                    self._witnessed = self._witnessed and side.name != "base"
                    witness, done = None, self._execute(sandbox, job, folder, None)
                report_text = _read(sandbox, f"{folder}/{job.report}") if job.report else None
                record = _read(sandbox, f"{folder}/{job.record}") if job.record else None
                run = _read_run(side.name, job, done, report_text, record, sandbox.workdir)
                if witness:
                    run = replace(run, told=read_testimony(_read(sandbox, witness.record), sandbox.workdir))
                origins = run.told.origins if run.told else loaded_modules(record)
                run = replace(run, strays=strays(self.watched, origins, sandbox.workdir))
                sandbox.run(f"rm -rf -- {folder}", fresh=True)
        except OSError as error:
            raise SandboxError(
                f"a file of the judged run cannot be written: {error}",
                "look at the reproduction's path, and at the disk",
            ) from error
        return run, self._clock() - started

    def _execute(self, sandbox: Sandbox, job: Job, folder: str, witness: Witness | None) -> Completed:
        option = WITNESS.replace("{witness}", witness.module) if witness else ""

        def filled(text: str) -> str:
            return text.replace("{folder}", folder).replace(WITNESS, option)

        command = filled(job.command)
        if witness:
            sandbox.write(witness.path, witness.source)
            command = witness.on_path(command)
        shown = {name: value for name, value in _ENVIRONMENT.items() if not job.unseen or name in _STEADY}
        env = {**shown, **{name: filled(value) for name, value in job.env.items()}}
        timeout = max(1.0, min(job.timeout, self.remaining))
        return sandbox.run(command, timeout=timeout, output_limit=_OUTPUT_LIMIT, env=env, fresh=True)

    def _note(self, run: Run, seconds: float) -> None:
        as_planned = run.completed.exit_code == 0 or run.canary_failed
        self.commands.append(
            CommandRun(
                side=run.side,
                purpose=run.job.purpose,
                command=run.job.shown or run.job.command,
                exit_code=run.completed.exit_code,
                timed_out=run.completed.timed_out,
                seconds=round(seconds, 2),
                summary=run.report.summary if run.job.runner else "",
                output="" if as_planned else run.completed.output[-_SHOWN:],
            )
        )


def _lay_out(sandbox: Sandbox, side: SideTree, job: Job, folder: str) -> None:
    if side.archive:
        sandbox.put_tree(side.archive, sandbox.workdir)
    if side.deleted:
        sandbox.run("rm -f -- " + " ".join(shlex.quote(path) for path in side.deleted), fresh=True)
    files = {**side.files, **job.files}
    if job.canary:
        files.update(job.canary.files)
    for path, data in files.items():
        sandbox.write(path, data)
    sandbox.run(f"mkdir -m 700 -p {folder}", fresh=True)


def _read(sandbox: Sandbox, path: str) -> str | None:
    try:
        return sandbox.read(path, limit=_REPORT_LIMIT).decode("utf-8", "replace")
    except OSError:
        return None


def _read_run(side: Side, job: Job, done: Completed, text: str | None, record: str | None, workdir: str) -> Run:
    if job.runner is None:
        return Run(side, job, done, TestReport(runner=Runner.UNKNOWN, exit_code=done.exit_code), record=record)
    full = parse(job.runner, done.output, exit_code=done.exit_code, report=text or "")
    results = [item.model_copy(update={"id": item.id.removeprefix(f"{workdir}/")}) for item in full.results]
    canary = next((item for item in results if job.canary and job.canary.token in item.id), None)
    others = [item for item in results if item is not canary]
    if job.runner is Runner.UNKNOWN:
        outcome = TestOutcome.PASSED if done.exit_code == 0 else TestOutcome.FAILED
        others.append(TestResult(id=job.command, outcome=outcome, message=f"exit status {done.exit_code}"))
    # A terse text counts the tests that passed without naming them.
    counts = Counter(full.counts)
    counts.subtract([canary.outcome] if canary else [])
    report = full.model_copy(update={"results": tuple(others), "counts": dict(+counts)})
    whole = (not job.report or text is not None) and _agrees(job.runner, full, done)
    return Run(side, job, done, report, canary, record, whole)


def _agrees(runner: Runner, full: TestReport, done: Completed) -> bool:
    """Whether the report file tells of as many failures as the printed summary."""
    if runner is not Runner.PYTEST or not full.machine_readable or done.truncated:
        return True
    printed = parse(runner, done.output, exit_code=done.exit_code)
    bad = [sum(number for outcome, number in item.counts.items() if outcome.bad) for item in (full, printed)]
    return not printed.counts or (bad[0] >= bad[1] and (bad[0] > 0) == (bad[1] > 0))
