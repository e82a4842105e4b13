"""Open fresh sandboxes ahead of the next commands."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType

from sweagent.errors import SandboxError
from sweagent.sandbox.base import Sandbox

_AT_ONCE = 8


class Standby:
    """Opens sandboxes ahead of time; every one is used once.

    Args:
        open_sandbox: opens a fresh sandbox with the base tree.
    """

    def __init__(self, open_sandbox: Callable[[], AbstractContextManager[Sandbox]]) -> None:
        self._open = open_sandbox
        self._workers = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="standby")
        self._ready: list[Future[_Opened]] = []
        self._removals: list[Future[None]] = []
        self._lock = threading.Lock()

    def prepare(self, count: int) -> None:
        """See to it that so many sandboxes are open, or being opened, for the next commands."""
        with self._lock:
            while len(self._ready) < count:
                self._ready.append(self._workers.submit(_Opened, self._open))

    @contextmanager
    def take(self) -> Iterator[Sandbox]:
        """A sandbox of the caller's own, removed without waiting if others can be opened ahead of it.

        Raises:
            SandboxError: it cannot be opened.
        """
        with self._lock:
            waiting = self._ready.pop(0) if self._ready else None
        opened = waiting.result() if waiting else _Opened(self._open)
        try:
            yield opened.sandbox
        finally:
            if opened.sandbox.info.isolated:
                with self._lock:
                    self._removals.append(self._workers.submit(opened.close))
            else:
                opened.close()

    def close(self) -> None:
        """Remove what was opened and not used, and wait until all that was used is removed."""
        with self._lock:
            unused, self._ready = self._ready, []
        for future in unused:
            if not future.cancel():
                future.add_done_callback(_close_unused)
        self._workers.shutdown(wait=True)
        for removal in self._removals:
            with contextlib.suppress(SandboxError):
                removal.result()
        self._removals = []


class _Opened:
    """A sandbox whose context was entered in one thread and may be left in another."""

    def __init__(self, open_sandbox: Callable[[], AbstractContextManager[Sandbox]]) -> None:
        self._context = open_sandbox()
        self.sandbox = self._context.__enter__()

    def close(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        self._context.__exit__(kind, error, trace)


def _close_unused(future: "Future[_Opened]") -> None:
    if future.exception() is None:
        with contextlib.suppress(SandboxError):
            future.result().close()
