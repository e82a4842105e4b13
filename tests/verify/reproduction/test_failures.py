import pytest

from sweagent.sandbox.base import Completed
from sweagent.testing import Runner, TestOutcome, TestReport, TestResult
from sweagent.verify.proof import Side
from sweagent.verify.reproduction.failures import end_of, lacking, misfit
from sweagent.verify.runs.side_runner import Command, CommandResult

PRODUCT = """\
Traceback (most recent call last):
  File "/w/pkg/mod.py", line 2, in go
    raise ValueError("x")
ValueError: x
"""


def a_run(output: str, exit_code: int, *results: TestResult, runner: Runner = Runner.PYTEST) -> CommandResult:
    report = TestReport.of(runner, results, exit_code=exit_code)
    done = Completed(output=output, exit_code=exit_code)
    return CommandResult(Side.BASE, Command("reproduction", "the command", 1, runner=runner), done, report)


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


@pytest.mark.parametrize(("name", "belongs"), [("::test_a", True), ("", False)])
def test_an_exception_in_the_body_of_a_sympy_test_is_a_failure_of_the_test(name, belongs):
    error = TestResult(
        id=f"sympy/tests/test_a.py{name}", outcome=TestOutcome.ERROR, message="ValueError: x", details=PRODUCT
    )
    run = a_run("", 1, error, runner=Runner.SYMPY)
    assert (misfit(run, "sympy/tests/test_a.py", "it breaks", [error]) == "") is belongs


ABSENT = [
    "AttributeError: module 'pkg' has no attribute 'fresh'",
    "AttributeError: 'Thing' object has no attribute 'fresh'. Did you mean: 'flesh'?",
    "TypeError: go() got an unexpected keyword argument 'fresh'",
    "TypeError: pkg.fresh is not a function",
]


@pytest.mark.parametrize("said", ABSENT)
@pytest.mark.parametrize(
    ("issue", "added", "belongs"),
    [("add fresh()", {"fresh"}, True), ("it is stale", {"fresh"}, False), ("it is stale", {"other"}, True)],
    ids=["named by the issue", "added by the patch alone", "not added"],
)
def test_that_a_name_of_the_patch_is_missing_shows_an_issue_only_where_it_is_named(said, issue, added, belongs):
    failure = TestResult(id="tests/test_a.py::test_a", outcome=TestOutcome.FAILED, message=said, details=f"E   {said}")
    reason = misfit(a_run("", 1, failure), "tests/test_a.py", issue, [failure], added)
    assert (reason == "") is belongs


def test_a_run_ends_in_an_error_at_a_place():
    assert end_of(a_run(PRODUCT, 1)) == ("ValueError", "x", "go in mod.py")
    assert end_of(a_run(PRODUCT.replace("line 2", "line 7"), 1)) == end_of(a_run(PRODUCT, 1))
    assert end_of(a_run(PRODUCT, 0)) == ("", "", "")
