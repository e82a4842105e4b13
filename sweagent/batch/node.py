"""Node process: reads jobs from standard input, writes reports to standard output.

    python -I -m sweagent.batch.node [--slots N] [--memory SIZE] [--repositories FOLDER] [--folder FOLDER]

Never started in a work tree. Keys and addresses of engines come from its own environment.
"""

import argparse
import os
import platform
import shutil
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from sweagent import __version__
from sweagent.batch.nodes.messages import (
    Alive,
    End,
    GarbledError,
    Job,
    Ready,
    Refused,
    Report,
    Setup,
    Work,
    as_line,
    read_order,
)
from sweagent.batch.nodes.service import Service
from sweagent.batch.nodes.slots import Node
from sweagent.errors import ExitCode, FixIssueError, UsageError
from sweagent.file_lock import LockedElsewhereError, locked
from sweagent.home import state_folder
from sweagent.sizes import parse_size

_BEATS = 6
"""Signs of life within the silence that both sides bear."""


def main() -> None:
    """Serve one driver until it ends or is silent."""
    parser = argparse.ArgumentParser(prog="python -I -m sweagent.batch.node", description=__doc__.split("\n")[0])
    parser.add_argument("--slots", type=int, default=None, help="jobs at a time; one a processor by default")
    parser.add_argument("--memory", default="", help="what jobs may use together, such as 64g; no limit by default")
    parser.add_argument("--repositories", type=Path, default=None, help="a folder with clones of this machine")
    parser.add_argument("--folder", type=Path, default=None, help="where jobs work; among the user's state by default")
    options = parser.parse_args()
    # What others print must not come between the reports.
    out, source = os.fdopen(os.dup(1), "wb"), os.fdopen(os.dup(0), "rb")
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    _Process(options, source, out).serve()


class _Process:
    """One node, one driver."""

    def __init__(self, options: argparse.Namespace, source: BinaryIO, out: BinaryIO) -> None:
        self._options = options
        self._source = source
        self._out = out
        self._lock = threading.Lock()
        self._heard = time.monotonic()

    def serve(self) -> None:
        setup = self._first()
        try:
            with _own_folder(self._options.folder) as root:
                service = make_service(setup, root, self._options.repositories)
                slots = self._options.slots or setup.slots or os.cpu_count() or 1
                with Node(service, slots=slots, root=root, shared=False, send=self._send) as node:
                    memory = parse_size(self._options.memory) if self._options.memory else None
                    self._send(Ready(host=platform.node(), slots=slots, memory=memory))
                    threading.Thread(target=self._watch, args=(setup.silence,), daemon=True).start()
                    self._follow(node, root)
                    node.drain()
        except FixIssueError as error:
            self._send(Refused(message=str(error), hint=error.hint, exit_code=error.exit_code))
            sys.exit(int(error.exit_code))

    def _first(self) -> Setup:
        try:
            setup = read_order(self._source.readline())
        except GarbledError:
            setup = Alive()
        if not isinstance(setup, Setup) or setup.version != __version__:
            hint = f"install fix-issue {setup.version} there" if isinstance(setup, Setup) else "a driver starts it"
            said = f"{platform.node()} has fix-issue {__version__}, which does not understand this driver"
            self._send(Refused(message=said, hint=hint, exit_code=ExitCode.USAGE))
            sys.exit(int(ExitCode.USAGE))
        return setup

    def _follow(self, node: Node, root: Path) -> None:
        """Do what the driver says, to the last order."""
        for line in self._source:
            self._heard = time.monotonic()
            order = read_order(line)
            if isinstance(order, End):
                return
            if isinstance(order, Job):
                _put(root / order.name, order.files)
            node.take(order)
        _die("the driver is gone")

    def _watch(self, silence: float) -> None:
        """Give signs of life, and end everything when the driver gives none."""
        while True:
            threading.Event().wait(silence / _BEATS)
            self._send(Alive())
            if time.monotonic() - self._heard > silence:
                _die(f"the driver has said nothing for {silence:g} s")

    def _send(self, report: Report) -> None:
        line = as_line(report)
        try:
            with self._lock:
                self._out.write(line)
                self._out.flush()
        except (OSError, ValueError):
            _die("the driver is gone")


def make_service(setup: Setup, root: Path, repositories: Path | None) -> Service:
    """What does the jobs that a driver has.

    Raises:
        FixIssueError: this machine cannot do them.
    """
    if setup.work is Work.SOLVE:
        from sweagent.batch.drive.solve_service import SolveService

        return SolveService.on_node(setup.payload, root, repositories)
    if setup.work is Work.GRADE:
        from sweagent.batch.grade.grade_service import GradeService
        from sweagent.batch.grade.grader import EvaluationOptions

        return GradeService(EvaluationOptions.model_validate(setup.payload["options"]), state_folder() / "nodes")
    from sweagent.batch.trial.environment_service import EnvironmentService

    return EnvironmentService.on_node(setup.payload, repositories)


def _put(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        if ".." in Path(name).parts or Path(name).is_absolute():
            raise UsageError(f"{name} is outside of the job's folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))


@contextmanager
def _own_folder(chosen: Path | None) -> Iterator[Path]:
    """A folder of this process; those that killed nodes left behind are removed."""
    base = chosen or state_folder() / "nodes"
    base.mkdir(parents=True, exist_ok=True)
    for old in base.glob("node-*.lock"):
        with suppress(LockedElsewhereError), locked(old, wait=0):
            shutil.rmtree(old.with_suffix(""), ignore_errors=True)
            old.unlink(missing_ok=True)
    folder = base / f"node-{uuid.uuid4().hex[:12]}"
    with locked(folder.with_suffix(".lock")):
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    folder.with_suffix(".lock").unlink(missing_ok=True)


def _die(why: str) -> None:
    """End at once; the reaper of this process removes its containers."""
    with suppress(OSError):
        os.write(2, f"fix-issue node: {why}\n".encode())
    os._exit(1)


if __name__ == "__main__":
    main()
