"""Pieces of the comparison of existing tests: what is counted, and which files are to blame for a run without tests."""

import pytest

from sweagent.sandbox.base import Completed
from sweagent.testing import Runner, TestOutcome, TestReport, TestResult
from sweagent.verify.comparison.outcomes import Outcomes
from sweagent.verify.comparison.unfit import file_of, folder_named, named_in, signature
from sweagent.verify.proof import Side
from sweagent.verify.runs.side_runner import Command, CommandResult

Out = TestOutcome


def report(**outcomes: TestOutcome) -> TestReport:
    results = [TestResult(id=name, outcome=outcome) for name, outcome in outcomes.items()]
    return TestReport.of(Runner.PYTEST, results, exit_code=1)


def test_both_counts_are_over_the_same_tests_and_nothing_that_passed_is_passed_over():
    both = Outcomes()
    passed, failed, xfailed = Out.PASSED, Out.FAILED, Out.XFAILED
    both.add(
        report(same=passed, gone=passed, hidden=passed, mended=failed, strict=xfailed, lost=passed),
        report(same=passed, hidden=xfailed, mended=passed, strict=failed, lost=failed, new=passed),
    )
    seen = both.differences(settled=["lost"])
    assert (seen["compared"], seen["passed_before"], seen["passed_after"]) == (5, 3, 2)
    assert [item.id for item in seen["fixed"]] == ["mended"]
    assert seen["vanished"] == ("gone",)
    assert [(item.id, item.before, item.after) for item in seen["otherwise"]] == [
        ("hidden", Out.PASSED, Out.XFAILED),
        ("strict", Out.XFAILED, Out.FAILED),
    ]
    assert seen["already_failing"] == ("mended",)


DJANGO = ["tests/admin_views/tests.py", "tests/gis_tests/gdal_tests/test_geom.py", "tests/auth_tests/test_forms.py"]


def run_of(output: str, runner: Runner = Runner.DJANGO) -> CommandResult:
    done = Completed(output=output, exit_code=1)
    return CommandResult(Side.BASE, Command("tests", "x", 1, runner=runner), done, TestReport(runner=runner))


@pytest.mark.parametrize(
    ("line", "blamed"),
    [
        ("Aborting: A GIS database backend is required to run gis_tests.", DJANGO[1:2]),
        (
            '  File "/testbed/tests/auth_tests/models.py", line 3, in <module>\nModuleNotFoundError: No module',
            DJANGO[2:],
        ),
        ("ImportError: cannot import admin_views.tests", DJANGO[:1]),
        ("ERROR: file or directory not found: tests/auth_tests/test_forms.py", DJANGO[2:]),
        ("python tests/runtests.py admin_views gis_tests auth_tests", []),
        ("django.core.exceptions.ImproperlyConfigured: no settings", []),
        ("Cannot run tests for forms", []),
    ],
)
def test_the_output_of_a_run_without_tests_names_the_file_to_leave_out(line, blamed):
    assert named_in(run_of(f"Testing against Django\n{line}\n"), DJANGO)[0] == blamed


def test_a_folder_that_is_named_is_left_out_as_a_whole():
    assert folder_named("a database is required to run gis_tests.", DJANGO[1]) == "tests/gis_tests/"
    assert folder_named("tests/gis_tests/gdal_tests/test_geom.py is missing", DJANGO[1]) == ""


def test_runs_that_fail_for_one_reason_are_alike_whatever_they_were_given():
    first, second = (
        run_of("usage: x\nerror: -o needs 2 values, pid 17"),
        run_of("usage: x\nerror: -o needs 2 values, pid 9"),
    )
    assert signature(first) == signature(second) != signature(run_of("usage: x\nerror: another"))


@pytest.mark.parametrize(
    ("test", "file"),
    [
        ("admin_views.tests.CaseA.test_a", DJANGO[0]),
        ("gis_tests.gdal_tests.test_geom.GeomTest.test_b", DJANGO[1]),
        ("tests/auth_tests/test_forms.py::Case::test_a[x::y]", DJANGO[2]),
        ("auth_tests.test_other.Case.test_a", ""),
    ],
)
def test_a_reported_test_belongs_to_the_file_that_its_id_gives(test, file):
    assert file_of(TestResult(id=test, outcome=Out.PASSED), DJANGO) == file


def test_the_file_that_a_runner_tells_comes_before_what_an_id_looks_like():
    inherited = TestResult(id="auth_tests.test_forms.Case.test_a", outcome=Out.PASSED, file=DJANGO[0])
    assert file_of(inherited, DJANGO) == DJANGO[0]
