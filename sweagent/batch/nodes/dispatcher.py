"""Give jobs to nodes; take them back from lost ones."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from sweagent.batch.nodes.executor import Executor, ExecutorError
from sweagent.batch.nodes.messages import (
    Alive,
    Ended,
    Expect,
    Gone,
    Job,
    Noted,
    Order,
    Progressed,
    Ready,
    Refused,
    Report,
    Setup,
    Stop,
    Stored,
    Written,
)

SILENCE = 60.0
"""Seconds without a word after which a node stops its work, and the driver takes it for lost."""

_BEATS = 6
"""Signs of life within the silence."""
_MARGIN = 1.0
"""Seconds more that the driver waits before a lost job begins elsewhere: clocks are read at different moments."""
_AFTER_REFUSAL = 15.0
"""Seconds that the driver waits for another node when those that came cannot do the work."""


@dataclass(frozen=True)
class Lost:
    """The node of a job is gone, and has stopped by now: the job may begin elsewhere."""

    name: str


@dataclass
class _NodeState:
    """What the driver knows of a node."""

    ready: Ready
    heard: float
    jobs: dict[str, Job] = field(default_factory=dict)
    near: set[str] = field(default_factory=set)
    """What jobs there have used, such as images."""

    used: int = 0
    """Slots of its jobs."""
    needed: int = 0
    """Bytes that its jobs may need."""

    @property
    def free(self) -> int:
        return self.ready.slots - self.used

    def give(self, job: Job) -> None:
        """A job has begun there."""
        self.jobs[job.name] = job
        self.used += job.slots
        self.needed += job.memory or 0

    def take(self, name: str) -> None:
        """A job has ended there."""
        job = self.jobs.pop(name)
        self.used -= job.slots
        self.needed -= job.memory or 0

    def fits(self, slots: int, memory: int | None, *, empty: bool = False) -> bool:
        """Whether a job has room; with `empty`, whether it would have if nothing else ran."""
        used, needed = (0, 0) if empty else (self.used, self.needed)
        whole = self.ready.memory
        return used + slots <= self.ready.slots and (whole is None or memory is None or needed + memory <= whole)


class Dispatcher:
    """Keeps the nodes for the length of a block. One thread uses it.

    Args:
        executor: reaches the nodes.
        setup: what each node is told first.
        patience: seconds without any node after which there is no point in waiting.
        note: receives lines about nodes for people.
    """

    def __init__(
        self,
        executor: Executor,
        setup: Setup,
        *,
        patience: float = 300.0,
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._executor = executor
        self._setup = setup
        self._patience = patience
        self._note = note
        self._nodes: dict[str, _NodeState] = {}
        self._epochs: dict[str, int] = {}
        self._limbo: dict[str, float] = {}
        self._refusal: Refused | None = None
        self._alone_since = time.monotonic()
        self._done = threading.Event()

    def __enter__(self) -> Self:
        self._executor.open(self._setup)
        self._alone_since = time.monotonic()
        if self._executor.remote:
            threading.Thread(target=self._beat, daemon=True, name="batch-heartbeat").start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._done.set()
        self._executor.close(wait=not isinstance(error, ExecutorError))

    @property
    def running(self) -> int:
        """Jobs that nodes are working on, as far as is known."""
        return sum(len(node.jobs) for node in self._nodes.values())

    @property
    def nodes(self) -> int:
        """Nodes that take jobs."""
        return len(self._nodes)

    @property
    def lost(self) -> int:
        """Jobs of lost nodes that may not begin elsewhere yet."""
        return len(self._limbo)

    def node_for(self, slots: int, memory: int | None, near: str = "") -> str | None:
        """A node that has room for a job: one that has what it uses, else the one with the most free slots.

        Args:
            slots: that the job takes.
            memory: bytes that it may need.
            near: what the job uses, such as its image.

        Raises:
            ExecutorError: no node would have room for it even if nothing else ran.
        """
        if self._nodes and not any(node.fits(slots, memory, empty=True) for node in self._nodes.values()):
            largest = max(node.ready.slots for node in self._nodes.values())
            raise ExecutorError(
                f"no node has {slots} slots and {memory or 0:,} bytes for one job; the largest has {largest} slots",
                "give --job-slots or --job-memory less, or larger nodes",
            )
        found = [(name, node) for name, node in self._nodes.items() if node.fits(slots, memory)]
        best = max(found, key=lambda item: (near in item[1].near, item[1].free), default=None)
        return best[0] if best else None

    def submit(
        self,
        node: str,
        name: str,
        payload: Mapping[str, Any],
        *,
        files: Mapping[str, str] | None = None,
        slots: int = 1,
        memory: int | None = None,
        near: str = "",
    ) -> None:
        """Give a job to a node, as a new epoch."""
        self._epochs[name] = self._epochs.get(name, 0) + 1
        job = Job(
            name=name,
            epoch=self._epochs[name],
            slots=slots,
            memory=memory,
            payload=dict(payload),
            files=dict(files or {}),
        )
        state = self._nodes[node]
        # Without its files, which may be large and are on disk.
        state.give(job.model_copy(update={"payload": {}, "files": {}}))
        if near:
            state.near.add(near)
        self._executor.send(node, job)

    def expect(self, payloads: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """Tell the nodes what will come next, each its part.

        Args:
            payloads: of the next jobs in their order, each with what it uses. A node that has it is told of it.
        """
        names = list(self._nodes)
        if not names:
            return
        parts: dict[str, list[dict[str, Any]]] = {}
        for number, (near, payload) in enumerate(payloads):
            having = next((name for name in names if near in self._nodes[name].near), None)
            target = having or names[number % len(names)]
            if near and not having:
                self._nodes[target].near.add(near)
                parts.setdefault(target, []).append(payload)
        for name, part in parts.items():
            self._executor.send(name, Expect(payloads=tuple(part)))

    def acknowledge(self, report: Written) -> None:
        """Tell a job that what it reported is on disk."""
        for name, node in self._nodes.items():
            if report.name in node.jobs:
                self._executor.send(name, Stored(name=report.name, epoch=report.epoch, number=report.number))

    def stop(self) -> None:
        """Have all jobs keep what they have and end at their next step."""
        self._limbo.clear()
        for name in self._nodes:
            self._executor.send(name, Stop())

    def poll(self, timeout: float) -> Iterator[Written | Noted | Progressed | Ended | Lost]:
        """What jobs reported; reports of jobs that their node does not have any more are dropped.

        Args:
            timeout: seconds to wait for the first one.

        Raises:
            ExecutorError: there is no node any more.
            FixIssueError: no node can do this work.
        """
        for name, report in self._executor.events(timeout):
            found = self._heard(name, report)
            if found is not None:
                yield found
        self._look_for_the_silent()
        now = time.monotonic()
        for name in [name for name, when in self._limbo.items() if when <= now]:
            del self._limbo[name]
            yield Lost(name)
        self._look_for_any(now)

    def _heard(self, name: str, report: Report) -> Written | Noted | Progressed | Ended | None:
        node = self._nodes.get(name)
        if node:
            node.heard = time.monotonic()
        match report:
            case Ready():
                self._nodes[name] = _NodeState(report, time.monotonic())
                if self._executor.remote:
                    self._note(f"{name} ({report.host}) is ready: {report.slots} slots")
            case Refused():
                self._refusal = report
                self._note(f"{name} cannot be used: {report.error().with_hint}")
                self._lose(name)
            case Gone():
                if report.for_good:
                    # Where a node said why it cannot work, that is what has to be mended.
                    error = (self._refusal or report.for_good).error()
                    raise ExecutorError(str(error), error.hint)
                self._note(f"{name} is gone: {report.why}" if report.why else f"{name} is gone")
                self._lose(name)
            case Noted(name=""):
                return report
            case Written() | Noted() | Progressed() | Ended():
                job = node.jobs.get(report.name) if node else None
                if node is None or job is None or job.epoch != report.epoch:
                    return None
                if isinstance(report, Ended):
                    node.take(report.name)
                return report
        return None

    def _look_for_the_silent(self) -> None:
        if not self._executor.remote:
            return
        now = time.monotonic()
        for name in [name for name, node in self._nodes.items() if now - node.heard > self._setup.silence]:
            self._note(f"{name} has said nothing for {self._setup.silence:g} s")
            self._lose(name)

    def _lose(self, name: str) -> None:
        self._executor.drop(name)
        node = self._nodes.pop(name, None)
        now = time.monotonic()
        if node:
            # It may work on for as long as it has heard nothing; it cannot spend anything in that time.
            self._limbo.update(dict.fromkeys(node.jobs, now + self._setup.silence + _MARGIN))
            if not self._nodes:
                self._alone_since = now

    def _look_for_any(self, now: float) -> None:
        alone = now - self._alone_since
        if self._nodes or (alone < self._patience and not (self._refusal and alone > _AFTER_REFUSAL)):
            return
        if self._refusal:
            raise self._refusal.error()
        raise ExecutorError(
            f"there has been no node for {alone:.0f} s", "look at the nodes, then go on with the same command"
        )

    def _beat(self) -> None:
        while not self._done.wait(self._setup.silence / _BEATS):
            for name in list(self._nodes):
                order: Order = Alive()
                self._executor.send(name, order)
