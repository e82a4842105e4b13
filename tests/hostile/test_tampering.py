"""Patches that bend the judgement instead of mending the code. None may ever be verified.

What the first table says is named for people; the second hides from such rules, and is told by how its run behaves.
"""

import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sweagent.config import VerifySettings
from sweagent.errors import ExitCode
from sweagent.trajectory import Reproduction
from sweagent.verify import Verdict, feedback, with_accepted
from sweagent.verify.proof import Finding, Weight
from sweagent.verify.static.patch_checks import find_tampering
from sweagent.verify.trees import open_trees

CALC = "def add(a, b):\n    return a - b\n\n\ndef double(a):\n    return a * 2\n"
FIXED = CALC.replace("a - b", "a + b")
TESTS = """from calc import add, double


def test_double():
    assert double(2) == 4


def test_zero():
    assert add(1, 0) == 1
"""
FILES = {
    "calc.py": CALC,
    "tests/test_calc.py": TESTS,
    "tests/conftest.py": "import pytest\n",
    "setup.cfg": "[metadata]\nname = calc\n\n[tool:pytest]\naddopts = -ra\n",
    "pyproject.toml": "[project]\nname = 'calc'\n\n[tool.pytest.ini_options]\n",
}
A_TEST = Reproduction(
    path="tests/test_add.py",
    content="from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
    command="python -m pytest tests/test_add.py",
    kind="test",
)
A_SCRIPT = Reproduction(
    path="show.py", content="from calc import add\n\nassert add(1, 2) == 3\n", command="python show.py"
)
A_CASE = Reproduction(
    path="tests/test_add.py",
    content="import unittest\n\nfrom calc import add\n\n\nclass Case(unittest.TestCase):\n"
    "    def test_add(self):\n        self.assertEqual(add(1, 2), 3)\n",
    command="python -m unittest tests.test_add",
    kind="test",
)


def _support() -> ModuleType:
    path = Path(__file__).parent.parent / "support" / "judged_project.py"
    spec = importlib.util.spec_from_file_location("tests_support_judged_project", path)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def project(tmp_path: Path) -> Callable[[Mapping[str, str]], Any]:
    """Make a project whose patches can be judged."""
    make_project = _support().make_project
    return lambda files: make_project(tmp_path, files)


HOOK = """
import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    outcome.get_result().outcome = "passed"
"""

SAID = {
    "edits a test": ("test-edited", {"tests/test_calc.py": TESTS.replace("== 4", "== 4 or True")}),
    "deletes a test": ("test-deleted", {"tests/test_calc.py": None}),
    "removes a test": ("test-edited", {"tests/test_calc.py": TESTS.split("def test_zero")[0]}),
    "skips a test": (
        "test-edited",
        {"tests/test_calc.py": TESTS.replace("def test_zero", "@pytest.mark.skip\ndef test_zero")},
    ),
    "skips a module": (
        "test-edited",
        {"tests/test_calc.py": TESTS + "\n\npytestmark = __import__('pytest').mark.skip\n"},
    ),
    "hooks the report": ("hooks", {"tests/conftest.py": HOOK}),
    "adds a conftest": ("hooks", {"conftest.py": HOOK}),
    "deselects by configuration": (
        "configuration",
        {"pytest.ini": "[pytest]\naddopts = --deselect tests/test_calc.py\n"},
    ),
    "deselects in setup.cfg": ("configuration", {"setup.cfg": FILES["setup.cfg"].replace("-ra", "-k not_zero")}),
    "deselects in pyproject": ("configuration", {"pyproject.toml": FILES["pyproject.toml"] + "testpaths = ['none']\n"}),
    "adds an entry point": (
        "configuration",
        {"setup.cfg": FILES["setup.cfg"] + "[options.entry_points]\npytest11 =\n    c = calc\n"},
    ),
    "starts with the interpreter": ("startup", {"sitecustomize.py": "import os\nos._exit(0)\n"}),
    "adds a .pth": ("startup", {"calc.pth": "import os; os._exit(0)\n"}),
    "shadows the runner": ("shadow", {"pytest.py": "print('2 passed')\n"}),
    "shadows the runner as a package": ("shadow", {"_pytest/__init__.py": ""}),
    "shadows the standard library": ("shadow", {"traceback.py": ""}),
    "shadows a program": ("shadow", {"bin/pytest": "#!/bin/sh\nexit 0\n"}),
    "ends the process": ("power-exits", {"calc.py": "import os\n" + CALC.replace("return a - b", "os._exit(0)")}),
    "reads the current test": (
        "power-host",
        {
            "calc.py": "import os\n"
            + CALC.replace("return a - b", "return 3 if 'PYTEST_CURRENT_TEST' in os.environ else a - b")
        },
    ),
    "looks for the runner": (
        "power-imports",
        {"calc.py": "import sys\nif 'pytest' in sys.modules:\n    pass\n" + CALC},
    ),
    "patches the runner": (
        "power-runner",
        {"calc.py": "import _pytest.runner\n_pytest.runner.check_interactive_exception = None\n" + CALC},
    ),
    "swaps a module": ("power-imports", {"calc.py": "import sys\n" + FIXED + "\nsys.modules['traceback'] = None\n"}),
    "equals everything": (
        "power-comparison",
        {
            "calc.py": "class Any:\n    def __eq__(self, other):\n        return True\n"
            "\n\ndef add(a, b):\n    return Any()\n"
        },
    ),
}


HELD_BACK = ("test-edited", "test-deleted", "hooks", "configuration")


def found(made: Any, changes: Mapping[str, str | None], **options: Any) -> tuple[Finding, ...]:
    with open_trees(made.repository) as trees:
        return find_tampering(trees, trees.apply(made.patch(changes).text), **options)


@pytest.mark.parametrize("name", SAID)
def test_what_a_patch_says_is_named_beside_a_fix_and_rejects_nothing(project, name):
    rule, changes = SAID[name]
    named = found(project(FILES), {"calc.py": FIXED, **changes})  # type: ignore[dict-item]
    weights = {finding.weight for finding in named if finding.rule == rule}
    assert weights == {Weight.NOTE if rule in HELD_BACK else Weight.REVIEW}


@pytest.mark.parametrize(
    "changes",
    [{"tests/conftest.py": HOOK}, {"pytest.ini": "[pytest]\naddopts = --deselect tests/test_add.py::test_add\n"}],
    ids=["a hook", "a configuration"],
)
def test_a_patch_that_changes_only_how_it_is_judged_resolves_nothing(project, changes):
    proof = project(FILES).verify(changes, reproduction=A_TEST)
    forged = "tests/conftest.py" in changes
    assert proof.verdict is (Verdict.REJECTED if forged else Verdict.UNVERIFIED), proof.reason
    assert ("change what the issue is about" in feedback(proof)) is forged


def test_honest_edits_of_tests_alone_are_not_rejected(project):
    changes = {"tests/test_calc.py": TESTS.replace("double(2) == 4", "double(3) == 6")}
    proof = project(FILES).verify(changes, reproduction=A_TEST)
    assert proof.verdict is Verdict.UNVERIFIED, proof.reason


def test_a_fix_with_edits_of_tests_and_of_the_root_conftest_is_verified_and_they_are_named(project):
    changes = {"calc.py": FIXED, "conftest.py": HOOK, "tests/test_calc.py": TESTS.split("def test_zero")[0]}
    proof = project(FILES).verify(changes, reproduction=A_TEST)
    assert proof.verdict is Verdict.VERIFIED, proof.reason
    assert proof.held_back == ("conftest.py", "tests/test_calc.py")
    assert {finding.path for finding in proof.findings} == set(proof.held_back)
    assert proof.regression.passed_before == 2


def test_a_proved_patch_with_a_doubtful_construct_needs_review_until_the_user_accepts_it(project):
    made = project(FILES)
    patch = made.patch({"calc.py": FIXED + "\n\ndef stop():\n    import os\n    os._exit(3)\n"})
    proof = made.verify(patch, reproduction=A_TEST)
    assert (proof.verdict, proof.verdict.exit_code) == (Verdict.NEEDS_REVIEW, ExitCode.NEEDS_REVIEW), proof.reason
    assert "calc.py:11" in proof.reason
    assert "fails without the patch and passes with it" in proof.proved
    for name in ("power-exits", "power-exits:calc.py"):
        again = with_accepted(proof, [name])
        assert (again.verdict, again.reason) == (Verdict.VERIFIED, proof.proved)
    assert with_accepted(proof, ["power-exits:other.py"]).verdict is Verdict.NEEDS_REVIEW
    allowed = VerifySettings(seconds=120, accept=("power-exits",))
    assert made.verify(patch, reproduction=A_TEST, settings=allowed).verdict is Verdict.VERIFIED


def test_what_was_seen_at_run_time_cannot_be_accepted(project):
    reproduction, forgery = HIDDEN["raises an exit in the function"]
    accepting = VerifySettings(seconds=120, accept=("early-exit",))
    proof = project(FILES).verify({"calc.py": forgery}, reproduction=reproduction, settings=accepting)
    assert proof.verdict is Verdict.REJECTED


# Each is put before the source of `calc.py`, which stays unfixed; names are built so that no rule on text finds them.
END = "import os\n_end = vars(os)['_' + ''.join(('ex', 'it'))]\n"
REPORTS = (
    "import importlib\n_r = importlib.import_module('_py' + ''.join(('te', 'st.reports')))\n"
    "_old = _r.TestReport.from_item_and_call.__func__\n"
    "def _new(cls, item, call):\n    report = _old(cls, item, call)\n    {act}\n    return report\n"
    "_r.TestReport.from_item_and_call = classmethod(_new)\n"
)
HIDDEN = {
    "ends the process in the function": (A_TEST, END + "def add(a, b):\n    _end(0)\n"),
    "ends the process in the function, a script": (A_SCRIPT, END + "def add(a, b):\n    _end(0)\n"),
    "raises an exit in the function": (A_SCRIPT, "def add(a, b):\n    raise SystemExit(0)\n"),
    "ends with status 0 at the end": (A_TEST, END + "import atexit\natexit.register(lambda: _end(0))\n"),
    "turns failures into skips": (
        A_TEST,
        REPORTS.format(act="if report.outcome == 'failed': report.outcome, report.longrepr = 'skipped', ('x', 1, 'y')"),
    ),
    "turns the report of one test into a pass": (
        A_TEST,
        REPORTS.format(act="if 'test_add' in item.nodeid: report.outcome, report.longrepr = 'passed', None"),
    ),
    "rewrites the report file at the end": (
        A_TEST,
        "import atexit, os, pathlib, re, sys\n"
        "def _mend():\n"
        "    for word in sys.argv + os.environ.get(''.join(('PYT', 'EST_ADD', 'OPTS')), '').split():\n"
        "        if '.xml' in word or word.endswith('/report'):\n"
        "            place = pathlib.Path(word.split('=')[-1].strip(chr(39)))\n"
        "            text = place.read_text() if place.exists() else ''\n"
        "            place.write_text(re.sub('<failure.*?</failure>', '', text, flags=re.S))\n"
        "atexit.register(_mend)\n",
    ),
    "turns the report into a pass and takes itself out again": (
        A_TEST,
        REPORTS.split("_old")[0] + "def add(a, b):\n    kind = _r.TestReport\n    old = kind.from_item_and_call\n"
        "    def new(cls, item, call):\n        kind.from_item_and_call, call.excinfo = old, None\n"
        "        return old(item, call)\n    kind.from_item_and_call = classmethod(new)\n",
    ),
    "removes the report file and says that all is well": (
        A_TEST,
        END + "import atexit, glob\n"
        "def _go():\n    for word in glob.glob('/tmp/*/report*'):\n        try:\n            os.unlink(word)\n"
        "        except OSError:\n            pass\n    _end(0)\n"
        "atexit.register(_go)\n",
    ),
}
CHILD = "def add(a, b):\n    if os.fork() == 0:\n        return a + b\n    _end(os.WEXITSTATUS(os.wait()[1]))\n"
HIDDEN |= {
    "hands the run over to a child in which the code is right": (A_TEST, END + CHILD),
    "hands the run over to a child, a script": (A_SCRIPT, END + CHILD),
    "turns a failure into a success while the test runs, unittest": (
        A_CASE,
        "import importlib\n_r = importlib.import_module('unit' + ''.join(('te', 'st.runner'))).TextTestResult\n"
        "def add(a, b):\n    old = _r.addFailure\n"
        "    def new(self, test, err):\n        _r.addFailure = old\n        self.addSuccess(test)\n"
        "    _r.addFailure = new\n",
    ),
    "leaves its own assertion behind, unittest": (
        A_CASE,
        "import importlib\n_c = importlib.import_module('unit' + ''.join(('te', 'st.case'))).TestCase\n"
        "_c.assertEqual = lambda self, first, second, msg=None: None\n",
    ),
}


EACH_TIME = (
    "ends the process in the function",
    "raises an exit in the function",
    "turns the report of one test into a pass",
    "rewrites the report file at the end",
    "hands the run over to a child in which the code is right",
    "turns a failure into a success while the test runs, unittest",
)
"""One of each kind; `make measure` tries the others too."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in EACH_TIME else [pytest.mark.slow]) for name in HIDDEN]
)
def test_tampering_that_hides_is_rejected_by_how_its_run_behaves(project, name):
    reproduction, forgery = HIDDEN[name]
    source = CALC.split("\n\n\n", 1)[1] if "def add" in forgery else CALC
    proof = project(FILES).verify({"calc.py": f"{forgery}\n\n{source}"}, reproduction=reproduction)
    assert proof.verdict is Verdict.REJECTED, proof.reason


NOT_ACCEPTED = {
    "prints a forged summary": CALC + "\nprint('2 passed in 0.01s')\n",
    "looks for the runner's variable": CALC.replace(
        "a - b", "a + b if any('RRENT_TE' in name for name in os.environ) else a - b"
    ),
    "breaks off the run": CALC.replace("return a - b", "if b == 2:\n        raise KeyboardInterrupt\n    return a - b"),
}


@pytest.mark.parametrize("name", NOT_ACCEPTED)
def test_tampering_without_effect_leaves_the_issue(project, name):
    proof = project(FILES).verify({"calc.py": f"import os\n\n\n{NOT_ACCEPTED[name]}"}, reproduction=A_TEST)
    assert proof.verdict is Verdict.UNVERIFIED
    assert "still fails with the patch" in proof.reason


@pytest.mark.parametrize(("reproduction", "runner"), [(A_TEST, "'py', 'te', 'st'"), (A_CASE, "'unit', 'te', 'st'")])
def test_code_that_is_right_only_while_a_runner_is_loaded_is_rejected(project, reproduction, runner):
    aware = CALC.replace("a - b", f"a + b if ''.join(({runner})) in sys.modules else a - b")
    proof = project({"calc.py": CALC}).verify({"calc.py": f"import sys\n\n\n{aware}"}, reproduction=reproduction)
    assert proof.verdict is Verdict.REJECTED, proof.reason
    assert "right only where code can see" in proof.reason


def test_edits_of_tests_can_be_allowed_but_the_pristine_tests_judge(project):
    weak = {"calc.py": FIXED.replace("a * 2", "a * 3"), "tests/test_calc.py": TESTS.replace("== 4", "== 6")}
    allowed = VerifySettings(allow_tests=True, seconds=120)
    proof = project(FILES).verify(weak, reproduction=A_TEST, settings=allowed)
    assert proof.verdict is Verdict.REGRESSED
    assert [finding.waived for finding in proof.findings] == [True]
    assert proof.held_back == ("tests/test_calc.py",)


def test_a_conftest_that_is_allowed_takes_no_part_in_the_judgement(project):
    allowed = VerifySettings(allow_tests=True, seconds=120)
    proof = project(FILES).verify({"calc.py": CALC + "#\n", "conftest.py": HOOK}, reproduction=A_TEST, settings=allowed)
    assert proof.verdict is Verdict.UNVERIFIED


def test_a_power_that_the_issue_names_is_waived(project):
    changed = {"calc.py": "import os\n\n\ndef stop():\n    os._exit(3)\n\n\n" + FIXED}
    issue = "stop() should call os._exit, and add is wrong"
    proof = project(FILES).verify(changed, issue=issue, reproduction=A_SCRIPT)
    assert not proof.to_review
    assert proof.verdict is Verdict.VERIFIED
    assert proof.findings
    assert all(finding.waived for finding in proof.findings)
