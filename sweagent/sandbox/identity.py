"""Owner of a sandbox: tells later whether its run lives."""

import os
import platform
from collections.abc import Mapping
from functools import cache
from pathlib import Path

PREFIX = "fix-issue"
LABEL_RUN = f"{PREFIX}.run"
_LABEL_PID, _LABEL_START, _LABEL_BOOT = f"{PREFIX}.pid", f"{PREFIX}.pid-start", f"{PREFIX}.boot"
_LABEL_MACHINE = f"{PREFIX}.machine"


@cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


@cache
def _machine() -> str:
    """This machine and its space of process numbers: others may use the same engine."""
    try:
        return f"{platform.node()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return platform.node()


def _start_of(pid: int) -> str | None:
    """Return a process's start in clock ticks since the machine's; None when it is not there or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def owner_labels(run_id: str) -> dict[str, str]:
    """Labels that name the run and this process."""
    pid = os.getpid()
    return {
        LABEL_RUN: run_id,
        _LABEL_PID: str(pid),
        _LABEL_START: _start_of(pid) or "",
        _LABEL_BOOT: _boot(),
        _LABEL_MACHINE: _machine(),
    }


def owner_lives(labels: Mapping[str, str]) -> bool:
    """Whether the process that made something with these labels still runs. In doubt it does."""
    boot, pid = labels.get(_LABEL_BOOT), labels.get(_LABEL_PID, "")
    if boot is None or not pid.isdecimal():
        return True
    if labels.get(_LABEL_MACHINE) != _machine():
        return True
    return boot == _boot() and _start_of(int(pid)) == labels.get(_LABEL_START)
