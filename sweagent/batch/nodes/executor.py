"""How a driver reaches its nodes."""

from collections.abc import Sequence
from typing import Protocol

from sweagent.batch.nodes.messages import Order, Report, Setup
from sweagent.errors import ExitCode, FixIssueError


class ExecutorError(FixIssueError):
    """The nodes cannot be reached any more; the same command goes on with the batch."""

    exit_code = ExitCode.SANDBOX


class Executor(Protocol):
    """Starts nodes, carries messages, and tells when a node is gone; it repeats nothing by itself."""

    remote: bool
    """Nodes are other machines: they see neither the driver's files nor its environment."""

    def open(self, setup: Setup) -> None:
        """Start the nodes that are there already; others may join later.

        Raises:
            UsageError: it cannot be used as it was given.
            FixIssueError: no node can do this.
        """

    def send(self, node: str, order: Order) -> None:
        """Say something to a node; what a node that is gone does not hear is dropped."""

    def events(self, timeout: float) -> Sequence[tuple[str, Report]]:
        """What nodes reported since the last time, in their order; a new name is a new node.

        Args:
            timeout: seconds to wait for the first one.
        """

    def drop(self, node: str) -> None:
        """Have no more to do with a node."""

    def close(self, *, wait: bool) -> None:
        """End all nodes.

        Args:
            wait: for their jobs to stop and to be tidied up.
        """
