import pytest

from sweagent.sandbox.base import Completed
from sweagent.testing import Runner, TestOutcome, TestReport, TestResult
from sweagent.verify.bench import Job, Run
from sweagent.verify.failures import in_body, lacking, misfit

HEAD = "Traceback (most recent call last):\n"
BODY = '  File "/w/tests/test_a.py", line 9, in test_a\n    go()\n'
SET_UP = '  File "/w/tests/test_a.py", line 5, in setUp\n    go()\n'
PRODUCT = '  File "/w/pkg/mod.py", line 2, in go\n    raise ValueError("x")\nValueError: x\n'

ERRORS = {
    "the body": ("tests.test_a.Case.test_a", HEAD + BODY + PRODUCT, True),
    "a decorated body": (
        "tests.test_a.Case.test_a",
        f'{HEAD}  File "/lib/mock.py", line 1, in patched\n    f()\n{BODY}{PRODUCT}',
        True,
    ),
    "a body without a name": (
        "tests.test_a.Case.test_a_1",
        f'{HEAD}  File "/lib/parameterized.py", line 1, in standalone_func\n    f()\n{PRODUCT}',
        True,
    ),
    "setUp": ("tests.test_a.Case.test_a", HEAD + SET_UP + PRODUCT, False),
    "setUp that is called as the test is": ("tests.test_a.Case.setUp", HEAD + SET_UP + PRODUCT, False),
    "the fixture of a class": ("setUpClass (tests.test_a.Case)", HEAD + PRODUCT, False),
    "Django's data of a class": (
        "tests.test_a.Case.test_a",
        f'{HEAD}  File "/w/tests/test_a.py", line 5, in setUpTestData\n    go()\n{PRODUCT}',
        False,
    ),
    "a module that cannot be loaded": (
        "tests.test_a",
        f'ImportError: Failed to import test module: test_a\n{HEAD}  File "/lib/unittest/loader.py", line 1, in '
        f"_find_test_path\n    f()\n{PRODUCT}",
        False,
    ),
    "a test that is not there": ("tests.test_a.Case.test_b", "AttributeError: no attribute 'test_b'", False),
}


@pytest.mark.parametrize("runner", [Runner.UNITTEST, Runner.DJANGO])
@pytest.mark.parametrize("name", ERRORS)
def test_an_error_of_unittest_is_told_by_where_it_arose(name, runner):
    test, details, expected = ERRORS[name]
    assert in_body(TestResult(id=test, outcome=TestOutcome.ERROR, details=details), runner) is expected


@pytest.mark.parametrize(
    ("runner", "test", "outcome", "expected"),
    [
        (Runner.PYTEST, "tests/test_a.py::test_a", TestOutcome.FAILED, True),
        (Runner.PYTEST, "tests/test_a.py::test_a", TestOutcome.ERROR, False),
        (Runner.SYMPY, "sympy/tests/test_a.py::test_a", TestOutcome.ERROR, True),
        (Runner.SYMPY, "sympy/tests/test_a.py", TestOutcome.ERROR, False),
        (Runner.UNITTEST, "tests.test_a.Case.test_a", TestOutcome.FAILED, True),
    ],
)
def test_other_runners_tell_an_error_outside_of_the_body_by_its_outcome_or_its_name(runner, test, outcome, expected):
    assert in_body(TestResult(id=test, outcome=outcome, details=HEAD + PRODUCT), runner) is expected


def a_run(output: str, exit_code: int, *results: TestResult) -> Run:
    report = TestReport.of(Runner.PYTEST, results, exit_code=exit_code)
    done = Completed(output=output, exit_code=exit_code)
    return Run("base", Job("reproduction", "pytest", 1, runner=Runner.PYTEST), done, report)


def collection_error(*frames: str, module: str) -> TestResult:
    lines = [f"{frame}:1: in <module>\n    import x" for frame in frames]
    details = "\n".join([*lines, f"E   ModuleNotFoundError: No module named '{module}'"])
    return TestResult(id="tests/test_a.py", outcome=TestOutcome.ERROR, message="collection failure", details=details)


OWN = frozenset({"pkg", "tests"})
LACKS = {
    "the package needs it": (("tests/test_a.py", "pkg/__init__.py"), "typing_extensions", "`typing_extensions`, which"),
    "conftest needs it": (("tests/conftest.py",), "hypothesis", "`hypothesis`, which tests/conftest.py imports"),
    "the test needs it": (("tests/test_a.py",), "hypothesis", ""),
    "the project is not installed": (("tests/test_a.py",), "pkg", "work tree's own module `pkg`"),
    "the patch adds it": (("tests/test_a.py",), "pkg.new", ""),
}


@pytest.mark.parametrize("name", LACKS)
def test_what_the_environment_lacks_is_told_from_what_the_reproduction_lacks(name):
    frames, module, said = LACKS[name]
    error = collection_error(*frames, module=module)
    found = lacking(a_run("", 2, error), [error], "tests/test_a.py", OWN)
    assert (said in found) if said else found == ""


def test_a_conftest_that_cannot_be_loaded_is_no_wrong_use_of_the_runner():
    output = (
        "ImportError while loading conftest '/w/tests/conftest.py'.\ntests/conftest.py:1: in <module>\n    import pkg\n"
        "pkg/__init__.py:3: in <module>\n    import typing_extensions\n"
        "E   ModuleNotFoundError: No module named 'typing_extensions'\n"
    )
    assert "lacks the module `typing_extensions`" in lacking(a_run(output, 4), [], "tests/test_a.py", OWN)
    other = output.replace("ModuleNotFoundError: No module named 'typing_extensions'", "RuntimeError: no database")
    assert "cannot be loaded here: RuntimeError: no database" in lacking(a_run(other, 4), [], "tests/test_a.py", OWN)


def test_an_error_in_a_fixture_belongs_to_the_issue_only_where_the_issue_names_it():
    error = TestResult(
        id="tests/test_a.py::test_a", outcome=TestOutcome.ERROR, message="ValueError: x", details=PRODUCT
    )
    run = a_run("", 1, error)
    assert "outside of the test's body" in misfit(run, "tests/test_a.py", "it breaks", [error])
    assert misfit(run, "tests/test_a.py", "it raises ValueError", [error]) == ""
