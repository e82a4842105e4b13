"""Folder of a run: its files, default place and lock."""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from sweagent.atomic_write import write_atomically
from sweagent.config import Origin
from sweagent.errors import UsageError
from sweagent.exit_status import ExitStatus
from sweagent.file_lock import LockedElsewhereError, locked
from sweagent.frozen import Frozen
from sweagent.home import state_folder
from sweagent.trajectory import Usage
from sweagent.verdict import Verdict

_TIME_IN_NAME = re.compile(r"-(\d{8}-\d{6})-")


class Result(Frozen):
    """How a run ended."""

    run_id: str
    folder: str
    exit_status: ExitStatus
    message: str = ""
    verdict: Verdict
    reason: str = ""
    exit_code: int
    patch_file: str | None = None
    proof_file: str | None = None
    withheld_file: str | None = None
    """A diff of what is not in the patch, for people to look at."""
    files: tuple[str, ...] = ()
    left_out: dict[str, str] = {}
    """Changed files that are not in the patch, each with the reason."""
    model: str = ""
    cost: float | None = 0.0
    """US dollars; None when a price is unknown."""
    usage: Usage = Usage()
    spending: tuple[dict[str, Any], ...] = ()
    """Calls, tokens and dollars by model and purpose."""
    steps: int = 0
    """Replies of all attempts."""
    prompt: dict[str, int] = {}
    """Characters of all requests by what they were: tools, issue, observations of each tool …"""
    attempts: int = 1
    selection: str = ""
    """With several attempts: why this candidate was chosen."""
    seconds: float = 0.0
    origin: Origin = Origin()
    """Where the settings came from, and what the repository's own file said in vain."""


class RunFolder:
    """Paths of a run's files.

    Args:
        path: the folder; it need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.trajectory = self.path / "trajectory.jsonl"
        self.patch = self.path / "patch.diff"
        self.withheld = self.path / "withheld.diff"
        """What was left out of the patch, for people to look at."""
        self.proof = self.path / "proof.json"
        self.result = self.path / "result.json"
        self.log = self.path / "run.log"
        """What happened, for people who look for a fault; the trajectory is the record."""
        self.alive = self.path / "alive"
        """Touched now and then by the process that works on the run, so that the moment of a kill is known."""
        self.patches = self.path / "patches"
        """Every patch that was taken, so that a later one never destroys an earlier one."""

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out of the folder, which is made when it is missing.

        Raises:
            UsageError: another process works in it.
            StorageError: it cannot be made.
        """
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(self.path / ".lock", wait=0))
            except LockedElsewhereError as error:
                raise UsageError(
                    f"another process works on the run in {self.path}", "wait for it, or choose another --output folder"
                ) from error
            yield

    def write(self, path: Path, text: str) -> None:
        """Write one of its files as a whole or not at all.

        Raises:
            StorageError: the disk refuses it; what was there before is whole.
        """
        write_atomically(path, text)


def runs_folder() -> Path:
    """The folder of runs unless the user says otherwise: in the XDG state folder."""
    return state_folder() / "runs"


def new_run_id(task_id: str) -> str:
    """A name that no other run has and that is safe in paths and labels."""
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", task_id).strip("-.")[:60] or "task"
    return f"{stem}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def find_run(name: str) -> RunFolder:
    """The folder of an existing run.

    Args:
        name: a folder (of an instance of a batch: its latest run), the id of a run in the default place, the start of
            one that no other has, or `last` for the one that was started last.

    Raises:
        UsageError: there is no such run, or there are several.
    """
    if not name:
        raise UsageError("there is no run ''", _RUNS)
    # A bare name is one of the user's runs, and a folder here only where it is none: that may lie in anybody's tree.
    if os.sep not in name:
        own = _run_in(runs_folder() / name) or _found_among_own(name)
        if own or name == "last":
            return own or _no_run(name)
    return _run_in(Path(name)) or _no_run(name)


_RUNS = "`fix-issue runs` lists the runs; a folder is given by its path"


def _no_run(name: str) -> NoReturn:
    if name == "last":
        raise UsageError("there is no run yet", "`fix-issue REPO ISSUE` starts one, `fix-issue demo` needs no model")
    raise UsageError(f"there is no run {name!r}", _RUNS)


def _run_in(path: Path) -> RunFolder | None:
    folder = RunFolder(path)
    if folder.trajectory.is_file():
        return folder
    numbered = sorted(folder.path.glob("run-*/trajectory.jsonl"), key=lambda file: len(str(file)))
    return RunFolder(numbered[-1].parent) if numbered else None


def _found_among_own(name: str) -> RunFolder | None:
    """The user's latest run, or the one whose name starts so; None where there is none.

    Raises:
        UsageError: there are several.
    """
    files = runs_folder().glob("*/trajectory.jsonl")
    if name == "last":
        # The first event is written when a run is started, and resuming changes only the file's end.
        found = sorted(files, key=lambda file: (_TIME_IN_NAME.findall(file.parent.name)[-1:], file.stat().st_mtime))[
            -1:
        ]
    else:
        found = sorted(file for file in files if file.parent.name.startswith(name))
    if len(found) > 1:
        names = ", ".join(file.parent.name for file in found[:4])
        raise UsageError(f"{len(found)} runs start with {name!r}: {names}", "give more of the name")
    return RunFolder(found[0].parent) if found else None
