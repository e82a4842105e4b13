"""Run commands on one side, each in a fresh sandbox."""

import re
import secrets
import shlex
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

from sweagent.errors import SandboxError, please_report
from sweagent.sandbox.base import Completed, Sandbox, SandboxInfo
from sweagent.verify.progress import Listener, VerifyProgress
from sweagent.verify.proof import CommandRun, Side
from sweagent.verify.runs.command_result import FOLDER, Command, CommandResult, Left, read_run
from sweagent.verify.runs.import_origins import Stray, strays
from sweagent.verify.runs.kept_results import KeptResult, KeptResults, key_of, says_something
from sweagent.verify.runs.package_origins import WatchedPackage, package_strays
from sweagent.verify.runs.script_driver import loaded_modules
from sweagent.verify.runs.side_tree import SideTree
from sweagent.verify.runs.standby_sandboxes import Standby
from sweagent.verify.runs.witness import OF_NODE, WITNESS, WITNESSED, Witness, origins_in

__all__ = ["Clock", "Command", "CommandResult", "SandboxOpener", "SideRunner", "SideTree"]

SandboxOpener = Callable[[], AbstractContextManager[Sandbox]]
Clock = Callable[[], float]

_OF_TERMINALS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r(?=\n)")
_OUTPUT_LIMIT = 8_000_000
_REPORT_LIMIT = 64_000_000
_SHOWN = 4_000
_ENVIRONMENT = {"PYTHONUNBUFFERED": "1"}
_OF_NODE = {"CI": "true"}
"""jest and vitest write a snapshot that is not there, which no test can fail by, unless this says that nobody looks."""


class SideRunner:
    """Runs jobs and keeps a list of them.

    Args:
        open_sandbox: opens a fresh sandbox with the base tree.
        seconds: for all jobs together.
        clock: monotonic seconds.
        progress: receives every command that begins or ends, perhaps from another thread.
        kept: results of unpatched sides from earlier in the same run.
    """

    def __init__(
        self,
        open_sandbox: SandboxOpener,
        seconds: float,
        clock: Clock = time.monotonic,
        progress: Listener | None = None,
        kept: KeptResults | None = None,
    ) -> None:
        self.kept = kept or KeptResults(1)
        self._seed = {"PYTHONHASHSEED": str(self.kept.hash_seed)}
        self._standby = Standby(open_sandbox)
        self._progress, self._tests = progress, 0
        self.ahead = 2
        """So many sandboxes are opened, where they are isolated, while the commands before still run."""
        self._clock = clock
        self._deadline = clock() + seconds
        self._live: set[Sandbox] = set()
        self._stopped = False
        self._witnessed = True
        self.watched: Mapping[str, str] = {}
        """The Python modules of which each run notes where they were loaded from, with their files in the work tree."""
        self.packages: tuple[WatchedPackage, ...] = ()
        """The npm packages of which each run notes where they were loaded from."""
        self._origins: list[tuple[str, str, frozenset[tuple[str, str]]]] = []
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

    def strays_of(self, purpose: str) -> tuple[Stray, ...]:
        """The changed modules that were loaded, but by no run of this purpose from the work tree."""
        runs = [(workdir, origins) for name, workdir, origins in self._origins if name == purpose]
        if not runs:
            return ()
        return self._strays(frozenset().union(*(origins for _, origins in runs)), runs[0][0])

    def _strays(self, origins: frozenset[tuple[str, str]], workdir: str) -> tuple[Stray, ...]:
        return (*strays(self.watched, origins, workdir), *package_strays(self.packages, origins, workdir))

    def run(self, side: SideTree, job: Command) -> CommandResult:
        """Run a job on a side.

        Raises:
            SandboxError: the sandbox could not be opened, or was lost.
        """
        return self.together((side, job))[0]

    def together(self, *orders: tuple[SideTree, Command]) -> list[CommandResult]:
        """Run jobs side by side, each in a sandbox of its own; one after the other where sandboxes are not isolated.

        A job that may be answered from earlier in the run, on a side without a patch, is not run again.

        Returns:
            The runs in the order of the jobs.

        Raises:
            SandboxError: a sandbox could not be opened or was lost, or a run on the base failed because of the harness.
        """
        earlier = [self._answer(side, job) for side, job in orders]
        fresh = [order for order, answer in zip(orders, earlier, strict=True) if answer is None]
        others = iter(self._all_of(fresh) if fresh else ())
        done = [answer or next(others) for answer in earlier]
        for run, seconds in done:
            self._note(run, seconds)
        for run, _ in done:
            # A patched run may only seem to fail because of us.
            if run.ours and run.side is Side.BASE and not run.job.unseen:
                raise SandboxError(
                    f"fix-issue itself made a run fail: {run.ours}",
                    please_report("the versions of Python and of the test runner that are used"),
                )
        return [run for run, _ in done]

    def has_kept(self, side: SideTree, job: Command) -> bool:
        """Whether a job is answered from earlier in the run."""
        return self.kept.find(self._key(side, job), self.watched) is not None

    def _key(self, side: SideTree, job: Command) -> str:
        witnessed = job.runner in WITNESSED and self._witnessed
        return key_of(side, job, self.kept.hash_seed, witnessed, self.packages)

    def _answer(self, side: SideTree, job: Command) -> tuple[CommandResult, float] | None:
        """What a job came to earlier in the run, read anew for what is watched now."""
        known = self.kept.find(self._key(side, job), self.watched) if job.reusable and not side.patched else None
        if known is None:
            return None
        self._origins.append((job.purpose, known.workdir, known.origins))
        strays = self._strays(known.origins, known.workdir)
        return replace(known.result, job=job, strays=strays, kept=True), known.seconds

    def _keep(
        self, side: SideTree, run: CommandResult, seconds: float, workdir: str, origins: frozenset[tuple[str, str]]
    ) -> None:
        """Keep what an unpatched side came to, where nothing patched can have had a hand in it."""
        if run.job.reusable and not side.patched and self.apart and says_something(run):
            key, watched = self._key(side, run.job), frozenset(self.watched)
            self.kept.keep(key, KeptResult(run, seconds, workdir, origins, watched))

    def _all_of(self, orders: list[tuple[SideTree, Command]]) -> list[tuple[CommandResult, float]]:
        started: list[Future[tuple[CommandResult, float]]] = []
        with ThreadPoolExecutor(max_workers=len(orders)) as pool:
            try:
                for side, job in orders:
                    opened = threading.Event()
                    started.append(pool.submit(self._run, side, job, opened))
                    if self.info is None and len(orders) > 1:
                        opened.wait()
                    if not self.apart:
                        wait(started)
                return [future.result() for future in started]
            except BaseException:
                self._end_all()
                raise

    def close(self) -> None:
        """Remove every sandbox, also those that nobody came to use."""
        self._standby.close()

    def _tell(self, side: SideTree, job: Command, *, ended: bool) -> None:
        if self._progress:
            event = VerifyProgress(side.name, job.purpose, job.test_files, self._tests, self.remaining, ended)
            self._progress(event)

    def _end_all(self) -> None:
        """Let no job go on that nobody waits for any more."""
        self._stopped = True
        for sandbox in tuple(self._live):
            sandbox.close()

    @contextmanager
    def _sandbox(self, opened: threading.Event) -> Iterator[Sandbox]:
        try:
            with self._standby.take() as sandbox:
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

    def _run(self, side: SideTree, job: Command, opened: threading.Event) -> tuple[CommandResult, float]:
        started = self._clock()
        folder = f"/tmp/tmp{secrets.token_hex(12)}"  # noqa: S108 (in the sandbox; the name is random)
        try:
            with self._sandbox(opened) as sandbox:
                witness = self._witness(folder, job, sandbox.workdir)
                _lay_out(sandbox, side, job, folder, witness)
                if self.apart:
                    self._standby.prepare(self.ahead)
                self._tell(side, job, ended=False)
                done = self._execute(sandbox, job, folder, witness)
                if witness and witness.not_found(done.output):
                    # What a patched run prints must not decide how the others are watched.
                    self._witnessed = self._witnessed and side.name is not Side.BASE
                    witness, done = None, self._execute(sandbox, job, folder, None)
                left = Left(
                    done,
                    report=_read(sandbox, f"{folder}/{job.report}") if job.report else None,
                    record=_read(sandbox, f"{folder}/{job.record}") if job.record else None,
                    testimony=_read(sandbox, witness.record) if witness else None,
                )
                run = read_run(side.name, job, left, sandbox.workdir, witness)
                origins = run.told.origins if run.told else loaded_modules(run.record) | origins_in(left.testimony)
                run = replace(run, strays=self._strays(origins, sandbox.workdir))
                self._origins.append((job.purpose, sandbox.workdir, origins))
                if run.told or not witness:
                    self._keep(side, run, self._clock() - started, sandbox.workdir, origins)
                if not self.apart:
                    sandbox.run(f"rm -rf -- {folder}", fresh=True)
                self._tests += len(run.report.results)
                self._tell(side, job, ended=True)
        except OSError as error:
            raise SandboxError(
                f"a file of the judged run cannot be written: {error}",
                "look at the reproduction's path, and at the disk",
            ) from error
        return run, self._clock() - started

    def _witness(self, folder: str, job: Command, workdir: str) -> Witness | None:
        if job.plain:  # nothing of ours is to be seen
            return None
        of_tests = job.runner in WITNESSED and self._witnessed
        if not of_tests and not (job.runner is None and self.packages):
            return None
        packages = [package.in_tree(workdir) for package in self.packages]
        return Witness(folder, job.runner, unseen=job.unseen, modules=self.watched, packages=packages)

    def _execute(self, sandbox: Sandbox, job: Command, folder: str, witness: Witness | None) -> Completed:
        option = WITNESS.replace("{witness}", witness.module) if witness else ""

        def filled(text: str) -> str:
            return text.replace("{folder}", folder).replace(WITNESS, option)

        command = filled(job.command)
        if witness:
            command = witness.on_path(command)
        own = {**_ENVIRONMENT, **(_OF_NODE if job.runner in OF_NODE else {})}
        shown = {} if job.plain else self._seed if job.unseen else {**self._seed, **own}
        env = {**shown, **{name: filled(value) for name, value in job.env.items()}}
        timeout = max(1.0, min(job.timeout, self.remaining))
        done = sandbox.run(command, timeout=timeout, output_limit=_OUTPUT_LIMIT, env=env, fresh=True)
        return done.model_copy(update={"output": _OF_TERMINALS.sub("", done.output)})

    def _note(self, run: CommandResult, seconds: float) -> None:
        as_planned = run.completed.exit_code == 0 or run.canary_failed
        self.commands.append(
            CommandRun(
                side=run.side,
                purpose=run.job.purpose,
                command=run.job.shown or run.job.command,
                exit_code=run.exit_code,
                canary=run.canary_said,
                timed_out=run.completed.timed_out,
                seconds=round(seconds, 2),
                summary=run.report.summary if run.job.runner else "",
                output="" if as_planned else run.completed.output[-_SHOWN:],
                kept=run.kept,
            )
        )


def _lay_out(sandbox: Sandbox, side: SideTree, job: Command, folder: str, witness: Witness | None) -> None:
    if side.archive:
        sandbox.put_tree(side.archive, sandbox.workdir)
    files = {**side.files, **job.files}
    if job.canary:
        files.update(job.canary.files)
    own = {path.replace(FOLDER, folder): text.replace(FOLDER, folder) for path, text in job.own.items()}
    files.update({path: text.encode("utf-8", "surrogateescape") for path, text in own.items()})
    if witness:
        files[witness.path] = witness.source
    prepare = f"mkdir -m 700 -p {folder}"
    if side.deleted:
        prepare += "; rm -f -- " + " ".join(shlex.quote(path) for path in side.deleted)
    sandbox.run(prepare, fresh=True)
    sandbox.write_many(files)


def _read(sandbox: Sandbox, path: str) -> str | None:
    try:
        return sandbox.read(path, limit=_REPORT_LIMIT).decode("utf-8", "replace")
    except OSError:
        return None
