"""A node: jobs side by side in threads, reports to the driver."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from contextvars import copy_context
from pathlib import Path
from types import TracebackType
from typing import Self

from sweagent.batch.nodes.messages import Ended, Expect, Job, Noted, Order, Refused, Report, Stop, Stored
from sweagent.batch.nodes.service import LeftError, Link, Service
from sweagent.errors import FixIssueError, RunInterruptedError, please_report
from sweagent.notes import FailureNote
from sweagent.stop_token import StopToken

_LOG = logging.getLogger("sweagent.batch")


class Node:
    """Runs jobs until the block ends; then it stops them and waits for them.

    Args:
        service: does the jobs.
        slots: jobs at a time, at the most.
        root: has a folder for each job.
        shared: the root is the driver's own folder.
        send: takes reports to the driver; any thread may call it.

    Raises:
        FixIssueError: this machine cannot do such jobs; on entering the block.
    """

    def __init__(
        self, service: Service, *, slots: int, root: Path, shared: bool, send: Callable[[Report], None]
    ) -> None:
        self._service = service
        self._slots = slots
        self._root = root
        self._shared = shared
        self._send = send
        self._stop = StopToken()
        self._links: dict[tuple[str, int], Link] = {}
        self._running: set[Future[None]] = set()
        self._lock = threading.Lock()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self._service.opened(self._note))
        # Two threads more: one gets ready for what comes next, and a job that has just reported its end holds one.
        pool = ThreadPoolExecutor(max_workers=self._slots + 2, thread_name_prefix="batch")
        self._pool = self._stack.enter_context(pool)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()
        with self._lock:
            for link in self._links.values():
                link.cut()
        self._stack.close()

    def take(self, order: Order) -> None:
        """Do what the driver says; returns at once."""
        match order:
            case Job():
                self._submit(order)
            case Stored():
                with self._lock:
                    link = self._links.get((order.name, order.epoch))
                if link:
                    link.stored(order.number)
            case Expect():
                self._pool.submit(copy_context().run, self._service.expect, order.payloads)
            case Stop():
                self.stop()

    def stop(self) -> None:
        """Begin nothing new; what runs ends at its next step."""
        self._stop.stop("the batch was stopped")
        self._service.stop()

    def drain(self) -> None:
        """Wait for the jobs that run."""
        with self._lock:
            running = set(self._running)
        wait(running)

    def _note(self, text: str) -> None:
        self._send(Noted(text=str(text), failure=isinstance(text, FailureNote)))

    def _submit(self, job: Job) -> None:
        link = Link(job, self._root / job.name, shared=self._shared, stop=self._stop, send=self._send)
        with self._lock:
            self._links[job.name, job.epoch] = link
            future = self._pool.submit(copy_context().run, self._run, job, link)
            self._running.add(future)
        future.add_done_callback(self._running.discard)

    def _run(self, job: Job, link: Link) -> None:
        ended = Ended(name=job.name, epoch=job.epoch)
        try:
            ended = ended.model_copy(update={"payload": self._service.run(job, link)})
        except (LeftError, RunInterruptedError):
            pass
        except FixIssueError as error:
            refused = Refused(message=str(error), hint=error.hint, exit_code=error.exit_code)
            ended = ended.model_copy(update={"error": refused})
        except Exception as error:
            _LOG.exception("internal error in %s", job.name)
            said = f"internal error: {type(error).__name__}: {error}"
            refused = Refused(message=said, hint=please_report("the node's output"))
            ended = ended.model_copy(update={"error": refused})
        finally:
            with self._lock:
                del self._links[job.name, job.epoch]
            self._send(ended)
