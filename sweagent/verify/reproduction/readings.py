"""Read one run of a reproduction into a state and sentence."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import PurePosixPath

from sweagent.testing import Runner, TestOutcome, TestReport, TestResult
from sweagent.testing.naming import around
from sweagent.verify.reproduction.failures import said, wants_network
from sweagent.verify.reproduction.sources import ReproductionCandidate
from sweagent.verify.runs.side_runner import CommandResult

_CAME_TO_ITS_END = (0, 1)
"""pytest's status when all tests were run, and when some of them failed."""
_NAMED = 3
_NOT_FOUND = re.compile(
    r"^ERROR: (?:not found|file or directory not found|found no collectors for): (.+)$", re.MULTILINE
)
"""What pytest says of a name that it was given and does not know; then it runs nothing."""


class State(StrEnum):
    """What a run says of the issue; nothing but `PASSED` and `FAILED` says anything."""

    PASSED = "passed"
    FAILED = "failed"
    NO_END = "did not end"
    SKIPPED = "skipped"
    EXPECTED_FAILURE = "expected failure"
    NOT_THERE = "not there"
    NOTHING = "no test ran"


_ODD = {
    TestOutcome.SKIPPED: State.SKIPPED,
    TestOutcome.XFAILED: State.EXPECTED_FAILURE,
    TestOutcome.XPASSED: State.EXPECTED_FAILURE,
}

Renamed = Mapping[str, frozenset[str]]
"""Tests that are reported under other names with the patch, by their names on the base."""


@dataclass(frozen=True)
class Asked:
    """The tests that have to pass with the patch.

    Attributes:
        names: their names; none for the whole run.
        loose: those of the names that stand for what could not be loaded on the base, a file or a class: of such, tests
            may be skipped, as long as others pass.
        failing: where the whole run is meant, the tests that fail on the base.
    """

    names: tuple[str, ...] = ()
    loose: frozenset[str] = frozenset()
    failing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reading:
    """What one run of a reproduction came to.

    Attributes:
        run: the run.
        state: what it says.
        bad: the results that failed, of those that were asked for.
        detail: why it was skipped, which names were not found, or what the runner said.
    """

    run: CommandResult
    state: State
    bad: tuple[TestResult, ...] = ()
    detail: str = ""

    @property
    def text(self) -> str:
        """One line for the proof."""
        if self.state is State.NO_END:
            return f"did not end in {self.run.completed.seconds:.0f} s"
        if self.state is State.FAILED:
            return said(self.run, self.bad)
        return f"{self.state.value}: {self.detail}"[:300] if self.detail else self.state.value

    @property
    def signature(self) -> tuple[object, ...]:
        """What two runs have in common that fail in the same way."""
        tests = sorted((item.id, item.outcome.value, item.message) for item in self.bad)
        text = "" if self.state is State.NO_END else self.text
        return self.state, self.run.completed.exit_code, tuple(tests), text


def before_the_patch(run: CommandResult, candidate: ReproductionCandidate, asked: Asked) -> Reading:
    """Read a run on the base or on the control: a single failure, of the tests that are asked for, counts."""
    early = _without_results(run)
    if early:
        return early
    if not asked.names:
        return _whole_run(run, candidate)
    bad = _bad(run.report, asked.names)
    if bad:
        return Reading(run, State.FAILED, tuple(bad))
    if not run.report.results and run.completed.exit_code != 0 and not run.canary_failed:
        return _nothing(run, candidate)
    return _not_failed(run, asked.names)


def with_the_patch(run: CommandResult, candidate: ReproductionCandidate, asked: Asked, renamed: Renamed) -> Reading:
    """Read a run with the patch: all of the tests that are asked for have to pass."""
    early = _without_results(run)
    if early:
        return early
    report = run.report
    if not asked.names:
        whole = _whole_run(run, candidate)
        if whole.state is not State.PASSED:
            return whole
        if run.completed.exit_code != 0 and not run.canary_failed:
            return Reading(run, State.FAILED, detail=report.problem)
    if asked.names and not report.results and (missing := _nothing(run, candidate)).state is State.NOT_THERE:
        return missing
    if run.job.runner is Runner.PYTEST and run.completed.exit_code not in _CAME_TO_ITS_END:
        return Reading(run, State.FAILED, report.failures, report.problem)
    # A terse report counts the tests that passed without naming them.
    by_name = sum(1 for outcome in report.outcomes().values() if outcome is TestOutcome.PASSED)
    terse = report.counts.get(TestOutcome.PASSED, 0) > by_name
    names = asked.names or (() if terse else asked.failing)
    bad = _bad(report, names, renamed)
    if bad:
        return Reading(run, State.FAILED, tuple(bad))
    return _not_failed(run, names, asked.loose, renamed) if names else Reading(run, State.PASSED)


def without_network(before: CommandResult, after: CommandResult, names: Sequence[str]) -> tuple[str, ...]:
    """Those of the names whose tests fail on both sides because they reach no host, so that they show nothing here."""
    return tuple(name for name in names if all(wants_network(_results(run.report, name)) for run in (before, after)))


def what_fails(before: Reading, asked: Asked, path: str, *, open_ended: bool) -> Asked:
    """The tests that have to pass with the patch, after a run without it.

    Args:
        before: a failed run on the base or on the control.
        asked: what was asked for until now.
        path: the reproduction's file.
        open_ended: those tests count that fail.
    """
    name = PurePosixPath(path).name
    # The failure of a whole file has no such name once the file can be loaded.
    tests = [item.id for item in before.bad if item.outcome is TestOutcome.FAILED and not item.id.endswith(name)]
    failing = tuple(dict.fromkeys(test.split("[")[0] for test in tests))
    if not open_ended:
        return replace(asked, failing=asked.failing or failing)
    report = before.run.report
    own = {item.id for name in asked.names for item in report.matching(name)}
    names = [item.id for item in before.bad if item.id in own or not asked.names]
    held = [name for name in asked.names if not report.matching(name) and _bad(report, [name])]
    files = [name for name in names if "::" not in name and name.endswith(".py")]
    return Asked(tuple(dict.fromkeys([*names, *held])), asked.loose.union(held, files), failing)


def _without_results(run: CommandResult) -> Reading | None:
    """The reading of a run that did not end, or that is a plain command."""
    if run.completed.timed_out or run.completed.exit_code is None:
        return Reading(run, State.NO_END)
    if run.job.runner is None:
        return Reading(run, State.PASSED if run.completed.exit_code == 0 else State.FAILED)
    return None


def _nothing(run: CommandResult, candidate: ReproductionCandidate) -> Reading:
    """No test ran. Where somebody vouches for the reproduction, a runner that breaks down is a failure like another."""
    if missing := _NOT_FOUND.search(run.completed.output):
        return Reading(run, State.NOT_THERE, detail=missing.group(1).strip())
    broken = candidate.vouched and run.completed.exit_code != 0 and not run.canary_failed
    return Reading(run, State.FAILED if broken else State.NOTHING, detail=run.report.problem)


def _whole_run(run: CommandResult, candidate: ReproductionCandidate) -> Reading:
    report = run.report
    if report.failures:
        return Reading(run, State.FAILED, report.failures)
    if report.counts.get(TestOutcome.PASSED, 0):
        return Reading(run, State.PASSED)
    if skipped := [item for item in report.results if item.outcome is TestOutcome.SKIPPED]:
        return Reading(run, State.SKIPPED, detail=skipped[0].message or skipped[0].id)
    if report.results:
        return Reading(run, State.EXPECTED_FAILURE, detail=report.results[0].id)
    return _nothing(run, candidate)


def _not_failed(
    run: CommandResult, wanted: Sequence[str], loose: frozenset[str] = frozenset(), renamed: Renamed | None = None
) -> Reading:
    """The reading of a run in which none of the tests that are asked for failed: the worst that holds for any."""
    report = run.report
    found = {name: _results(report, name, renamed) for name in wanted}
    missing = [name for name, results in found.items() if not results]
    if missing:
        there = ", ".join([item.id for item in report.results][:_NAMED]) or report.problem or "no test at all"
        return Reading(run, State.NOT_THERE, detail=f"{', '.join(missing[:_NAMED])}; the run reports {there}")
    passed = any(item.outcome is TestOutcome.PASSED for items in found.values() for item in items)
    strict = [item for name, items in found.items() for item in items if name not in loose or not passed]
    for outcome, state in _ODD.items():
        if odd := next((item for item in strict if item.outcome is outcome), None):
            return Reading(run, state, detail=odd.message or odd.id)
    return Reading(run, State.PASSED)


def _bad(report: TestReport, wanted: Sequence[str], renamed: Renamed | None = None) -> list[TestResult]:
    found = {item.id: item for name in wanted for item in _results(report, name, renamed) if item.outcome.bad}
    return list(found.values())


def _results(report: TestReport, name: str, renamed: Renamed | None = None) -> Sequence[TestResult]:
    """The results that a name means, or of what holds it where that was reported as one."""
    called = report.matching(name)
    if called:
        return called
    if ids := (renamed or {}).get(name):
        return [item for item in report.results if item.id in ids]
    return around(name, report.results)
