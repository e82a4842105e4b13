import subprocess
import sys

import pytest

from sweagent.verify.blind.plain_program import as_plain_program, interpreter_of

SOURCE = """
from __future__ import annotations
import unittest

def test_one():
    print("one")
    raise SystemExit(3)

class TestPlain:
    def test_two(self):
        print("two")

class Case(unittest.TestCase):
    def setUp(self):
        self.word = "three"

    def test_three(self):
        print(self.word)
"""


def printed(program):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()


def test_a_program_calls_each_test_whatever_becomes_of_the_others():
    assert printed(as_plain_program(SOURCE)) == ["one", "two", "three"]
    assert printed(as_plain_program(SOURCE, ["Case::test_three"])) == ["three"]


@pytest.mark.parametrize(
    "source",
    [
        "def test_it(tmp_path):\n    pass\n",
        "import pytest\n@pytest.mark.slow\ndef test_it():\n    pass\n",
        "async def test_it():\n    pass\n",
        "def setup_module():\n    pass\ndef test_it():\n    pass\n",
        "from django.test import TestCase as Case\nclass A(Case):\n    def test_it(self):\n        pass\n",
        "from . import helpers\ndef test_it():\n    pass\n",
        "x = 1\n",
    ],
)
def test_what_needs_a_runner_is_no_program(source):
    assert as_plain_program(source) == ""


def test_a_wanted_test_that_is_not_there_makes_no_program():
    assert as_plain_program(SOURCE, ["test_one[1]"]) == ""


def test_knows_the_interpreter_of_a_command():
    assert interpreter_of("python -m pytest tests/test_a.py") == "python"
    assert interpreter_of(".venv/bin/python3.9 -m unittest a") == ".venv/bin/python3.9"
    assert interpreter_of("tox -e py") == interpreter_of("make test") == ""
