"""Judges a reproduction: it must fail on the base for the issue's reason, and pass with the patch, each time."""

from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from sweagent.testing import Runner, TestOutcome, TestResult
from sweagent.verify.bench import Bench, Run, SideTree
from sweagent.verify.candidates import Candidate
from sweagent.verify.commands import directly
from sweagent.verify.failures import misfit, said, tells_of_a_hang
from sweagent.verify.proof import Finding, ReproductionEvidence, Weight
from sweagent.verify.runtime_checks import find_forgery
from sweagent.verify.targets import find, told_anew

_CAME_TO_ITS_END = (0, 1)
"""pytest's status when all tests were run, and when some of them failed."""
_AS_LONG = 2
"""So many times what a run on the base took must be left for the run with the runner hidden, or it is left out."""


@dataclass(frozen=True)
class Sides:
    """The trees that are compared.

    Attributes:
        base: before the patch.
        control: the base with a comment in the patched files; what passes on it does not tell a fix from any change.
        patched: with the patch's source changes.
    """

    base: SideTree
    control: SideTree
    patched: SideTree


@dataclass(frozen=True)
class Judged:
    """A judged candidate, and what its patched runs gave away."""

    evidence: ReproductionEvidence
    findings: tuple[Finding, ...] = ()


def judge(candidate: Candidate, bench: Bench, sides: Sides, issue_text: str) -> Judged:
    """Run a candidate on all sides, twice each, and stop at the first side that speaks against it.

    Raises:
        SandboxError: the sandbox failed.
    """
    judging = _Judging(candidate, bench, sides, issue_text)
    reason = (
        judging.base_fails() or judging.patched_passes() or judging.control_fails() or judging.right_for_tests_only()
    )
    return Judged(judging.evidence(reason), tuple(judging.findings))


class _Judging:
    def __init__(self, candidate: Candidate, bench: Bench, sides: Sides, issue_text: str) -> None:
        self._candidate, self._bench, self._sides, self._issue = candidate, bench, sides, issue_text
        self._wanted: tuple[str, ...] = candidate.wanted
        self._failing: tuple[str, ...] = ()
        """Of a whole run, the tests that fail on the base: with the patch the very same have to pass."""
        self._runs: dict[str, list[str]] = {"base": [], "control": [], "patched": []}
        self._base: Run | None = None
        self._base_runs: list[Run] = []
        self._shows_issue = False
        self.findings: list[Finding] = []

    def base_fails(self) -> str:
        first, second = self._twice(self._sides.base)
        self._base, self._base_runs = first, [first, second]
        if not self._failed(first):
            return "it passes on the base, so it does not show the issue"
        if not self._failed(second):
            return "it is not steady: on the base it failed once and passed once"
        if not tells_of_a_hang(self._issue) and (first.completed.timed_out or second.completed.timed_out):
            return "it did not end in time on the base"
        bad = self._bad(first)
        if not self._candidate.trusted:
            reason = misfit(first, self._candidate.path, self._issue, bad) or self._unexpected(first)
            if reason:
                return f"its failure on the base does not belong to the issue: {reason}"
        if self._candidate.open_ended and self._candidate.runner is not None:
            again = {item.id for item in self._bad(second)}
            self._wanted = tuple(item.id for item in bad if item.id in again)
            if not self._wanted:
                return "it is not steady: on the base other tests failed in the second run"
        self._failing = tuple(dict.fromkeys(item.id.split("[")[0] for item in bad if self._is_a_test(item)))
        return ""

    def patched_passes(self) -> str:
        runs = self._twice(self._sides.patched)
        self.findings += find_forgery(self._base_runs, runs)
        if self.findings:
            return "the patched run does not tell the truth"
        passed = [self._passed(run) for run in runs]
        if all(passed):
            return ""
        if any(run.completed.timed_out for run in runs):
            return "it did not end in time with the patch"
        self._shows_issue = True
        if any(passed):
            return "it is not steady: with the patch it passed once and failed once"
        told = said(runs[0], self._bad(runs[0])).removeprefix("failed: ")
        if told == "passed":
            names = ", ".join((self._wanted or self._failing)[:3])
            return f"with the patch, what fails on the base is not reported as passed: {names}"
        return f"it still fails with the patch: {told}"

    def control_fails(self) -> str:
        if not all(self._failed(run) for run in self._twice(self._sides.control)):
            return "it passes with a mere comment in the patched files, so it does not tell a fix from any change"
        self._shows_issue = True
        return ""

    def right_for_tests_only(self) -> str:
        """Whether the issue is there again as soon as the code cannot see a test runner: the very same failure."""
        if not self._candidate.hideable or self._base is None or not self._time_for_one_more(self._base):
            return ""
        if self._candidate.runner is not Runner.NODE and self._base.told is None:
            return ""
        job = self._candidate.job(self._bench.remaining * self._candidate.share)
        job = replace(job, purpose=f"{job.purpose}, the runner hidden", unseen=True)
        if self._candidate.runner is Runner.NODE:
            job = replace(job, command=directly(self._candidate.command), canary=None, shown="")
            if not job.command:
                return ""
        before = {item.id: item.message for item in self._bad(self._base)}
        for _ in range(2):
            again = {item.id: item.message for item in self._bad(self._bench.run(self._sides.patched, job))}
            same = sorted(name for name, message in again.items() if message and before.get(name) == message)
            if not same:
                return ""
        detail = f"it is right only where code can see that a test runner is loaded: {', '.join(same[:3])}"
        self.findings.append(
            Finding(rule="runner-aware", path="(the patched run)", detail=detail, weight=Weight.REJECT)
        )
        return "the patched run does not tell the truth"

    def _time_for_one_more(self, base: Run) -> bool:
        return self._bench.remaining * self._candidate.share > _AS_LONG * base.completed.seconds

    def evidence(self, reason: str) -> ReproductionEvidence:
        return ReproductionEvidence(
            origin=self._candidate.origin,
            name=self._candidate.name,
            accepted=not reason,
            reason=reason,
            shows_issue=self._shows_issue,
            base=tuple(self._runs["base"]),
            control=tuple(self._runs["control"]),
            patched=tuple(self._runs["patched"]),
        )

    def _twice(self, side: SideTree) -> list[Run]:
        job = self._candidate.job(self._bench.remaining * self._candidate.share)
        runs = self._bench.together((side, job), (side, job))
        self._runs[side.name] += ["passed" if self._passed(run) else said(run, self._bad(run)) for run in runs]
        return runs

    def _passed(self, run: Run) -> bool:
        if run.completed.timed_out or run.completed.exit_code is None:
            return False
        if run.job.runner is None:
            return run.completed.exit_code == 0
        if run.job.runner is Runner.PYTEST and run.completed.exit_code not in _CAME_TO_ITS_END:
            return False
        if not self._wanted:
            clean = run.completed.exit_code == 0 or run.canary_failed
            if not clean or not run.report.counts.get(TestOutcome.PASSED, 0) or run.report.failures:
                return False
        outcomes = run.report.outcomes()
        # A terse report counts the tests that passed without naming them.
        terse = run.report.counts.get(TestOutcome.PASSED, 0) > list(outcomes.values()).count(TestOutcome.PASSED)
        anew = told_anew(self._base.report.outcomes(), outcomes) if self._candidate.open_ended and self._base else {}
        for wanted in self._wanted or (() if terse else self._failing):
            ids = find(wanted, outcomes) or sorted(anew.get(wanted, ()))
            if not ids or any(outcomes[name] is not TestOutcome.PASSED for name in ids):
                return False
        return True

    def _is_a_test(self, item: TestResult) -> bool:
        """Whether a failure is that of a test, not of a whole file, which has no such name once it can be loaded."""
        return item.outcome is TestOutcome.FAILED and not item.id.endswith(PurePosixPath(self._candidate.path).name)

    def _failed(self, run: Run) -> bool:
        """Failing is more than not passing: a skipped test shows nothing."""
        if self._candidate.trusted:
            return not self._passed(run)
        if run.job.runner is None or run.completed.exit_code is None:
            return run.completed.exit_code != 0
        if run.report.results:
            return bool(self._bad(run))
        return run.completed.exit_code != 0

    def _bad(self, run: Run) -> list[TestResult]:
        failures = list(run.report.failures)
        if not self._wanted:
            return failures
        ids = {name for wanted in self._wanted for name in find(wanted, (item.id for item in failures))}
        files = {wanted.split("::")[0] for wanted in self._wanted}
        return [item for item in failures if item.id in ids or item.id in files]

    def _unexpected(self, run: Run) -> str:
        expected = self._candidate.expected
        if not expected or any(kind in run.completed.output for kind in expected):
            return ""
        return f"the issue tells of {' or '.join(expected)}"
