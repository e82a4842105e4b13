"""Local executor: one node in this process, with the driver's own folder."""

from contextlib import ExitStack
from pathlib import Path

from sweagent.batch.nodes.inbox import Inbox
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
        self._inbox = Inbox()
        self._stack = ExitStack()

    def open(self, setup: Setup) -> None:
        """See `Executor`."""
        node = Node(
            self._service,
            slots=self._slots,
            root=self._root,
            shared=True,
            send=lambda report: self._inbox.put(NAME, report),
        )
        self._node = self._stack.enter_context(node)
        self._inbox.put(NAME, Ready(host=NAME, slots=self._slots))

    def send(self, node: str, order: Order) -> None:
        """See `Executor`."""
        self._node.take(order)

    def events(self, timeout: float) -> list[tuple[str, Report]]:
        """See `Executor`."""
        return self._inbox.get(timeout)

    def drop(self, node: str) -> None:
        """See `Executor`; this node is never dropped."""

    def close(self, *, wait: bool) -> None:
        """See `Executor`."""
        self._stack.close()
