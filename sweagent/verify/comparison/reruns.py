"""Rerun worse tests to tell regressions from flaky ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sweagent.testing import Runner, TestOutcome, TestReport
from sweagent.verify.proof import TestChange
from sweagent.verify.runs.side_runner import Command, CommandResult, SideRunner, SideTree
from sweagent.verify.runs.targets import told_anew

TAKES_NAMES = (Runner.PYTEST, Runner.UNITTEST, Runner.DJANGO, Runner.SYMPY, Runner.GO, Runner.JEST, Runner.VITEST)
"""The runners that can be told to run a single test."""

_ALONE = 5
"""So many suspects are run alone; more of them are run together."""
_NAMED_AT_ONCE = 40
_SLOWER = 3
"""A patched run that was given this many times what the base took, and has not ended, is not merely slow."""
_BAD_OR_GONE = (
    TestOutcome.FAILED,
    TestOutcome.ERROR,
    TestOutcome.SKIPPED,
    TestOutcome.XFAILED,
    TestOutcome.NOT_THERE,
)
_NO_DOUBT = (TestOutcome.PASSED, TestOutcome.NOT_THERE)

MakeJob = Callable[[Sequence[str], float, str, str], Command]
"""Makes the job for some tests, from its seconds, its purpose, and the test file that lies nearest."""


class Reruns:
    """Runs suspects again, alone and then among their neighbours, and sorts them.

    Args:
        bench: runs the jobs.
        base: the side before the patch.
        patched: the side with it.
        runner: the project's test runner.
        job: makes a job.
    """

    def __init__(self, bench: SideRunner, base: SideTree, patched: SideTree, runner: Runner, job: MakeJob) -> None:
        self._bench, self._base, self._patched, self._runner, self._job = bench, base, patched, runner, job
        self.regressions: list[TestChange] = []
        self.flaky: list[TestChange] = []
        self.unsettled: list[TestChange] = []
        """Those for which there was no time."""
        self.told_anew: list[str] = []
        """Tests that passed before and whose function passes under other ids with the patch, in the same number."""

    def settle(self, base: TestReport, patched: CommandResult, batch: Sequence[str]) -> None:
        """Look into the tests of a batch that passed before and do not any more.

        Raises:
            SandboxError: the sandbox failed.
        """
        after = patched.report.outcomes()
        anew = told_anew(base.outcomes(), after)
        fine = {name for name, ids in anew.items() if all(after[one] is TestOutcome.PASSED for one in ids)}
        missed = [
            name
            for name, outcome in base.outcomes().items()
            if outcome is TestOutcome.PASSED and after.get(name, TestOutcome.NOT_THERE) in _BAD_OR_GONE
        ]
        self.told_anew += [name for name in missed if name in fine]
        suspects = [name for name in missed if name not in fine]
        messages = {item.id: item.message for item in patched.report.failures}
        doubted = [
            TestChange(
                id=name,
                before=TestOutcome.PASSED,
                after=after.get(name, TestOutcome.NOT_THERE),
                message=messages.get(name, ""),
            )
            for name in suspects
        ]
        # One sure regression settles the verdict; a crowd is listed after a common rerun.
        lone = doubted if len(doubted) <= _ALONE else doubted[:1]
        steady: list[TestChange] = []
        for group in [*([change] for change in lone), doubted[len(lone) :]]:
            steady += self._alone(group, batch) if group else []
        if steady:
            self._among_neighbours(steady, batch)

    def settle_end(self, batch: Sequence[str]) -> None:
        """Look into a patched run in which no test was lost but the planted one: it is broken off at its very end.

        Raises:
            SandboxError: the sandbox failed.
        """
        job = self._job(batch, self._bench.remaining / 4, "rerun", batch[0])
        base, again = self._bench.together((self._base, job), (self._patched, job))
        if base.canary_failed and not again.canary_failed and not again.completed.timed_out:
            message = f"with the patch the run does not come to its end: exit status {again.completed.exit_code}"
            change = TestChange(
                id=f"the run of {batch[-1]}", before=TestOutcome.PASSED, after=TestOutcome.NOT_THERE, message=message
            )
            self.regressions.append(change)

    def _alone(self, group: list[TestChange], batch: Sequence[str]) -> list[TestChange]:
        """Run tests without their neighbours, by their files where the runner takes no names.

        Returns:
            Those that pass each time, on both sides.
        """
        names = [change.id for change in group]
        by_name = self._runner in TAKES_NAMES and len(names) <= _NAMED_AT_ONCE
        told = self._twice(names, names if by_name else batch, batch[0])
        if by_name and all(outcome is TestOutcome.NOT_THERE for name in names for outcome in told[name].before):
            told = self._twice(names, batch, batch[0])
        steady = []
        for change in group:
            noted, again = change.model_copy(update={"note": f"alone: {told[change.id]}"}), told[change.id]
            if again.passed_each_time:
                steady.append(noted)
            # A test is flaky only if a rerun says so; without an answer it stays a doubt.
            elif TestOutcome.PASSED in again.now or any(o not in _NO_DOUBT for o in again.before):
                self.flaky.append(noted)
            elif again.passed_before and not (again.starved and TestOutcome.NOT_THERE in again.now):
                self.regressions.append(noted)
            else:
                self.unsettled.append(noted)
        return steady

    def _among_neighbours(self, group: list[TestChange], batch: Sequence[str]) -> None:
        """A patch can break a test by what an earlier one leaves behind; that shows in company only, but each time."""
        told = self._twice([change.id for change in group], batch, batch[0])
        for change in group:
            again = told[change.id]
            noted = change.model_copy(update={"note": f"{change.note}; among its neighbours: {again}"})
            failed = again.passed_before and all(outcome.bad for outcome in again.now)
            (self.regressions if failed else self.flaky).append(noted)

    def _twice(self, names: Sequence[str], targets: Sequence[str], near: str) -> dict[str, "_Again"]:
        job = self._job(targets, self._bench.remaining / 4, "rerun", near)
        orders = [(side, job) for side in (self._base, self._patched) for _ in range(2)]
        runs = [*self._bench.together(*orders[:2]), *self._bench.together(*orders[2:])]
        taken = max(run.completed.seconds for run in runs[:2])
        starved = any(run.completed.timed_out for run in runs) and job.timeout < _SLOWER * taken
        return {name: _Again(tuple(run.report.outcome_of(name) for run in runs), starved) for name in names}


@dataclass(frozen=True)
class _Again:
    """What a test came to in a rerun: twice on the base, twice with the patch.

    `starved` says that a run was ended at its deadline without having had much longer than the base takes.
    """

    outcomes: tuple[TestOutcome, ...]
    starved: bool

    @property
    def before(self) -> tuple[TestOutcome, ...]:
        return self.outcomes[:2]

    @property
    def now(self) -> tuple[TestOutcome, ...]:
        return self.outcomes[2:]

    @property
    def passed_before(self) -> bool:
        return all(outcome is TestOutcome.PASSED for outcome in self.before)

    @property
    def passed_each_time(self) -> bool:
        return all(outcome is TestOutcome.PASSED for outcome in self.outcomes)

    def __str__(self) -> str:
        words = [outcome.value for outcome in self.outcomes]
        return f"{words[0]}, {words[1]} on the base; {words[2]}, {words[3]} with the patch"
