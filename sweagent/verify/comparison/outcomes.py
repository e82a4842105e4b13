"""Outcomes of the existing tests on both sides, and how they differ."""

from collections.abc import Iterable
from typing import TypedDict

from sweagent.testing import TestOutcome, TestReport
from sweagent.verify.proof import TestChange


class Differences(TypedDict):
    """Fields of the evidence, all over the tests that are known on both sides but `vanished`."""

    compared: int
    passed_before: int
    passed_after: int
    fixed: tuple[TestChange, ...]
    already_failing: tuple[str, ...]
    vanished: tuple[str, ...]
    otherwise: tuple[TestChange, ...]


class Outcomes:
    """What every test came to on the base and with the patch."""

    def __init__(self) -> None:
        self._before: dict[str, TestOutcome] = {}
        self._after: dict[str, TestOutcome] = {}

    def __len__(self) -> int:
        return len(self._before)

    def add(self, base: TestReport, patched: TestReport) -> None:
        """Take the outcomes of a pair of runs of the same command."""
        self._before.update(base.outcomes())
        self._after.update(patched.outcomes())

    def differences(self, settled: Iterable[str]) -> Differences:
        """Count and name what differs: nothing that passed before and does not pass now is passed over.

        Args:
            settled: the tests that are named elsewhere: regressions, flaky and unsettled ones.
        """
        known, named = self._before.keys() & self._after.keys(), frozenset(settled)
        before = {name: self._before[name] for name in sorted(known)}
        changes = [
            TestChange(id=name, before=outcome, after=self._after[name])
            for name, outcome in before.items()
            if outcome is not self._after[name]
        ]
        fixed = [item for item in changes if item.before and item.before.bad and item.after is TestOutcome.PASSED]
        passed = [name for name, outcome in before.items() if outcome is TestOutcome.PASSED]
        gone = [name for name, outcome in self._before.items() if name not in known and outcome is TestOutcome.PASSED]
        return Differences(
            compared=len(known),
            passed_before=len(passed),
            passed_after=sum(1 for name in known if self._after[name] is TestOutcome.PASSED),
            fixed=tuple(fixed),
            already_failing=tuple(sorted(name for name, outcome in self._before.items() if outcome.bad)),
            vanished=tuple(sorted(name for name in gone if name not in named)),
            otherwise=tuple(item for item in changes if item not in fixed and item.id not in named),
        )
