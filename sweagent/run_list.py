"""List the runs in a folder, and remove old ones."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from sweagent.errors import FixIssueError, StorageError, UsageError
from sweagent.frozen import Frozen
from sweagent.run_folder import Result, RunFolder, runs_folder
from sweagent.trajectory import RunStarted
from sweagent.trajectory_file import read_first_event

RUNNING, UNFINISHED = "running", "unfinished"
"""What stands in place of a verdict while a process works on a run, and when none does and the run did not end."""


_OWN = frozenset({
    "trajectory.jsonl", "patch.diff", "withheld.diff", "proof.json", "result.json", "run.log", "hooks.log",
    "whole.json", "alive", "patches", ".lock",
})  # fmt: skip
"""What a run writes; `--output` may have named a folder of the user's with other things in it."""


class RunEntry(Frozen):
    """One run in a few words."""

    run_id: str
    folder: str
    repository: str
    issue: str
    """The issue's title."""
    started: datetime
    verdict: str
    """Or `running` or `unfinished`."""
    exit_status: str = ""
    model: str = ""
    cost: float | None = None
    """US dollars; None when unknown."""
    steps: int = 0
    seconds: float = 0.0
    patch: str = ""
    """The patch's file; empty when there is none."""

    @property
    def live(self) -> bool:
        """Whether a process works on it."""
        return self.verdict == RUNNING


def list_runs(folder: Path | None = None) -> list[RunEntry]:
    """The runs in a folder (the user's own by default), the latest first. What is no run is left out."""
    place = folder or runs_folder()
    found = (entry_of(RunFolder(path)) for path in (place.iterdir() if place.is_dir() else ()) if path.is_dir())
    return sorted((entry for entry in found if entry), key=lambda entry: entry.started, reverse=True)


def entry_of(folder: RunFolder) -> RunEntry | None:
    """A run in a few words; None where there is none that can be read."""
    try:
        first = read_first_event(folder.trajectory)
    except FixIssueError:
        return None
    if not isinstance(first, RunStarted):
        return None
    result = _result(folder)
    return RunEntry(
        run_id=first.run_id,
        folder=str(folder.path),
        repository=first.task.repository.name,
        issue=first.task.issue.title,
        started=first.time,
        verdict=RUNNING if _held(folder) else result.verdict if result else UNFINISHED,
        exit_status=result.exit_status if result else "",
        model=result.model if result else "",
        cost=result.cost if result else None,
        steps=result.steps if result else 0,
        seconds=result.seconds if result else 0.0,
        patch=str(folder.patch) if folder.patch.is_file() and folder.patch.stat().st_size else "",
    )


def remove_run(entry: RunEntry) -> int:
    """Remove a run; of a folder that holds other things too only the run's own files.

    Returns:
        How many bytes they took.

    Raises:
        UsageError: a process works on it.
        StorageError: it cannot be removed.
    """
    folder = RunFolder(Path(entry.folder))
    if _held(folder):
        raise UsageError(f"{entry.run_id} is running", "stop it first")
    size = 0
    try:
        for path in filter(_is_of_a_run, list(folder.path.iterdir())):
            whole = path.is_dir() and not path.is_symlink()
            size += sum(file.lstat().st_size for file in (_files(path) if whole else (path,)))
            shutil.rmtree(path) if whole else path.unlink()
        if not any(folder.path.iterdir()):
            folder.path.rmdir()
    except OSError as error:
        raise StorageError(f"cannot remove {folder.path}: {error}", "check the folder's permissions") from error
    return size


def older_than(entries: list[RunEntry], age: timedelta) -> list[RunEntry]:
    """The runs that began longer ago and on which nobody works."""
    limit = datetime.now(UTC) - age
    return [entry for entry in entries if entry.started < limit and not entry.live]


def _result(folder: RunFolder) -> Result | None:
    try:
        return Result.model_validate_json(folder.result.read_text(encoding="utf-8"))
    except (OSError, ValueError, ValidationError):
        return None


def _held(folder: RunFolder) -> bool:
    """Whether a process holds the run's lock."""
    try:
        descriptor = os.open(folder.path / ".lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _is_of_a_run(path: Path) -> bool:
    # A kill in the middle of a writing leaves the name with a dot before it and some letters after it.
    return path.name in _OWN or path.name.removeprefix(".").rpartition(".")[0] in _OWN


def _files(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        yield from (Path(place, name) for name in names)
