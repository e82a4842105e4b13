"""What a node does to solve instances: images, retries, leftovers."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from sweagent.batch.data.instances import Instance
from sweagent.batch.drive.engine_images import wait_for_engine
from sweagent.batch.drive.instance_run import BatchContext, InstanceRun
from sweagent.batch.drive.official_images import ImagePolicy, Images
from sweagent.batch.drive.reaper import reaper, remove_what_is_left
from sweagent.batch.drive.user_code import UserCode
from sweagent.batch.nodes.messages import Job
from sweagent.batch.nodes.service import LeftError, Link
from sweagent.config import Settings
from sweagent.errors import FixIssueError, SandboxError, StorageError
from sweagent.frozen import Frozen
from sweagent.home import state_folder
from sweagent.notes import FailureNote
from sweagent.policy import Budget, policy_for, preload
from sweagent.run.strategy import load_strategy
from sweagent.run_log import log_to
from sweagent.sandbox import choose_kind, remove_leftovers
from sweagent.settings_record import without_secrets
from sweagent.sizes import parse_size
from sweagent.stop_token import StopToken
from sweagent.tool_api import load_tools

_ENOUGH_FREE = 1 << 30
"""Bytes, or a tenth of a smaller disk, that must be free before an instance that ran out of space goes on."""

NODE_LOG = "node.log"
"""What happened to an instance at its node, besides what its runs log."""

_MOST_LOG = 1 << 20
"""Characters of that."""

_STORING = 3
"""Attempts to store a result on a disk that was full."""


class SolveOptions(Frozen):
    """How a node brings instances to their results."""

    images: ImagePolicy = "auto"
    disk_limit: str = "60g"
    """What the images that are pulled may take together, at each node."""
    retries: int = 3
    """How often failures of the infrastructure are retried, for each instance."""
    pause: float = 2.0
    """Seconds before the first retry; doubled each time."""
    patience: float = 300.0
    """Seconds that a retry waits for the engine to come back, or for disk space."""


class SolveService:
    """Solves instances; see `Service`.

    Args:
        settings: of each run.
        options: how.
        root: the folder of the jobs' folders.
        memory: where it is remembered which images were pulled.
        repositories: a folder with clones of this machine.
        files: the user's files that the settings were read from.
        note: receives lines about the choice of a sandbox.

    Raises:
        SandboxError: there is no sandbox.
    """

    def __init__(
        self,
        settings: Settings,
        options: SolveOptions,
        root: Path,
        *,
        memory: Path,
        repositories: Path | None = None,
        files: tuple[str, ...] = (),
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._root = root
        self._options = options
        # Settled once, so that an engine that goes away later is not taken for a machine without one.
        self._kind = choose_kind(settings.sandbox.kind, note=note)
        sandbox = settings.sandbox.model_copy(update={"kind": self._kind})
        self._tell: Callable[[str], None] = lambda text: None
        self._stop = StopToken()
        self._images = Images(
            memory,
            limit=parse_size(options.disk_limit, may_be_zero=True),
            policy=options.images,
            note=lambda text: self._tell(text),
        )
        self._expecting = threading.Lock()
        self._context = BatchContext(
            settings=settings.model_copy(update={"sandbox": sandbox}),
            images=self._images,
            code=UserCode.of(settings),
            retries=options.retries,
            pause=options.pause,
            recover=self._recover,
            repositories=repositories,
            files=files,
        )

    @classmethod
    def on_node(cls, payload: dict[str, Any], root: Path, repositories: Path | None) -> Self:
        """The service at a node of its own, from what the driver said.

        Raises:
            UsageError: this machine lacks what the settings need, such as the provider's key.
        """
        code = UserCode.unpacked(payload["files"], payload["settings"], root / ".code")
        settings = Settings.model_validate(code.put_into(payload["settings"]))
        policy_for(settings, Budget(settings.limits.cost, settings.limits.tokens))
        load_tools(settings.tools, settings.tool_folders)
        load_strategy(settings.strategy)
        memory = state_folder() / "nodes"
        options = SolveOptions.model_validate(payload["options"])
        return cls(settings, options, root, memory=memory, repositories=repositories)

    @staticmethod
    def payload(settings: Settings, options: SolveOptions) -> dict[str, Any]:
        """What a driver says of a batch to a node.

        Raises:
            UsageError: a file of the user's cannot travel.
        """
        code = UserCode.of(settings)
        nowhere = UserCode(
            tool_folders=("-",) * len(code.tool_folders), strategy_folders=("-",) * len(code.strategy_folders)
        )
        return {
            "settings": nowhere.put_into(without_secrets(settings)),
            "files": code.packed(),
            "options": options.model_dump(mode="json"),
        }

    @contextmanager
    def opened(self, note: Callable[[str], None]) -> Iterator[None]:
        """See `Service`."""
        self._tell = note
        if not self._context.settings.policy:
            threading.Thread(target=preload, daemon=True, name="batch-loading").start()
        with reaper():
            remove_leftovers()
            try:
                yield
            finally:
                if self._kind == "docker" and self._context.ended:
                    remove_what_is_left(self._context.ended)

    def run(self, job: Job, link: Link) -> dict[str, Any]:
        """See `Service`."""
        instance = Instance.model_validate(job.payload["instance"])
        forgiven = bool(job.payload.get("forgiven"))
        if link.shared:
            return self._run(instance, link, forgiven=forgiven)
        try:
            with log_to(link.folder / NODE_LOG):
                return self._run(instance, link, forgiven=forgiven)
        finally:
            text = (link.folder / NODE_LOG).read_text("utf-8", "replace")
            if text:
                link.write(NODE_LOG, text[-_MOST_LOG:])
            shutil.rmtree(link.folder, ignore_errors=True)

    def _run(self, instance: Instance, link: Link, *, forgiven: bool) -> dict[str, Any]:
        for attempt in range(1, _STORING + 1):
            try:
                return InstanceRun(instance, self._context, link, forgiven=forgiven).run().model_dump(mode="json")
            except StorageError as error:
                link.note(FailureNote(f"failed: {error}"))
                if attempt < _STORING:
                    self._recover(error)
        raise LeftError

    def expect(self, payloads: Sequence[dict[str, Any]]) -> None:
        """See `Service`: pull images of instances that are about to run."""
        if self._kind == "docker" and not self._context.settings.sandbox.image:
            with self._expecting:
                self._images.prefetch([Instance.model_validate(payload["instance"]) for payload in payloads])

    def stop(self) -> None:
        """See `Service`."""
        self._stop.stop("the batch was stopped")
        self._images.stop()

    def _recover(self, error: FixIssueError | OSError) -> None:
        """Wait until what failed is there again: the engine, or disk space."""
        full = isinstance(error, OSError) or "no space left" in str(error).lower()
        if full:
            with suppress(SandboxError):
                self._images.evict(everything=True)
            self._wait_for_disk()
        if isinstance(error, SandboxError) and self._kind == "docker":
            wait_for_engine(self._options.patience, self._stop)
            remove_what_is_left(self._context.ended)

    def _wait_for_disk(self) -> None:
        wait_for_disk(self._root, self._options.patience, self._stop)


def wait_for_disk(folder: Path, seconds: float, stop: StopToken) -> None:
    """Wait until a disk has room again.

    Args:
        folder: on the disk.
        seconds: how long at the most.
        stop: ends the waiting.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        disk = shutil.disk_usage(folder)
        if disk.free >= min(_ENOUGH_FREE, disk.total // 10) or stop.wait(1.0):
            return
