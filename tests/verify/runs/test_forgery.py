"""A sign of forgery counts only where sides differ: in every patched run, and in no other run of the same command."""

from dataclasses import replace

import pytest

from sweagent.sandbox.base import Completed
from sweagent.testing import Runner, TestOutcome, TestReport, TestResult
from sweagent.verify.proof import Side
from sweagent.verify.runs.canary import make_canary
from sweagent.verify.runs.forgery import find_forgery
from sweagent.verify.runs.side_runner import Command, CommandResult
from sweagent.verify.runs.witness import Testimony

TESTS = ("shop.tests.A.test_a", "shop.tests.B.test_b")


def run(side: str, *, elsewhere=(), moved=(), raised=(), reported=TESTS, exit_code=1) -> CommandResult:
    """A run of Django's tests with a planted test of its own random name, which fails."""
    canary = make_canary(Runner.DJANGO, "tests/shop/tests.py")
    planted = f"{canary.token}.tests.Canary.test_{canary.token}"
    told = Testimony(
        frozenset([*raised, planted]),
        frozenset([("elsewhere", name) for name in [*elsewhere, planted] if elsewhere] + [("moved", n) for n in moved]),
    )
    results = [TestResult(id=name, outcome=TestOutcome.PASSED) for name in reported]
    return CommandResult(
        Side(side),
        Command("tests", "python tests/runtests.py shop", 9, runner=Runner.DJANGO, canary=canary),
        Completed(output="", exit_code=exit_code),
        TestReport.of(Runner.DJANGO, results, exit_code=exit_code),
        TestResult(id=planted, outcome=TestOutcome.FAILED, message=canary.token),
        told=told,
    )


def test_the_workers_of_a_runner_are_no_sign_whatever_the_planted_test_is_called():
    base, patched = [[run(side, elsewhere=TESTS) for _ in range(2)] for side in ("base", "patched")]
    assert find_forgery(base, patched) == []
    assert find_forgery(base[:1], patched[:1]) == []


def test_tests_that_cannot_be_loaded_on_the_base_may_begin_in_a_worker():
    base = [run("base", elsewhere=TESTS[:1], reported=TESTS[:1]) for _ in range(2)]
    assert find_forgery(base, [run("patched", elsewhere=TESTS) for _ in range(2)]) == []


@pytest.mark.parametrize("sign", [{"elsewhere": TESTS}, {"moved": TESTS}, {"raised": TESTS}, {"exit_code": 0}], ids=str)
def test_only_what_every_patched_run_shows_and_no_other_run_counts(sign):
    quiet, seen = run("base"), run("patched", **sign)
    rules = [finding.rule for finding in find_forgery([quiet, quiet], [seen, seen])]
    assert rules in (["other-process"], ["forged-result"])
    assert find_forgery([quiet, quiet], [seen, run("patched")]) == []
    assert find_forgery([quiet, run("control", **sign)], [seen, seen]) == []


def test_a_test_that_forks_in_its_body_is_seen_among_workers_too():
    base = [run("base", elsewhere=TESTS)]
    found = find_forgery(base, [run("patched", elsewhere=TESTS, moved=TESTS[:1])])
    assert [finding.detail for finding in found] == [f"patched code had tests go on in another process: {TESTS[0]}"]


def test_a_planted_test_that_is_lost_is_a_sign_only_where_the_base_reports_it():
    lost = replace(run("patched", exit_code=0), canary=None)
    assert [finding.rule for finding in find_forgery([run("base")], [lost])] == ["early-exit"]
    assert find_forgery([replace(run("base"), canary=None)], [lost]) == []
