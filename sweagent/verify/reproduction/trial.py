"""Judge a reproduction on base, control and patched side."""

import math
from dataclasses import dataclass, replace

from sweagent.verify.proof import Cause, Coverage, Finding, ReproductionEvidence, Side, Weight
from sweagent.verify.reproduction.failures import end_of, lacking, misfit, not_started, wants_network
from sweagent.verify.reproduction.hangs import enough, first_deadline, hangs, no_end
from sweagent.verify.reproduction.hidden_runner import failing_again, runner_aware, unseen_job
from sweagent.verify.reproduction.readings import (
    Asked,
    Reading,
    State,
    before_the_patch,
    what_fails,
    with_the_patch,
    without_network,
)
from sweagent.verify.reproduction.refusals import (
    AS_LONG,
    UNSTEADY,
    Refusal,
    neither_ends,
    not_failing,
    not_passing,
    nothing_can_be_shown,
    starved,
)
from sweagent.verify.reproduction.slowness import judge_speed
from sweagent.verify.reproduction.sources import ReproductionCandidate
from sweagent.verify.runs.forgery import find_forgery
from sweagent.verify.runs.side_runner import Command, CommandResult, SideRunner
from sweagent.verify.runs.sides import Sides
from sweagent.verify.runs.targets import told_anew

_QUICK = 10.0
"""A run that takes fewer seconds is traced once more."""
_LIES = "the patched run does not tell the truth"


@dataclass(frozen=True)
class Judged:
    """A judged candidate, and what its patched runs gave away.

    Attributes:
        evidence: what became of it.
        findings: signs that patched runs made their own result.
        same_end: base, control and patch end in the same error, message and place.
        as_run: the candidate as it was run in the end, alone or with the whole of its files.
        failing: the tests that failed with the patch and did not have to pass.
        enough: seconds in which another run of it with the patch ends, or hangs.
        without: the first run on the base.
    """

    evidence: ReproductionEvidence
    findings: tuple[Finding, ...] = ()
    same_end: bool = False
    as_run: ReproductionCandidate | None = None
    failing: frozenset[str] = frozenset()
    enough: float = math.inf
    without: CommandResult | None = None


def judge(candidate: ReproductionCandidate, bench: SideRunner, sides: Sides, issue_text: str) -> Judged:
    """Run a candidate on all sides, and stop as soon as something speaks against it.

    Where single tests of a file were run and that speaks against it, the whole file decides, on all sides.

    Raises:
        SandboxError: the sandbox failed.
    """
    if candidate.faster:
        return Judged(judge_speed(candidate, bench, sides.base, sides.control, sides.patched))
    alone = _Judging(candidate, bench, sides, issue_text)
    judged, refusal = alone.judged(), alone.refusal
    if not candidate.whole or refusal is None or refusal.company is None or judged.findings:
        return judged
    among = _Judging(replace(candidate, command=candidate.whole, whole=""), bench, sides, issue_text)
    if not among.says_otherwise_on(refusal.company):
        return judged
    again = among.judged()
    note = f"run with the whole of its files, because alone {refusal.reason}"
    notes = "; ".join(filter(None, (again.evidence.note, note)))
    return replace(again, evidence=again.evidence.model_copy(update={"note": notes}))


class _Judging:
    """One candidate on all sides; two runs go side by side where sandboxes are isolated."""

    def __init__(self, candidate: ReproductionCandidate, bench: SideRunner, sides: Sides, issue_text: str) -> None:
        self._candidate, self._bench, self._sides, self._issue = candidate, bench, sides, issue_text
        self._asked = Asked(candidate.wanted)
        self._runs: dict[Side, list[CommandResult]] = {side: [] for side in Side}
        self._findings: list[Finding] = []
        self._note = ""
        self._coverage: Coverage | None = None
        self.refusal: Refusal | None = None

    def judged(self) -> Judged:
        """Run it and say what came of it."""
        refusal = self.refusal = self._one_of_each() or self._again_and_control() or self._steady_and_unseen()
        evidence = ReproductionEvidence(
            origin=self._candidate.origin,
            name=self._candidate.name,
            accepted=refusal is None,
            reason=refusal.reason if refusal else "",
            shows_issue=refusal is None or refusal.shows_issue,
            base=tuple(self._before(run).text for run in self._runs[Side.BASE]),
            control=tuple(self._before(run).text for run in self._runs[Side.CONTROL]),
            patched=tuple(self._after(run).text for run in self._runs[Side.PATCHED]),
            cause=refusal.cause if refusal else None,
            author=self._candidate.author,
            note=self._note,
            coverage=self._coverage,
        )
        ends = {end_of(run) for runs in self._runs.values() for run in runs}
        same_end = all(self._runs.values()) and len(ends) == 1 and ends != {("", "", "")}
        failing = frozenset(item.id for run in self._runs[Side.PATCHED] for item in run.report.failures)
        ended = [run for run in self._runs[Side.PATCHED] if not no_end(run)]
        seconds = enough(*ended) if ended else math.inf
        without = next(iter(self._runs[Side.BASE]), None)
        return Judged(evidence, tuple(self._findings), same_end, self._candidate, failing, seconds, without)

    def says_otherwise_on(self, side: Side) -> bool:
        """Whether the tests fail on the base, or pass with the patch, which they do not do alone."""
        if side is Side.PATCHED:
            run = self._bench.run(self._sides.patched, self._job())
            return self._after(run).state is State.PASSED
        return self._before(self._bench.run(self._sides.base, self._job())).state is State.FAILED

    # The first runs: one on the base, one with the patch.

    def _one_of_each(self) -> Refusal | None:
        base, patched = self._first_runs()
        self._runs[Side.BASE], self._runs[Side.PATCHED] = [base], [patched]
        if refusal := self._unreachable(base, patched):
            return refusal
        before = self._before(base)
        refusal = (
            nothing_can_be_shown(base, patched)
            or self._not_failing(before)
            or neither_ends(base, patched, self._candidate.expected)
        )
        if refusal or before.state is State.NO_END:
            return refusal
        self._ask_for_what_fails(before)
        return self._fails_for_another_reason(before, self._after(patched))

    def _first_runs(self) -> tuple[CommandResult, CommandResult]:
        """A short deadline first; what does not end gets as long as tells a hang from slowness, or its whole share."""
        first = first_deadline(self._share)
        base, patched = self._side_by_side(self._job(first), self._job(first))
        if no_end(base) and no_end(patched) and self._share >= 2 * first:
            base, patched = self._side_by_side(self._job(), self._job())
        elif no_end(patched) and not no_end(base) and self._share > first:
            patched = self._bench.run(self._sides.patched, self._job())
        if no_end(base) and not no_end(patched) and not hangs(base, patched):
            base = self._bench.run(self._sides.base, self._job(enough(patched)))
        if base.kept and self._before(base).state is not State.FAILED:
            # What speaks against the reproduction in every round is not left to one run.
            base = self._bench.run(self._sides.base, self._job(first))
        return base, patched

    def _unreachable(self, base: CommandResult, patched: CommandResult) -> Refusal | None:
        """Leave the tests to others that need a network; refuse where none but such are asked for."""
        names = self._asked.names
        if names:
            needing = without_network(base, patched, names)
        else:
            needing = ("it",) if wants_network(base.report.results) and wants_network(patched.report.results) else ()
        if needing and len(needing) >= len(names):
            what = f"{len(names)} tests need" if len(names) > 1 else "it needs"
            return Refusal(f"{what} a network, and the sandbox reaches no host", Cause.ENVIRONMENT)
        if needing:
            self._note = f"{len(needing)} of {len(names)} tests cannot be judged without a network: {needing[0]}"
            self._asked = replace(self._asked, names=tuple(name for name in names if name not in needing))
        return None

    def _not_failing(self, before: Reading) -> Refusal | None:
        if before.state is State.NOTHING and (lack := self._lack(before)):
            return Refusal(lack, Cause.ENVIRONMENT)
        return not_failing(before)

    def _fails_for_another_reason(self, before: Reading, after: Reading) -> Refusal | None:
        path, passes = self._candidate.path, after.state is State.PASSED
        lack = "" if passes else self._lack(before)
        if lack and self._lack(after):
            return Refusal(lack, Cause.ENVIRONMENT)
        if self._candidate.vouched:
            reason = "" if passes else not_started(before.run, path)
        else:
            reason = misfit(before.run, path, self._issue, before.bad, self._sides.added_names)
            reason = reason or self._unexpected(before.run)
        return Refusal(f"its failure on the base does not belong to the issue: {reason}") if reason else None

    def _lack(self, reading: Reading) -> str:
        # What a file imports that somebody vouches for is not its own affair.
        path = "" if self._candidate.vouched else self._candidate.path
        return lacking(reading.run, reading.bad, path, self._sides.own_modules)

    def _unexpected(self, run: CommandResult) -> str:
        expected = self._candidate.expected
        if not expected or any(kind in run.completed.output for kind in expected):
            return ""
        return f"the issue tells of {' or '.join(expected)}"

    # The second runs: one on the control, one more with the patch.

    def _again_and_control(self) -> Refusal | None:
        control, patched = self._bench.together(
            (self._sides.control, replace(self._job(self._patience), reusable=True)),
            (self._sides.patched, self._job()),
        )
        self._runs[Side.CONTROL].append(control)
        self._runs[Side.PATCHED].append(patched)
        if refusal := nothing_can_be_shown(control, patched) or self._starved(control, patched):
            return refusal
        self._findings += self._lies()
        if any(item.weight is Weight.REJECT for item in self._findings):
            return Refusal(_LIES, Cause.PATCH)
        without = self._before(control)
        shown = self._fails_too(without)
        if shown:
            self._ask_for_what_fails(without)
        return self._not_passing(shown) or (None if shown else self._passes_without())

    def _starved(self, *runs: CommandResult) -> Refusal | None:
        firsts = (Side.PATCHED if run.side is Side.PATCHED else Side.BASE for run in runs)
        found = (starved(run, self._runs[side][0]) for run, side in zip(runs, firsts, strict=True))
        return next((refusal for refusal in found if refusal), None)

    def _lies(self) -> list[Finding]:
        """Signs of forgery; what would reject the patch is held against a run on the base of this very time, too."""
        found = find_forgery(self._without, self._runs[Side.PATCHED])
        if found and all(run.kept for run in self._without):
            self._base_again()
            found = find_forgery(self._without, self._runs[Side.PATCHED])
        return found

    def _not_passing(self, shown: bool) -> Refusal | None:
        patched = self._runs[Side.PATCHED]
        # Where the base hangs, it gives nothing to hold the patched runs against.
        alone = no_end(self._runs[Side.BASE][0])
        return not_passing([self._after(run) for run in patched], shows_issue=shown, base_hangs=alone)

    def _passes_without(self) -> Refusal:
        """Tell whether a failure on the base and not on the control is due to the comment or to chance."""
        if not self._fails_too(self._base_again()):
            return Refusal(f"{UNSTEADY}on the base it failed once and passed once")
        return Refusal("it passes with a mere comment in the patched files, so it does not tell a fix from any change")

    def _base_again(self) -> Reading:
        self._runs[Side.BASE].append(self._bench.run(self._sides.base, self._job(self._patience)))
        return self._before(self._runs[Side.BASE][-1])

    # The last runs: the control again, always anew, and the patch where code cannot see the runner.

    def _steady_and_unseen(self) -> Refusal | None:
        orders = [(self._sides.control, self._job(self._patience))]
        unseen = unseen_job(self._candidate, self._runs[Side.BASE][0], self._share)
        traced = unseen is not None and self._is_quick
        if unseen is not None:
            orders.append((self._sides.patched, self._sides.statements.traced(unseen) if traced else unseen))
        control, *hidden = self._bench.together(*orders)
        self._runs[Side.CONTROL].append(control)
        if refusal := nothing_can_be_shown(control) or self._starved(control):
            return refusal
        # Three failures that are the very same tell as much as four.
        if len({self._before(run).signature for run in self._without}) > 1:
            self._base_again()
        for run in self._without:
            reading = self._before(run)
            if not self._fails_too(reading):
                return Refusal(f"{UNSTEADY}without the patch it does not fail alike in each run")
            self._ask_for_what_fails(reading)
        if traced and self._after(hidden[0]).state is State.PASSED:
            self._coverage = self._sides.statements.coverage(hidden[0].record)
        return self._right_for_tests_only(hidden, unseen) or self._nothing_ran()

    def _nothing_ran(self) -> Refusal | None:
        if self._coverage is None or not self._coverage.none:
            return None
        number = self._coverage.statements
        return Refusal(f"none of the {number} statements that the patch changes runs in it", Cause.REPRODUCTION)

    def _right_for_tests_only(self, hidden: list[CommandResult], unseen: Command | None) -> Refusal | None:
        """Whether the issue is there again, in two runs, as soon as code cannot see the runner."""
        if unseen is None:
            return None
        before, patched = self._before(self._runs[Side.BASE][0]), self._runs[Side.PATCHED]
        same = failing_again(before, hidden[0], patched)
        again = same and failing_again(before, self._bench.run(self._sides.patched, unseen), patched)
        if not again:
            return None
        self._findings.append(runner_aware(again))
        return Refusal(_LIES, Cause.PATCH)

    # What the steps share.

    @property
    def _without(self) -> list[CommandResult]:
        return [*self._runs[Side.BASE], *self._runs[Side.CONTROL]]

    @property
    def _share(self) -> float:
        return self._bench.remaining * self._candidate.share

    @property
    def _is_quick(self) -> bool:
        """Whether there is time for a run whose lines are traced, which takes some times as long."""
        return self._runs[Side.PATCHED][0].completed.seconds < min(_QUICK, self._share / AS_LONG)

    @property
    def _patience(self) -> float:
        """Seconds for one more run without the patch."""
        base, patched = self._runs[Side.BASE][0], [run for run in self._runs[Side.PATCHED] if not no_end(run)]
        return enough(*patched) if no_end(base) else max(first_deadline(self._share), enough(base))

    def _job(self, seconds: float | None = None) -> Command:
        return self._candidate.job(self._share if seconds is None else min(seconds, self._share))

    def _side_by_side(self, base: Command, patched: Command) -> tuple[CommandResult, CommandResult]:
        base = replace(base, reusable=True)
        first, second = self._bench.together((self._sides.base, base), (self._sides.patched, patched))
        return first, second

    def _before(self, run: CommandResult) -> Reading:
        return before_the_patch(run, self._candidate, self._asked)

    def _after(self, run: CommandResult) -> Reading:
        base = self._runs[Side.BASE][0].report.outcomes() if self._runs[Side.BASE] else {}
        renamed = told_anew(base, run.report.outcomes()) if self._candidate.open_ended else {}
        return with_the_patch(run, self._candidate, self._asked, renamed)

    def _fails_too(self, reading: Reading) -> bool:
        """Whether a run without the patch fails as the base did: by a failure, or by not coming to an end."""
        if no_end(self._runs[Side.BASE][0]):
            return hangs(reading.run, *(run for run in self._runs[Side.PATCHED] if not no_end(run)))
        return reading.state is State.FAILED

    def _ask_for_what_fails(self, reading: Reading) -> None:
        if reading.state is State.FAILED and self._candidate.runner is not None:
            path, open_ended = self._candidate.path, self._candidate.open_ended
            self._asked = what_fails(reading, self._asked, path, open_ended=open_ended)
