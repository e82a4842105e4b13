"""Outcomes of a run of tests, whichever runner made it."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import ClassVar, Self

from sweagent.frozen import Frozen
from sweagent.testing.naming import around, matching


class Runner(StrEnum):
    """A test runner whose command line and report this room knows."""

    PYTEST = "pytest"
    UNITTEST = "unittest"
    DJANGO = "django"
    SYMPY = "sympy"
    GO = "go"
    CARGO = "cargo"
    JEST = "jest"
    VITEST = "vitest"
    MOCHA = "mocha"
    NODE = "node"
    MAVEN = "maven"
    GRADLE = "gradle"
    UNKNOWN = "unknown"


class TestOutcome(StrEnum):
    """How one test ended. `ERROR` is a failure outside the test's body: set-up, collection, a crash.

    `NOT_THERE` is the outcome of a test that was asked for and that the run did not report. It is neither a pass nor
    a failure, and it is never the outcome of a `TestResult`.
    """

    __test__ = False

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"
    XFAILED = "xfailed"
    XPASSED = "xpassed"
    NOT_THERE = "not there"

    @property
    def bad(self) -> bool:
        """Whether the test speaks against the code."""
        return self in (TestOutcome.FAILED, TestOutcome.ERROR)

    @property
    def ran(self) -> bool:
        """Whether the test's body was run."""
        return self not in (TestOutcome.SKIPPED, TestOutcome.NOT_THERE)

    def worse_than(self, other: "TestOutcome") -> bool:
        """Whether this outcome speaks more against the code; it counts when a test is reported more than once."""
        return _SEVERITY[self] > _SEVERITY[other]


class TestResult(Frozen):
    """One test's outcome."""

    __test__: ClassVar[bool] = False

    id: str
    """As the runner takes it on its command line, where it can: `tests/test_a.py::test_b`, `pkg.mod.Case.test_b` …"""
    outcome: TestOutcome
    message: str = ""
    """Why it failed or was skipped, in one line."""
    details: str = ""
    """The failure as the runner printed it (traceback, captured output)."""
    title: str = ""
    """What the runner calls it besides, such as the first line of its docstring."""
    seconds: float = 0.0
    file: str = ""
    """The file that the runner collected it from, a path in the work tree; empty where that is not known."""


class TestReport(Frozen):
    """What a run of tests came to."""

    __test__: ClassVar[bool] = False

    runner: Runner
    results: tuple[TestResult, ...] = ()
    """The tests that are known by name; a terse text report names only those that failed."""
    counts: dict[TestOutcome, int] = {}
    """Tests by outcome, those included that are not known by name."""
    exit_code: int | None = None
    """Of the runner; None when it was ended at its deadline."""
    problem: str = ""
    """Why the run as a whole did not do what was asked: nothing was collected, a wrong option, a crash."""
    machine_readable: bool = False
    """The results come from the runner's report file, not from its printed text."""

    @property
    def ran(self) -> int:
        """How many tests were run; the skipped ones were not."""
        return sum(number for outcome, number in self.counts.items() if outcome.ran)

    @property
    def failures(self) -> tuple[TestResult, ...]:
        """The tests that failed or ended in an error."""
        return tuple(result for result in self.results if result.outcome.bad)

    @property
    def ok(self) -> bool:
        """Whether tests were run, none was bad, and the runner itself says so too."""
        bad = any(number for outcome, number in self.counts.items() if outcome.bad)
        return self.exit_code == 0 and self.ran > 0 and not bad and not self.problem

    @property
    def summary(self) -> str:
        """The counts in one line, such as `1 failed, 3 passed`; `0 tests ran` is said as such."""
        said = [f"{self.counts[outcome]} {outcome.value}" for outcome in _ORDER if self.counts.get(outcome)]
        if not self.ran:
            said.insert(0, "0 tests ran")
        return ", ".join(said)

    def outcomes(self) -> Mapping[str, TestOutcome]:
        """The outcome by test id; of a test that is reported more than once, the worst."""
        worst: dict[str, TestOutcome] = {}
        for result in self.results:
            old = worst.get(result.id)
            if old is None or result.outcome.worse_than(old):
                worst[result.id] = result.outcome
        return worst

    def matching(self, test: str) -> tuple[TestResult, ...]:
        """The results that the name of a test, a class or a file means; see `sweagent.testing.naming`."""
        return matching(test, self.results)

    def outcome_of(self, test: str) -> TestOutcome:
        """What became of a test that was asked for.

        Args:
            test: its id, or another way to name it: a pytest id, a dotted name, `test_a (module.Case)`, a bare name.

        Returns:
            The worst outcome of the results that the name means. Where there are none, the outcome of the file, the
            module or the class around the test when that was reported as one (it could not be loaded or set up, or it
            was skipped as a whole); else `NOT_THERE`.
        """
        found = self.matching(test) or around(test, self.results)
        return max((item.outcome for item in found), key=_SEVERITY.__getitem__, default=TestOutcome.NOT_THERE)

    @classmethod
    def of(
        cls,
        runner: Runner,
        results: Iterable[TestResult],
        *,
        exit_code: int | None,
        problem: str = "",
        machine_readable: bool = False,
    ) -> Self:
        """Make a report whose counts are those of its results.

        A test counts once, by its worst outcome, however often it is reported: once for each subtest, say, or again
        when what follows it fails.
        """
        report = cls(
            runner=runner,
            results=tuple(results),
            exit_code=exit_code,
            problem=problem,
            machine_readable=machine_readable,
        )
        return report.model_copy(update={"counts": dict(Counter(report.outcomes().values()))})


_ORDER = (
    TestOutcome.FAILED,
    TestOutcome.ERROR,
    TestOutcome.PASSED,
    TestOutcome.SKIPPED,
    TestOutcome.XFAILED,
    TestOutcome.XPASSED,
)
_SEVERITY = {
    TestOutcome.NOT_THERE: -1,
    TestOutcome.SKIPPED: 0,
    TestOutcome.XFAILED: 1,
    TestOutcome.PASSED: 2,
    TestOutcome.XPASSED: 3,
    TestOutcome.ERROR: 4,
    TestOutcome.FAILED: 5,
}

_NOISE = re.compile(r"^\s*((duration_ms|failureType|code|type): .*|note: .*RUST_BACKTRACE.*|at .*\bnode:internal.*)$")
_TELLING = re.compile(r"^(\s*(Assertion|Error|panicked|expected|received|got|want)\b)", re.IGNORECASE)


def essence(details: str, *, lines: int = 10, width: int = 200) -> str:
    """The lines of a failure that say what went wrong and where.

    pytest marks them with `>` and `E`; of other runners' texts the last lines are taken, where a traceback names the
    exception.

    Args:
        details: the failure as the runner printed it.
        lines: at most this many are returned.
        width: longer lines are cut.
    """
    details = re.split(r"^stack backtrace:$", details, maxsplit=1, flags=re.MULTILINE)[0]
    said = [line.rstrip() for line in details.splitlines() if line.strip() and not _NOISE.match(line)]
    marked = [line for line in said if line.startswith(("E  ", ">  "))]
    if marked:
        places = [line for line in said if re.match(r"^\S[^:\n]*:\d+: ", line)]
        chosen = [*marked[-(lines - 1) :], *places[-1:]]
    elif len(said) > lines:
        telling = [line for line in said[:-lines] if _TELLING.match(line)]
        chosen = [*telling[:2], *said[-(lines - len(telling[:2])) :]]
    else:
        chosen = said
    return "\n".join(line if len(line) <= width else line[: width - 2] + " …" for line in chosen)
