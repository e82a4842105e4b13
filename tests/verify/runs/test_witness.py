import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sweagent.sandbox.base import Completed
from sweagent.testing import Runner, TestOutcome, TestReport, TestResult
from sweagent.testing.witnessed import Witnessed
from sweagent.verify.proof import Side
from sweagent.verify.runs.forgery import find_forgery
from sweagent.verify.runs.side_runner import Command, CommandResult
from sweagent.verify.runs.witness import Testimony, Witness, contradicted, read_testimony


def test_the_last_word_on_a_test_counts_and_other_lines_are_left_out():
    record = '["a::x", "raised"]\n["a::x", "returned"]\n["a::y", "returned"]\n["a::y", "raised"]\nforged\n3\n["z"]\n'
    assert read_testimony(record, Witnessed()).raised == {"a::y"}
    assert read_testimony('["/work/a::x", "raised"]\n["a::y", "moved"]\n', Witnessed("/work")) == Testimony(
        frozenset({"a::x"}), frozenset({("moved", "a::y")})
    )
    assert read_testimony(None, Witnessed()) is None


def test_the_planted_test_is_no_part_of_what_is_compared():
    record = '["a::test_c1", "raised"]\n["a::test_c1", "elsewhere"]\n["a::x", "elsewhere"]\n'
    assert read_testimony(record, Witnessed(), planted="c1") == Testimony(moved=frozenset({("elsewhere", "a::x")}))


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
    assert contradicted(Testimony(frozenset({"a::x"})), {"a::x": outcome, "a::y": TestOutcome.PASSED}) == (
        {"a::x"} if is_lie else set()
    )


def test_a_plugin_that_pytest_cannot_find_is_told_from_one_that_fails():
    witness = Witness("/tmp/folder", Runner.PYTEST)
    assert witness.not_found(f'ImportError: Error importing plugin "{witness.module}": No module named ...')
    assert not witness.not_found('Error importing plugin "other"')
    assert witness.path != Witness("/tmp/folder", Runner.PYTEST).path


@pytest.mark.parametrize(("outcome", "rules"), [(TestOutcome.PASSED, ["forged-result"]), (TestOutcome.ERROR, [])])
def test_a_patched_run_that_passes_without_the_witness_is_a_forgery_and_a_broken_one_is_not(outcome, rules):
    job = Command("tests", "pytest", 1, runner=Runner.PYTEST)
    report = TestReport.of(Runner.PYTEST, [TestResult(id="a::x", outcome=outcome)], exit_code=1)
    runs = {
        (side, seen): CommandResult(
            side, job, Completed(output="", exit_code=1), report, told=Testimony() if seen else None
        )
        for side in (Side.BASE, Side.PATCHED)
        for seen in (True, False)
    }
    assert [finding.rule for finding in find_forgery([runs[Side.BASE, True]], [runs[Side.PATCHED, False]])] == rules
    assert find_forgery([runs[Side.BASE, False]], [runs[Side.PATCHED, False]]) == []
    assert find_forgery([runs[Side.BASE, True]], [runs[Side.PATCHED, True]]) == []


# What the modules of SymPy's runner have in common, as far as the witness is concerned.
SYMPY = """
class PyTestReporter:
    def entering_test(self, test):
        pass


def run(tests):
    for test in tests:
        PyTestReporter().entering_test(test)
        try:
            test()
        except Exception:
            pass  # a runner that does not tell
"""
SYMPY_TESTS = """
import os


def test_good():
    assert os.name


def test_bad():
    assert not os.name


def test_in_a_child():
    if os.fork():
        os._exit(os.wait()[1])
"""
UNITTEST_TESTS = (
    "import os\nimport unittest\n\n\nclass Case(unittest.TestCase):"
    + SYMPY_TESTS.split("import os\n")[1].replace("\n", "\n    ").replace("()", "(self)", 3)
    + """
    def setUp(self):
        self.assertNotEqual(self._testMethodName, "test_unready")

    def test_parts(self):
        for part in (1, 2):
            with self.subTest(part=part):
                self.assertEqual(part, 1)

    def test_unready(self):
        pass


class Later(unittest.IsolatedAsyncioTestCase):
    async def test_bad(self):
        raise ValueError

    async def test_good(self):
        pass
"""
)
RUNS = {
    Runner.SYMPY: (
        {"sympy/__init__.py": "", "sympy/testing/__init__.py": "", "sympy/testing/runtests.py": SYMPY},
        SYMPY_TESTS,
        "from sympy.testing.runtests import run\nfrom test_it import *\nrun([test_good, test_bad, test_in_a_child])",
        {"test_it.py::test_bad"},
        "test_it.py::test_in_a_child",
    ),
    Runner.UNITTEST: (
        {},
        UNITTEST_TESTS,
        "import unittest\nunittest.main('test_it')",
        {f"test_it.{name}" for name in ("Case.test_bad", "Case.test_parts", "Case.test_unready", "Later.test_bad")},
        "test_it.Case.test_in_a_child",
    ),
}


@pytest.mark.parametrize("runner", RUNS)
def test_where_there_are_no_plugins_the_witness_comes_in_with_the_interpreter(runner, tmp_path):
    files, tests, command, raised, moved = RUNS[runner]
    witness = Witness(str(tmp_path / "own"), runner)
    own = {"own/sitecustomize.py": witness.source.decode(), "site/sitecustomize.py": "print('had its turn')\n"}
    for name, text in {**files, **own, "test_it.py": tests}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    look = "import os, sys; print(os.environ['PYTHONPATH'], [p for p in sys.path if p.endswith('own')]); "
    run = f"{shlex.quote(sys.executable)} -c {shlex.quote(look + command)}"
    done = subprocess.run(
        witness.on_path(run),
        shell=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
    )
    record = Path(witness.record).read_text()
    told = read_testimony(record, Witnessed.of_record(record, str(tmp_path)), runner)
    assert told.raised == raised, done.stderr
    assert {name for said, name in told.moved if said == "moved"} == {moved}
    assert "sitecustomize" not in done.stderr  # it is no part of what a failure shows
    assert done.stdout.startswith(f"had its turn\n{tmp_path}/site []\n")


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_what_tests_of_javascript_compare_with_cannot_be_exchanged(tmp_path):
    witness = Witness(str(tmp_path), Runner.NODE)
    Path(witness.path).write_bytes(witness.source)
    script = """
    const assert = require('assert');
    for (const owner of [assert, assert.strict]) { owner.strictEqual = () => {}; owner.own = () => 1; }
    assert.own();
    let seen = 0;
    for (const owner of [assert, assert.strict]) { try { owner.strictEqual(1, 2); } catch (error) { seen += 1; } }
    process.stdout.write(String(seen));
    """
    (tmp_path / "a.cjs").write_text(script)
    env = {**os.environ, "NODE_OPTIONS": "--no-warnings"}
    done = subprocess.run(
        witness.on_path("node a.cjs"), shell=True, cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("2", "")


def test_without_the_plugin_the_run_goes_on(project):
    files = {"calc.py": "def add(a, b):\n    return a - b\n", "tests/test_calc.py": "def test_a():\n    pass\n"}
    made = project(files)
    proof = made.verify(
        {"calc.py": "def add(a, b):\n    return a + b\n"},
        test_command='PYTHONPATH="" python -m pytest',
    )
    assert proof.regression.passed_after == 1
