"""Remove the sandboxes of a process that dies; run as a script."""

import os
import sys
import threading

_WHILE_BUSY = (0, 2, 5)
"""Seconds before each look: the engine may still be busy with what the dead process asked of it."""
_LAST = 15
"""Seconds before the look under a heavy load that goes on for long, which nobody need wait for."""


def main() -> None:
    """Wait for the other process to end; look for its sandboxes unless it says first that there are none."""
    if sys.stdin.read() == "done":
        return
    for pause in _WHILE_BUSY:
        _look(pause)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    _look(_LAST)


def _look(pause: float) -> None:
    # Loaded only now: as long as nothing happens, the process stays small.
    from sweagent.sandbox import remove_leftovers

    threading.Event().wait(pause)
    remove_leftovers()


if __name__ == "__main__":
    main()
