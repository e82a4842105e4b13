"""Send a run's events, and the files they name, to the driver."""

from contextlib import suppress
from pathlib import Path

from sweagent.agent.journal import Listener
from sweagent.batch.drive.portable_log import NOWHERE, RESULT, TRAJECTORY
from sweagent.batch.nodes.service import Link
from sweagent.run_folder import RunFolder
from sweagent.trajectory import AnyEvent, CallReserved, PatchTaken, ReplyReceived, RunEnded, VerdictGiven
from sweagent.trajectory_file import event_line

_MOST_LOG = 1 << 20
"""Bytes of a run's log for people, from its end."""


def listeners(run: RunFolder, link: Link) -> tuple[Listener, ...]:
    """What follows a run's events: the driver's copy of the run where it has another folder, and the progress."""

    def progress(event: AnyEvent) -> None:
        if isinstance(event, ReplyReceived):
            tools = ", ".join(action.tool for action in event.reply.actions)
            link.progress(tools or "thinking", step=event.step, more=event.reply.cost)
        elif isinstance(event, VerdictGiven):
            link.progress(event.verdict)

    return (progress,) if link.shared else (Mirror(run, link).add, progress)


class Mirror:
    """The driver has a file before the event that names it, and a reservation of money before the call is sent.

    Args:
        run: the run's folder on this machine.
        link: to the driver.
    """

    def __init__(self, run: RunFolder, link: Link) -> None:
        self._run = run
        self._link = link
        self._name = run.path.name

    def add(self, event: AnyEvent) -> None:
        """Send an event that is on disk here.

        Raises:
            RunInterruptedError: it holds money, and the driver is out of reach.
        """
        match event:
            case PatchTaken():
                self._send(event.file)
            case VerdictGiven(proof_file=file) if file:
                self._send(file)
            case RunEnded():
                for path in (self._run.patch, self._run.withheld, self._run.proof, self._run.result):
                    self._send(path.name)
        line = event_line(NOWHERE.event(event)).decode("utf-8", "surrogateescape")
        self._link.append(f"{self._name}/{TRAJECTORY}", line, wait=isinstance(event, CallReserved))

    def _send(self, name: str) -> None:
        with suppress(FileNotFoundError):
            text = (self._run.path / name).read_bytes().decode("utf-8", "surrogateescape")
            self._link.write(f"{self._name}/{name}", NOWHERE.result(text) if name == RESULT else text)


def send_log(run: RunFolder, link: Link) -> None:
    """Send the end of a run's log for people."""
    if not link.shared:
        with suppress(OSError):
            text = run.log.read_bytes()[-_MOST_LOG:].decode("utf-8", "replace")
            link.write(f"{run.path.name}/{Path(run.log).name}", text)
