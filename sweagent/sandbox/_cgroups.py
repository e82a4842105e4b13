"""Bound memory and processes of local sandboxes by control groups."""

import contextlib
import os
import threading
from collections.abc import Iterable
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")


class BoundGroup:
    """A control group (of version 1 or 2) with bounds, when this user may make one.

    Args:
        name: the group's name, unique on the machine.
        memory: bytes.
        pids: processes and threads.
        root: where the kernel shows its control groups.

    Attributes:
        folders: the group's folders, in each of which a process must be entered; empty when there is none.
        limits: what to bound each process with instead, by the names of the `resource` module.
        warnings: bounds that are weaker than what was asked for.
    """

    def __init__(self, name: str, *, memory: int, pids: int, root: Path = _ROOT) -> None:
        self.folders: list[Path] = []
        self.limits: dict[str, int] = {}
        self.warnings: tuple[str, ...] = ()
        bounds = (("memory", "memory.limit_in_bytes", memory), ("pids", "pids.max", pids))
        try:
            if _is_version_2(root):
                self._make_below(_parents(root), name, {"memory.max": memory, "pids.max": pids})
            else:
                for controller, file, value in bounds:
                    self._make(root / controller / name, {file: value})
        except OSError:
            self.remove()
            self.limits = {"RLIMIT_DATA": memory}
            if os.getuid() != 0:
                self.limits["RLIMIT_NPROC"] = pids + _threads_of_user()
            self.warnings = ("memory is bounded for each process, not for all together",)
            if os.getuid() == 0:
                self.warnings += ("the number of processes is not bounded, as this is the superuser",)

    def _make_below(self, parents: Iterable[Path], name: str, bounds: dict[str, int]) -> None:
        """Make the group below the first parent whose controllers bound it."""
        problem = OSError("no control group may be made")
        for parent in parents:
            try:
                self._make(parent / name, bounds)
            except OSError as error:
                problem = error
                self.remove()
            else:
                return
        raise problem

    def _make(self, folder: Path, bounds: dict[str, int]) -> None:
        folder.mkdir()
        self.folders.append(folder)
        for file, value in bounds.items():
            (folder / file).write_text(str(value), "ascii")

    def remove(self) -> None:
        """Remove the group; its processes must have ended."""
        _remove(self.folders)
        self.folders = []


def remove_groups(name: str, root: Path = _ROOT) -> None:
    """Remove what a dead controller left of a group of this name."""
    with contextlib.suppress(OSError):
        places = _parents(root) if _is_version_2(root) else [root / "memory", root / "pids"]
        _remove([place / name for place in places])


def _remove(folders: list[Path]) -> None:
    """The kernel takes a moment to let go of a process that was killed."""
    moment = threading.Event()
    for folder in folders:
        for _ in range(50):
            try:
                folder.rmdir()
            except (FileNotFoundError, NotADirectoryError):
                break
            except OSError:
                moment.wait(0.02)


def _is_version_2(root: Path) -> bool:
    return (root / "cgroup.controllers").exists()


def _parents(root: Path) -> list[Path]:
    """Groups that a group may be made below: this process's own, and the root.

    A group of version 2 that holds processes gives its children no controllers, unless it is the root, in which only
    the superuser may make one.
    """
    line = Path("/proc/self/cgroup").read_text("ascii").strip().splitlines()[-1]
    return [root / line.partition("::")[2].lstrip("/"), root]


def _threads_of_user() -> int:
    """How many threads this user has already: the kernel counts them all against the limit."""
    uid, count = os.getuid(), 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if process.stat().st_uid == uid:
                count += len(os.listdir(process / "task"))
    return count
