"""The runners' reports, as they print them, read into one type."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sweagent.testing import Runner, TestOutcome, command_for, essence, parse, runner_of

PYTHON_TESTS = '''
import unittest
import pytest

def test_passes():
    pass

@pytest.mark.parametrize("value", ["a - b", "c[1]"])
def test_parameters(value):
    assert value == "c[1]", "not [it]"

class TestGroup:
    def test_skips(self):
        pytest.skip("not here")

class Case(unittest.TestCase):
    def test_fails(self):
        """Its title."""
        print("noise in between")
        self.assertEqual(1, 2)

    @unittest.expectedFailure
    def test_expected(self):
        self.fail()

    def test_fine(self):
        pass

@pytest.fixture
def broken():
    raise ValueError("no fixture")

def test_set_up(broken):
    pass
'''


def run(command: str, folder: Path) -> tuple[str, int]:
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True)
    return done.stdout + done.stderr, done.returncode


@pytest.mark.parametrize("report", ["report.xml", ""], ids=["junit", "text"])
def test_pytest(report: str, tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(PYTHON_TESTS)
    base = f"{sys.executable} -m pytest -p no:randomly -p no:cacheprovider"
    assert runner_of(base) is Runner.PYTEST
    output, code = run(command_for(Runner.PYTEST, ["tests/test_it.py"], test_command=base, report=report), tmp_path)
    xml = (tmp_path / report).read_text() if report else ""
    found = parse(Runner.PYTEST, output, exit_code=code, report=xml)
    outcomes = found.outcomes()
    assert outcomes["tests/test_it.py::test_passes"] is TestOutcome.PASSED
    assert outcomes["tests/test_it.py::test_parameters[a - b]"] is TestOutcome.FAILED
    assert outcomes["tests/test_it.py::test_parameters[c[1]]"] is TestOutcome.PASSED
    assert outcomes["tests/test_it.py::Case::test_fails"] is TestOutcome.FAILED
    assert outcomes["tests/test_it.py::Case::test_expected"] is TestOutcome.XFAILED
    assert outcomes["tests/test_it.py::test_set_up"] is TestOutcome.ERROR
    assert found.summary == "2 failed, 1 error, 3 passed, 1 skipped, 1 xfailed"
    assert found.machine_readable is bool(report)
    assert not found.ok
    failed = next(result for result in found.failures if result.id.endswith("[a - b]"))
    said = essence(failed.details)
    assert "E       AssertionError: not [it]" in said
    assert said.endswith("tests/test_it.py:10: AssertionError")
    assert len(said.splitlines()) <= 10


@pytest.mark.parametrize(
    ("tests", "said"),
    [
        (["test_it.py::test_none"], "not found"),
        (["test_none.py"], "not found"),
        (["test_broken.py"], ""),
    ],
)
def test_pytest_that_runs_nothing_says_so(tests: list[str], said: str, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_a(): pass\n")
    (tmp_path / "test_broken.py").write_text("import nothing_of_this_name\n")
    base = f"{sys.executable} -m pytest -p no:cacheprovider"
    output, code = run(command_for(Runner.PYTEST, tests, test_command=base, report="report.xml"), tmp_path)
    found = parse(Runner.PYTEST, output, exit_code=code, report=(tmp_path / "report.xml").read_text())
    assert not found.ok
    if said:
        assert found.ran == 0
        assert found.summary == "0 tests ran"
        assert said in found.problem
    else:
        assert [result.id for result in found.failures] == ["test_broken.py"]
        assert "nothing_of_this_name" in essence(found.failures[0].details)


def test_unittest(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(PYTHON_TESTS)
    base = f"{sys.executable} -m unittest"
    output, code = run(command_for(Runner.UNITTEST, ["test_it.py"], test_command=base), tmp_path)
    found = parse(Runner.UNITTEST, output, exit_code=code)
    assert found.outcomes() == {
        "test_it.Case.test_fails": TestOutcome.FAILED,
        "test_it.Case.test_expected": TestOutcome.XFAILED,
        "test_it.Case.test_fine": TestOutcome.PASSED,
    }
    assert found.summary == "1 failed, 1 passed, 1 xfailed"
    assert found.failures[0].message == "AssertionError: 1 != 2"
    assert found.failures[0].title == "Its title."


def test_unittest_of_what_is_not_there(tmp_path: Path) -> None:
    output, code = run(f"{sys.executable} -m unittest -v nothing_here", tmp_path)
    found = parse(Runner.UNITTEST, output, exit_code=code)
    assert [result.id for result in found.failures] == ["nothing_here"]
    assert not found.ok


DJANGO = """\
Testing against Django installed in '/repo/django'
Found 4 test(s).
test_a (app.tests.CaseTests)
The title of it. ... ok
test_b (app.tests.CaseTests) ... some output of the test
more output
FAIL
test_c (app.tests.CaseTests) ... skipped 'no GIS'
setUpClass (app.tests.OtherTests) ... ERROR

======================================================================
ERROR: setUpClass (app.tests.OtherTests)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "x.py", line 1, in setUpClass
KeyError: 'x'

======================================================================
FAIL: test_b (app.tests.CaseTests) [<object object at 0x1>] (i=1)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "/repo/tests/app/tests.py", line 9, in test_b
    self.assertTrue(False)
AssertionError: False is not true

----------------------------------------------------------------------
Ran 3 tests in 0.011s

FAILED (failures=1, errors=1, skipped=1)
"""

SYMPY = """\
============================= test process starts ==============================
sympy/core/tests/test_zy.py[?]   Failed to import                         [FAIL]
sympy/core/tests/test_zz.py[6]
test_ok ok
test_bad F
test_xf f
test_xp X
test_skip why s                                                           [FAIL]

________________________________________________________________________________
____________ /repo/sympy/core/tests/test_zy.py _____________
ModuleNotFoundError: No module named 'nope'
________________________________________________________________________________
_____________________ sympy/core/tests/test_zz.py:test_bad _____________________
Traceback (most recent call last):
    assert a == 2
AssertionError

 tests finished: 1 passed, 1 failed, in 0.32 seconds
DO *NOT* COMMIT!
"""

GO = "\n".join(
    [
        "# acme/broken",
        "broken/x_test.go:4:2: undefined: nope",
        *(
            json.dumps(event)
            for event in (
                {"Action": "run", "Package": "acme/p", "Test": "TestA"},
                {"Action": "output", "Package": "acme/p", "Test": "TestA", "Output": "=== RUN   TestA\n"},
                {
                    "Action": "output",
                    "Package": "acme/p",
                    "Test": "TestA",
                    "Output": "    a_test.go:7: got 1, want 2\n",
                },
                {"Action": "fail", "Package": "acme/p", "Test": "TestA", "Elapsed": 0.5},
                {"Action": "pass", "Package": "acme/p", "Test": "TestB/sub", "Elapsed": 0},
                {"Action": "skip", "Package": "acme/p", "Test": "TestC", "Elapsed": 0},
                {"Action": "fail", "Package": "acme/p", "Elapsed": 0.6},
                {"Action": "fail", "Package": "acme/broken", "Elapsed": 0},
            )
        ),
    ]
)

CARGO = """\
   Compiling demo v0.1.0
running 4 tests
test tests::good ... ok
test tests::slow ... ignored, too slow
test tests::p - should panic ... ok
test tests::bad ... FAILED

failures:

---- tests::bad stdout ----

thread 'tests::bad' (17916) panicked at src/lib.rs:5:63:
assertion `left == right` failed: why
  left: 1
 right: 2
stack backtrace:
   0: __rustc::rust_begin_unwind

failures:
    tests::bad

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.54s
"""

JEST = json.dumps(
    {
        "testResults": [
            {
                "name": "/repo/a.test.js",
                "status": "failed",
                "assertionResults": [
                    {"fullName": "sum adds", "status": "passed", "duration": 3},
                    {
                        "fullName": "sum carries",
                        "status": "failed",
                        "failureMessages": ["Error: expected 1\n  at a.js:1"],
                    },
                    {"fullName": "sum later", "status": "pending"},
                ],
            },
            {"name": "/repo/b.test.js", "status": "failed", "message": "SyntaxError: x", "assertionResults": []},
        ]
    }
)

MOCHA = json.dumps(
    {
        "stats": {"tests": 3},
        "tests": [
            {"title": "adds", "fullTitle": "sum adds", "file": "/repo/a.js", "duration": 1, "err": {}},
            {
                "title": "carries",
                "fullTitle": "sum carries",
                "err": {"message": "1 == 2", "stack": "AssertionError\n at x"},
            },
            {"title": "later", "fullTitle": "sum later", "err": {}},
        ],
        "pending": [{"fullTitle": "sum later"}],
    }
)

TAP = """\
TAP version 13
# Subtest: top
ok 1 - top
  ---
  duration_ms: 3.7
  ...
# Subtest: suite
    # Subtest: good
    ok 1 - good
    # Subtest: bad
    not ok 2 - bad
      ---
      duration_ms: 1.7
      error: '1 == 2'
      code: 'ERR_ASSERTION'
      ...
    # Subtest: later
    ok 3 - later # SKIP not now
    1..3
not ok 2 - suite
  ---
  error: '1 subtest failed'
  ...
1..2
"""

MAVEN = """<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="a.B"><testcase classname="a.B" name="works" time="1,000.5"/>
<testcase classname="a.B" name="fails" time="0.1"><failure message="expected:&lt;1&gt;">AssertionError: e</failure>
</testcase></testsuite><?xml version="1.0"?>
<testsuite name="a.C"><testcase classname="a.C" name="skips()" time="0"><skipped/></testcase></testsuite>"""

P, F, E, S, X, XP = (
    TestOutcome.PASSED,
    TestOutcome.FAILED,
    TestOutcome.ERROR,
    TestOutcome.SKIPPED,
    TestOutcome.XFAILED,
    TestOutcome.XPASSED,
)


@pytest.mark.parametrize(
    ("runner", "output", "report", "outcomes", "message"),
    [
        (
            Runner.DJANGO,
            DJANGO,
            "",
            {
                "app.tests.CaseTests.test_a": P,
                "app.tests.CaseTests.test_b": F,
                "app.tests.CaseTests.test_c": S,
                "setUpClass (app.tests.OtherTests)": E,
            },
            "AssertionError: False is not true",
        ),
        (
            Runner.SYMPY,
            SYMPY,
            "",
            {
                "sympy/core/tests/test_zz.py::test_ok": P,
                "sympy/core/tests/test_zz.py::test_bad": F,
                "sympy/core/tests/test_zz.py::test_xf": X,
                "sympy/core/tests/test_zz.py::test_xp": XP,
                "sympy/core/tests/test_zz.py::test_skip": S,
                "sympy/core/tests/test_zy.py": E,
            },
            "AssertionError",
        ),
        (
            Runner.GO,
            "",
            GO,
            {"acme/p::TestA": F, "acme/p::TestB/sub": P, "acme/p::TestC": S, "acme/broken": E},
            "a_test.go:7: got 1, want 2",
        ),
        (
            Runner.CARGO,
            CARGO,
            "",
            {"tests::good": P, "tests::slow": S, "tests::p": P, "tests::bad": F},
            "panicked at src/lib.rs:5:63: assertion `left == right` failed: why",
        ),
        (
            Runner.JEST,
            "",
            JEST,
            {
                "/repo/a.test.js::sum adds": P,
                "/repo/a.test.js::sum carries": F,
                "/repo/a.test.js::sum later": S,
                "/repo/b.test.js": E,
            },
            "Error: expected 1",
        ),
        (
            Runner.MOCHA,
            f"> mocha\n{MOCHA}",
            "",
            {"/repo/a.js::sum adds": P, "sum carries": F, "sum later": S},
            "1 == 2",
        ),
        (Runner.NODE, TAP, "", {"top": P, "suite > good": P, "suite > bad": F, "suite > later": S}, "1 == 2"),
        (Runner.MAVEN, "", MAVEN, {"a.B#works": P, "a.B#fails": F, "a.C#skips": S}, "expected:<1>"),
    ],
)
def test_other_runners(
    runner: Runner, output: str, report: str, outcomes: dict[str, TestOutcome], message: str
) -> None:
    found = parse(runner, output, exit_code=1, report=report)
    assert found.outcomes() == outcomes
    assert next(result.message for result in found.failures if result.outcome is F) == message
    assert found.machine_readable is bool(report)


def test_counts_of_django_come_from_its_last_lines() -> None:
    found = parse(Runner.DJANGO, DJANGO, exit_code=1)
    assert found.summary == "1 failed, 1 error, 1 passed, 1 skipped"
    assert found.results[0].title == "The title of it."


def test_a_terse_text_still_gives_counts() -> None:
    found = parse(
        Runner.PYTEST, "....F\nFAILED a.py::test_x - assert 0\n1 failed, 4 passed, 2 warnings in 0.10s\n", exit_code=1
    )
    assert found.summary == "1 failed, 4 passed"
    assert [result.id for result in found.failures] == ["a.py::test_x"]
    old = parse(Runner.PYTEST, "======== 3 passed, 1 skipped in 0.02 seconds ========\n", exit_code=0)
    assert (old.summary, old.ok) == ("3 passed, 1 skipped", True)


def test_an_unknown_wrapper_is_read_by_what_it_prints() -> None:
    assert parse(Runner.UNKNOWN, CARGO, exit_code=1).summary == "1 failed, 2 passed, 1 skipped"
    assert parse(Runner.UNKNOWN, DJANGO, exit_code=1).summary == "1 failed, 1 error, 1 passed, 1 skipped"
    assert (
        parse(Runner.UNKNOWN, "  ✔ adds (3ms)\n  1) carries\n\n  1 passing (4ms)\n  1 failing\n", exit_code=1).ran == 2
    )


def test_printed_text_does_not_outweigh_the_report_file() -> None:
    xml = '<testsuite><testcase classname="t" name="test_a"><failure message="no"/></testcase></testsuite>'
    found = parse(Runner.PYTEST, "t.py::test_a PASSED\n=== 100 passed in 0.1s ===", exit_code=0, report=xml)
    assert found.summary == "1 failed"
    assert not found.ok


@pytest.mark.parametrize(
    "report", ["<testsuites><testsuite>", "not xml", '<!DOCTYPE x [<!ENTITY a "b">]><testsuite>&a;</testsuite>']
)
def test_a_broken_or_dangerous_report_file_is_not_used(report: str) -> None:
    found = parse(Runner.PYTEST, "=== 2 passed in 0.1s ===", exit_code=0, report=report)
    assert (found.summary, found.machine_readable) == ("2 passed", False)


def test_a_case_without_a_name_is_no_test() -> None:
    report = '<testsuite><testcase time="0.0" /><testcase classname="a" name="b" file="a.py" /></testsuite>'
    assert [item.id for item in parse(Runner.PYTEST, "", exit_code=2, report=report).results] == ["a.py::b"]


def test_exit_codes_count() -> None:
    failed_outside = parse(Runner.PYTEST, "2 passed in 0.1s\nERROR: coverage is too low\n", exit_code=1)
    assert not failed_outside.ok
    assert "coverage is too low" in failed_outside.problem
    late = parse(Runner.PYTEST, "a.py::test_a PASSED\n", exit_code=None)
    assert not late.ok
    assert "deadline" in late.problem
    nothing = parse(Runner.CARGO, "error[E0425]: cannot find value `x`\n", exit_code=101)
    assert "E0425" in nothing.problem
    assert nothing.summary == "0 tests ran"
