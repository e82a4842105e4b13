"""End a sandbox's processes when its controller ends.

Run as a script, by itself, with the number of the control pipe as its argument; the plan, a JSON object, is the first
line on that pipe. It imports nothing of this project so as to start fast.
It becomes the reaper of everything below it, starts the process, passes interrupts on, and when the controller closes
the control pipe (or dies) or the process ends, kills all that is left below it.
"""

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import sys
from typing import Any

_PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    """Start the process that the plan names and guard it to its end."""
    control = int(sys.argv[1])
    plan = _read_plan(control)
    info = plan["info"]
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for group in plan["cgroups"]:
        with open(os.path.join(group, "cgroup.procs"), "w") as file:
            file.write("0")
    child = os.fork()
    if child == 0:
        _become(plan, libc, control)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    target = child
    if info is not None:
        os.close(plan["info_out"])
        target = _inner(info)
    _guard(control, child, target)
    _end_all()


def _read_plan(control: int) -> dict[str, Any]:
    told = b""
    while not told.endswith(b"\n"):
        piece = os.read(control, 1 << 16)
        if not piece:
            sys.exit(1)
        told += piece
    plan: dict[str, Any] = json.loads(told)
    return plan


def _become(plan: dict[str, Any], libc: ctypes.CDLL, control: int) -> None:
    try:
        os.setsid()
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        # Python ignores these, and what it starts would inherit that.
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        os.close(control)
        for name, value in plan["limits"].items():
            number = getattr(resource, name)
            hard = resource.getrlimit(number)[1]
            bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(number, (bound, bound))
        if plan["info"] is not None:
            os.close(plan["info"])
            os.set_inheritable(plan["info_out"], True)
        os.chdir(plan["folder"])
        os.execve(plan["argv"][0], plan["argv"], plan["env"])  # noqa: S606 - this is what a guardian does
    except OSError as error:
        os.write(1, f"cannot start {plan['argv'][0]}: {error}\n".encode())
    finally:
        os._exit(126)


def _inner(info: int) -> int:
    """The supervisor's process id as bubblewrap tells it, or 0 when it did not start."""
    told = b""
    while piece := os.read(info, 4096):
        told += piece
        try:
            return int(json.loads(told)["child-pid"])
        except ValueError:
            continue
    return 0


def _guard(control: int, child: int, target: int) -> None:
    end = os.pidfd_open(child)
    while True:
        ready, _, _ = select.select([control, end], [], [])
        if end in ready:
            return
        word = os.read(control, 64)
        if not word:
            return
        if target:
            os.kill(target, signal.SIGUSR1)


def _end_all() -> None:
    me = os.getpid()
    while True:
        with open(f"/proc/{me}/task/{me}/children") as file:
            children = [int(word) for word in file.read().split()]
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            return


if __name__ == "__main__":
    main()
