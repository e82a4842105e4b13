"""What a node does with jobs; a job's way to the driver."""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from sweagent.batch.nodes.messages import Job, Noted, Progressed, Report, Written
from sweagent.errors import RunInterruptedError
from sweagent.notes import FailureNote
from sweagent.stop_token import StopToken


class LeftError(Exception):
    """The job was stopped before its end; what it did is kept and is gone on with later."""


class Link:
    """What a job may use of its node. Any thread may call it.

    Args:
        job: whose it is.
        folder: the job's files; with `shared` it is the driver's own folder, so that nothing need be sent.
        shared: driver and node have the folder in common.
        stop: asks the job to end at its next step.
        send: takes a report to the driver.
    """

    def __init__(
        self, job: Job, folder: Path, *, shared: bool, stop: StopToken, send: Callable[[Report], None]
    ) -> None:
        self.folder = folder
        self.shared = shared
        self.stop = stop
        self._name, self._epoch = job.name, job.epoch
        self._send = send
        self._number = 0
        self._stored = 0
        self._cut = False
        self._condition = threading.Condition()

    def note(self, text: str) -> None:
        """Tell people something."""
        failure = isinstance(text, FailureNote)
        self._send(Noted(name=self._name, epoch=self._epoch, text=str(text), failure=failure))

    def progress(self, doing: str, *, step: int | None = None, more: float | None = 0.0) -> None:
        """Tell what the job is doing.

        Args:
            doing: in a few words.
            step: of its run.
            more: US dollars since the last time; None when the price is unknown.
        """
        self._send(Progressed(name=self._name, epoch=self._epoch, doing=doing, step=step, more=more))

    def write(self, path: str, text: str) -> None:
        """Have the driver keep a file of the job's folder."""
        self._written(path, text, append=False, wait=False)

    def append(self, path: str, line: str, *, wait: bool = False) -> None:
        """Have the driver add a line to a file.

        Args:
            path: in the job's folder.
            line: with its newline.
            wait: return only when the driver has it on disk.

        Raises:
            RunInterruptedError: the driver is out of reach.
        """
        self._written(path, line, append=True, wait=wait)

    def _written(self, path: str, text: str, *, append: bool, wait: bool) -> None:
        if self.shared:
            return
        with self._condition:
            self._number += 1
            number = self._number
            self._send(
                Written(
                    name=self._name,
                    epoch=self._epoch,
                    number=number,
                    path=path,
                    text=text,
                    append=append,
                    wait=wait,
                )
            )
            if wait:
                self._condition.wait_for(lambda: self._cut or self._stored >= number)
                if self._stored < number:
                    raise RunInterruptedError("the driver is out of reach")

    def stored(self, number: int) -> None:
        """The driver has everything on disk up to a number."""
        with self._condition:
            self._stored = max(self._stored, number)
            self._condition.notify_all()

    def cut(self) -> None:
        """The driver will not answer any more."""
        with self._condition:
            self._cut = True
            self._condition.notify_all()


class Service(Protocol):
    """Does one kind of job."""

    def opened(self, note: Callable[[str], None]) -> AbstractContextManager[None]:
        """Hold what all jobs share for the length of a block.

        Args:
            note: receives lines for people about the node.

        Raises:
            FixIssueError: this machine cannot do such jobs.
        """

    def run(self, job: Job, link: Link) -> dict[str, Any]:
        """Do a job.

        Raises:
            LeftError: it was stopped before its end.
            FixIssueError: it cannot be done.
        """

    def expect(self, payloads: Sequence[dict[str, Any]]) -> None:
        """Get ready for jobs that will come soon."""

    def stop(self) -> None:
        """Begin nothing that takes long."""
