import pytest

from sweagent.trajectory import Reproduction
from sweagent.verdict import Verdict
from sweagent.verify.proof import Coverage
from sweagent.verify.runs.line_coverage import ChangedStatements

BEFORE = """
LIMIT = 3

def add(a, b):
    return a - b

def other(a):
    return a
"""
FIX = BEFORE.replace("a - b", "a + b")
TEST = "from lib.core import add\n\ndef test_it():\n    assert add(1, 2) == 3\n"
BY_PROCESS = """
import subprocess, sys

def test_it():
    said = subprocess.run([sys.executable, "-c", "from lib.core import add; print(add(1, 2))"], capture_output=True)
    assert said.stdout.strip() == b"3"
"""
UNITTEST = """
import unittest
from lib.core import add

class Case(unittest.TestCase):
    def test_it(self):
        self.assertEqual(add(1, 2), 3)
"""
FILES = {
    "lib/__init__.py": "",
    "lib/core.py": BEFORE,
    "tests/__init__.py": "",
    "tests/test_old.py": "def test_old(): pass\n",
}
PYTEST = "python -m pytest tests/test_new.py"


def judged(project, code, test=TEST, command=PYTEST, files=FILES):
    given = Reproduction(path="tests/test_new.py", content=test, command=command)
    return project(files).verify({"lib/core.py": code}, reproduction=given, issue="add is wrong")


def changed(after, before=BEFORE, path="a.py"):
    return ChangedStatements.of({path: before.encode()}, {path: after.encode()})


@pytest.mark.parametrize(
    ("test", "command", "unseen"),
    [
        (TEST, PYTEST, ()),
        (BY_PROCESS, PYTEST, ("it starts other processes",)),
        (UNITTEST, "python -m unittest tests.test_new", ()),
    ],
    ids=["pytest", "in another process", "unittest"],
)
def test_a_proof_tells_which_changed_statements_ran(test, command, unseen, project):
    code = FIX.replace("def other(a):\n    return a", "def other(a):\n    b = a\n    return b")
    proof = judged(project, code, test, command)

    assert proof.verdict is Verdict.VERIFIED
    assert proof.reproduction.coverage == Coverage(statements=3, ran=1, unseen=unseen)


def test_nothing_is_proved_where_no_changed_statement_runs(project):
    test = "from lib.core import add\n\ndef test_it():\n    assert 7 in add.__code__.co_consts\n"
    proof = judged(project, BEFORE.replace("a - b", "a - b + 7"), test)

    assert proof.verdict is Verdict.UNVERIFIED
    assert "none of the 1 statements that the patch changes runs in it" in proof.reason


def test_code_that_runs_on_import_is_not_measurable(project):
    test = "from lib.core import LIMIT\n\ndef test_it():\n    assert LIMIT == 4\n"
    proof = judged(project, BEFORE.replace("LIMIT = 3", "LIMIT = 4").replace("return a\n", "return a or 0\n"), test)

    assert proof.verdict is Verdict.VERIFIED
    coverage = proof.reproduction.coverage
    assert (coverage.statements, coverage.ran) == (1, 0)
    assert coverage.unseen == ("some of lib/core.py runs on import, or is data, or is only removed",)


def test_a_tool_that_traces_lines_itself_is_told_of(project):
    test = "import sys\nfrom lib.core import add\n\ndef test_it():\n    sys.settrace(None)\n    assert add(1, 2) == 3\n"
    proof = judged(project, FIX, test)

    assert proof.verdict is Verdict.VERIFIED
    assert proof.reproduction.coverage.unseen == ("another tool traces lines",)


@pytest.mark.parametrize(
    ("after", "spans", "whole"),
    [
        (FIX, 1, True),
        (BEFORE + "\n# a comment\n", 0, True),
        (BEFORE.replace("LIMIT = 3", "LIMIT = 4"), 0, False),
        (BEFORE.replace("    return a\n", "    '''Return it.'''\n    return a\n"), 0, True),
        (BEFORE.replace("def other(a)", "def other(a=1)"), 0, False),
        (BEFORE.replace("    return a - b\n", "    if a:\n        return a + b\n    return b\n"), 3, True),
        (BEFORE + "\ndef more(\n", 0, False),
        (BEFORE.replace("\ndef other(a):\n    return a\n", ""), 0, False),
    ],
)
def test_statements_in_functions_are_told_from_what_runs_on_import(after, spans, whole):
    found = changed(after)

    assert len(found.inside.get("a.py", ())) == spans
    assert (found.elsewhere == ()) is whole


def test_other_languages_are_not_measurable():
    assert changed("a", "b", "a.js").elsewhere == ("a.js is not Python",)
    assert changed("a", "b", "HISTORY.md").elsewhere == ()
