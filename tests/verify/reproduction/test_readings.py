import pytest

from sweagent.sandbox.base import Completed
from sweagent.testing import Runner, TestOutcome, TestReport, TestResult
from sweagent.verify.proof import Cause, Origin, Side
from sweagent.verify.reproduction.hangs import enough, hangs
from sweagent.verify.reproduction.readings import Asked, State, before_the_patch, what_fails, with_the_patch
from sweagent.verify.reproduction.refusals import starved
from sweagent.verify.reproduction.sources import ReproductionCandidate
from sweagent.verify.runs.side_runner import Command, CommandResult

FILE = "tests/test_a.py"
CANDIDATE = ReproductionCandidate(
    Origin.REGISTERED, FILE, FILE, f"pytest {FILE}", runner=Runner.PYTEST, open_ended=True
)


def a_run(
    exit_code: int | None = 1, *, runner: Runner = Runner.PYTEST, output: str = "", **outcomes: str
) -> CommandResult:
    results = [
        TestResult(
            id=FILE if name == "file" else f"{FILE}::{name}", outcome=TestOutcome(word.split(":")[0]), message=word
        )
        for name, word in outcomes.items()
    ]
    report = TestReport.of(runner, results, exit_code=exit_code)
    done = Completed(output=output, exit_code=exit_code, timed_out=exit_code is None)
    return CommandResult(Side.BASE, Command("reproduction", "the command", 9, runner=runner), done, report)


def names(*tests: str) -> Asked:
    return Asked(tuple(f"{FILE}::{test}" for test in tests))


BEFORE = {
    "one of those that are asked for fails": (a_run(one="passed", two="failed"), names("one", "two"), State.FAILED),
    "another one fails": (a_run(one="passed", two="failed"), names("one"), State.PASSED),
    "its file cannot be loaded": (a_run(2, file="error"), names("one"), State.FAILED),
    "it is skipped": (a_run(0, one="skipped: no network"), names("one"), State.SKIPPED),
    "it is expected to fail": (a_run(0, one="xfailed"), names("one"), State.EXPECTED_FAILURE),
    "it is not reported": (a_run(0, two="passed"), names("one"), State.NOT_THERE),
    "pytest does not know it": (a_run(4, output=f"ERROR: not found: /w/{FILE}::one\n"), names("one"), State.NOT_THERE),
    "nothing is collected": (a_run(5), Asked(), State.NOTHING),
    "all is skipped": (a_run(0, one="skipped"), Asked(), State.SKIPPED),
    "it does not end": (a_run(None, one="failed"), names("one"), State.NO_END),
}


@pytest.mark.parametrize("name", BEFORE)
def test_only_a_failure_of_what_was_asked_for_is_a_failure_before_the_patch(name):
    run, asked, state = BEFORE[name]
    assert before_the_patch(run, CANDIDATE, asked).state is state


AFTER = {
    "all pass": (a_run(0, one="passed", two="passed"), names("one", "two"), State.PASSED),
    "another one fails": (a_run(one="passed", two="failed"), names("one"), State.PASSED),
    "one of them is gone": (a_run(0, one="passed"), names("one", "two"), State.NOT_THERE),
    "one of them is skipped": (a_run(0, one="passed", two="skipped"), names("one", "two"), State.SKIPPED),
    "the runner breaks down": (a_run(3, one="passed"), names("one"), State.FAILED),
    "the whole run passes": (a_run(0, one="passed"), Asked(failing=(f"{FILE}::one",)), State.PASSED),
    "what failed is skipped": (
        a_run(0, one="skipped", two="passed"),
        Asked(failing=(f"{FILE}::one",)),
        State.SKIPPED,
    ),
    "what failed is gone": (a_run(0, two="passed"), Asked(failing=(f"{FILE}::one",)), State.NOT_THERE),
    "no test fails, but the run does": (a_run(1, one="passed"), Asked(), State.FAILED),
}


@pytest.mark.parametrize("name", AFTER)
def test_nothing_but_a_pass_of_all_that_was_asked_for_is_a_pass_with_the_patch(name):
    run, asked, state = AFTER[name]
    assert with_the_patch(run, CANDIDATE, asked, {}).state is state


def test_of_a_file_that_could_not_be_loaded_some_tests_may_be_skipped_and_not_all():
    before = before_the_patch(a_run(2, file="error"), CANDIDATE, Asked())
    asked = what_fails(before, Asked(), FILE, open_ended=True)
    assert asked.names == (FILE,)
    some = a_run(0, one="passed", two="skipped")
    assert with_the_patch(some, CANDIDATE, asked, {}).state is State.PASSED
    assert with_the_patch(a_run(0, one="skipped"), CANDIDATE, asked, {}).state is State.SKIPPED


def test_of_tests_that_may_fail_those_count_that_fail_in_each_run():
    asked = names("one", "two", "three")
    for run in (a_run(one="failed", two="failed", three="passed"), a_run(one="passed", two="failed", three="failed")):
        asked = what_fails(before_the_patch(run, CANDIDATE, asked), asked, FILE, open_ended=True)
    assert asked.names == (f"{FILE}::two",)


def of_seconds(seconds: float, *, ended: bool) -> CommandResult:
    done = Completed(output="", exit_code=0 if ended else None, timed_out=not ended, seconds=seconds)
    return CommandResult(Side.BASE, Command("reproduction", "the command", 9), done, TestReport(runner=Runner.UNKNOWN))


@pytest.mark.parametrize(
    ("given", "other", "expected"), [(10, 0.2, True), (9, 0.2, False), (30, 3, True), (30, 4, False), (1000, 90, True)]
)
def test_a_hang_is_told_from_slowness_by_what_the_other_side_takes(given, other, expected):
    ended = of_seconds(other, ended=True)
    assert hangs(of_seconds(given, ended=False), ended) is expected
    assert not hangs(of_seconds(given, ended=True), ended)
    assert enough(ended, of_seconds(20, ended=True)) == max(200, 10 * other)


@pytest.mark.parametrize(("seconds", "cause"), [(1, Cause.TIME), (60, None)])
def test_a_run_that_had_less_time_than_another_took_says_nothing(seconds, cause):
    refusal = starved(of_seconds(seconds, ended=False), of_seconds(20, ended=True))
    assert (refusal.cause if refusal else None) is cause
