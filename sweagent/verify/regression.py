"""The existing tests before and after: nearest first, and further out while time lasts."""

from collections.abc import Callable, Mapping, Sequence

from sweagent.testing import Runner, TestOutcome, TestReport
from sweagent.verify.bench import Bench, Job, Run, SideTree
from sweagent.verify.canary import Canary, make_canary
from sweagent.verify.proof import Finding, RegressionEvidence, TestChange
from sweagent.verify.runtime_checks import find_forgery
from sweagent.verify.targets import find, target_of, test_run

_FIRST_BATCH = 4
_GROWTH = 4
_LARGEST_BATCH = 200
_ALONE = 5
"""So many suspects are run alone; more of them are run together."""
_RERUN_SHARE = 0.25
_NAMED_AT_ONCE = 40
_SLOWER = 3
"""A patched run that takes longer than this many times the base's has not merely been slow."""
_WITHOUT_REPORT = (Runner.UNITTEST, Runner.DJANGO, Runner.SYMPY, Runner.CARGO, Runner.UNKNOWN)
_WHOLE_SUITE_ONLY = (Runner.UNKNOWN, Runner.CARGO)
_TAKES_NAMES = (Runner.PYTEST, Runner.UNITTEST, Runner.DJANGO, Runner.SYMPY, Runner.GO, Runner.JEST, Runner.VITEST)
_BAD_OR_GONE = (TestOutcome.FAILED, TestOutcome.ERROR, TestOutcome.SKIPPED, None)


class RegressionCheck:
    """Compares test files in batches.

    Args:
        bench: runs the jobs, and knows how much time is left.
        base: the side before the patch.
        patched: the side with it.
        runner: the project's test runner.
        test_command: how the project runs its tests.
        overlay: test files that both sides get, by path.
    """

    def __init__(
        self,
        bench: Bench,
        base: SideTree,
        patched: SideTree,
        *,
        runner: Runner,
        test_command: str,
        overlay: Mapping[str, bytes] | None = None,
    ) -> None:
        self._bench, self._base, self._patched = bench, base, patched
        self._runner, self._test_command = runner, test_command
        self._overlay = overlay or {}
        self._before: dict[str, TestOutcome] = {}
        self._after: dict[str, TestOutcome] = {}
        self._done: list[str] = []
        self._regressions: list[TestChange] = []
        self._flaky: list[TestChange] = []
        self._unsettled: list[TestChange] = []
        self._canaries: list[bool] = []
        self.findings: list[Finding] = []
        self.not_checked: list[str] = []
        self.nearest_missed = False
        """The time was used up before the tests nearest to the change were compared."""
        self._cut_short = False
        self._suite = test_command or f"the whole suite ({runner.value})"
        self._near = ""

    def run(self, tests: Sequence[str]) -> RegressionEvidence:
        """Compare test files, in this order, until time is up, a regression is sure, or all are done.

        Raises:
            SandboxError: the sandbox failed.
        """
        if self._runner in _WHOLE_SUITE_ONLY or not tests:
            self._near, tests = tests[0] if tests else "", [self._suite]
        waiting, size, budget = list(tests), _FIRST_BATCH, self._bench.remaining
        while waiting and size and not self._regressions and not self.findings:
            batch, waiting = waiting[:size], waiting[size:]
            before = self._bench.remaining
            split = self._compare(batch)
            if split:
                waiting, size = [*batch, *waiting], split
                continue
            spent = max(before - self._bench.remaining, 0.01) / len(batch)
            left = self._bench.remaining - budget * _RERUN_SHARE
            size = max(0, min(int(left * 0.8 / spent), size * _GROWTH, _LARGEST_BATCH))
        if waiting and not self._regressions and not self.findings:
            self.not_checked.append(f"{len(waiting)} test files further away from the change: the time was used up")
        self.nearest_missed = len(tests) - len(waiting) < min(_FIRST_BATCH, len(tests)) or self._cut_short
        return self._evidence(whole=not waiting)

    def _compare(self, batch: list[str]) -> int:
        """Run a batch on both sides; returns a smaller size to try again with when it takes too long."""
        share = self._bench.remaining * (1 - _RERUN_SHARE) / 2
        base = self._run(self._base, batch, share, "tests", batch[0])
        if base.completed.timed_out or base.completed.exit_code is None:
            if len(batch) > 1:
                return max(1, len(batch) // 4)
            self.not_checked.append(f"{batch[0]}: it does not end in time on the base either")
            self._cut_short = self._cut_short or len(self._done) < _FIRST_BATCH
            return 0
        if not base.report.results and not base.canary_failed:
            if len(batch) > 1:
                return max(1, len(batch) // 4)
            self.not_checked.append(f"{batch[0]}: it does not run on the base: {base.report.problem}"[:300])
            return 0
        patched = self._run(self._patched, batch, max(share, _SLOWER * base.completed.seconds), "tests", batch[0])
        if patched.completed.timed_out and (len(batch) > 1 or self._bench.remaining < base.completed.seconds):
            if len(batch) > 1:
                return max(1, len(batch) // 4)
            self.not_checked.append(f"{batch[0]}: the time was used up")
            self._cut_short = self._cut_short or len(self._done) < _FIRST_BATCH
            return 0
        self.findings += find_forgery(base, patched)
        self._canaries.append(base.canary_failed)
        self._done += batch
        self._before.update(base.report.outcomes())
        self._after.update(patched.report.outcomes())
        self._settle(base.report, patched, batch)
        return 0

    def _run(self, side: SideTree, targets: Sequence[str], timeout: float, purpose: str, near: str) -> Run:
        canary = self._canary(near)
        report = "" if self._runner in _WITHOUT_REPORT else "report"
        if self._runner is Runner.UNKNOWN:
            command = shown = self._test_command
        else:
            names = [target_of(self._runner, target) for target in targets if target != self._suite]
            planted = [canary.target] if canary and names else []
            place = f"{{folder}}/{report}" if report else ""
            command = test_run(self._runner, [*names, *planted], self._test_command, place)
            shown = test_run(self._runner, names, self._test_command, "")
        job = Job(purpose, command, timeout, self._overlay, self._runner, report, canary, shown=shown)
        return self._bench.run(side, job)

    def _canary(self, near: str) -> Canary | None:
        """Of the whole suite, only a runner that finds its tests by itself comes to the planted one."""
        if near != self._suite:
            return make_canary(self._runner, near)
        return make_canary(self._runner, self._near) if self._runner is Runner.CARGO else None

    def _settle(self, base: TestReport, patched: Run, batch: Sequence[str]) -> None:
        """Tell regressions from flaky tests among those that passed before and do not any more."""
        after = patched.report.outcomes()
        suspects = [
            name
            for name, outcome in base.outcomes().items()
            if outcome is TestOutcome.PASSED and after.get(name) in _BAD_OR_GONE
        ]
        messages = {item.id: item.message for item in patched.report.failures}
        doubted = [
            TestChange(id=name, before=TestOutcome.PASSED, after=after.get(name), message=messages.get(name, ""))
            for name in suspects
        ]
        # One sure regression settles the verdict; a crowd is listed after a common rerun.
        lone = doubted if len(doubted) <= _ALONE else doubted[:1]
        for group in [*([change] for change in lone), doubted[len(lone) :]]:
            if group:
                self._rerun(group, batch)

    def _rerun(self, group: list[TestChange], batch: Sequence[str]) -> None:
        """Run tests without their neighbours, twice on each side; by their files where the runner takes no names."""
        names = [change.id for change in group]
        by_name = self._runner in _TAKES_NAMES and len(names) <= _NAMED_AT_ONCE
        told = self._outcomes_alone(names, names if by_name else batch, batch[0])
        if by_name and all(outcome is None for name in names for outcome in told[name][:2]):
            told = self._outcomes_alone(names, batch, batch[0])
        for change in group:
            outcomes = told[change.id]
            words = [outcome.value if outcome else "not reported" for outcome in outcomes]
            note = f"alone: {words[0]}, {words[1]} on the base; {words[2]}, {words[3]} with the patch"
            self._sort_out(change.model_copy(update={"note": note}), outcomes)

    def _sort_out(self, change: TestChange, outcomes: list[TestOutcome | None]) -> None:
        """A test is flaky only if a rerun says so; without an answer it stays a doubt."""
        before = [outcome is TestOutcome.PASSED for outcome in outcomes[:2]]
        now = [outcome is TestOutcome.PASSED for outcome in outcomes[2:]]
        starved = self._bench.remaining < 1 and None in outcomes
        if any(now) or any(outcome is not None and outcome is not TestOutcome.PASSED for outcome in outcomes[:2]):
            self._flaky.append(change)
        elif all(before) and not starved:
            self._regressions.append(change)
        else:
            self._unsettled.append(change)

    def _outcomes_alone(
        self, names: Sequence[str], targets: Sequence[str], near: str
    ) -> dict[str, list[TestOutcome | None]]:
        time = self._bench.remaining / 4
        runs = [
            self._run(side, targets, time, "rerun", near).report.outcomes()
            for side in (self._base, self._patched)
            for _ in range(2)
        ]
        return {name: [_of(name, outcomes) for outcomes in runs] for name in names}

    def _evidence(self, *, whole: bool) -> RegressionEvidence:
        both = self._before.keys() & self._after.keys()
        fixed = [
            TestChange(id=name, before=self._before[name], after=self._after[name])
            for name in sorted(both)
            if self._before[name].bad and self._after[name] is TestOutcome.PASSED
        ]
        planted = self._canary(self._done[0]) is not None if self._done else False
        seen = bool(self._canaries) and all(self._canaries)
        return RegressionEvidence(
            compared=len(both),
            passed_before=_count(self._before, lambda outcome: outcome is TestOutcome.PASSED),
            passed_after=_count(self._after, lambda outcome: outcome is TestOutcome.PASSED),
            files=tuple(self._done),
            regressions=tuple(self._regressions),
            fixed=tuple(fixed),
            flaky=tuple(self._flaky),
            unsettled=tuple(self._unsettled),
            already_failing=tuple(sorted(name for name, outcome in self._before.items() if outcome.bad)),
            canary="not planted" if not planted else "failed as planted" if seen else "not seen",
            whole_suite=whole and bool(self._done),
        )


def _of(name: str, outcomes: Mapping[str, TestOutcome]) -> TestOutcome | None:
    ids = find(name, outcomes)
    return outcomes[ids[0]] if ids else None


def _count(outcomes: Mapping[str, TestOutcome], wanted: Callable[[TestOutcome], bool]) -> int:
    return sum(1 for outcome in outcomes.values() if wanted(outcome))
