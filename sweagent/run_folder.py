"""Folder of a run: its files, default place and lock."""

import fcntl
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sweagent.config import Origin
from sweagent.errors import StorageError, UsageError
from sweagent.frozen import Frozen
from sweagent.home import state_folder
from sweagent.trajectory import Usage


class Result(Frozen):
    """How a run ended."""

    run_id: str
    folder: str
    exit_status: str
    message: str = ""
    verdict: str
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
        self.patches = self.path / "patches"
        """Every patch that was taken, so that a later one never destroys an earlier one."""

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out of the folder, which is made when it is missing.

        Raises:
            UsageError: another process works in it.
            StorageError: it cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            fd = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StorageError(f"cannot use the folder {self.path}: {error}", "choose another with --output") from error
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UsageError(
                    f"another process works on the run in {self.path}", "wait for it, or choose another --output folder"
                ) from error
            yield
        finally:
            os.close(fd)

    def write(self, path: Path, text: str) -> None:
        """Write a file so that it is there as a whole or not at all.

        Raises:
            StorageError: the disk refuses it; what was there before is whole.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fd, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            try:
                with os.fdopen(fd, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                os.chmod(name, 0o644)
                os.replace(name, path)
            except BaseException:
                os.unlink(name)
                raise
        except OSError as error:
            raise StorageError(f"cannot write {path}: {error}", "free some disk space") from error


def runs_folder() -> Path:
    """Where runs are kept unless the user says otherwise: the XDG state folder."""
    return state_folder() / "runs"


def new_run_id(task_id: str) -> str:
    """A name that no other run has and that is safe in paths and labels."""
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", task_id).strip("-.")[:60] or "task"
    return f"{stem}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def find_run(name: str) -> RunFolder:
    """The folder of an existing run.

    Args:
        name: a folder, or the id of a run in the default place.

    Raises:
        UsageError: there is no such run.
    """
    # A bare name is looked up among the user's runs first: a folder of that name may lie in anybody's work tree.
    places = (runs_folder() / name, Path(name)) if os.sep not in name else (Path(name),)
    for folder in map(RunFolder, places):
        if folder.trajectory.is_file():
            return folder
    raise UsageError(f"there is no run {name!r}", f"give a run's folder, or the name of one in {runs_folder()}")
