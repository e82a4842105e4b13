"""Remove a batch's containers when its process ends, however it ends."""

import os
import subprocess
import sys
from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sweagent.errors import SandboxError
from sweagent.sandbox import Leftover, remove_leftovers
from sweagent.sandbox.engine import connect, engine_errors
from sweagent.sandbox.identity import LABEL_RUN, owner_labels

_PROGRAM = Path(__file__).with_name("reaper_process.py")
_GRACE = 10.0


@contextmanager
def reaper() -> Iterator[None]:
    """Have the sandboxes of this process removed when it dies inside the block, by SIGKILL too.

    The process is in a session of its own, so that neither Ctrl-C nor a signal to the batch's group reaches it. It
    keeps standard error open until its last look but one: who waits for the end of that finds everything removed,
    unless the engine is very slow.
    """
    process = subprocess.Popen(
        [sys.executable, "-P", str(_PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        cwd=os.sep,
        start_new_session=True,
        text=True,
    )
    try:
        yield
    finally:
        with suppress(OSError, subprocess.TimeoutExpired):
            process.communicate("done", timeout=_GRACE)


def remove_what_is_left(runs: Container[str]) -> None:
    """Remove containers of this process that an engine which was away could not remove when their runs ended.

    Args:
        runs: ids of runs that have ended; it is asked after the engine has listed the containers.
    """
    mine = [f"{name}={value}" for name, value in owner_labels("").items() if name != LABEL_RUN]
    with suppress(SandboxError), engine_errors("the containers cannot be listed"):
        api = connect(10.0).api
        try:
            listed = api.containers(all=True, filters={"label": mine})
        finally:
            api.close()
        found = [Leftover(kind="docker", name=item["Id"][:12], run_id=item["Labels"][LABEL_RUN]) for item in listed]
        remove_leftovers([leftover for leftover in found if leftover.run_id and leftover.run_id in runs])
