"""Nothing outlives a batch: a small process waits for its end, however it comes, and removes what it left behind."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_PROGRAM = """
import sys
if sys.stdin.read() == "done":
    sys.exit()
import threading
from sweagent.sandbox import remove_leftovers
# The engine may still be busy with what the dead process asked of it.
for pause in (0, 2, 5, 15):
    threading.Event().wait(pause)
    remove_leftovers()
"""
_GRACE = 10.0


@contextmanager
def reaper() -> Iterator[None]:
    """Have the sandboxes of this process removed when it dies inside the block, by SIGKILL too.

    The process is in a session of its own, so that neither Ctrl-C nor a signal to the batch's group reaches it. It
    keeps standard error open: who waits for the end of that waits until everything is removed.
    """
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    try:
        yield
    finally:
        with suppress(OSError, subprocess.TimeoutExpired):
            process.communicate("done", timeout=_GRACE)
