import os
import subprocess
import sys
from pathlib import Path

import pytest

from sweagent.testing import Runner
from sweagent.testing.witnessed import Witnessed
from sweagent.verify.runs.witness import Testimony, Witness, changed_bodies, read_testimony

TEST = """
import functools
import unittest

import lib


def keeping(function):
    @functools.wraps(function)
    def kept(*args):
        return function(*args)
    return kept


@lib.decorated
@keeping
def test_plain():
    assert lib.answer() == 42


class Case(unittest.TestCase):
    @keeping
    def test_case(self):
        self.assertEqual(lib.answer(), 42)
"""
DECORATED = "def decorated(function):\n    return function\n"
BASE = f"{DECORATED}def answer():\n    return 41\n"
HONEST = """
import functools
import unittest.mock

def decorated(function):
    @functools.wraps(function)
    def new(*args):
        return function(*args)
    return new

class Patched(unittest.TestCase):
    def assertEqual(self, first, second):
        return first == second

def answer():
    return 42
"""
# Whatever is done to the tests or to their runner, by the code under test while it is loaded or called.
TESTS_CHANGED = f"""
{DECORATED}
def answer():
    import sys
    module = sys.modules.get("test_it")
    nothing = (lambda *args: None).__code__
    inner = module.test_plain.__wrapped__
    inner.__code__ = compile("def inner():\\n    pass", inner.__code__.co_filename, "exec").co_consts[0]
    return 42
"""
ON_DISK = f"""
{DECORATED}
import pathlib
place = pathlib.Path("test_it.py")
place.write_text(place.read_text().replace("assert lib.answer() == 42", "pass").replace("(), 42)", "(), 41)"))
def answer():
    return 41
"""
RUNNER_CHANGED = f"""
import unittest
{DECORATED}
exec(compile("def equal(self, first, second):\\n    pass", unittest.case.__file__, "exec"))
unittest.TestCase.assertEqual = equal
def answer():
    return 42
"""
RUNNER_CODE_CHANGED = f"""
import unittest
{DECORATED}
def equal(self, first, second, msg=None):
    pass
unittest.TestCase.assertEqual.__code__ = equal.__code__
def answer():
    return 42
"""
COMMANDS = {
    Runner.PYTEST: "-m pytest -q test_first.py test_it.py -p {module}",
    Runner.UNITTEST: "-m unittest test_first test_it",
}


def told(folder: Path, code: str, runner: Runner, python: str = sys.executable) -> Testimony:
    folder.mkdir()
    (folder / "lib.py").write_text(code)
    (folder / "test_first.py").write_text("import lib\n")
    (folder / "test_it.py").write_text(TEST)
    witness = Witness(str(folder), runner)
    Path(witness.path).write_bytes(witness.source)
    command = witness.on_path(f"{python} {COMMANDS[runner].format(module=witness.module)}")
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    subprocess.run(command, shell=True, cwd=folder, env=env, capture_output=True)
    record = Path(witness.record).read_text()
    return read_testimony(record, Witnessed.of_record(record, str(folder)), runner)  # type: ignore[return-value]


@pytest.mark.parametrize("runner", list(COMMANDS))
@pytest.mark.parametrize(
    ("code", "tests", "runners"),
    [
        (HONEST, False, False),
        (ON_DISK, True, False),
        (RUNNER_CHANGED, False, True),
        (RUNNER_CODE_CHANGED, False, True),
    ],
    ids=["honest", "tests on disk", "a runner's function", "a runner's code"],
)
def test_tests_and_runner_are_held_against_those_of_the_base(code, tests, runners, runner, tmp_path):
    base, patched = told(tmp_path / "base", BASE, runner), told(tmp_path / "patched", code, runner)

    assert base.bodies
    assert bool(changed_bodies(patched, [base])) == tests
    assert bool(patched.exchanged - base.exchanged) == runners


def test_a_body_that_is_exchanged_while_it_runs_is_seen(tmp_path):
    base = told(tmp_path / "base", BASE, Runner.PYTEST)
    patched = told(tmp_path / "patched", TESTS_CHANGED, Runner.PYTEST)

    assert changed_bodies(patched, [base]) == {"test_it.py::test_plain"}


def test_what_is_forged_in_the_record_breaks_nothing():
    record = '["a::x", "body"]\n["a::x", "body", 3, [[1]]]\n["", "exchanged", {}, []]\n["a::x", "body", ["1", 2], []]\n'
    assert read_testimony(record, Witnessed()).bodies["a::x"] == ({"1", "2"}, frozenset())


@pytest.mark.parametrize(("python", "version"), [("3.6", "3.0.0"), ("3.13", "8.4.1")])
def test_other_versions_take_fingerprints_too(python, version, tmp_path, old_environment):
    program = old_environment(python, f"pytest=={version}")
    base, patched = (
        told(tmp_path / "base", BASE, Runner.PYTEST, program),
        told(tmp_path / "patched", ON_DISK, Runner.PYTEST, program),
    )

    assert changed_bodies(patched, [base])
    assert base.exchanged == patched.exchanged
