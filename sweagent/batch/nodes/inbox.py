"""Reports of nodes, collected from the threads that listen to them."""

import queue
from contextlib import suppress
from typing import IO

from sweagent.batch.nodes.messages import Report


def opened(stream: IO[bytes] | None) -> IO[bytes]:
    """A process's standard stream that was asked for when it was started."""
    if stream is None:
        raise ValueError("the process was started without this stream")
    return stream


class Inbox:
    """Takes reports from any thread; one thread reads them."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[str, Report]] = queue.SimpleQueue()

    def put(self, node: str, report: Report) -> None:
        """Add a report."""
        self._queue.put((node, report))

    def get(self, timeout: float) -> list[tuple[str, Report]]:
        """All reports since the last time.

        Args:
            timeout: seconds to wait for the first one.
        """
        found: list[tuple[str, Report]] = []
        with suppress(queue.Empty):
            found.append(self._queue.get(timeout=timeout))
            while True:
                found.append(self._queue.get_nowait())
        return found
