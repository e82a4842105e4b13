import os
import subprocess
import sys
from pathlib import Path

import pytest

from sweagent.testing import Runner
from sweagent.verify.runs.witness import Witness

# What honest code and honest tests do goes on as ever, though the runner is not to be seen.
CODE = """
import os
import sys


def seen():
    words = ("py" + "test", "unit" + "test")
    loaded = [name for name in sys.modules if name.split(".")[0] in words]
    told = [name for name in os.environ if name.startswith("PYT" + "EST_")]
    return loaded + told + [word for word in sys.argv if "test" in word]


AT_IMPORT = seen()
"""
TESTS = {
    Runner.PYTEST: """
import json
import unittest.mock

import pytest
from _pytest.monkeypatch import MonkeyPatch

import code_under_trial


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr("code_under_trial.AT_IMPORT", list(code_under_trial.AT_IMPORT))
    return tmp_path


@pytest.mark.parametrize("error", [ValueError, KeyError])
def test_it(place, capsys, error):
    import pytest as again
    from _pytest.outcomes import Failed

    assert again is pytest and isinstance(MonkeyPatch(), MonkeyPatch)
    with pytest.raises(error, match="x"), unittest.mock.patch("json.dumps"):
        raise error("x")
    with pytest.raises(Failed):
        pytest.fail("x")
    print(json.dumps([1]))
    assert capsys.readouterr().out == "[1]\\n"
    own = [name for name in code_under_trial.AT_IMPORT + code_under_trial.seen() if not name.startswith("unittest")]
    assert own == []


class Case(unittest.TestCase):
    def test_a(self):
        with self.assertRaises(ValueError):
            int("x")
""",
    Runner.UNITTEST: """
import unittest

import code_under_trial


class Case(unittest.IsolatedAsyncioTestCase):
    async def test_it(self):
        from unittest import mock

        with mock.patch("code_under_trial.AT_IMPORT", ["x"]):
            self.assertEqual(code_under_trial.AT_IMPORT, ["x"])
        with self.subTest(part=1):
            self.assertEqual(code_under_trial.AT_IMPORT + code_under_trial.seen(), [])
        with self.assertRaises(unittest.SkipTest):
            self.skipTest("x")
""",
}


@pytest.mark.parametrize("runner", TESTS)
def test_the_runner_is_not_to_be_seen_and_goes_on_as_ever(runner, tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    (tmp_path / "code_under_trial.py").write_text(CODE)
    (tmp_path / "test_it.py").write_text(TESTS[runner])
    commands = {
        Runner.PYTEST: "pytest -q -p no:hypothesispytest -p {module} test_it.py",
        Runner.UNITTEST: "unittest -v test_it",
    }
    outputs = {}
    for unseen in (True, False):
        witness = Witness(str(folder), runner, unseen=unseen)
        Path(witness.path).write_bytes(witness.source)
        command = f"{sys.executable} -m {commands[runner].format(module=witness.module)}"
        env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        outputs[unseen] = subprocess.run(
            witness.on_path(command), shell=True, cwd=tmp_path, env=env, capture_output=True, text=True
        )
    assert outputs[True].returncode == 0, outputs[True].stdout + outputs[True].stderr
    assert "AssertionError" in outputs[False].stdout + outputs[False].stderr


OLD_TEST = """
import code_under_trial


def test_it(tmpdir, monkeypatch):
    import pytest

    with pytest.raises(ValueError):
        int("x")
    assert code_under_trial.AT_IMPORT + code_under_trial.seen() == []
"""


@pytest.mark.parametrize(("python", "version"), [("3.6", "3.0.0"), ("3.6", "4.6.11")])
def test_an_old_pytest_is_hidden_too(python, version, tmp_path, old_environment):
    program = old_environment(python, f"pytest=={version}")
    folder = tmp_path / "own"
    folder.mkdir()
    code = CODE.replace('words = ("py" + "test", "unit" + "test")', 'words = ("py" + "test",)')
    (tmp_path / "code_under_trial.py").write_text(code)
    (tmp_path / "test_it.py").write_text(OLD_TEST)
    witness = Witness(str(folder), Runner.PYTEST, unseen=True)
    Path(witness.path).write_bytes(witness.source)
    command = witness.on_path(f"{program} -m pytest -p {witness.module} test_it.py")
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(command, shell=True, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
