import pytest

from sweagent.sandbox.base import Completed
from sweagent.testing import Runner, TestOutcome, TestReport
from sweagent.verify.bench import Job, Run
from sweagent.verify.runtime_checks import find_forgery
from sweagent.verify.witness import Witness, contradicted, raised_in


def test_the_last_word_on_a_test_counts_and_other_lines_are_left_out():
    record = '["a::x", "raised"]\n["a::x", "returned"]\n["a::y", "returned"]\n["a::y", "raised"]\nforged\n3\n["z"]\n'
    assert raised_in(record) == {"a::y"}


@pytest.mark.parametrize(
    ("outcome", "is_lie"),
    [
        (TestOutcome.PASSED, True),
        (TestOutcome.FAILED, False),
        (TestOutcome.SKIPPED, False),
        (TestOutcome.XFAILED, False),
    ],
)
def test_only_a_pass_is_contradicted_by_an_exception(outcome, is_lie):
    assert contradicted(frozenset({"a::x"}), {"a::x": outcome, "a::y": TestOutcome.PASSED}) == (
        {"a::x"} if is_lie else set()
    )


def test_a_plugin_that_pytest_cannot_find_is_told_from_one_that_fails():
    witness = Witness("/tmp/folder")
    assert witness.not_found(f'ImportError: Error importing plugin "{witness.module}": No module named ...')
    assert not witness.not_found('Error importing plugin "other"')
    assert witness.path != Witness("/tmp/folder").path


def test_a_patched_run_that_goes_without_the_witness_is_a_forgery():
    job = Job("tests", "pytest", 1, runner=Runner.PYTEST)
    runs = {
        (side, seen): Run(
            side, job, Completed(output="", exit_code=1), TestReport(runner=Runner.PYTEST), witnessed=seen
        )
        for side in ("base", "patched")
        for seen in (True, False)
    }
    assert [finding.rule for finding in find_forgery(runs["base", True], runs["patched", False])] == ["forged-result"]
    assert find_forgery(runs["base", False], runs["patched", False]) == []
    assert find_forgery(runs["base", True], runs["patched", True]) == []


def test_without_the_plugin_the_run_goes_on(project):
    files = {"calc.py": "def add(a, b):\n    return a - b\n", "tests/test_calc.py": "def test_a():\n    pass\n"}
    made = project(files)
    proof = made.verify(
        {"calc.py": "def add(a, b):\n    return a + b\n"},
        test_command='PYTHONPATH="" python -m pytest',
    )
    assert proof.regression.passed_after == 1
