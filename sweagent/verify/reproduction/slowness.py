"""Judge a reproduction of slowness outside of the noise."""

from collections.abc import Sequence

from sweagent.verify.proof import Cause, ReproductionEvidence, Side
from sweagent.verify.reproduction.hangs import no_end
from sweagent.verify.reproduction.sources import ReproductionCandidate
from sweagent.verify.runs.side_runner import CommandResult, SideRunner, SideTree

ROUNDS = 4
"""Runs of each side; in each round the sides take turns, and the one that begins changes."""


def judge_speed(
    candidate: ReproductionCandidate, bench: SideRunner, base: SideTree, control: SideTree, patched: SideTree
) -> ReproductionEvidence:
    """Tell whether a program that ends well on all sides takes a factor less time with the patch.

    No two runs are at the same time. The patch is faster only where its slowest run is, by the whole factor, quicker
    than the quickest one without it: what the machine does meanwhile can hide a gain, and cannot make one. The control
    has a round of the base's, so that what any change of the files brings does not count.

    Args:
        candidate: with the factor.
        bench: runs it.
        base: before the patch.
        control: the base with a comment in the patched files.
        patched: with the patch.

    Raises:
        SandboxError: the sandbox failed.
    """
    without: list[CommandResult] = []
    within: list[CommandResult] = []
    timeout = max(1.0, bench.remaining * candidate.share / ROUNDS)
    refusal: tuple[str, Cause] | None = None
    for number in range(ROUNDS):
        before = control if number == 1 else base
        order = [(before, without), (patched, within)]
        for side, runs in order if number % 2 == 0 else reversed(order):
            runs.append(bench.run(side, candidate.job(timeout)))
        refusal = _unusable(without[-1], within[-1])
        if refusal:
            break
    refusal = refusal or _not_faster(without, within, candidate.faster)
    reason, cause = refusal or ("", None)
    return ReproductionEvidence(
        origin=candidate.origin,
        name=candidate.name,
        accepted=refusal is None,
        reason=reason,
        shows_issue=refusal is None,
        base=tuple(_said(run) for run in without if run.side is Side.BASE),
        control=tuple(_said(run) for run in without if run.side is Side.CONTROL),
        patched=tuple(_said(run) for run in within),
        cause=cause,
        author=candidate.author,
        note=f"{ROUNDS} runs of each side in turn; wanted: {candidate.faster:g} times as fast",
    )


def _unusable(before: CommandResult, after: CommandResult) -> tuple[str, Cause] | None:
    if before.ours:
        return f"fix-issue itself made the run fail: {before.ours}", Cause.HARNESS
    if stray := next((stray for run in (before, after) for stray in run.strays), None):
        return str(stray), Cause.ENVIRONMENT
    if no_end(before) or no_end(after):
        which = "without" if no_end(before) else "with"
        return f"it did not end in time {which} the patch; let it do less work", Cause.REPRODUCTION
    if before.completed.exit_code != 0:
        return f"it has to end with exit 0 without the patch too, only slowly: {_said(before)}", Cause.REPRODUCTION
    if after.completed.exit_code != 0:
        return f"it fails with the patch: {_said(after)}", Cause.PATCH
    return None


def _not_faster(
    without: Sequence[CommandResult], within: Sequence[CommandResult], factor: float
) -> tuple[str, Cause] | None:
    quickest = min(run.completed.seconds for run in without)
    slowest = max(run.completed.seconds for run in within)
    if quickest >= factor * slowest:
        return None
    return (
        f"it is not {factor:g} times as fast with the patch, outside of the noise: {_range(without)} s without it, "
        f"{_range(within)} s with it"
    ), Cause.PATCH


def _range(runs: Sequence[CommandResult]) -> str:
    seconds = sorted(run.completed.seconds for run in runs)
    return f"{seconds[0]:.2f} to {seconds[-1]:.2f}"


def _said(run: CommandResult) -> str:
    code = run.completed.exit_code
    ended = "did not end" if no_end(run) else "ended well" if code == 0 else f"ended with exit {code}"
    return f"{ended} after {run.completed.seconds:.2f} s"
