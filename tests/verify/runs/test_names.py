"""Asked is found: each kind of test, under each runner and root, has its outcome under its name in the work tree."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from sweagent.testing import Runner, TestOutcome
from sweagent.verify import Verdict
from sweagent.verify.oracle import Oracle
from sweagent.verify.proof import Side
from sweagent.verify.runs import targets
from sweagent.verify.runs.canary import make_canary
from sweagent.verify.runs.side_runner import Command, CommandResult, SideRunner, SideTree
from sweagent.verify.runs.witness import WITNESS

P, F, E, S = TestOutcome.PASSED, TestOutcome.FAILED, TestOutcome.ERROR, TestOutcome.SKIPPED
X, GONE = TestOutcome.XFAILED, TestOutcome.NOT_THERE

BASES = """
import unittest


class Inherited(object):
    def test_inherited(self):
        assert self.right

    def test_inherited_bad(self):
        assert not self.right


class Case(unittest.TestCase):
    def test_of_base(self):
        self.assertTrue(self.right)
"""
PYTEST = """
import unittest

import pytest

import bases_of_tests


def test_plain():
    pass


def test_bad():
    assert not "bad"


@pytest.mark.parametrize("word", ["a", "b - c", "d/e.py::f", "g[h]", "[i", "\\x1b"])
def test_each(word):
    assert word != "g[h]"


class TestGroup(object):
    def test_in_class(self):
        pass

    class TestInner(object):
        def test_nested(self):
            raise ValueError("inner")


class TestDerived(bases_of_tests.Inherited):
    right = True


class OwnCase(bases_of_tests.Case):
    right = False


def original():
    assert "renamed"


test_renamed = original
globals()["test_generated"] = lambda: None
TestMade = type("TestMade", (object,), {"test_made": lambda self: 1 / 0})


@pytest.fixture
def broken():
    raise KeyError("set-up")


def test_set_up(broken):
    pass


@pytest.mark.skipif(True, reason="never")
def test_skipped():
    pass


@pytest.mark.xfail
def test_expected():
    assert False
"""
OF_PYTEST = {
    "test_plain": P,
    "test_bad": F,
    "test_each": F,
    "test_each[a]": P,
    "test_each[b - c]": P,
    "test_each[b": P,
    "test_each[d/e.py::f]": P,
    "test_each[g[h]]": F,
    "test_each[[i]": P,
    "test_each[z]": GONE,
    "TestGroup::test_in_class": P,
    "TestGroup::TestInner::test_nested": F,
    "TestGroup": F,
    "TestDerived::test_inherited": P,
    "TestDerived::test_inherited_bad": F,
    "OwnCase::test_of_base": F,
    "test_renamed": P,
    "test_generated": P,
    "TestMade::test_made": F,
    "test_set_up": E,
    "test_skipped": S,
    "test_expected": X,
    "original": GONE,
    "Inherited::test_inherited": GONE,
    "test_absent": GONE,
}
ROOTS = {
    "at the top": ("tests", {"pytest.ini": "[pytest]\n"}),
    "below": ("tests", {"tests/pytest.ini": "[pytest]\n"}),
    "between": ("part/tests/unit", {"part/setup.cfg": "[tool:pytest]\n", "part/setup.py": ""}),
    "of a package": (
        "part/tests",
        {"part/tox.ini": "[pytest]\n", "part/tests/__init__.py": "", "part/__init__.py": ""},
    ),
}
CONFTEST = "import os\nimport sys\n\nsys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))\n"


def run_tests(
    project: Callable[[Mapping[str, str]], Any],
    files: Mapping[str, str],
    runner: Runner,
    target: str,
    command: str,
    *,
    timeout: float = 120,
) -> CommandResult:
    """Run a test file as a comparison runs it, a planted test beside it."""
    place = project(files)
    canary = make_canary(runner, target)
    report = "report" if runner is Runner.PYTEST else ""
    names = [targets.target_of(runner, target), *([canary.target] if canary else [])]
    line = targets.test_run(runner, names, command, f"{{folder}}/{report}" if report else "")
    line += f" {WITNESS}" if runner is Runner.PYTEST else ""
    job = Command("tests", line, timeout, runner=runner, report=report, canary=canary)
    return SideRunner(place.open, 300).run(SideTree(Side.BASE), job)


def assert_found(run: CommandResult, folder: str, name: str, expected: Mapping[str, TestOutcome]) -> None:
    file = f"{folder}/{name}"
    found = {asked: run.report.outcome_of(f"{file}::{asked}") for asked in expected}
    assert found == expected, run.completed.output[-3000:]
    assert run.report.outcome_of(f"elsewhere/{name}::{next(iter(expected))}") is GONE
    assert {item.file for item in run.report.results} <= {file, f"{folder}/bases_of_tests.py", ""}
    assert run.canary_failed
    assert run.told.raised <= run.report.outcomes().keys()
    assert not any(run.job.canary.token in name for name in run.told.raised)


@pytest.mark.parametrize("root", ROOTS)
def test_of_pytest(root, project):
    folder, config = ROOTS[root]
    files = {
        **config,
        f"{folder}/conftest.py": CONFTEST,
        f"{folder}/bases_of_tests.py": BASES,
        f"{folder}/test_it.py": PYTEST,
    }
    run = run_tests(project, files, Runner.PYTEST, f"{folder}/test_it.py", f"{sys.executable} -m pytest")
    assert_found(run, folder, "test_it.py", OF_PYTEST)
    assert run.report.outcomes()[f"{folder}/test_it.py::TestDerived::test_inherited"] is P


UNITTEST = """
import sys
import unittest

from {package}bases_of_tests import Case, Inherited


class Plain(unittest.TestCase):
    def test_plain(self):
        sys.stderr.write("no end of the line")

    def test_bad(self):
        self.fail("bad")

    def test_raises(self):
        raise KeyError("in the body")

    def test_parts(self):
        for part in (1, 2, 3):
            with self.subTest(part=part):
                self.assertEqual(part, 1)

    @unittest.skip("never")
    def test_skipped(self):
        pass

    @unittest.expectedFailure
    def test_expected(self):
        self.fail()

    class Inner(object):
        pass


class SetUp(unittest.TestCase):
    def setUp(self):
        raise KeyError("set-up")

    def test_set_up(self):
        pass


class Broken(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise ValueError("of the class")

    def test_never(self):
        pass


@unittest.skip("all of it")
class Left(unittest.TestCase):
    def test_left(self):
        pass


class Own(Case):
    right = True


class Derived(Inherited, unittest.TestCase):
    right = True


Plain.test_renamed = Inherited.test_inherited
Plain.right = True
setattr(Plain, "test_generated_1", lambda self: self.assertEqual(1, 2))
Made = type("Made", (unittest.TestCase,), {{"test_made": lambda self: None, "__module__": __name__}})
"""
OF_UNITTEST = {
    "Plain::test_plain": P,
    "Plain::test_bad": F,
    "Plain::test_raises": F,
    "Plain::test_parts": F,
    "Plain::test_skipped": S,
    "Plain::test_expected": X,
    "SetUp::test_set_up": E,
    "Broken::test_never": E,
    "Left::test_left": S,
    "Own::test_of_base": P,
    "Derived::test_inherited": P,
    "Derived::test_inherited_bad": F,
    "Plain::test_renamed": P,
    "Plain::test_generated_1": F,
    "Made::test_made": P,
    "Plain": F,
    "Plain::test_absent": GONE,
}


def assert_counts(run: CommandResult) -> None:
    """A test counts once, whatever parts it has, in what the witness saw as in the text."""
    bad = sum(number for outcome, number in run.report.counts.items() if outcome.bad)
    assert bad == 8
    assert run.report.counts[S] == 2
    assert run.whole


@pytest.mark.parametrize("package", ["tests.", ""], ids=["from the top", "from below"])
def test_of_unittest(package, project):
    files = {
        "tests/bases_of_tests.py": BASES,
        "tests/test_it.py": UNITTEST.format(package=package),
        "tests/__init__.py": "",
    }
    command = f"{sys.executable} -m unittest" if package else f"PYTHONPATH=tests {sys.executable} -m unittest"
    if package:
        run = run_tests(project, files, Runner.UNITTEST, "tests/test_it.py", command)
    else:
        line = f"cd tests && PYTHONPATH=$PYTHONPATH:. {sys.executable} -m unittest -v test_it test_c1"
        canary = make_canary(Runner.UNITTEST, "tests/test_it.py", token="c1")
        job = Command("tests", line, 120, runner=Runner.UNITTEST, canary=canary)
        run = SideRunner(project(files).open, 300).run(SideTree(Side.BASE), job)
    assert_found(run, "tests", "test_it.py", OF_UNITTEST)
    assert_counts(run)


@pytest.mark.parametrize(
    ("python", "version"),
    [("3.6", "3.0.0"), ("3.7", "3.10.1"), ("3.6", "4.6.11"), ("3.8", "5.4.3"), ("3.13", "9.0.0")],
)
def test_of_pytest_old_and_new(python, version, project, old_environment):
    command = f"{old_environment(python, f'pytest=={version}')} -m pytest"
    files = {
        "tests/pytest.ini": "[pytest]\n",
        "tests/conftest.py": CONFTEST,
        "tests/bases_of_tests.py": BASES,
        "tests/test_it.py": PYTEST,
    }
    run = run_tests(project, files, Runner.PYTEST, "tests/test_it.py", command)
    assert_found(run, "tests", "test_it.py", OF_PYTEST)


@pytest.mark.parametrize("python", ["3.6", "3.8", "3.13"])
def test_of_unittest_old_and_new(python, project, old_environment):
    files = {
        "tests/bases_of_tests.py": BASES,
        "tests/test_it.py": UNITTEST.format(package="tests."),
        "tests/__init__.py": "",
    }
    command = f"{old_environment(python)} -m unittest"
    run = run_tests(project, files, Runner.UNITTEST, "tests/test_it.py", command)
    assert_found(run, "tests", "test_it.py", OF_UNITTEST)
    assert_counts(run)


RUNTESTS = """
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import django
from django.conf import settings
from django.test.runner import DiscoverRunner

settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3"}})
django.setup()
labels = [word for word in sys.argv[1:] if not word.startswith("-") and not word.isdigit()]
sys.exit(bool(DiscoverRunner(verbosity=2, interactive=False, parallel=2).run_tests(labels)))
"""
MANAGE = """
import os
import sys

from django.core.management import execute_from_command_line

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
execute_from_command_line(sys.argv)
"""


@pytest.mark.parametrize(("python", "version"), [("3.6", "1.11"), ("3.12", "5.2")])
@pytest.mark.parametrize("style", ["runtests.py", "manage.py"])
def test_of_django_with_two_workers(python, version, style, project, old_environment):
    program = old_environment(python, f"django=={version}", "tblib")
    below = "tests/" if style == "runtests.py" else ""
    command = f"{program} {below}{style}" + ("" if below else " test --parallel 2")
    files = {
        f"{below}{style}": RUNTESTS if below else MANAGE,
        "settings.py": "SECRET_KEY = 'x'\nDATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3'}}\n",
        f"{below}app/__init__.py": "",
        f"{below}app/bases_of_tests.py": BASES,
        f"{below}app/tests.py": UNITTEST.format(package="app."),
    }
    run = run_tests(project, files, Runner.DJANGO, f"{below}app/tests.py", command)
    assert_found(run, f"{below}app", "tests.py", OF_UNITTEST)
    assert run.report.outcome_of("app.tests.Plain.test_bad") is F
    assert_counts(run)
    assert {word for word, _ in run.told.moved} == {"elsewhere"}


BREAKS_DOWN = """
import os
import unittest


class Case(unittest.TestCase):
    def test_1(self):
        pass

    def test_2(self):
        os._exit(3)

    def test_3(self):
        pass
"""


@pytest.mark.parametrize("runner", [Runner.PYTEST, Runner.UNITTEST])
def test_a_test_in_which_the_run_breaks_down_is_an_error_and_those_after_it_are_not_there(runner, project):
    files = {"tests/test_it.py": BREAKS_DOWN, "tests/__init__.py": ""}
    run = run_tests(project, files, runner, "tests/test_it.py", f"{sys.executable} -m {runner}")
    found = [run.report.outcome_of(f"tests/test_it.py::Case::test_{number}") for number in (1, 2, 3)]
    assert found == [P, E, GONE], run.completed.output


def test_a_reproduction_that_breaks_the_runner_down_on_the_base_shows_the_issue(project):
    test = "import value\n\n\ndef test_odd():\n    assert value.kind('odd') == 'odd'\n\n\ndef test_plain():\n    pass\n"
    place = project({"value.py": "import os\n\n\ndef kind(value):\n    os._exit(3)\n"})
    proof = place.verify(
        {"value.py": "def kind(value):\n    return value\n"},
        issue="`kind` ends the whole interpreter",
        oracle=Oracle(
            fail_to_pass=("tests/test_odd.py::test_odd",), test_patch=place.patch({"tests/test_odd.py": test}).text
        ),
        test_command=f"{sys.executable} -m pytest",
    )
    assert proof.verdict is Verdict.VERIFIED, proof.reason
    assert proof.regression.passed_after == 1
    assert "tests/test_odd.py::test_odd: the run on the base breaks down in it" in proof.regression.not_compared


def test_the_planted_test_is_no_part_of_a_commands_status(project):
    files = {"tests/test_it.py": "def test_a():\n    pass\n", "fix.py": "x = 1\n"}
    proof = project(files).verify({"fix.py": "x = 2\n"}, test_command=f"{sys.executable} -m pytest")
    assert {(run.exit_code, run.canary, run.output) for run in proof.commands} == {(0, "failed as planted", "")}
    assert proof.regression.passed_after == 1


def test_a_run_that_fails_because_of_us_is_said_to_and_ends_the_verification(project, old_environment):
    # Older than what is promised: it knows neither --override-ini nor --continue-on-collection-errors.
    program = old_environment("3.6", "pytest==2.9.2")
    files = {f"tests/test_{name}.py": "def test_a():\n    pass\n" for name in "abc"}
    proof = project({**files, "fix.py": "x = 1\n"}).verify({"fix.py": "x = 2\n"}, test_command=f"{program} -m pytest")
    assert proof.verdict is Verdict.UNVERIFIED
    assert "fix-issue itself made a run fail: this version of pytest refuses an option of ours" in proof.reason
    assert len(proof.commands) <= 2
