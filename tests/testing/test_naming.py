"""The many ways to write a test's name, and what a run says of a test that it did not report."""

import pytest

from sweagent.testing import Runner, TestOutcome, TestReport, TestResult
from sweagent.verify.proof import TestChange

P, F, E, S, GONE = (
    TestOutcome.PASSED,
    TestOutcome.FAILED,
    TestOutcome.ERROR,
    TestOutcome.SKIPPED,
    TestOutcome.NOT_THERE,
)
REPORTED = (
    ("tests/test_text.py::test_plain", "", P),
    ("tests/test_text.py::test_each[a-1]", "", P),
    ("tests/test_text.py::test_each[a::b/c.d - 2]", "", F),
    ("tests/test_text.py::Group::Inner::test_deep", "", F),
    ("tests/test_broken.py", "", E),
    ("queries.tests.Case.test_a", "tests/queries/tests.py", F),
    ("queries.tests.Case.test_b", "tests/queries/tests.py", P),
    ("other.queries.tests.Case.test_a", "tests/other/queries/tests.py", P),
    ("test_one.Case.test_it", "", P),
    ("setUpClass (admin.tests.Broken)", "", E),
    ("setUpClass (admin.tests.Left)", "", S),
    ("app/[slug].test.js::page shows it", "", P),
    ("sympy/core/tests/test_a.py::test_x", "sympy/core/tests/test_a.py", F),
)


def report() -> TestReport:
    results = [TestResult(id=name, file=file, outcome=outcome) for name, file, outcome in REPORTED]
    return TestReport.of(Runner.UNKNOWN, results, exit_code=1)


@pytest.mark.parametrize(
    ("asked", "outcome"),
    [
        ("tests/test_text.py::test_plain", P),
        ("./tests/test_text.py::test_plain", P),
        ("tests/test_text.py::test_each", F),
        ("tests/test_text.py::test_each[a-1]", P),
        ("tests/test_text.py::test_each[a::b/c.d - 2]", F),
        ("tests/test_text.py::test_each[a::b/c.d", F),
        ("tests/test_text.py::test_each[new]", GONE),
        ("tests/test_text.py::Group", F),
        ("tests.test_text.Group.Inner.test_deep", F),
        ("tests/test_text.py::test_pla", GONE),
        ("test_text.py::test_plain", P),
        ("src/test_text.py::test_plain", GONE),
        ("tests/test_text.py", F),
        ("tests/test_broken.py::test_any", E),
        ("tests/test_broken.py", E),
        ("tests/queries/tests.py::Case::test_a", F),
        ("tests/queries/tests.py::Case::test_b", P),
        ("tests/queries/tests.py::Case", F),
        ("tests/queries/tests.py", F),
        ("tests/queries/tests.py::Case::test_c", GONE),
        ("tests/third/tests.py::Case::test_a", GONE),
        ("queries.tests.Case.test_a", F),
        ("test_a (queries.tests.Case)", F),
        ("test_a (queries.tests.Case.test_a)", F),
        ("test_b", P),
        ("lib/tests/test_one.py::Case::test_it", P),
        ("tests/admin/tests.py::Broken::test_a", E),
        ("admin.tests.Broken.test_a", E),
        ("tests/admin/tests.py::Left::test_a", S),
        ("tests/admin/tests.py::Fine::test_a", GONE),
        ("app/[slug].test.js::page shows it", P),
        ("test_x", F),
        ("sympy/core/tests/test_a.py::test_x", F),
        ("", GONE),
    ],
)
def test_a_test_is_found_under_each_of_its_names_and_under_no_other(asked: str, outcome: TestOutcome) -> None:
    assert report().outcome_of(asked) is outcome


def test_what_is_not_there_neither_passes_nor_fails_nor_runs() -> None:
    assert not GONE.bad
    assert not GONE.ran
    assert TestReport.of(Runner.PYTEST, [], exit_code=0).outcome_of("a.py::test_a") is GONE


def test_a_proof_of_an_older_version_is_read() -> None:
    old = TestChange.model_validate({"id": "a", "before": "passed", "after": None})
    assert old.after is GONE
    assert TestChange.model_validate_json(old.model_dump_json()) == old
