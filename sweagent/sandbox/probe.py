"""Probe what sandboxes this machine offers."""

import os
import shutil
import subprocess

from sweagent.errors import SandboxError
from sweagent.frozen import Frozen
from sweagent.sandbox.base import SandboxKind

_BWRAP_SECONDS = 5


class Probe(Frozen):
    """Whether a kind of sandbox can be used here.

    Attributes:
        works: it can.
        problem: why it cannot.
        hint: what to do about that.
        details: what was found, for people: names and values.
        warnings: bounds that would not be enforced.
    """

    kind: SandboxKind
    works: bool
    problem: str = ""
    hint: str = ""
    details: dict[str, str] = {}
    warnings: tuple[str, ...] = ()


def probe(kind: str) -> Probe:
    """Look whether one kind works here; takes at most some seconds."""
    if kind == "docker":
        return probe_docker()
    if kind == "bubblewrap":
        return probe_bubblewrap()
    return Probe(kind="local", works=True, warnings=("the local sandbox isolates nothing",))


def probe_docker() -> Probe:
    """Whether an engine answers, which one, and which bounds it enforces."""
    from sweagent.sandbox.engine import connect, engine_errors

    try:
        with engine_errors("the engine does not say what it is"):
            api = connect(5.0).api
            info = api.info()
            api.close()
    except SandboxError as error:
        return Probe(kind="docker", works=False, problem=str(error), hint=error.hint)
    rootless = any("rootless" in option for option in info.get("SecurityOptions") or ())
    details = {
        "engine": f"{info.get('ServerVersion', '?')} ({info.get('OSType', '?')}/{info.get('Architecture', '?')})",
        "rootless": "yes" if rootless else "no",
        "cgroup": f"v{info.get('CgroupVersion', '1')} ({info.get('CgroupDriver', '?')})",
        "storage": str(info.get("Driver", "?")),
    }
    warnings = []
    if info.get("CgroupDriver") == "none" or not info.get("MemoryLimit", True):
        warnings.append("the memory limit is not enforced by this engine")
    if info.get("CgroupDriver") == "none" or not info.get("PidsLimit", True):
        warnings.append("the limit of processes is not enforced by this engine")
    return Probe(kind="docker", works=True, details=details, warnings=tuple(warnings))


def probe_bubblewrap() -> Probe:
    """Whether bubblewrap is there and the kernel lets it make namespaces."""
    program = shutil.which("bwrap")
    hint = "install the package bubblewrap, on a kernel that lets users make namespaces"
    if program is None:
        return Probe(kind="bubblewrap", works=False, problem="bwrap is not installed", hint=hint)
    trial = [program, "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"]
    trial += ["--as-pid-1", "--size", "4096", "--tmpfs", "/run", "true"]
    try:
        done = subprocess.run(trial, capture_output=True, timeout=_BWRAP_SECONDS, check=False, cwd=os.sep)
        version = subprocess.run(
            [program, "--version"], capture_output=True, timeout=_BWRAP_SECONDS, check=False, cwd=os.sep
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Probe(kind="bubblewrap", works=False, problem=f"bwrap does not start: {error}", hint=hint)
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip()[:200]
        return Probe(kind="bubblewrap", works=False, problem=f"bwrap does not work here: {said}", hint=hint)
    return Probe(kind="bubblewrap", works=True, details={"version": version.stdout.decode("utf-8", "replace").strip()})
