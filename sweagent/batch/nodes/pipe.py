"""Pipe executor: nodes behind the standard streams of commands."""

import os
import queue
import shlex
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from sweagent.batch.nodes.executor import ExecutorError
from sweagent.batch.nodes.inbox import Inbox, opened
from sweagent.batch.nodes.messages import (
    Alive,
    End,
    GarbledError,
    Gone,
    Noted,
    Order,
    Refused,
    Report,
    Setup,
    as_line,
    read_report,
)
from sweagent.errors import UsageError

_PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds before a command that ended is started again; a node that lived long begins with the first one anew."""
_LONG = 60.0
_LEAVING = 30.0
"""Seconds that a node has for tidying up at the end."""


class PipeExecutor:
    """Starts commands, each of which is a node at its standard streams; see `Executor`.

    A command that ends is started again a few times, as another node.

    Args:
        commands: shell words each; `{node}` in one stands for its number, from 1.

    Raises:
        UsageError: one is no command.
    """

    remote = True

    def __init__(self, commands: Sequence[str]) -> None:
        try:
            split = [shlex.split(command.replace("{node}", str(n))) for n, command in enumerate(commands, 1)]
        except ValueError as error:
            raise UsageError(f"the command of a node cannot be read: {error}", "close its quotes") from error
        if not all(split):
            raise UsageError(
                "a node has no command", "write `--executor 'pipe:ssh HOST …'`; docs/cluster.md shows more"
            )
        self._commands = split
        self._inbox = Inbox()
        self._streams: dict[str, _Stream] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._given_up = 0

    def open(self, setup: Setup) -> None:
        """See `Executor`."""
        self._setup = setup
        for number, words in enumerate(self._commands, 1):
            threading.Thread(target=self._keep, args=(number, words), daemon=True, name=f"node-{number}").start()

    def send(self, node: str, order: Order) -> None:
        """See `Executor`."""
        with self._lock:
            stream = self._streams.get(node)
        if stream:
            stream.send(order)

    def events(self, timeout: float) -> list[tuple[str, Report]]:
        """See `Executor`."""
        return self._inbox.get(timeout)

    def drop(self, node: str) -> None:
        """See `Executor`."""
        with self._lock:
            stream = self._streams.pop(node, None)
        if stream:
            stream.kill()

    def close(self, *, wait: bool) -> None:
        """See `Executor`."""
        self._closing.set()
        with self._lock:
            streams = list(self._streams.values())
        for stream in streams:
            stream.end()
        deadline = time.monotonic() + (_LEAVING if wait else 0.0)
        for stream in streams:
            stream.leave(max(0.1, deadline - time.monotonic()))

    def _keep(self, number: int, words: list[str]) -> None:
        """Keep one command running."""
        failures = starts = 0
        while not self._closing.is_set() and failures <= len(_PAUSES):
            starts += 1
            name = f"node-{number}" if starts == 1 else f"node-{number}.{starts}"
            began = time.monotonic()
            why = self._serve(name, words)
            if self._closing.is_set():
                return
            self._inbox.put(name, Gone(why=why))
            failures = 1 if time.monotonic() - began >= _LONG else failures + 1
            if failures <= len(_PAUSES) and self._closing.wait(_PAUSES[failures - 1]):
                return
        with self._lock:
            self._given_up += 1
            last = self._given_up == len(self._commands)
        if last:
            hint = "start its command by hand to see what is wrong, then give the same command again"
            over = Refused(message=f"no node can be started: {why}", hint=hint, exit_code=ExecutorError.exit_code)
            self._inbox.put(name, Gone(for_good=over))

    def _serve(self, name: str, words: list[str]) -> str:
        """Run one node to its end, and say how it ended."""
        try:
            # A session of its own: Ctrl-C is for the driver, which tells the node what to do.
            process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, cwd=os.sep
            )
        except OSError as error:
            return f"{words[0]}: {error.strerror or error}"
        stream = _Stream(process)
        with self._lock:
            self._streams[name] = stream
        stream.send(self._setup)
        for line in opened(process.stdout):
            try:
                report = read_report(line)
            except GarbledError:
                # A login shell may greet before the node speaks.
                text = line.decode("utf-8", "replace").strip()[:200]
                report = Noted(text=f"{name} says: {text}") if text else Alive()
            self._inbox.put(name, report)
            if isinstance(report, Refused):
                self._closing_of(name)
        with self._lock:
            self._streams.pop(name, None)
        stream.kill()
        return f"its command ended with {process.wait()}"

    def _closing_of(self, name: str) -> None:
        with self._lock:
            stream = self._streams.get(name)
        if stream:
            stream.end()


class _Stream:
    """The way to one command; writing to it may wait for it, so that each has a thread for that."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._orders: queue.SimpleQueue[Order | None] = queue.SimpleQueue()
        threading.Thread(target=self._write, daemon=True, name="node-orders").start()

    def send(self, order: Order) -> None:
        self._orders.put(order)

    def end(self) -> None:
        self._orders.put(End())
        self._orders.put(None)

    def _write(self) -> None:
        stdin = opened(self._process.stdin)
        with suppress(OSError, ValueError):
            while (order := self._orders.get()) is not None:
                stdin.write(as_line(order))
                stdin.flush()

    def leave(self, seconds: float) -> None:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the command; a node on another machine notices that its input has ended."""
        self._orders.put(None)
        with suppress(OSError):
            self._process.terminate()
        try:
            self._process.wait(2.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(2.0)
