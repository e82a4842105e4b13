"""JUnit XML of pytest, Maven's surefire and Gradle."""

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from sweagent.errors import UsageError
from sweagent.printable import first_line
from sweagent.testing.report import Runner, TestOutcome, TestReport, TestResult
from sweagent.testing.witnessed import Witnessed


def parse_junit(
    report: str, runner: Runner = Runner.PYTEST, *, exit_code: int | None = 0, witnessed: Witnessed | None = None
) -> TestReport:
    """Read one JUnit document or several joined together.

    Args:
        report: the XML text. It may come from a hostile program: document types, and so entities, are refused.
        runner: decides how a test's id is made.
        exit_code: of the runner.
        witnessed: what pytest itself collected; its names are put in the place of those in the report.

    Raises:
        UsageError: the text is not such a document.
    """
    watched = witnessed or Witnessed()
    cases = [case for document in _documents(report) for case in document.iter("testcase")]
    results = [_result(case, _id(case, runner, watched)) for case in cases]
    # pytest leaves a case without a name where the run was broken off in a test.
    results = [result for result in results if result.id]
    return TestReport.of(runner, results, exit_code=exit_code, machine_readable=True)


def _documents(report: str) -> Iterator[ElementTree.Element]:
    if "<!DOCTYPE" in report or "<!ENTITY" in report:
        raise UsageError("the test report declares a document type", "the test run may have been tampered with")
    for text in re.split(r"<\?xml[^>]*\?>", report):
        if not text.strip():
            continue
        try:
            yield ElementTree.fromstring(text.strip())  # noqa: S314 (document types are refused above)
        except ElementTree.ParseError as error:
            raise UsageError(
                f"the test report is not well-formed XML: {error}", "the run may have been cut short"
            ) from error


def _id(case: ElementTree.Element, runner: Runner, witnessed: Witnessed) -> str:
    if runner is not Runner.PYTEST:
        return _IDENTIFIERS.get(runner, _plain_id)(case)
    known = witnessed.by_junit.get((case.get("classname", ""), case.get("name", "")))
    return known or witnessed.id_of(runner, _pytest_id(case))


def _result(case: ElementTree.Element, name: str) -> TestResult:
    outcome, message, details = TestOutcome.PASSED, "", ""
    for child in case:
        found = _outcome(child)
        if found is None or (outcome.bad and not found.bad):
            continue
        outcome, message = found, first_line(child.get("message") or child.text or "")
        details = child.text or child.get("message") or ""
    return TestResult(id=name, outcome=outcome, message=message, details=details, seconds=_seconds(case.get("time")))


def _outcome(element: ElementTree.Element) -> TestOutcome | None:
    if element.tag == "failure":
        return TestOutcome.FAILED
    if element.tag == "error":
        return TestOutcome.ERROR
    if element.tag == "skipped":
        # pytest before 5 gives no type.
        expected = element.get("type") == "pytest.xfail" or element.get("message") == "expected test failure"
        return TestOutcome.XFAILED if expected else TestOutcome.SKIPPED
    return None


def _pytest_id(case: ElementTree.Element) -> str:
    """Build the node id again: the file, the classes, the name."""
    classname, name, file = case.get("classname", ""), case.get("name", ""), case.get("file", "").replace("\\", "/")
    if not classname:  # a module that could not be collected
        return file or (f"{name.replace('.', '/')}.py" if re.fullmatch(r"[\w.]+", name) else name)
    module = file.removesuffix(".py").replace("/", ".")
    if classname == module or classname.startswith(f"{module}."):
        classes = [part for part in classname[len(module) :].split(".") if part]
        return "::".join([file, *classes, name])
    # An inherited test's `file` is where it was written, not where it was collected.
    parts = classname.split(".")
    first_class = next((index for index, part in enumerate(parts) if part[:1].isupper()), len(parts))
    return "::".join(["/".join(parts[:first_class]) + ".py", *parts[first_class:], name])


def _java_id(case: ElementTree.Element) -> str:
    return f"{case.get('classname', '')}#{case.get('name', '').removesuffix('()')}"


def _plain_id(case: ElementTree.Element) -> str:
    return "::".join(part for part in (case.get("classname", ""), case.get("name", "")) if part)


_IDENTIFIERS = {Runner.MAVEN: _java_id, Runner.GRADLE: _java_id}


def _seconds(text: str | None) -> float:
    try:
        return float((text or "0").replace(",", ""))
    except ValueError:
        return 0.0
