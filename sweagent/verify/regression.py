"""The existing tests before and after: nearest first, and further out while time lasts."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from sweagent.testing import Runner, TestOutcome
from sweagent.verify.bench import Bench, Job, Run, SideTree
from sweagent.verify.canary import Canary, make_canary
from sweagent.verify.proof import Finding, RegressionEvidence, TestChange
from sweagent.verify.reruns import TAKES_NAMES, Reruns
from sweagent.verify.runtime_checks import find_forgery
from sweagent.verify.targets import target_of, test_run
from sweagent.verify.witness import WITNESS

_GROWTH = 4
_LARGEST_BATCH = 200
_RELATED_SHARE, _WIDER_SHARE = 0.75, 0.3
"""Of the time for comparing: how much is used before tests that have to do with the change are left out, and others."""
_FILE_SHARE, _BATCH_SHARE, _IN_TURN_SHARE = 0.5, 0.4, 0.375
"""What one side of a file, or of several, may take of the time that is left; or any of them, where sides take turns."""
_WITHOUT_REPORT = (Runner.UNITTEST, Runner.DJANGO, Runner.SYMPY, Runner.CARGO, Runner.UNKNOWN)
_WHOLE_SUITE_ONLY = (Runner.UNKNOWN, Runner.CARGO)
_OF_A_FILE = 8
"""So many tests of a file that takes too long are compared first."""
_CONFTEST = re.compile(r"while loading conftest '(.+)/conftest\.py'")


class RegressionCheck:
    """Compares test files in batches.

    Args:
        bench: runs the jobs, and knows how much time is left.
        base: the side before the patch.
        patched: the side with it.
        runner: the project's test runner.
        test_command: how the project runs its tests.
        overlay: test files that both sides get, by path.
        tests_of: gives the tests of a file that are nearest to the change, by name.
        content_of: gives the content of a test file on the base.
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
        tests_of: Callable[[str], tuple[str, ...]] = lambda path: (),
        content_of: Callable[[str], bytes] = lambda path: b"",
    ) -> None:
        self._bench, self._base, self._patched = bench, base, patched
        self._runner, self._test_command = runner, test_command
        self._overlay, self._tests_of, self._content_of = overlay or {}, tests_of, content_of
        self._before: dict[str, TestOutcome] = {}
        self._after: dict[str, TestOutcome] = {}
        self._done: list[str] = []
        self._reruns = Reruns(bench, base, patched, runner, self._job)
        self._canaries: list[bool] = []
        self.findings: list[Finding] = []
        self.not_checked: list[str] = []
        self.nearest_missed = False
        """The time was used up before the tests nearest to the change were compared."""
        self._cut_short = False
        self._suite = test_command or f"the whole suite ({runner.value})"
        self._near = ""
        self._waiting: list[str] = []
        self._nearest, self._limit = 0, 0.0
        self._leading: frozenset[str] = frozenset()

    def run(self, tests: Sequence[str], *, leading: int = 1, nearest: int = 4, related: int = 0) -> RegressionEvidence:
        """Compare test files, in this order, until a regression is sure, all are done, or their share of time is up.

        Args:
            tests: all test files, the nearest first.
            leading: so many of them must be compared; `nearest_missed` says if they were not.
            nearest: so many of them are given as much time as there is.
            related: so many of them show a sign of what changed, and are given more time than the rest.

        Raises:
            SandboxError: the sandbox failed.
        """
        if self._runner in _WHOLE_SUITE_ONLY or not tests:
            self._near, tests = tests[0] if tests else "", [self._suite]
        self._waiting, self._leading = list(tests), frozenset(tests[:leading])
        self._nearest = min(max(nearest, leading), len(tests))
        budget, size = self._bench.remaining, self._nearest
        while self._waiting and size and not self._settled:
            before, left = self._bench.remaining, len(self._waiting)
            self._limit = self._time_for(budget, len(tests) - left, related)
            size = self._compare(self._waiting[:size])
            if not size:
                count = left - len(self._waiting)
                spent = max(before - self._bench.remaining, 0.01) / max(count, 1)
                size = self._next_size(spent, count, self._time_for(budget, len(tests) - left + count, related))
                ahead = related - (len(tests) - len(self._waiting))
                size = min(size, ahead) if ahead > 0 else size
        if self._waiting and not self._settled:
            self._say_what_is_left(related - (len(tests) - len(self._waiting)))
        if anew := self._reruns.told_anew:
            self.not_checked.append(f"{len(anew)} tests by their ids, which the patch changes: {', '.join(anew[:3])}")
        self.nearest_missed = self._cut_short or not self._leading.isdisjoint(self._waiting)
        return self._evidence(whole=set(tests) <= set(self._done))

    @property
    def _settled(self) -> bool:
        return bool(self._reruns.regressions or self.findings)

    def _time_for(self, budget: float, done: int, related: int) -> float:
        """Seconds that the next tests may take: the nearest as much as there is, the rest by how near they are."""
        if done < self._nearest:
            return self._bench.remaining
        share = _RELATED_SHARE if done < related else _WIDER_SHARE
        return max(0.0, self._bench.remaining - budget * (1 - share))

    def _next_size(self, spent: float, last: int, left: float) -> int:
        if len(self._done) < self._nearest and self._waiting and left > 0:
            return max(1, self._nearest - len(self._done))
        affordable = int(min(left, self._bench.remaining * _BATCH_SHARE) * 0.8 / spent)
        return max(0, min(affordable, max(last, 1) * _GROWTH, _LARGEST_BATCH))

    def _say_what_is_left(self, related: int) -> None:
        further = len(self._waiting) - max(0, related)
        if related > 0:
            self.not_checked.append(f"{related} test files that may have to do with the change: their time was used up")
        if further > 0:
            self.not_checked.append(f"{further} test files that show no sign of the change: their time was used up")

    def _compare(self, batch: list[str]) -> int:
        """Run a batch on both sides; returns how many files to try instead when it cannot be compared as a whole."""
        base, patched = self._both(batch, batch[0])
        problem = _problem(base)
        if problem and self._set_folder_apart(base, batch):
            return len(batch)
        if (problem or patched.completed.timed_out) and len(batch) > 1:
            return max(1, len(batch) // 4)
        self._waiting = self._waiting[len(batch) :]
        if base.completed.timed_out and len(self._done) < self._nearest:
            base, patched, problem = self._part_of(batch[0], base, patched)
        late = patched.completed.timed_out and self._bench.remaining < base.completed.seconds
        if problem or late:
            if base.job.canary and not base.completed.timed_out:
                self._canaries.append(base.canary_failed)
            self.not_checked.append(f"{batch[0]}: {problem or 'the time was used up'}"[:300])
            starved = late or base.completed.timed_out
            self._cut_short = self._cut_short or (starved and batch[0] in self._leading)
            return 0
        self._record(base, patched, batch)
        self._done += batch
        return 0

    def _record(self, base: Run, patched: Run, batch: list[str]) -> None:
        if base.job.canary:
            self._canaries.append(base.canary_failed)
        if find_forgery([base], [patched]):
            self._look_again(base, patched, batch)
        self._before.update(base.report.outcomes())
        self._after.update(patched.report.outcomes())
        self._reruns.settle(base.report, patched, batch)
        if base.canary_failed and not (patched.canary_failed or patched.completed.timed_out or self._settled):
            self._reruns.settle_end(batch)

    def _look_again(self, base: Run, patched: Run, batch: Sequence[str]) -> None:
        """A sign of forgery counts if a second patched run of the same command shows it, and no run on the base."""
        seen = find_forgery([base], [patched])
        job = replace(base.job, purpose="rerun", timeout=min(base.job.timeout, self._bench.remaining))
        again = self._bench.together((self._base, job), (self._patched, job))
        ended = not any(run.completed.timed_out for run in again)
        self.findings += find_forgery([base, again[0]], [patched, again[1]]) if ended else []
        if not self.findings:
            often = "in one of two runs with the patch" if ended else "once, and there was no time to look again"
            self.not_checked += [f"{batch[0]}: {item.detail}: seen {often}" for item in seen]
            self._cut_short = self._cut_short or not ended

    def _both(self, targets: Sequence[str], near: str) -> tuple[Run, Run]:
        share = _BATCH_SHARE if len(targets) > 1 else _FILE_SHARE
        share = share if self._bench.apart else _IN_TURN_SHARE
        job = self._job(targets, min(self._limit, self._bench.remaining * share), "tests", near)
        base, patched = self._bench.together((self._base, job), (self._patched, job))
        return base, patched

    def _part_of(self, path: str, base: Run, patched: Run) -> tuple[Run, Run, str]:
        """Of a file that takes too long, the tests that are nearest to the change, where the runner takes names.

        Then as many as make half of the file, without which a file that must be compared does not count as compared.
        """
        names = self._tests_of(path) if self._runner in TAKES_NAMES else ()
        if not names:
            return base, patched, _problem(base)
        few, more = names[:_OF_A_FILE], names[_OF_A_FILE : (len(names) + 1) // 2]
        base, patched = self._both(few, path)
        if problem := _problem(base):
            return base, patched, problem
        compared = len(few)
        if more and not patched.completed.timed_out:
            further = self._both(more, path)
            if not _problem(further[0]) and not further[1].completed.timed_out:
                self._record(base, patched, [path])
                base, patched = further
                compared += len(more)
        if compared < len(names):
            count = f"all but {compared} of its {len(names)} tests"
            self.not_checked.append(f"{path}: {count}, because the whole file takes too long")
        self._cut_short = self._cut_short or (path in self._leading and 2 * compared < len(names))
        return base, patched, ""

    def _set_folder_apart(self, base: Run, batch: list[str]) -> bool:
        """Leave out a folder whose conftest.py cannot be loaded: pytest runs nothing when one of its files is named."""
        named = _CONFTEST.search(base.completed.output)
        if not named:
            return False
        folders = {f"{folder.as_posix()}/" for path in batch for folder in PurePosixPath(path).parents}
        folder = max((name for name in folders if f"{named.group(1)}/".endswith(f"/{name}")), key=len, default="")
        apart = {path for path in self._waiting if path.startswith(folder)}
        self._waiting = [path for path in self._waiting if path not in apart]
        self.not_checked.append(f"{folder or 'all'}, {len(apart)} test files: {_problem(base)}"[:300])
        return True

    def _job(self, targets: Sequence[str], timeout: float, purpose: str, near: str) -> Job:
        canary = self._canary(near, targets)
        report = "" if self._runner in _WITHOUT_REPORT else "report"
        if self._runner is Runner.UNKNOWN:
            command = shown = self._test_command
        else:
            names = [target_of(self._runner, target) for target in targets if target != self._suite]
            planted = [canary.target] if canary and names else []
            place = f"{{folder}}/{report}" if report else ""
            command = test_run(self._runner, [*names, *planted], self._test_command, place)
            command += f" {WITNESS}" if self._runner is Runner.PYTEST else ""
            shown = test_run(self._runner, names, self._test_command, "")
        return Job(purpose, command, timeout, self._overlay, self._runner, report, canary, shown=shown)

    def _canary(self, near: str, targets: Sequence[str]) -> Canary | None:
        """Of the whole suite, only a runner that finds its tests by itself comes to the planted one."""
        if near == self._suite:
            return make_canary(self._runner, self._near) if self._runner is Runner.CARGO else None
        keyword = min(target.partition("::")[2] for target in targets)
        return make_canary(self._runner, near, keyword=keyword, content=self._content_of(near))

    def _evidence(self, *, whole: bool) -> RegressionEvidence:
        both = self._before.keys() & self._after.keys()
        fixed = [
            TestChange(id=name, before=self._before[name], after=self._after[name])
            for name in sorted(both)
            if self._before[name].bad and self._after[name] is TestOutcome.PASSED
        ]
        return RegressionEvidence(
            compared=len(both),
            passed_before=_count(self._before, lambda outcome: outcome is TestOutcome.PASSED),
            passed_after=_count(self._after, lambda outcome: outcome is TestOutcome.PASSED),
            files=tuple(self._done),
            regressions=tuple(self._reruns.regressions),
            fixed=tuple(fixed),
            flaky=tuple(self._reruns.flaky),
            unsettled=tuple(self._reruns.unsettled),
            already_failing=tuple(sorted(name for name, outcome in self._before.items() if outcome.bad)),
            canary="not planted" if not self._canaries else "failed as planted" if any(self._canaries) else "not seen",
            whole_suite=whole,
        )


def _problem(base: Run) -> str:
    """Why a run of tests on the base is nothing to compare with; empty when it is."""
    if base.completed.timed_out or base.completed.exit_code is None:
        return "it did not end on the base in the time there was"
    if base.job.canary and not base.canary_failed:
        return f"the planted failing test was not reported on the base. {base.report.problem}"
    return "" if base.report.results or base.canary_failed else f"it does not run on the base: {base.report.problem}"


def _count(outcomes: Mapping[str, TestOutcome], wanted: Callable[[TestOutcome], bool]) -> int:
    return sum(1 for outcome in outcomes.values() if wanted(outcome))
