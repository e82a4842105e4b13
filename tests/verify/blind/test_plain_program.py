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
    said = printed(as_plain_program(SOURCE))
    assert said[:3] == ["one", "two", "three"]
    assert said == said[:3] * (len(said) // 3)
    assert set(printed(as_plain_program(SOURCE, ["Case::test_three"]))) == {"three"}


def test_a_program_gives_tests_their_parameters():
    source = """
import pytest
from pytest import mark

@pytest.mark.parametrize("a", [1, (2, 3), pytest.param(4, id="four")])
@mark.parametrize(("b", "c"), [("x", "y"), pytest.param("z", "z")])
def test_it(a, b, c):
    print(f"{a}{b}{c}".replace(" ", ""))
"""
    expected = {"1xy", "(2,3)xy", "4xy", "1zz", "(2,3)zz", "4zz"}
    assert set(printed(as_plain_program(source, ["test_it[1-x-y]"]))) == expected


def test_a_program_repeats_its_tests():
    assert len(printed(as_plain_program(SOURCE, ["test_one"]))) > 5


@pytest.mark.parametrize(
    "source",
    [
        "def test_it(tmp_path):\n    pass\n",
        "import pytest\n@pytest.mark.slow\ndef test_it():\n    pass\n",
        "import pytest\n@pytest.mark.parametrize('a', [1], indirect=True)\ndef test_it(a):\n    pass\n",
        "import pytest\n@pytest.mark.parametrize('a', [1])\ndef test_it(a, tmp_path):\n    pass\n",
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
    assert as_plain_program(SOURCE, ["test_four"]) == ""


def test_knows_the_interpreter_of_a_command():
    assert interpreter_of("python -m pytest tests/test_a.py") == "python"
    assert interpreter_of(".venv/bin/python3.9 -m unittest a") == ".venv/bin/python3.9"
    assert interpreter_of("tox -e py") == interpreter_of("make test") == ""
