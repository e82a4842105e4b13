import pytest

from sweagent.config import VerifySettings
from sweagent.trajectory import Reproduction
from sweagent.verify import Verdict
from sweagent.verify.oracle import Oracle
from sweagent.verify.proof import Cause
from sweagent.verify.reproduction import hangs

CALC = "def add(a, b):\n    return a - b\n"
FIXED = "def add(a, b):\n    return a + b\n"
TEST = "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n"
CASE = "import unittest\nfrom calc import add\n\n\nclass Case(unittest.TestCase):\n"


def a_test(content: str, path: str = "tests/test_new.py", command: str = "python -m pytest {}") -> Reproduction:
    return Reproduction(path=path, content=content, command=command.format(path), kind="test")


def judged(project, files, changes, reproduction, **options):
    options.setdefault("test_command", "true")
    proof = project({"conftest.py": "", "calc.py": CALC, **files}).verify(changes, reproduction=reproduction, **options)
    return proof.reproductions[0], proof


SAYS_NOTHING = {
    "skipped": (
        f"import pytest\n{TEST}".replace("def test", "@pytest.mark.skip('no network')\ndef test"),
        "no network",
    ),
    "an expected failure": (
        f"import pytest\n{TEST}".replace("def test", "@pytest.mark.xfail\ndef test"),
        "an expected failure",
    ),
    "skipped with the patch": (
        f"import pytest\n{TEST}".replace(
            "    assert", "    if add(1, 2) == 3:\n        pytest.skip('fine')\n    assert"
        ),
        "with the patch it is skipped, which is no pass: fine",
    ),
}


@pytest.mark.parametrize("name", SAYS_NOTHING)
def test_what_is_skipped_or_expected_to_fail_shows_nothing(project, name):
    content, said = SAYS_NOTHING[name]
    evidence, proof = judged(project, {}, {"calc.py": FIXED}, a_test(content))
    assert proof.verdict is Verdict.UNVERIFIED
    assert said in evidence.reason


NEEDS_NETWORK = """
import socket

import calc


def test_far():
    socket.create_connection(("host.invalid", 80))
    assert calc.add(2, 3) == 5


def test_near():
    assert calc.add(2, 3) == 5
"""


@pytest.mark.parametrize("asked", [("test_far", "test_near"), ("test_far",)])
def test_what_needs_a_network_is_named_and_what_needs_none_decides(project, asked):
    made = project({"conftest.py": "", "calc.py": CALC, "tests/test_old.py": "def test_old():\n    pass\n"})
    oracle = Oracle(
        fail_to_pass=tuple(f"tests/test_new.py::{name}" for name in asked),
        test_patch=made.patch({"tests/test_new.py": NEEDS_NETWORK}).text,
    )
    proof = made.verify({"calc.py": FIXED}, oracle=oracle)
    (evidence,) = proof.reproductions
    if len(asked) > 1:
        assert proof.verdict is Verdict.VERIFIED, proof.reason
        assert evidence.note == "1 of 2 tests cannot be judged without a network: tests/test_new.py::test_far"
    else:
        assert evidence.cause is Cause.ENVIRONMENT
        assert evidence.reason == "it needs a network, and the sandbox reaches no host"
    assert made.verify({"calc.py": CALC + "\n"}, oracle=oracle).verdict is Verdict.UNVERIFIED


def test_a_test_that_is_not_found_under_its_name_neither_passes_nor_fails(project):
    made = project({"conftest.py": "", "calc.py": CALC})
    test_patch = made.patch({"tests/test_new.py": TEST})
    oracle = Oracle(fail_to_pass=("tests/test_new.py::test_sum",), test_patch=test_patch.text)
    proof = made.verify({"calc.py": FIXED}, oracle=oracle)
    (evidence,) = proof.reproductions
    assert not evidence.accepted
    assert "not found under its name" in evidence.reason
    assert "tests/test_new.py::test_sum" in evidence.reason


SHARED = "from calc import add\n\nkept = {}\n\n\ndef test_start():\n    kept['one'] = 1\n\n\ndef test_end():\n"


def test_a_changed_test_that_needs_its_neighbours_is_judged_by_its_whole_file(project):
    old = SHARED + "    assert kept\n"
    new = SHARED + "    assert add(kept['one'], 2) == 3\n"
    evidence, proof = judged(
        project,
        {"tests/test_calc.py": old},
        {"calc.py": FIXED},
        a_test(new, "tests/test_calc.py", "python -m pytest --color=no -rA {}"),
        test_command="python -m pytest",
    )
    assert evidence.accepted, evidence.reason
    assert "alone it still fails with the patch" in evidence.note
    assert proof.verdict is Verdict.VERIFIED


UNITTEST = "python -m unittest tests.test_new"


@pytest.mark.parametrize(
    ("body", "issue", "accepted"),
    [
        ("    def test_add(self):\n        self.assertEqual([0, 1][add(3, 1)], 1)\n", "wrong", True),
        (
            "    def setUp(self):\n        self.one = [0, 1][add(3, 1)]\n    def test_add(self):\n        pass\n",
            "wrong",
            False,
        ),
        (
            "    def setUp(self):\n        self.one = [0, 1][add(3, 1)]\n    def test_add(self):\n        pass\n",
            "an IndexError comes",
            True,
        ),
    ],
    ids=["in the body", "in setUp", "in setUp, and named"],
)
def test_an_exception_in_the_body_of_a_unittest_is_a_failure_of_the_test(project, body, issue, accepted):
    fixed = "def add(a, b):\n    return 1 if (a, b) != (1, 2) else 3\n"
    evidence, _ = judged(
        project, {"tests/__init__.py": ""}, {"calc.py": fixed}, a_test(CASE + body, command=UNITTEST), issue=issue
    )
    assert evidence.accepted is accepted, evidence.reason
    assert accepted or "outside of the test's body" in evidence.reason


@pytest.fixture
def short_patience(monkeypatch):
    """Deadlines for a program that takes no time."""
    monkeypatch.setattr(hangs, "_FIRST", 6.0)
    monkeypatch.setattr(hangs, "_LEAST", 5.0)
    monkeypatch.setattr(hangs, "_TIMES", 1)


ENDLESS = "def add(a, b):\n    while b:\n        a += 1\n    return a\n"


@pytest.mark.parametrize(
    "reproduction",
    [
        Reproduction(path="show.py", content="from calc import add\nassert add(1, 2) == 3\n", command="python show.py"),
        a_test(TEST),
    ],
    ids=["script", "test"],
)
def test_a_reproduction_that_ends_only_with_the_patch_is_accepted(project, short_patience, reproduction):
    evidence, _ = judged(project, {"calc.py": ENDLESS}, {"calc.py": FIXED}, reproduction, issue="add does not work")
    assert evidence.accepted, evidence.reason
    assert all("did not end in" in text for text in (*evidence.base, *evidence.control))
    assert evidence.patched == ("passed", "passed")


def test_a_patch_that_ends_the_script_early_does_not_end_a_hang(project, short_patience):
    evidence, _ = judged(
        project,
        {"calc.py": ENDLESS},
        {"calc.py": "import os\n\n\ndef add(a, b):\n    os._exit(0)\n"},
        Reproduction(path="show.py", content="from calc import add\nassert add(1, 2) == 3\n", command="python show.py"),
    )
    assert not evidence.accepted
    assert "before it came to its end" in evidence.reason


def test_what_the_package_cannot_import_is_the_environments_fault(project):
    evidence, proof = judged(
        project,
        {"calc.py": f"import no_such_module_here\n{CALC}"},
        {"calc.py": f"import no_such_module_here\n{FIXED}"},
        a_test(TEST),
        test_command="python -m pytest",
    )
    assert evidence.cause is Cause.ENVIRONMENT
    assert "the environment lacks the module `no_such_module_here`, which calc.py imports" in proof.reason
    assert not any(run.purpose == "tests" for run in proof.commands)


INSTALLED = {"pytest.ini": "[pytest]\npythonpath = site\n", "site/pkg/__init__.py": "", "site/pkg/calc.py": CALC}


@pytest.mark.parametrize("is_script", [False, True], ids=["test", "script"])
def test_a_run_that_tests_an_installed_copy_shows_nothing(project, is_script):
    content = TEST.replace("from calc", "from pkg.calc")
    reproduction = a_test(content)
    if is_script:
        script = content + "\n\ntest_add()\n"
        reproduction = Reproduction(path="show.py", content=script, command="PYTHONPATH=site python show.py")
    evidence, proof = judged(
        project,
        INSTALLED | {"src/pkg/__init__.py": "", "src/pkg/calc.py": CALC},
        {"src/pkg/calc.py": FIXED},
        reproduction,
    )
    assert evidence.cause is Cause.ENVIRONMENT
    assert "it tests `pkg.calc` from site/pkg/calc.py and not the work tree's src/pkg/calc.py" in proof.reason
    assert "PYTHONPATH=src" in proof.reason


def test_a_test_that_the_user_gives_may_need_what_the_patch_adds(project):
    fixed = f"{FIXED}\n\ndef twice(a):\n    return add(a, a)\n"
    test = a_test("from calc import twice\n\n\ndef test_twice():\n    assert twice(2) == 4\n")
    evidence, _ = judged(project, {}, {"calc.py": fixed}, test, replaces=True)
    assert evidence.accepted, evidence.reason
    evidence, _ = judged(project, {"other.py": ""}, {"calc.py": fixed}, test)
    assert "could not import what it needs" in evidence.reason


def test_existing_tests_that_test_an_installed_copy_prove_nothing(project):
    proof = project(
        INSTALLED
        | {
            "conftest.py": "",
            "src/pkg/__init__.py": "",
            "src/pkg/calc.py": CALC,
            "tests/test_calc.py": "from pkg.calc import add\n\n\ndef test_nothing():\n    assert add(1, 0) == 1\n",
        }
    ).verify(
        {"src/pkg/calc.py": FIXED},
        reproduction=a_test(
            TEST.replace("from calc", "from pkg.calc"), command="python -m pytest -o pythonpath=src {}"
        ),
        test_command="python -m pytest",
    )
    assert proof.reproduction is not None
    assert proof.verdict is Verdict.UNVERIFIED
    assert "the existing tests prove nothing: it tests `pkg.calc` from site/pkg/calc.py" in proof.reason


def test_a_test_that_the_user_gives_may_need_what_the_environment_lacks(project):
    evidence, _ = judged(project, {}, {"calc.py": FIXED}, a_test(f"import no_such_module_here\n{TEST}"), replaces=True)
    assert evidence.cause is Cause.ENVIRONMENT
    assert "`no_such_module_here`, which tests/test_new.py imports" in evidence.reason


def test_failures_that_are_not_alike_are_run_once_more_on_the_base(project):
    other = TEST.replace("== 3\n", "== 3, __import__('random').random()\n")
    evidence, _ = judged(project, {}, {"calc.py": FIXED}, a_test(other), settings=VerifySettings(seconds=200))
    assert evidence.accepted, evidence.reason
    assert [len(evidence.base), len(evidence.control), len(evidence.patched)] == [2, 2, 2]
