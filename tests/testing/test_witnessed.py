"""What a witness saw of a run whose printed text is broken, cut off, or written by several processes."""

import json

import pytest

from sweagent.testing import Runner, TestOutcome, parse
from sweagent.testing.witnessed import Witnessed

P, F, E, S = TestOutcome.PASSED, TestOutcome.FAILED, TestOutcome.ERROR, TestOutcome.SKIPPED
RULE = "-" * 70


def record(*entries: tuple[object, ...]) -> str:
    return "".join(json.dumps(entry) + "\n" for entry in entries)


def test_a_run_that_was_ended_keeps_what_had_ended():
    seen = Witnessed.of_record(
        record(
            ("/repo/tests/app/tests.py", "collected", ["app.tests.Case.test_a"]),
            ("app.tests.Case.test_a", "ended", "passed", ""),
            ("/repo/tests/app/tests.py", "collected", ["app.tests.Case.test_b"]),
        ),
        "/repo",
    )
    report = parse(Runner.DJANGO, "Found 2 tests.\n", exit_code=None, workdir="/repo", witnessed=seen)
    assert (report.summary, report.ok) == ("1 passed", False)
    assert "deadline" in report.problem
    assert report.outcome_of("tests/app/tests.py::Case::test_a") is P
    assert report.outcome_of("tests/app/tests.py::Case::test_b") is TestOutcome.NOT_THERE


def test_lines_that_ran_together_make_no_failure():
    text = (
        "test_a (app.tests.Case) ... test_b (app.tests.Case) ... FAIL to open the log\n"
        "test_c (app.tests.Case) ... ERROR\nok\nok\n"
        f"\n{RULE}\nRan 3 tests in 0.1s\n\nOK\n"
    )
    assert parse(Runner.DJANGO, text, exit_code=0).summary == "3 passed"
    seen = Witnessed.of_record(
        record(*((f"app.tests.Case.test_{name}", "ended", "passed", "") for name in "abc")), "/repo"
    )
    report = parse(Runner.DJANGO, text, exit_code=0, witnessed=seen)
    assert (report.summary, report.ok) == ("3 passed", True)
    assert report.outcomes() == dict.fromkeys((f"app.tests.Case.test_{name}" for name in "abc"), P)


def test_what_is_printed_before_the_word_hides_no_result():
    text = (
        "test_a (m.Case) ... some noiseok\ntest_b (m.Case) ... line\nmoreok\n"
        f"test_c (m.Case) ... ok\n\n{RULE}\nRan 3 tests in 0.1s\n\nOK\n"
    )
    report = parse(Runner.UNITTEST, text, exit_code=0)
    assert report.outcomes() == {"m.Case.test_a": P, "m.Case.test_b": P, "m.Case.test_c": P}


SUBTESTS = f"""\
test_parts (m.Case) ...{" "}
test_good (m.Case) ... ok

{"=" * 70}
FAIL: test_parts (m.Case) (part=1)
{RULE}
Traceback (most recent call last):
  File "/repo/m.py", line 9, in test_parts
    self.fail("1")
AssertionError: 1

{"=" * 70}
FAIL: test_parts (m.Case) (part=2)
{RULE}
Traceback (most recent call last):
  File "/repo/m.py", line 9, in test_parts
    self.fail("2")
AssertionError: 2

{RULE}
Ran 2 tests in 0.001s

FAILED (failures=2)
"""


def test_a_test_counts_once_however_many_parts_fail():
    assert parse(Runner.UNITTEST, SUBTESTS, exit_code=1).summary == "1 failed, 1 passed"


@pytest.mark.parametrize(
    ("frames", "outcome"),
    [
        (("test_x",), F),
        (("inner", "test_x"), F),
        (("setUp",), E),
        (("setUp", "helper"), E),
        (("_pre_setup",), E),
        (("asyncSetUp",), E),
        (("tearDown",), E),
        (("made_by_a_decorator",), F),
    ],
)
def test_an_exception_in_the_body_is_a_failure_and_one_outside_is_an_error(frames, outcome):
    lines = "".join(f'  File "/repo/m.py", line 3, in {name}\n    x()\n' for name in frames)
    text = (
        f"test_x (m.Case) ... ERROR\n\n{'=' * 70}\nERROR: test_x (m.Case)\n{RULE}\nTraceback (most recent call last):\n"
        f"{lines}KeyError: 'x'\n\n{RULE}\nRan 1 test in 0.001s\n\nFAILED (errors=1)\n"
    )
    report = parse(Runner.UNITTEST, text, exit_code=1)
    assert report.outcomes() == {"m.Case.test_x": outcome}
    assert report.counts == {outcome: 1}
    details = text.split(f"{RULE}\n")[1]
    seen = Witnessed.of_record(record(("m.Case.test_x", "ended", "error", details)), "/repo")
    assert parse(Runner.UNITTEST, "", exit_code=1, witnessed=seen).outcomes() == {"m.Case.test_x": outcome}


def test_a_test_that_does_not_exist_is_not_there():
    details = "AttributeError: type object 'Case' has no attribute 'test_gone'"
    text = (
        "test_gone (unittest.loader._FailedTest.test_gone) ... ERROR\n\n"
        f"{'=' * 70}\nERROR: test_gone (unittest.loader._FailedTest.test_gone)\n{RULE}\n{details}\n\n"
        f"{RULE}\nRan 1 test in 0.000s\n\nFAILED (errors=1)\n"
    )
    report = parse(Runner.UNITTEST, text, exit_code=1)
    assert report.outcome_of("m.Case.test_gone") is TestOutcome.NOT_THERE
    assert not report.failures
    assert "no such test" in report.problem


def test_names_of_pytest_are_put_below_the_root_that_it_prints():
    text = "rootdir: /repo/tests, configfile: pytest.ini\ntest_a.py::test_x PASSED\n=== 1 passed in 0.1s ===\n"
    report = parse(Runner.PYTEST, text, exit_code=0, workdir="/repo")
    assert report.outcomes() == {"tests/test_a.py::test_x": P}
    assert parse(Runner.PYTEST, text, exit_code=0).outcomes() == {"test_a.py::test_x": P}


def test_workers_of_pytest_name_their_tests():
    text = "[gw0] [ 50%] PASSED tests/test_a.py::test_x \n[gw1] [100%] FAILED tests/test_a.py::test_y \n"
    assert parse(Runner.PYTEST, text, exit_code=None).outcomes() == {
        "tests/test_a.py::test_x": P,
        "tests/test_a.py::test_y": F,
    }


def test_the_first_file_that_a_test_was_collected_from_counts():
    seen = Witnessed.of_record(
        record(
            ("/repo/tests", "root"),
            ("/repo/tests/test_a.py", "collected", ["test_a.py::C::()::test_x"]),
            ("/repo/forged.py", "collected", ["test_a.py::C::()::test_x"]),
            ("", "collected", ["test_a.py::test_y"]),
        )
        + "forged\n3\n[1, 2]\n",
        "/repo",
    )
    assert seen.id_of(Runner.PYTEST, "test_a.py::C::()::test_x") == "tests/test_a.py::C::test_x"
    assert seen.id_of(Runner.PYTEST, "../lib/test_b.py::test_y") == "lib/test_b.py::test_y"
    assert seen.by_junit == {("test_a.C", "test_x"): "tests/test_a.py::C::test_x"}


def test_the_failure_is_told_by_the_parent_where_a_worker_cannot():
    details = 'Traceback (most recent call last):\n  File "/repo/m.py", line 3, in setUp\nKeyError: 1\n'
    entries = (("m.Case.test_x", "ended", "error", ""), ("m.Case.test_x", "ended", "error", details))
    seen = Witnessed.of_record(record(*entries), "/repo")
    report = parse(Runner.DJANGO, "", exit_code=1, witnessed=seen)
    assert [(item.outcome, item.message) for item in report.results] == [(E, "KeyError: 1")]
    assert report.summary == "1 error"
