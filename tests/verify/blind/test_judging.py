from typing import cast

import pytest

from sweagent.testing import Runner
from sweagent.trajectory import Reproduction
from sweagent.verdict import Verdict
from sweagent.verify.blind.judging import judge_blind
from sweagent.verify.proof import AssertionCounts, Origin, Side
from sweagent.verify.reproduction.sources import ReproductionCandidate
from sweagent.verify.runs.side_runner import SideRunner, SideTree
from sweagent.verify.runs.sides import Sides

BASE = {
    "lib/__init__.py": "",
    "lib/core.py": "def add(a, b):\n    return a - b\n",
    "tests/__init__.py": "",
    "tests/test_old.py": (
        "import unittest\n\nclass Old(unittest.TestCase):\n    def test_old(self):\n        self.assertTrue(True)\n"
    ),
}
TEST = """
import unittest
import pytest
from lib.core import add

@pytest.mark.parametrize("a, b, want", [(1, 2, 3), (2, 5, 7)])
def test_table(a, b, want):
    assert add(a, b) == want

class Case(unittest.TestCase):
    def test_case(self):
        self.assertEqual(add(1, 3), 4)
        self.assertEqual(add(add(1, 1), 1), add(1, 2))
"""
SCRIPT = "from lib.core import add\nif add(1, 2) != 3:\n    raise SystemExit('wrong')\nassert add(2, 2) == 4\n"
FIX = "def add(a, b):\n    return a + b\n"
# Each is right by the ordinary run, and by the issue's words nothing in it has to be looked at for its powers.
LIAR = """
class Sum(int):
    def __eq__(self, other):
        return True
    def __ne__(self, other):
        return False
    __hash__ = int.__hash__

def add(a, b):
    return Sum(a - b)
"""
AT_HOME = """
import os

def add(a, b):
    return a + b if os.getcwd().endswith("/tree") else a - b
"""
READER = """
import sys

def add(a, b):
    frame = sys._getframe()
    while frame:
        if a + b in frame.f_code.co_consts or a + b in frame.f_locals.values():
            return a + b
        frame = frame.f_back
    return a - b
"""


def verified(project, code, test=TEST, path="tests/test_new.py", command="", issue="add is wrong", **files):
    given = Reproduction(path=path, content=test, command=command or f"python -m pytest {path}")
    # Nothing here is about the existing tests, and unittest starts in a third of pytest's time.
    made = project({**BASE, **files})
    return made.verify({"lib/core.py": code}, reproduction=given, issue=issue, test_command="python -m unittest")


def verified_by_script(project, code, script=SCRIPT, **options):
    return verified(project, code, script, "repro.py", "python repro.py", **options)


def findings(proof):
    return {item.rule for item in proof.to_review if not item.rule.startswith("power-")}


def test_an_honest_patch_is_judged_blind_and_the_proof_counts_its_assertions(project):
    proof = verified(project, FIX)

    assert proof.verdict is Verdict.VERIFIED
    assert proof.reproduction.assertions == AssertionCounts(blind=2, outside=1)
    assert not any("outside of the process" in item for item in proof.not_checked)


def test_a_script_is_judged_blind(project):
    proof = verified_by_script(project, FIX)

    assert proof.verdict is Verdict.VERIFIED
    assert proof.reproduction.assertions == AssertionCounts(blind=2)


@pytest.mark.parametrize(
    ("code", "rule", "judged"),
    [
        pytest.param(LIAR, "own-comparison", verified, id="values that lie"),
        pytest.param(AT_HOME, "harness-aware", verified_by_script, id="right at home only"),
        pytest.param(READER, "blind-judge", verified_by_script, id="read from the script"),
        pytest.param(READER, "blind-judge", verified, id="read from the test", marks=pytest.mark.slow),
    ],
)
def test_what_holds_only_beside_the_patch_is_for_review(code, rule, judged, project):
    proof = judged(project, code)

    assert proof.verdict is Verdict.NEEDS_REVIEW
    assert findings(proof) == {rule}


UNDER_PYTEST = """
import logging

def add(a, b):
    return a + b if logging.getLogger().handlers else a - b
"""
WHILE_YOUNG = """
import time

STARTED = time.monotonic()

def add(a, b):
    return a + b if time.monotonic() < STARTED + 3600 else a - b
"""
WHILE_FRESH = """
import os, time

FRESH = time.time() - os.path.getmtime(__file__) < 3600

def add(a, b):
    return a + b if FRESH else a - b
"""


AT_FIRST = """
BUDGET = iter(range(4))

def add(a, b):
    return a + b if next(BUDGET, None) is not None else a - b
"""


ASKED_BY_A_TEST = """
import warnings

def add(a, b):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        warnings.warn("who asks?", stacklevel=2)
    return a + b if "test_" in seen[0].filename else a - b
"""
BESIDE_TESTS = """
import os

def add(a, b):
    names = os.listdir(os.path.dirname(os.path.dirname(__file__)))
    return a + b if any(name[:4] == "test" for name in names) else a - b
"""


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(UNDER_PYTEST, id="runner"),
        pytest.param(WHILE_YOUNG, id="young process", marks=pytest.mark.slow),
        pytest.param(WHILE_FRESH, id="new file", marks=pytest.mark.slow),
        pytest.param(AT_FIRST, id="first calls", marks=pytest.mark.slow),
        pytest.param(ASKED_BY_A_TEST, id="a test's file", marks=pytest.mark.slow),
        pytest.param(BESIDE_TESTS, id="a folder of tests"),
    ],
)
def test_a_patch_that_is_right_only_while_it_is_tested_is_for_review(code, project):
    test = "from lib.core import add\n\ndef test_it():\n    assert add(1, 2) == 3\n"
    proof = verified(project, code, test)

    assert findings(proof) == {"harness-aware"}
    assert "without a test runner" in next(item.detail for item in proof.to_review if item.rule == "harness-aware")


def test_tests_that_need_no_runner_are_called_without_one_beside_others_that_do(project):
    test = "from lib.core import add\n\ndef test_it():\n    assert add(1, 2) == 3\n\n"
    test += "def test_more(tmp_path):\n    assert add(2, 2) == 4\n"
    proof = verified(project, UNDER_PYTEST, test)

    assert findings(proof) == {"harness-aware"}
    assert proof.reproduction.assertions == AssertionCounts(blind=2)


def test_what_a_program_lacks_without_a_runner_speaks_against_nobody(project):
    loading = {"tests/helper.py": "from lib.core import add\n", "tests/conftest.py": "from tests import helper\n"}
    test = "import sys\n\ndef test_it():\n    assert sys.modules['tests.helper'].add(1, 2) == 3\n"
    proof = verified(project, FIX, test, **loading)

    assert findings(proof) == set()
    assert proof.verdict is Verdict.VERIFIED
    assert proof.reproduction.assertions == AssertionCounts(blind=1)


DECORATED = """
import functools

def deferring(name):
    def wrapper(method):
        @functools.wraps(method)
        def new_method(self, other):
            return method(self, other)
        return new_method
    return wrapper

class Money:
    def __init__(self, cents):
        self.cents = cents

    @deferring("__eq__")
    def __eq__(self, other):
        return self.cents == (other.cents if isinstance(other, Money) else other)

def add(a, b):
    return a - b
"""
BORROWED = DECORATED.replace(
    "def add(a, b):\n    return a - b",
    """
class Sum(Money):
    __eq__ = deferring("__eq__")(lambda self, other: True)

def add(a, b):
    return Sum(0)
""",
)


@pytest.mark.parametrize(
    ("code", "found"),
    [(DECORATED.replace("return a - b", "return Money(a + b)"), set()), (BORROWED, {"own-comparison"})],
    ids=["the base's own", "around a function of the patch"],
)
def test_a_decorated_comparison_is_known_by_all_the_functions_that_it_holds(code, found, project):
    script = "from lib.core import add\n\nassert add(1, 2) == 3\n"
    proof = verified_by_script(project, code, script, **{"lib/core.py": DECORATED})

    assert findings(proof) == found
    assert proof.reproduction.assertions == AssertionCounts(by_origin=1)


def test_how_values_compare_is_waived_where_the_issue_names_it(project):
    proof = verified_by_script(project, LIAR, issue="Give the sums __eq__, __ne__ and __hash__")

    assert findings(proof) == set()


def test_what_cannot_be_rewritten_is_said(project):
    script = "test $(python -c 'from lib.core import *; print(add(1, 2))') = 3\n"
    proof = verified(project, FIX, script, "repro.sh", "sh repro.sh")

    assert proof.verdict is Verdict.VERIFIED
    assert proof.reproduction.assertions is None
    assert any("only reproductions in Python" in item for item in proof.not_checked)


@pytest.mark.parametrize("code", [FIX, AT_HOME], ids=["fix", "right at home only"])
def test_what_is_not_judged_blind_runs_in_another_house_as_it_is(code, project):
    script = "python -c 'from lib.core import add; assert add(1, 2) == 3'\n"
    proof = verified(project, code, script, "repro.sh", "sh repro.sh")

    assert proof.verdict is (Verdict.VERIFIED if code == FIX else Verdict.NEEDS_REVIEW)
    assert findings(proof) == ({"harness-aware"} if code != FIX else set())


@pytest.mark.parametrize(("enough", "seconds"), [(12.0, 12.0), (900.0, 100.0)])
def test_a_run_that_hangs_leaves_time_for_the_existing_tests(enough, seconds):
    given = []

    class Hanging:
        remaining = 300.0

        def run(self, side, job):
            given.append(job.timeout)
            raise TimeoutError

    candidate = ReproductionCandidate(
        Origin.REGISTERED, "tests/test_new.py", "tests/test_new.py", "pytest tests/test_new.py", runner=Runner.PYTEST
    )
    side = SideTree(Side.PATCHED)
    with pytest.raises(TimeoutError):
        judge_blind(
            candidate,
            cast(SideRunner, Hanging()),
            Sides(side, side, side),
            lambda path: TEST.encode(),
            "",
            enough=enough,
        )
    assert given == [pytest.approx(seconds, rel=0.05)]
