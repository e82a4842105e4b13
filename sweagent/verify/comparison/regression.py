"""Compare existing tests before and after, nearest first."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from sweagent.testing import Runner, TestReport
from sweagent.testing.witnessed import BROKE_DOWN
from sweagent.verify.comparison.outcomes import Outcomes
from sweagent.verify.comparison.reruns import TAKES_NAMES, Reruns
from sweagent.verify.comparison.schedule import Batch, Schedule
from sweagent.verify.comparison.test_commands import TestJobs
from sweagent.verify.comparison.unfit import file_of, folder_named, named_in, signature, takes_no_file
from sweagent.verify.proof import CanaryState, Finding, RegressionEvidence, Side, TestChange, Weight
from sweagent.verify.runs.forgery import find_forgery
from sweagent.verify.runs.side_runner import Command, CommandResult, SideRunner, SideTree

_IN_TURN = (Runner.PYTEST, Runner.SYMPY)
_OF_A_FILE = 8
"""So many tests of a file that takes too long are compared first."""
_MOST_FAILED = 30
"""After so many runs without a test nobody goes on looking for the files to blame."""
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
        pinned: says of a test that got worse whether it pins what the issue calls wrong, so that it settles nothing.
    """

    def __init__(
        self,
        bench: SideRunner,
        base: SideTree,
        patched: SideTree,
        *,
        runner: Runner,
        test_command: str,
        overlay: Mapping[str, bytes] | None = None,
        tests_of: Callable[[str], tuple[str, ...]] = lambda path: (),
        content_of: Callable[[str], bytes] = lambda path: b"",
        pinned: Callable[[TestChange], bool] = lambda change: False,
    ) -> None:
        self._bench, self._base, self._patched = bench, base, patched
        self._runner = runner
        self._tests_of = tests_of
        self._jobs = TestJobs(runner, test_command, overlay or {}, content_of)
        self._outcomes = Outcomes()
        self._pinned = pinned
        self._done: list[str] = []
        self._reruns = Reruns(bench, base, patched, runner, self._jobs.make)
        self._canaries: list[bool] = []
        self.findings: list[Finding] = []
        self.not_checked: list[str] = []
        self.nearest_missed = False
        """The time was used up before the tests nearest to the change were compared."""
        self.stopped = ""
        """Why no more is compared, although there was time: every run fails alike."""
        self._cut_short = False
        self._schedule = Schedule((), nearest=0, related=0, remaining=lambda: 0.0)
        self._leading: frozenset[str] = frozenset()
        self._failed: list[tuple[str, frozenset[str]]] = []
        """What runs without a test came to, and the files that they were given."""
        self._probed = False

    def run(
        self, tests: Sequence[str], *, leading: int = 1, nearest: int = 4, related: int = 0, small: bool = False
    ) -> RegressionEvidence:
        """Compare test files, in this order, until a regression is sure, all are done, or their share of time is up.

        Args:
            tests: all test files, the nearest first.
            leading: so many of them must be compared; `nearest_missed` says if they were not.
            nearest: so many of them are given as much time as there is.
            related: so many of them show a sign of what changed, and are given more time than the rest.
            small: the suite is small enough to be run at once.

        Raises:
            SandboxError: the sandbox failed.
        """
        if takes_no_file(self._runner) or not tests:
            self._jobs.near, tests = tests[0] if tests else "", [self._jobs.suite]
        self._leading = frozenset(tests[:leading])
        self._schedule = Schedule(
            tests,
            nearest=min(max(nearest, leading), len(tests)),
            related=related,
            remaining=lambda: self._bench.remaining,
            small=small,
        )
        while not self._settled and not self.stopped:
            batch = self._next_batch()
            if batch is None:
                break
            if self._schedule.is_last(batch):
                self._bench.ahead = 0
            self._compare(batch)
        if not self._settled:
            self._say_what_is_left()
        if anew := self._reruns.told_anew:
            self.not_checked.append(f"{len(anew)} tests whose ids the patch changes: {', '.join(anew[:3])}")
        missed = {*self._schedule.waiting, *self._schedule.late}
        self.nearest_missed = self._cut_short or not self._leading.isdisjoint(missed)
        return self._evidence(whole=set(tests) <= set(self._done))

    def _next_batch(self) -> Batch | None:
        """The files to run next: where an earlier comparison has kept the base's run of some, they stay together."""
        batch = self._schedule.next_batch(apart=self._bench.apart)
        if batch is None or self._schedule.in_doubt:
            return batch
        kept = [
            Batch(files, seconds)
            for files, seconds in self._bench.kept.batches
            if self._bench.has_kept(self._base, self._job(files, seconds, files[0]))
        ]
        return self._schedule.regrouped(batch, kept)

    @property
    def _settled(self) -> bool:
        rejecting = any(item.weight is Weight.REJECT for item in self.findings)
        return rejecting or not all(map(self._pinned, self._reruns.regressions))

    def _say_what_is_left(self) -> None:
        related, further = self._schedule.left_over()
        why = self.stopped or "their time was used up"
        if related:
            self.not_checked.append(f"{related} test files that may have to do with the change: {why}")
        if further:
            self.not_checked.append(f"{further} test files that show no sign of the change: {why}")
        self.not_checked += [f"{path}: it did not end in the time there was" for path in self._schedule.late]

    def _compare(self, batch: Batch) -> None:
        before = self._bench.remaining
        base, patched = self._both(batch.files, batch.seconds, batch.files[0], in_turn=self._schedule.in_doubt)
        problem = _problem(base)
        if base.completed.timed_out or base.completed.exit_code is None:
            self._out_of_time(base, patched, batch.files)
        elif problem:
            self._without_tests(base, batch.files, problem)
        elif patched.completed.timed_out and len(batch.files) > 1:
            self._take_finished(base, patched, batch.files)
        elif patched.completed.timed_out and self._bench.remaining < base.completed.seconds:
            self._leave_out(batch.files[0], "the time was used up", starved=True)
        else:
            self._record(base, patched, batch.files)
            self._done += batch.files
            self._bench.kept.add_batch(batch.files, base.completed.seconds)
            self._schedule.done(batch.files, base.completed.seconds, before - self._bench.remaining)

    def _record(self, base: CommandResult, patched: CommandResult, files: Sequence[str]) -> None:
        if base.job.canary:
            self._canaries.append(base.canary_failed)
        if find_forgery([base], [patched]):
            self._look_again(base, patched, files)
        self._outcomes.add(base.report, patched.report)
        self._reruns.settle(base.report, patched, files)
        if base.canary_failed and not (patched.canary_failed or patched.completed.timed_out or self._settled):
            self._reruns.settle_end(files)

    def _look_again(self, base: CommandResult, patched: CommandResult, batch: Sequence[str]) -> None:
        """A sign of forgery counts if a second patched run of the same command shows it, and no run on the base."""
        seen = find_forgery([base], [patched])
        job = replace(base.job, purpose="rerun", reusable=False, timeout=min(base.job.timeout, self._bench.remaining))
        again = self._bench.together((self._base, job), (self._patched, job))
        ended = not any(run.completed.timed_out for run in again)
        found = find_forgery([base, again[0]], [patched, again[1]]) if ended else []
        if not found:
            often = "seen in one of two runs with the patch" if ended else "seen once, with no time to look again"
            review = {"weight": Weight.REVIEW}
            found = [item.model_copy(update=review | {"detail": f"{item.detail} ({often})"}) for item in seen]
        self.findings += found

    # --- runs that were ended at their deadline

    def _out_of_time(self, base: CommandResult, patched: CommandResult, files: Sequence[str]) -> None:
        """Use what was reported in time; of a file that takes too long, compare the tests nearest to the change."""
        path = files[0]
        if len(files) > 1 and not self._took_it_all(base, files):
            self._take_finished(base, patched, files)
            return
        if path in self._leading or self._schedule.among_nearest:
            base, patched, problem = self._part_of(path, base, patched)
            if not problem and not patched.completed.timed_out:
                self._record(base, patched, [path])
                self._done.append(path)
                self._schedule.done([path], base.completed.seconds, base.completed.seconds)
                return
        if not self._schedule.put_off(path):
            self._leave_out(path, f"it did not end on the base in {base.completed.seconds:.0f} s", starved=True)

    def _take_finished(self, base: CommandResult, patched: CommandResult, files: Sequence[str]) -> None:
        """Compare the files that both sides had done when one of them was ended, and try fewer of the others."""
        finished = self._finished(base, patched, files) if self._runner_is_shown or not base.job.canary else []
        if finished:
            chosen = set(finished)
            before, after = (_only(run.report, chosen, files) for run in (base, patched))
            self._outcomes.add(before, after)
            self._reruns.settle(before, replace(patched, report=after), finished)
            self._done += finished
            self._schedule.drop(finished)
        rest = [path for path in files if path not in finished]
        # A runner that takes files in turn hangs in the first that is not done, or in the one behind it.
        self._schedule.halve(rest, first=rest[:2] if finished and self._runner in _IN_TURN and len(rest) > 2 else ())

    def _took_it_all(self, base: CommandResult, files: Sequence[str]) -> bool:
        """Whether the first of several files used up their time alone: it began, and no other one did."""
        begun = {file_of(result, files) for result in base.report.results} - {""}
        return self._runner in _IN_TURN and begun == {files[0]}

    @property
    def _canary_state(self) -> CanaryState:
        """What became of the planted tests, of all runs together."""
        if not self._canaries:
            return CanaryState.NOT_PLANTED
        return CanaryState.FAILED if any(self._canaries) else CanaryState.NOT_SEEN

    @property
    def _runner_is_shown(self) -> bool:
        """Whether the runner was seen to report a planted failing test, in whatever run on the base."""
        return any(run.side is Side.BASE and run.canary is CanaryState.FAILED for run in self._bench.commands)

    def _finished(self, base: CommandResult, patched: CommandResult, files: Sequence[str]) -> list[str]:
        """The files of which both sides report the same tests; not the last one of a run that was ended."""
        tests: dict[str, tuple[set[str], set[str]]] = {path: (set(), set()) for path in files}
        unfinished = set()
        for number, run in enumerate((base, patched)):
            last = ""
            for result in run.report.results:
                last = file_of(result, files)
                if last:
                    tests[last][number].add(result.id)
            if run.completed.timed_out:
                unfinished.add(last)
        return [
            path for path in files if tests[path][0] and tests[path][0] == tests[path][1] and path not in unfinished
        ]

    def _part_of(
        self, path: str, base: CommandResult, patched: CommandResult
    ) -> tuple[CommandResult, CommandResult, str]:
        """Choose the tests nearest to the change in a file that takes too long, where the runner takes names.

        Then as many as make half of the file, without which a file that must be compared does not count as compared.
        """
        names = self._tests_of(path) if self._runner in TAKES_NAMES else ()
        if not names:
            return base, patched, _problem(base)
        few, more = names[:_OF_A_FILE], names[_OF_A_FILE : (len(names) + 1) // 2]
        seconds = self._schedule.time_for_a_file(apart=self._bench.apart)
        base, patched = self._both(few, seconds, path)
        if problem := _problem(base):
            return base, patched, problem
        compared = len(few)
        if more and not patched.completed.timed_out:
            further = self._both(more, self._schedule.time_for_a_file(apart=self._bench.apart), path)
            if not _problem(further[0]) and not further[1].completed.timed_out:
                self._record(base, patched, [path])
                base, patched = further
                compared += len(more)
        if compared < len(names):
            count = f"all but {compared} of its {len(names)} tests"
            self.not_checked.append(f"{path}: {count}, because the whole file takes too long")
        self._cut_short = self._cut_short or (path in self._leading and 2 * compared < len(names))
        return base, patched, ""

    # --- runs in which no test ran

    def _without_tests(self, base: CommandResult, files: Sequence[str], problem: str) -> None:
        """Find the files that keep a batch from running, leave them out, and name them; stop where every run fails."""
        if self._set_test_apart(base) or self._set_folder_apart(base, files) or self._leave_out_named(base, files):
            return
        sign, given = signature(base), frozenset(files)
        alike = any(sign == other and given.isdisjoint(before) for other, before in self._failed)
        self._failed.append((sign, given))
        if len(self._failed) >= _MOST_FAILED:
            self.stopped = f"{len(self._failed)} runs on the base came to nothing, the last because {problem}"
        elif alike and not self._done and self._fails_elsewhere(files, sign):
            self.stopped = f"every run on the base fails alike: {problem}"
        if len(files) == 1 or self.stopped:
            if base.job.canary:
                self._canaries.append(base.canary_failed)
            self._leave_out(files[0], problem)
            return
        failed = [seen for _, seen in self._failed]
        others = min((seen - given for seen in failed if given < seen), key=len, default=frozenset[str]())
        ahead = [path for path in self._schedule.waiting if path in others and others not in failed]
        self._schedule.halve([*files, *ahead], first=ahead or files[: len(files) // 2])

    def _set_test_apart(self, base: CommandResult) -> bool:
        """Leave out a test in which the whole run on the base breaks down, so that its file can be compared."""
        broken = {item.id for item in base.report.results if item.message.startswith(BROKE_DOWN)}
        if self._runner is not Runner.PYTEST or not broken or broken <= self._jobs.left_out:
            return False
        self._jobs.left_out |= broken
        self.not_checked += [f"{name}: the run on the base breaks down in it"[:300] for name in sorted(broken)]
        return True

    def _fails_elsewhere(self, files: Sequence[str], sign: str) -> bool:
        """Whether files of quite another folder fail alike too; looked at once."""
        homes = {PurePosixPath(path).parent for path in files}
        far = [path for path in reversed(self._schedule.waiting) if PurePosixPath(path).parent not in homes][:2]
        if self._probed or not far:
            return not self._probed
        self._probed = True
        run = self._bench.run(
            self._base, self._jobs.make(far, self._schedule.time_for_a_file(apart=True), "tests", far[0])
        )
        return bool(_problem(run)) and signature(run) == sign

    def _leave_out(self, path: str, why: str, *, starved: bool = False) -> None:
        self._schedule.drop([path])
        self.not_checked.append(f"{path}: {why}"[:300])
        self._cut_short = self._cut_short or (starved and path in self._leading)

    def _leave_out_named(self, base: CommandResult, files: Sequence[str]) -> bool:
        """Leave out the files that the output of a run without tests names, and those that wait in the same folder."""
        named, line = named_in(base, files) if len(files) > 1 and not base.report.results else ([], "")
        if not named:
            return False
        folder = folder_named(line, named[0])
        apart = {path for path in self._schedule.waiting if path in named or (folder and path.startswith(folder))}
        self._schedule.drop(apart)
        what = f"{folder}, {len(apart)} test files" if folder else ", ".join(named[:3])
        self.not_checked.append(f"{what}: no test runs here with it: {line}"[:300])
        return True

    def _set_folder_apart(self, base: CommandResult, batch: Sequence[str]) -> bool:
        """Leave out a folder whose conftest.py cannot be loaded: pytest runs nothing when one of its files is named."""
        named = _CONFTEST.search(base.completed.output)
        if not named:
            return False
        folders = {f"{folder.as_posix()}/" for path in batch for folder in PurePosixPath(path).parents}
        folder = max((name for name in folders if f"{named.group(1)}/".endswith(f"/{name}")), key=len, default="")
        apart = {path for path in self._schedule.waiting if path.startswith(folder)}
        self._schedule.drop(apart)
        self.not_checked.append(f"{folder or 'all'}, {len(apart)} test files: {_problem(base)}"[:300])
        return True

    # --- one run

    def _both(
        self, targets: Sequence[str], seconds: float, near: str, *, in_turn: bool = False
    ) -> tuple[CommandResult, CommandResult]:
        """Run tests on both sides; where that is in doubt, on the base first, whose run stands for both if it fails."""
        job = self._job(targets, seconds, near)
        if in_turn:
            base = self._bench.run(self._base, job)
            return base, base if _problem(base) else self._bench.run(self._patched, job)
        base, patched = self._bench.together((self._base, job), (self._patched, job))
        return base, patched

    def _job(self, targets: Sequence[str], seconds: float, near: str) -> Command:
        made = self._jobs.make(targets, min(seconds, self._bench.remaining), "tests", near)
        return replace(made, reusable=True)

    def _evidence(self, *, whole: bool) -> RegressionEvidence:
        reruns = self._reruns
        named = {item.id for item in (*reruns.regressions, *reruns.flaky, *reruns.unsettled)}
        return RegressionEvidence(
            **self._outcomes.differences(named),
            files=tuple(self._done),
            regressions=tuple(reruns.regressions),
            flaky=tuple(reruns.flaky),
            unsettled=tuple(reruns.unsettled),
            canary=self._canary_state,
            whole_suite=whole,
            not_compared=tuple(self.not_checked),
        )


def _problem(base: CommandResult) -> str:
    """Why a run of tests on the base is nothing to compare with; empty when it is."""
    if base.completed.timed_out or base.completed.exit_code is None:
        return "it did not end on the base in the time there was"
    if base.job.canary and not base.canary_failed:
        return f"the canary (a test that must fail) was not reported on the base. {base.report.problem}"
    return "" if base.report.results or base.canary_failed else f"it does not run on the base: {base.report.problem}"


def _only(report: TestReport, files: Collection[str], batch: Sequence[str]) -> TestReport:
    """The part of a report that is about some files of a batch."""
    results = [result for result in report.results if file_of(result, batch) in files]
    return TestReport.of(report.runner, results, exit_code=report.exit_code)
