"""Deadlines of a reproduction, and when a hang counts."""

from sweagent.verify.runs.side_runner import CommandResult

_FIRST = 20.0
_LEAST, _TIMES = 10.0, 10


def first_deadline(share: float) -> float:
    """Seconds that the first runs may take; what needs more is run again, with its share of all the time.

    Args:
        share: seconds that one run may take.
    """
    return min(share, _FIRST)


def no_end(run: CommandResult) -> bool:
    """Whether a run was ended at its deadline."""
    return run.completed.timed_out or run.completed.exit_code is None


def enough(*ended: CommandResult) -> float:
    """Seconds after which a run hangs, and is not merely slow: ten times what the slowest on the other side takes.

    Args:
        ended: runs on the other side, which came to their end.
    """
    return max(_LEAST, *(_TIMES * run.completed.seconds for run in ended))


def hangs(run: CommandResult, *ended: CommandResult) -> bool:
    """Whether a run was ended at a deadline that tells a hang from slowness.

    Args:
        run: on one side.
        ended: runs on the other side, which came to their end.
    """
    return no_end(run) and run.completed.seconds >= enough(*ended) - 0.5
