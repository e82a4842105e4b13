"""Drive a batch: workers, budgets, retries, clean stop."""

import logging
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from contextvars import copy_context
from pathlib import Path

from sweagent.batch.data.instances import Instance
from sweagent.batch.data.tasks import Access
from sweagent.batch.drive.cost_reservations import CostReservations
from sweagent.batch.drive.engine_images import wait_for_engine
from sweagent.batch.drive.instance_folder import ElsewhereError, InstanceFolder
from sweagent.batch.drive.instance_run import BATCH_LOG, BatchContext, InstanceRun, StoppedError
from sweagent.batch.drive.ledger import Ledger, Summary
from sweagent.batch.drive.manifest import Manifest, bearing_settings
from sweagent.batch.drive.official_images import ImagePolicy, Images
from sweagent.batch.drive.outcomes import InstanceResult, Outcome
from sweagent.batch.drive.progress import ProgressTracker
from sweagent.batch.drive.reaper import reaper, remove_what_is_left
from sweagent.config import Settings
from sweagent.errors import FixIssueError, SandboxError, StorageError, UsageError
from sweagent.frozen import Frozen
from sweagent.notes import FailureNote, level_of
from sweagent.policy import Budget, policy_for, preload, with_token_limit
from sweagent.run.strategy import load_strategy
from sweagent.run_log import log_to
from sweagent.sandbox import choose_kind, remove_leftovers
from sweagent.sizes import parse_size
from sweagent.stop_token import StopToken
from sweagent.tool_api import load_tools

Note = Callable[[str, str], None]
"""Takes the instance's id and a line for people."""


_TICK = 0.25
_ENOUGH_FREE = 1 << 30
"""Bytes, or a tenth of a smaller disk, that must be free before an instance that ran out of space goes on."""

_LOG = logging.getLogger("sweagent.batch")

_STORING = 3
"""Attempts to store a result on a disk that was full."""


class BatchSettings(Frozen):
    """How a batch is run; the settings of each run are apart."""

    workers: int = 4
    cost: float | None = None
    """US dollars of all instances together."""
    seconds: float | None = None
    """Wall time of this process, by a monotonic clock."""
    images: ImagePolicy = "auto"
    disk_limit: str = "60g"
    """What the images that the batch pulls may take together."""
    ahead: int = 2
    """How many instances ahead images are pulled."""
    retries: int = 3
    """How often failures of the infrastructure are retried, for each instance."""
    pause: float = 2.0
    """Seconds before the first retry; doubled each time."""
    patience: float = 300.0
    """Seconds that a retry waits for the engine to come back, or for disk space."""
    failures: int = 20
    """This many instances in a row that the infrastructure failed stop the batch: the next ones would fail too."""
    repositories: Path | None = None
    """A folder with local clones."""


class Batch:
    """A batch of instances in one folder.

    Args:
        instances: what to run, in this order.
        settings: of each run.
        batch: of the batch.
        output: the batch's folder; one that holds this batch already is gone on with.
        manifest: what the batch is, to tell it from others.
        note: receives lines for people about what is being done.
        access: tells how a remote repository is reached.
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
        note: Note = lambda instance, text: None,
        access: Access = lambda repo: {},
        files: tuple[str, ...] = (),
    ) -> None:
        settings = _usable(settings, batch)
        self._kind = choose_kind(settings.sandbox.kind, note=lambda text: note("sandbox", text))
        output = output.absolute()
        self._instances = {instance.instance_id: instance for instance in instances}
        self._batch = batch
        self._note = note
        self._ledger = Ledger(output, self._instances)
        self._ledger.open(manifest.model_copy(update={"settings": bearing_settings(settings)}))
        pending = self._ledger.pending()
        done = {name: result for name, result in self._ledger.results.items() if name not in pending}
        self._reservations = CostReservations(
            batch.cost,
            settings.limits.cost,
            sum(result.cost or 0.0 for result in done.values()),
            {name: _spent(output / name) for name in pending} if batch.cost is not None else None,
        )
        limits = settings.limits.model_copy(update={"cost": self._reservations.each})
        sandbox = settings.sandbox.model_copy(update={"kind": self._kind})
        self._stop = StopToken()
        self._images = Images(
            output,
            limit=parse_size(batch.disk_limit, may_be_zero=True),
            policy=batch.images,
            note=lambda text: note("images", text),
        )
        self._around = BatchContext(
            output=output,
            # Settled once, so that an engine that goes away later is not taken for a machine without one.
            settings=settings.model_copy(update={"limits": limits, "sandbox": sandbox}),
            images=self._images,
            stop=self._stop,
            retries=batch.retries,
            pause=batch.pause,
            recover=self._recover,
            repositories=batch.repositories,
            access=access,
            files=files,
        )
        self._queue = deque(pending)
        self.board = ProgressTracker(len(self._instances), done)
        self._lock = threading.Lock()
        self._failed_in_a_row = 0
        self._why = ""

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
            StorageError: the summary cannot be written.
        """
        deadline = None if self._batch.seconds is None else time.monotonic() + self._batch.seconds
        if self._queue and not self._around.settings.policy:
            threading.Thread(target=preload, daemon=True, name="batch-loading").start()
        with (
            log_to(self._around.output / BATCH_LOG),
            reaper(),
            ThreadPoolExecutor(max_workers=self._batch.workers + 1, thread_name_prefix="batch") as pool,
        ):
            remove_leftovers()
            fetcher = pool.submit(copy_context().run, self._fetch_ahead) if self._images_wanted() else None
            number = min(self._batch.workers, max(1, len(self._queue)))
            workers = [pool.submit(copy_context().run, self._work) for _ in range(number)]
            try:
                while not all(worker.done() for worker in workers):
                    if deadline is not None and time.monotonic() > deadline:
                        self.stop(f"the limit of {self._batch.seconds:g} s for the batch is used up")
                    if self._why:
                        self._end()
                    tick()
                    wait(workers, timeout=_TICK)
            finally:
                self._end()
            for worker in workers:
                worker.result()
            if fetcher:
                fetcher.result()
            if self._kind == "docker" and self._around.ended:
                remove_what_is_left(self._around.ended)
        tick()
        self._ledger.write_predictions()
        return self._ledger.summarise()

    def _end(self) -> None:
        self.board.stopping()
        self._stop.stop("the batch was stopped")
        self._images.stop()

    def _images_wanted(self) -> bool:
        return self._kind == "docker" and not self._around.settings.sandbox.image and self._batch.ahead > 0

    def _work(self) -> None:
        while not (self._stop.asked or self._why):
            name = self._next()
            if name is None:
                return
            result = None
            self.board.begin(name)
            try:
                result = self._store(self._instances[name])
            finally:
                # What an instance that was given up has spent is spent nevertheless.
                self._reservations.settle(name, result.cost if result else _spent(self._around.output / name))
                self.board.end(name, result)
            self._look_for_a_pattern(result)

    def _next(self) -> str | None:
        """The next instance, its limit set aside; None when there is none or the batch's limit has no room for it."""
        with self._lock:
            name = self._queue.popleft() if self._queue else None
        if name is None or self._reservations.take(name, self._stop):
            return name
        with self._lock:
            self._queue.appendleft(name)
        if not self._stop.asked:
            self.stop("the limit of the batch's cost has no room for another instance")
        return None

    def _store(self, instance: Instance) -> InstanceResult | None:
        """Run an instance and enter its result; None when it is left for another time."""
        name = instance.instance_id

        def note(text: str) -> None:
            _LOG.log(level_of(text), "%s: %s", name, text)
            self.board.say(name, text)
            self._note(name, text)

        for attempt in range(1, _STORING + 1):
            try:
                result = InstanceRun(instance, self._around, self.board.listener(name), note).run()
                self._ledger.enter(result)
            except StoppedError:
                return None
            except ElsewhereError:
                note("another batch works on it")
                return None
            except StorageError as error:
                note(FailureNote(f"failed: {error}"))
                if attempt < _STORING:
                    self._recover(error)
            else:
                return result
        return None

    def _look_for_a_pattern(self, result: InstanceResult | None) -> None:
        with self._lock:
            if result is None:
                return
            failed = result.outcome is Outcome.INFRASTRUCTURE
            self._failed_in_a_row = self._failed_in_a_row + 1 if failed else 0
            if self._failed_in_a_row >= self._batch.failures:
                self.stop(f"the infrastructure failed {self._failed_in_a_row} instances in a row: {result.message}")

    def _recover(self, error: FixIssueError | OSError) -> None:
        """Wait until what failed is there again: the engine, or disk space."""
        full = isinstance(error, OSError) or "no space left" in str(error).lower()
        if full:
            with suppress(SandboxError):
                self._images.evict(everything=True)
            self._wait_for_disk()
        if isinstance(error, SandboxError) and self._kind == "docker":
            wait_for_engine(self._batch.patience, self._stop)
            remove_what_is_left(self._around.ended)

    def _wait_for_disk(self) -> None:
        deadline = time.monotonic() + self._batch.patience
        while time.monotonic() < deadline:
            disk = shutil.disk_usage(self._around.output)
            if disk.free >= min(_ENOUGH_FREE, disk.total // 10) or self._stop.wait(1.0):
                return

    def _fetch_ahead(self) -> None:
        """Pull the images of the next instances while others run."""
        seen: set[str] = set()
        while not self._stop.asked:
            with self._lock:
                upcoming = [self._queue[index] for index in range(min(self._batch.ahead, len(self._queue)))]
            if not upcoming:
                return
            new = [name for name in upcoming if name not in seen]
            seen.update(new)
            self._images.prefetch([self._instances[name] for name in new])
            self._stop.wait(_TICK)


def _spent(folder: Path) -> float:
    """US dollars that the runs in an instance's folder have cost."""
    instance = InstanceFolder(folder)
    return instance.spent(instance.read_state().runs).dollars


def _usable(settings: Settings, batch: BatchSettings) -> Settings:
    """The settings of each run, refused here for what would otherwise fail every instance.

    Raises:
        UsageError: a setting of the batch or of its runs cannot be used.
    """
    if batch.workers < 1:
        raise UsageError("a batch needs a worker", "give --workers 1 or more")
    if batch.cost is not None and settings.limits.cost is None:
        raise UsageError("a limit for the batch's cost needs one for each instance", "give --max-cost (limits.cost)")
    if batch.repositories is not None and not batch.repositories.is_dir():
        raise UsageError(f"there is no folder {batch.repositories}", "give --repositories a folder with clones")
    kept = with_token_limit(settings)
    if batch.cost is not None and kept.limits.tokens != settings.limits.tokens:
        raise UsageError(
            f"the price of {settings.model.name} is unknown, so the batch's limit of ${batch.cost} cannot be kept",
            "limit tokens instead (--max-tokens), or give the price in a models file (`fix-issue models` shows how)",
        )
    policy_for(kept, Budget(kept.limits.cost, kept.limits.tokens))
    load_tools(kept.tools, kept.tool_folders)
    load_strategy(kept.strategy)
    return kept
