"""Local executor: one node in this process, with the driver's own folder."""

import queue
from contextlib import ExitStack, suppress
from pathlib import Path

from sweagent.batch.nodes.messages import Order, Ready, Report, Setup
from sweagent.batch.nodes.service import Service
from sweagent.batch.nodes.slots import Node

NAME = "local"


class LocalExecutor:
    """Runs jobs in threads of this process; see `Executor`.

    Args:
        service: does the jobs.
        root: the driver's folder, which has a folder for each job.
        slots: jobs at a time.
    """

    remote = False

    def __init__(self, service: Service, root: Path, slots: int) -> None:
        self._service = service
        self._root = root
        self._slots = slots
        self._reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._stack = ExitStack()

    def open(self, setup: Setup) -> None:
        """See `Executor`."""
        node = Node(self._service, slots=self._slots, root=self._root, shared=True, send=self._reports.put)
        self._node = self._stack.enter_context(node)
        self._reports.put(Ready(host=NAME, slots=self._slots))

    def send(self, node: str, order: Order) -> None:
        """See `Executor`."""
        self._node.take(order)

    def events(self, timeout: float) -> list[tuple[str, Report]]:
        """See `Executor`."""
        found: list[tuple[str, Report]] = []
        with suppress(queue.Empty):
            found.append((NAME, self._reports.get(timeout=timeout)))
            while True:
                found.append((NAME, self._reports.get_nowait()))
        return found

    def drop(self, node: str) -> None:
        """See `Executor`; this node is never dropped."""

    def close(self, *, wait: bool) -> None:
        """See `Executor`."""
        self._stack.close()
