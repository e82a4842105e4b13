"""Judge a reproduction on base, control and patched side."""

import math
from dataclasses import dataclass, field, replace

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
from sweagent.verify.reproduction.slowness import judge_speed
from sweagent.verify.reproduction.sources import ReproductionCandidate
from sweagent.verify.runs.forgery import find_forgery
from sweagent.verify.runs.line_coverage import ChangedStatements
from sweagent.verify.runs.script_driver import ending
from sweagent.verify.runs.side_runner import Command, CommandResult, SideRunner, SideTree
from sweagent.verify.runs.targets import told_anew

_NOT_FAILING = {
    State.PASSED: "it passes on the base, so it does not show the issue",
    State.SKIPPED: "it is skipped on the base, so it shows nothing: {}",
    State.EXPECTED_FAILURE: "it is marked as an expected failure on the base, so it shows nothing: {}",
    State.NOT_THERE: "it was not found under its name on the base: {}",
    State.NOTHING: "no test ran on the base: {}",
}
_NOT_PASSING = {
    State.SKIPPED: "with the patch it is skipped, which is no pass: {}",
    State.EXPECTED_FAILURE: "with the patch it is marked as an expected failure, which is no pass: {}",
    State.NOT_THERE: "with the patch it was not found under its name: {}",
    State.NOTHING: "with the patch no test ran: {}",
    State.NO_END: "with the patch it {}",
    State.FAILED: "it still fails with the patch: {}",
}
_AS_LONG = 2
"""A run that was not given so many times what another one of its side takes says nothing by not ending."""
_QUICK = 10.0
"""A run that takes fewer seconds is traced once more."""
_A_HANG = 60.0
"""A run that ends on no side counts as one that never ends only if it had so many seconds."""
_UNSTEADY = "it is not steady: "
_LIES = "the patched run does not tell the truth"


@dataclass(frozen=True)
class Sides:
    """The trees that are compared.

    Attributes:
        base: before the patch.
        control: the base with a comment in the patched files; what passes on it does not tell a fix from any change.
        patched: with the patch's source changes.
        own_modules: the top-level names of the Python modules of the work tree.
        added_names: the words in the patched source files that their base versions lack.
        statements: what the patch adds or changes, to tell which of it runs.
    """

    base: SideTree
    control: SideTree
    patched: SideTree
    own_modules: frozenset[str] = frozenset()
    added_names: frozenset[str] = frozenset()
    statements: ChangedStatements = field(default_factory=ChangedStatements)


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


@dataclass(frozen=True)
class _Refusal:
    """Why a candidate is not accepted.

    Attributes:
        reason: one sentence.
        cause: what has to be mended.
        shows_issue: it fails without the patch as it should.
        company: the side on which tests that were run alone may come to something else among their neighbours.
    """

    reason: str
    cause: Cause = Cause.REPRODUCTION
    shows_issue: bool = False
    company: Side | None = None


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
        self._runs: dict[Side, list[CommandResult]] = {"base": [], "control": [], "patched": []}
        self._findings: list[Finding] = []
        self._note = ""
        self._coverage: Coverage | None = None
        self.refusal: _Refusal | None = None

    def judged(self) -> Judged:
        """Run it and say what came of it."""
        refusal = self.refusal = self._one_of_each() or self._again_and_control() or self._steady_and_unseen()
        evidence = ReproductionEvidence(
            origin=self._candidate.origin,
            name=self._candidate.name,
            accepted=refusal is None,
            reason=refusal.reason if refusal else "",
            shows_issue=refusal is None or refusal.shows_issue,
            base=tuple(self._before(run).text for run in self._runs["base"]),
            control=tuple(self._before(run).text for run in self._runs["control"]),
            patched=tuple(self._after(run).text for run in self._runs["patched"]),
            cause=refusal.cause if refusal else None,
            author=self._candidate.author,
            note=self._note,
            coverage=self._coverage,
        )
        ends = {end_of(run) for runs in self._runs.values() for run in runs}
        same_end = all(self._runs.values()) and len(ends) == 1 and ends != {("", "", "")}
        failing = frozenset(item.id for run in self._runs["patched"] for item in run.report.failures)
        ended = [run for run in self._runs["patched"] if not no_end(run)]
        seconds = enough(*ended) if ended else math.inf
        without = next(iter(self._runs["base"]), None)
        return Judged(evidence, tuple(self._findings), same_end, self._candidate, failing, seconds, without)

    def says_otherwise_on(self, side: Side) -> bool:
        """Whether the tests fail on the base, or pass with the patch, which they do not do alone."""
        if side == "patched":
            run = self._bench.run(self._sides.patched, self._job())
            return self._after(run).state is State.PASSED
        return self._before(self._bench.run(self._sides.base, self._job())).state is State.FAILED

    # The first runs: one on the base, one with the patch.

    def _one_of_each(self) -> _Refusal | None:
        base, patched = self._first_runs()
        self._runs["base"], self._runs["patched"] = [base], [patched]
        if refusal := self._unreachable(base, patched):
            return refusal
        before = self._before(base)
        refusal = self._nothing_can_be_shown(base, patched) or self._not_failing(before) or self._no_end(base, patched)
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

    def _nothing_can_be_shown(self, *runs: CommandResult) -> _Refusal | None:
        """What no reproduction can help: the harness is at fault, or what runs is not the work tree."""
        # A patched run may only seem to fail because of the harness.
        if ours := next((run.ours for run in runs if run.ours and run.side != "patched"), ""):
            return _Refusal(f"fix-issue itself made the run fail: {ours}", Cause.HARNESS)
        if stray := next((stray for run in runs for stray in run.strays), None):
            return _Refusal(str(stray), Cause.ENVIRONMENT)
        return None

    def _unreachable(self, base: CommandResult, patched: CommandResult) -> _Refusal | None:
        """Leave the tests to others that need a network; refuse where none but such are asked for."""
        names = self._asked.names
        if names:
            needing = without_network(base, patched, names)
        else:
            needing = ("it",) if wants_network(base.report.results) and wants_network(patched.report.results) else ()
        if needing and len(needing) >= len(names):
            what = f"{len(names)} tests need" if len(names) > 1 else "it needs"
            return _Refusal(f"{what} a network, and the sandbox reaches no host", Cause.ENVIRONMENT)
        if needing:
            self._note = f"{len(needing)} of {len(names)} tests cannot be judged without a network: {needing[0]}"
            self._asked = replace(self._asked, names=tuple(name for name in names if name not in needing))
        return None

    def _not_failing(self, before: Reading) -> _Refusal | None:
        if before.state in (State.FAILED, State.NO_END):
            return None
        if before.state is State.NOTHING and (lack := self._lack(before)):
            return _Refusal(lack, Cause.ENVIRONMENT)
        return _Refusal(_NOT_FAILING[before.state].format(before.detail), company="base")

    def _no_end(self, base: CommandResult, patched: CommandResult) -> _Refusal | None:
        if not no_end(base):
            return None
        given = f"{base.completed.seconds:.0f} s"
        if self._candidate.expected:
            named = " or ".join(self._candidate.expected)
            return _Refusal(f"it did not end in {given} on the base, and the issue tells of {named}")
        if no_end(patched):
            # A hang is told where it is registered; here less than a minute tells only that there was no more time.
            cause = Cause.TIME if base.completed.seconds < _A_HANG else Cause.REPRODUCTION
            return _Refusal(f"it did not end in {given}, neither on the base nor with the patch", cause)
        if hangs(base, patched):
            return None
        needed = f"a run of {enough(patched):.0f} s would tell a hang from slowness, and there is no time for that"
        return _Refusal(f"it did not end in {given} on the base; {needed}: give more with --seconds", Cause.TIME)

    def _fails_for_another_reason(self, before: Reading, after: Reading) -> _Refusal | None:
        path, passes = self._candidate.path, after.state is State.PASSED
        lack = "" if passes else self._lack(before)
        if lack and self._lack(after):
            return _Refusal(lack, Cause.ENVIRONMENT)
        if self._candidate.vouched:
            reason = "" if passes else not_started(before.run, path)
        else:
            reason = misfit(before.run, path, self._issue, before.bad, self._sides.added_names)
            reason = reason or self._unexpected(before.run)
        return _Refusal(f"its failure on the base does not belong to the issue: {reason}") if reason else None

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

    def _again_and_control(self) -> _Refusal | None:
        control, patched = self._bench.together(
            (self._sides.control, replace(self._job(self._patience), reusable=True)),
            (self._sides.patched, self._job()),
        )
        self._runs["control"].append(control)
        self._runs["patched"].append(patched)
        if refusal := self._nothing_can_be_shown(control, patched) or self._starved(control, patched):
            return refusal
        self._findings += self._lies()
        if any(item.weight is Weight.REJECT for item in self._findings):
            return _Refusal(_LIES, Cause.PATCH)
        without = self._before(control)
        shown = self._fails_too(without)
        if shown:
            self._ask_for_what_fails(without)
        return self._not_passing(shown) or (None if shown else self._passes_without())

    def _starved(self, *runs: CommandResult) -> _Refusal | None:
        """Whether a run was ended sooner than the first one on its side would have been: the time was used up."""
        for run in runs:
            first = self._runs["patched" if run.side == "patched" else "base"][0]
            if no_end(run) and not no_end(first) and run.completed.seconds < _AS_LONG * first.completed.seconds:
                took = f"a run takes {first.completed.seconds:.0f} s here"
                return _Refusal(
                    f"the time was used up before it could be run again ({took}): give more with --seconds", Cause.TIME
                )
        return None

    def _lies(self) -> list[Finding]:
        """Signs of forgery; what would reject the patch is held against a run on the base of this very time, too."""
        found = find_forgery(self._without, self._runs["patched"])
        if found and all(run.kept for run in self._without):
            self._base_again()
            found = find_forgery(self._without, self._runs["patched"])
        return found

    def _not_passing(self, shown: bool) -> _Refusal | None:
        readings = [self._after(run) for run in self._runs["patched"]]
        bad = next((item for item in readings if item.state is not State.PASSED), None)
        if bad is None:
            # Where the base hangs, it gives nothing to hold the patched runs against.
            doubts = [_doubt(run) for run in self._runs["patched"]] if no_end(self._runs["base"][0]) else []
            return next((_Refusal(doubt, Cause.PATCH) for doubt in doubts if doubt), None)
        late = next((item for item in readings if item.state is State.NO_END), None)
        if late:
            return _Refusal(_NOT_PASSING[State.NO_END].format(late.text), Cause.PATCH)
        if any(item.state is State.PASSED for item in readings):
            reason = f"{_UNSTEADY}with the patch it passed once and failed once"
            return _Refusal(reason, shows_issue=shown, company="patched")
        detail = bad.text.removeprefix("failed: ") if bad.state is State.FAILED else bad.detail
        return _Refusal(_NOT_PASSING[bad.state].format(detail), Cause.PATCH, shown, company="patched")

    def _passes_without(self) -> _Refusal:
        """Tell whether a failure on the base and not on the control is due to the comment or to chance."""
        if not self._fails_too(self._base_again()):
            return _Refusal(f"{_UNSTEADY}on the base it failed once and passed once")
        return _Refusal("it passes with a mere comment in the patched files, so it does not tell a fix from any change")

    def _base_again(self) -> Reading:
        self._runs["base"].append(self._bench.run(self._sides.base, self._job(self._patience)))
        return self._before(self._runs["base"][-1])

    # The last runs: the control again, always anew, and the patch where code cannot see the runner.

    def _steady_and_unseen(self) -> _Refusal | None:
        orders = [(self._sides.control, self._job(self._patience))]
        unseen = unseen_job(self._candidate, self._runs["base"][0], self._share)
        traced = unseen is not None and self._is_quick
        if unseen is not None:
            orders.append((self._sides.patched, self._sides.statements.traced(unseen) if traced else unseen))
        control, *hidden = self._bench.together(*orders)
        self._runs["control"].append(control)
        if refusal := self._nothing_can_be_shown(control) or self._starved(control):
            return refusal
        # Three failures that are the very same tell as much as four.
        if len({self._before(run).signature for run in self._without}) > 1:
            self._base_again()
        for run in self._without:
            reading = self._before(run)
            if not self._fails_too(reading):
                return _Refusal(f"{_UNSTEADY}without the patch it does not fail alike in each run")
            self._ask_for_what_fails(reading)
        if traced and self._after(hidden[0]).state is State.PASSED:
            self._coverage = self._sides.statements.coverage(hidden[0].record)
        return self._right_for_tests_only(hidden, unseen) or self._nothing_ran()

    def _nothing_ran(self) -> _Refusal | None:
        if self._coverage is None or not self._coverage.none:
            return None
        number = self._coverage.statements
        return _Refusal(f"none of the {number} statements that the patch changes runs in it", Cause.REPRODUCTION)

    def _right_for_tests_only(self, hidden: list[CommandResult], unseen: Command | None) -> _Refusal | None:
        """Whether the issue is there again, in two runs, as soon as code cannot see the runner."""
        if unseen is None:
            return None
        before, patched = self._before(self._runs["base"][0]), self._runs["patched"]
        same = failing_again(before, hidden[0], patched)
        again = same and failing_again(before, self._bench.run(self._sides.patched, unseen), patched)
        if not again:
            return None
        self._findings.append(runner_aware(again))
        return _Refusal(_LIES, Cause.PATCH)

    # What the steps share.

    @property
    def _without(self) -> list[CommandResult]:
        return [*self._runs["base"], *self._runs["control"]]

    @property
    def _share(self) -> float:
        return self._bench.remaining * self._candidate.share

    @property
    def _is_quick(self) -> bool:
        """Whether there is time for a run whose lines are traced, which takes some times as long."""
        return self._runs["patched"][0].completed.seconds < min(_QUICK, self._share / _AS_LONG)

    @property
    def _patience(self) -> float:
        """Seconds for one more run without the patch."""
        base, patched = self._runs["base"][0], [run for run in self._runs["patched"] if not no_end(run)]
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
        base = self._runs["base"][0].report.outcomes() if self._runs["base"] else {}
        renamed = told_anew(base, run.report.outcomes()) if self._candidate.open_ended else {}
        return with_the_patch(run, self._candidate, self._asked, renamed)

    def _fails_too(self, reading: Reading) -> bool:
        """Whether a run without the patch fails as the base did: by a failure, or by not coming to an end."""
        if no_end(self._runs["base"][0]):
            return hangs(reading.run, *(run for run in self._runs["patched"] if not no_end(run)))
        return reading.state is State.FAILED

    def _ask_for_what_fails(self, reading: Reading) -> None:
        if reading.state is State.FAILED and self._candidate.runner is not None:
            path, open_ended = self._candidate.path, self._candidate.open_ended
            self._asked = what_fails(reading, self._asked, path, open_ended=open_ended)


def _doubt(run: CommandResult) -> str:
    """Why a passing run with the patch cannot be trusted by itself; empty when it can."""
    if run.job.canary and not run.canary_failed:
        return "with the patch the canary (a test that must fail) was not reported, so the run shows nothing"
    if run.job.record and not ending(run.record)[0]:
        return "with the patch the script ended before it came to its end"
    return ""
