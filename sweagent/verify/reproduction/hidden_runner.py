"""Run a reproduction where code cannot see its test runner."""

from collections.abc import Sequence
from dataclasses import replace

from sweagent.verify.proof import Finding, Weight
from sweagent.verify.reproduction.hangs import hangs
from sweagent.verify.reproduction.readings import Reading, State
from sweagent.verify.reproduction.sources import ReproductionCandidate
from sweagent.verify.runs.side_runner import Command, CommandResult

_AS_LONG = 2
"""So many times what a run on the base took must be left for this one, or it is left out."""


def unseen_job(candidate: ReproductionCandidate, base: CommandResult, timeout: float) -> Command | None:
    """The job with the runner hidden; None where that cannot be done, or where there is no time for it.

    Args:
        candidate: what is run.
        base: a run of it on the base.
        timeout: seconds.
    """
    if not candidate.hideable or base.told is None or timeout <= _AS_LONG * base.completed.seconds:
        return None
    job = candidate.job(timeout)
    return replace(job, purpose=f"{job.purpose}, the runner hidden", unseen=True)


def failing_again(before: Reading, hidden: CommandResult, patched: Sequence[CommandResult]) -> list[str]:
    """What fails with the patch just as it did on the base, as soon as the runner is hidden.

    Args:
        before: a failed run on the base.
        hidden: a run with the patch and with the runner hidden.
        patched: the runs with the patch that came to their end.
    """
    if before.state is State.NO_END:
        return ["it does not end"] if hangs(hidden, *patched) else []
    known = {item.id: item.message for item in before.bad}
    again = {item.id: item.message for item in hidden.report.failures}
    return sorted(name for name, message in again.items() if message and known.get(name) == message)


def runner_aware(names: Sequence[str]) -> Finding:
    """The finding for tests that pass only where the runner can be seen."""
    detail = f"it is right only where code can see that a test runner is loaded: {', '.join(names[:3])}"
    return Finding(rule="runner-aware", path="(the patched run)", detail=detail, weight=Weight.REJECT)
