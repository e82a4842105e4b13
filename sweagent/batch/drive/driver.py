"""Drive a batch: nodes, budgets, clean stop, one result an instance."""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

from sweagent import __version__
from sweagent.batch.data.instances import Instance
from sweagent.batch.drive.batch_settings import BatchSettings, refuse_local_paths, usable
from sweagent.batch.drive.cost_reservations import CostReservations, Room
from sweagent.batch.drive.instance_folder import ElsewhereError, InstanceFolder
from sweagent.batch.drive.ledger import Ledger, Summary
from sweagent.batch.drive.manifest import Manifest, bearing_settings
from sweagent.batch.drive.official_images import image_names
from sweagent.batch.drive.outcomes import InstanceResult, Outcome
from sweagent.batch.drive.portable_log import Home
from sweagent.batch.drive.progress import ProgressTracker
from sweagent.batch.drive.solve_service import SolveOptions, SolveService, wait_for_disk
from sweagent.batch.drive.stream_store import StreamStore
from sweagent.batch.drive.user_code import UserCode
from sweagent.batch.nodes.dispatcher import Dispatcher, Lost
from sweagent.batch.nodes.executor import Executor
from sweagent.batch.nodes.local import LocalExecutor
from sweagent.batch.nodes.messages import Ended, Noted, Progressed, Setup, Work, Written
from sweagent.config import Settings
from sweagent.errors import StorageError
from sweagent.notes import FailureNote, level_of
from sweagent.run_log import log_to
from sweagent.sizes import parse_size
from sweagent.stop_token import StopToken

Note = Callable[[str, str], None]
"""Takes the instance's id and a line for people."""

BATCH_LOG = "batch.log"
"""What happened in a batch, in its folder."""

_TICK = 0.25
_LEISURE = 60.0
"""Seconds between two writings of the predictions, which take longer the more there are."""

_LOG = logging.getLogger("sweagent.batch")


_LOCAL_WORKERS = 4


class Batch:
    """A batch of instances in one folder.

    Args:
        instances: what to run, in this order; nothing but what the agent may know is kept of them.
        settings: of each run.
        batch: of the batch.
        output: the batch's folder; one that holds this batch already is gone on with.
        manifest: what the batch is, to tell it from others.
        executor: reaches the nodes; None has one in this process.
        note: receives lines for people about what is being done.
        files: the user's files that the settings were read from.

    Raises:
        UsageError: a setting cannot be used, or the folder holds another batch.
        SandboxError: there is no sandbox.
        StorageError: the folder cannot be used.
    """

    def __init__(
        self,
        instances: Sequence[Instance],
        settings: Settings,
        batch: BatchSettings,
        output: Path,
        *,
        manifest: Manifest,
        executor: Executor | None = None,
        note: Note = lambda instance, text: None,
        files: tuple[str, ...] = (),
    ) -> None:
        remote = executor is not None and executor.remote
        settings = usable(settings, batch, remote=remote)
        self._output = output = output.absolute()
        self._instances = {instance.instance_id: instance.without_oracle() for instance in instances}
        if remote:
            refuse_local_paths(self._instances.values())
        self._batch = batch
        self._note = note
        self._memory = parse_size(batch.memory) if batch.memory else None
        self._ledger = Ledger(output, self._instances)
        self._limit(settings)
        limits = settings.limits.model_copy(update={"cost": self._reservations.each})
        self._settings = settings.model_copy(update={"limits": limits})
        self._executor = executor or self._local(files)
        self._ledger.open(manifest.model_copy(update={"settings": bearing_settings(settings)}))
        self._store = StreamStore(output, Home(UserCode.of(settings), None, files))
        self._stop = StopToken()
        self._locks: dict[str, ExitStack] = {}
        self._failed_in_a_row = 0
        self._why = ""
        self._written = (time.monotonic(), 0.0)

    def _limit(self, settings: Settings) -> None:
        """Set up the queue, and what the instances may cost together."""
        pending = self._ledger.pending()
        left = set(pending)
        done = [entry for name, entry in self._ledger.entries.items() if name not in left]
        begun = {path.name for path in self._output.iterdir()} if self._output.is_dir() else set()
        self._queue = deque(pending)
        self.board = ProgressTracker(len(self._instances), done)
        self._reservations = CostReservations(
            self._batch.cost,
            settings.limits.cost,
            sum(entry.cost or 0.0 for entry in done),
            {name: _spent(self._output / name) for name in pending if name in begun}
            if self._batch.cost is not None
            else None,
        )

    def _options(self) -> SolveOptions:
        batch = self._batch
        return SolveOptions(
            images=batch.images,
            disk_limit=batch.disk_limit,
            retries=batch.retries,
            pause=batch.pause,
            patience=batch.patience,
        )

    def _local(self, files: tuple[str, ...]) -> Executor:
        service = SolveService(
            self._settings,
            self._options(),
            self._output,
            memory=self._output,
            repositories=self._batch.repositories,
            files=files,
            note=lambda text: self._note("sandbox", text),
        )
        workers = self._batch.workers or _LOCAL_WORKERS
        return LocalExecutor(service, self._output, min(workers, max(1, len(self._queue))))

    def _setup(self) -> Setup:
        remote = self._executor.remote
        return Setup(
            work=Work.SOLVE,
            version=__version__,
            silence=self._batch.silence,
            slots=self._batch.workers,
            payload=SolveService.payload(self._settings, self._options()) if remote else {},
        )

    @property
    def stopped_because(self) -> str:
        """Why the batch stopped before its end; empty when it did not."""
        return self._why

    def stop(self, why: str) -> None:
        """Start nothing new; what runs stops at its next event and keeps its patch.

        A signal handler may call this: it takes no lock, and `run` does the rest.

        Args:
            why: for people.
        """
        self._why = self._why or why

    def run(self, tick: Callable[[], None] = lambda: None) -> Summary:
        """Run until every instance has ended, a budget is used up, or somebody stops it.

        Args:
            tick: called now and then from the calling thread, to show progress.

        Raises:
            ExecutorError: no node can be reached any more; what arrived is kept.
            StorageError: what came of an instance cannot be written.
        """
        deadline = None if self._batch.seconds is None else time.monotonic() + self._batch.seconds
        dispatcher = Dispatcher(
            self._executor, self._setup(), patience=self._batch.patience, note=lambda text: self._say("nodes", text)
        )
        try:
            with log_to(self._output / BATCH_LOG):
                if self._queue:
                    with dispatcher as nodes:
                        self._drive(nodes, deadline, tick)
        finally:
            for lock in self._locks.values():
                lock.close()
            self._ledger.write_predictions()
            summary = self._ledger.summarise()
        tick()
        return summary

    def _drive(self, nodes: Dispatcher, deadline: float | None, tick: Callable[[], None]) -> None:
        while nodes.running or (not self._stop.asked and (self._queue or nodes.lost)):
            if deadline is not None and time.monotonic() > deadline:
                self.stop(f"the limit of {self._batch.seconds:g} s for the batch is used up")
            if self._why and not self._stop.asked:
                self._stop.stop(self._why)
                self.board.stopping()
                nodes.stop()
            self._hand_out(nodes)
            reports = list(nodes.poll(_TICK))
            for report in reports:
                self._take(report)
            self._commit(nodes, reports)
            self._at_leisure()
            tick()

    def _hand_out(self, nodes: Dispatcher) -> None:
        """Give instances to nodes that have room, each with its limit set aside."""
        while self._queue and not (self._stop.asked or self._why):
            name = self._queue[0]
            near = self._near(name)
            node = nodes.node_for(self._batch.slots, self._memory, near)
            if node is None:
                return
            room = self._reservations.take(name)
            if room is Room.LATER or (room is Room.NEVER and nodes.lost):
                return
            if room is Room.NEVER:
                self.stop("the limit of the batch's cost has no room for another instance")
                return
            self._queue.popleft()
            if self._lock(name):
                self._submit(nodes, node, name, near)
        if self._batch.ahead and self._queue and not self._stop.asked:
            self._expect(nodes)

    def _submit(self, nodes: Dispatcher, node: str, name: str, near: str) -> None:
        self.board.begin(name)
        nodes.submit(
            node,
            name,
            self._payload(name),
            files=self._store.files(name) if self._executor.remote else None,
            slots=self._batch.slots,
            memory=self._memory,
            near=near,
        )

    def _payload(self, name: str) -> dict[str, Any]:
        instance = self._instances[name]
        return {"instance": instance.model_dump(mode="json"), "forgiven": self._ledger.ended(name)}

    def _near(self, name: str) -> str:
        """What an instance uses that takes long to bring to a node."""
        return next(iter(image_names(self._instances[name])), self._instances[name].repo)

    def _expect(self, nodes: Dispatcher) -> None:
        number = self._batch.ahead * max(1, nodes.nodes)
        upcoming = list(islice(self._queue, number))
        nodes.expect([(self._near(name), self._payload(name)) for name in upcoming if self._near(name)])

    def _lock(self, name: str) -> bool:
        """Keep other batches in the same folder from an instance; whether that can be done."""
        if name in self._locks:
            return True
        stack = ExitStack()
        try:
            stack.enter_context(InstanceFolder(self._output / name).locked())
        except ElsewhereError:
            self._say(name, "another batch works on it")
            self._reservations.settle(name, 0.0)
            return False
        self._locks[name] = stack
        return True

    def _commit(self, nodes: Dispatcher, reports: Sequence[object]) -> None:
        """Put on disk what jobs wait for, and the results, of many jobs at once; then tell the jobs."""
        waiting = [report for report in reports if isinstance(report, Written) and report.wait]
        if waiting:
            self._patiently(self._store.commit)
            for written in waiting:
                nodes.acknowledge(written)
        ended = [report for report in reports if isinstance(report, Ended)]
        results = [InstanceResult.model_validate(report.payload) for report in ended if report.payload]
        if results:
            self._patiently(lambda: self._ledger.enter(*results))
        by_name = {result.instance_id: result for result in results}
        for report in ended:
            self._end(report, by_name.get(report.name))

    def _take(self, report: Written | Noted | Progressed | Ended | Lost) -> None:
        match report:
            case Written():
                self._patiently(lambda: self._store.write(report))
            case Noted():
                text = FailureNote(report.text) if report.failure else report.text
                self._say(report.name or "images", text)
            case Progressed():
                self.board.advance(report.name, report.doing, report.step, report.more)
            case Lost():
                self._say(report.name, FailureNote("failed: its node was lost; it goes on elsewhere"))
                # What its log does not show as spent was not spent: calls were sent after their reservation had come.
                self._reservations.settle(report.name, _spent(self._output / report.name))
                self._queue.appendleft(report.name)

    def _end(self, report: Ended, result: InstanceResult | None) -> None:
        name = report.name
        if report.error:
            self._say(name, FailureNote(f"failed: {report.error.error().with_hint}"))
        # What an instance that was given up has spent is spent nevertheless.
        self._reservations.settle(name, result.cost if result else _spent(self._output / name))
        self.board.end(name, result)
        self._locks.pop(name).close()
        self._look_for_a_pattern(result)

    def _patiently(self, write: Callable[[], None]) -> None:
        """Write, waiting for room where the disk has none: nodes go on meanwhile, and cannot spend anything."""
        try:
            write()
        except StorageError as error:
            self._say("disk", FailureNote(f"failed: {error}"))
            wait_for_disk(self._output, self._batch.patience, self._stop)
            write()

    def _at_leisure(self) -> None:
        """Bring `preds.json` up to date now and then, the more seldom the longer that takes."""
        last, took = self._written
        if time.monotonic() - last < max(_LEISURE, 50 * took):
            return
        began = time.monotonic()
        self._ledger.write_predictions()
        self._written = (time.monotonic(), time.monotonic() - began)

    def _say(self, name: str, text: str) -> None:
        _LOG.log(level_of(text), "%s: %s", name, text)
        self.board.say(name, text)
        self._note(name, text)

    def _look_for_a_pattern(self, result: InstanceResult | None) -> None:
        if result is None:
            return
        failed = result.outcome is Outcome.INFRASTRUCTURE
        self._failed_in_a_row = self._failed_in_a_row + 1 if failed else 0
        if self._failed_in_a_row >= self._batch.failures:
            self.stop(f"the infrastructure failed {self._failed_in_a_row} instances in a row: {result.message}")


def _spent(folder: Path) -> float:
    """US dollars that the runs in an instance's folder have cost."""
    instance = InstanceFolder(folder)
    return instance.spent(instance.read_state().runs).dollars
