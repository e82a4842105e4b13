"""The printed text of Python's test runners: pytest, unittest (and Django's), and sympy's own."""

import re
from collections import Counter
from collections.abc import Iterator

from sweagent.testing.naming import dotted
from sweagent.testing.report import Runner, TestOutcome, TestReport, TestResult
from sweagent.testing.sections import sections

_PYTEST_WORDS = {
    "PASSED": TestOutcome.PASSED,
    "FAILED": TestOutcome.FAILED,
    "ERROR": TestOutcome.ERROR,
    "SKIPPED": TestOutcome.SKIPPED,
    "XFAIL": TestOutcome.XFAILED,
    "XPASS": TestOutcome.XPASSED,
}
_PYTEST_COUNTED = {
    "passed": TestOutcome.PASSED,
    "failed": TestOutcome.FAILED,
    "error": TestOutcome.ERROR,
    "errors": TestOutcome.ERROR,
    "skipped": TestOutcome.SKIPPED,
    "xfailed": TestOutcome.XFAILED,
    "xpassed": TestOutcome.XPASSED,
}
_WORDS = "|".join(_PYTEST_WORDS)
# `FAILED path::test[param] - message`: the parameters may hold ` - ` themselves.
_PYTEST_SHORT = re.compile(rf"^({_WORDS}) ([^\[\n]*?(?:\[.*?\])?)(?: - (.*))?$")
_PYTEST_VERBOSE = re.compile(rf"^(\S.*?::.*?) ({_WORDS})(?: \(.*\))?(?:\s+\[\s*\d+%\])?$")
_PYTEST_TOTAL = re.compile(r"^=*\s*((?:\d+ [a-z]+(?:, )?)+) in [\d.:]+ ?s?\w*.*$", re.MULTILINE)
_PYTEST_HEADING = re.compile(r"^_{3,} (?:ERROR (?:at (?:setup|teardown) of|collecting) )?(.+?) _{3,}$")
_PYTEST_RULE = re.compile(r"^={3,} .* ={3,}$")
_PYTEST_PROBLEM = re.compile(
    r"^(?:ERROR: .*|ImportError while loading conftest .*|INTERNALERROR> \w*Error.*)$", re.MULTILINE
)


def parse_pytest(text: str, runner: Runner, exit_code: int | None) -> TestReport:
    """Read pytest's text: verbose lines, the short summary, the failures' sections, and the line of totals."""
    details_of = sections(text, _PYTEST_HEADING, _PYTEST_RULE)
    results: dict[str, TestResult] = {}
    for line in text.splitlines():
        verbose, short = _PYTEST_VERBOSE.match(line), _PYTEST_SHORT.match(line)
        if verbose:
            name, word, message = verbose.group(1), verbose.group(2), ""
        elif short and re.search(r"\.\w+\b|::", short.group(2)) and not short.group(2).startswith("["):
            word, name, message = short.group(1), short.group(2), short.group(3) or ""
        else:
            continue
        details = details_of.get(name.split("::", 1)[-1].replace("::", "."), details_of.get(name, ""))
        results[name] = TestResult(id=name, outcome=_PYTEST_WORDS[word], message=message, details=details)
    counts: Counter[TestOutcome] = Counter(result.outcome for result in results.values())
    totals = _PYTEST_TOTAL.findall(text)
    if totals:
        said = Counter[TestOutcome]()
        for number, word in re.findall(r"(\d+) ([a-z]+)", totals[-1]):
            if word in _PYTEST_COUNTED:
                said[_PYTEST_COUNTED[word]] += int(number)
        counts = said
    problem = _PYTEST_PROBLEM.search(text)
    return TestReport(
        runner=runner,
        results=tuple(results.values()),
        counts=dict(counts),
        exit_code=exit_code,
        problem=problem.group()[:300] if problem and exit_code != 0 else "",
    )


_CASE = re.compile(r"^(\w+) \(([\w.<>]+)\)(?: [\[(].*?[\])])?(?: \.\.\. ?(.*))?$")
_STATUS = re.compile(r"^(?:.* \.\.\. ?)?(ok|FAIL|ERROR|skipped .*|expected failure|unexpected success)$")
_SECTION = re.compile(r"^(FAIL|ERROR): (.+)$")
_RAN = re.compile(r"^Ran (\d+) tests? in ([\d.]+)s", re.MULTILINE)
_ENDED = re.compile(r"^(?:OK|FAILED|NO TESTS RAN)(?: \(([^)]*)\))?$", re.MULTILINE)
_UNITTEST_COUNTED = {
    "failures": TestOutcome.FAILED,
    "errors": TestOutcome.ERROR,
    "skipped": TestOutcome.SKIPPED,
    "expected failures": TestOutcome.XFAILED,
    "unexpected successes": TestOutcome.XPASSED,
}


def parse_unittest(text: str, runner: Runner, exit_code: int | None) -> TestReport:
    """Read the verbose text of unittest or of Django's runner; its last lines give the counts."""
    results = {result.id: result for result in _unittest_lines(text)}
    for name, outcome, details in _unittest_sections(text):
        old = results.get(name)
        message = details.rstrip().splitlines()[-1].strip()[:300] if details.strip() else ""
        title = old.title if old else ""
        results[name] = TestResult(id=name, outcome=outcome, message=message, details=details, title=title)
    counts = Counter(result.outcome for result in results.values())
    ran, ended = _RAN.search(text), _ENDED.search(text)
    if ran:
        said = Counter[TestOutcome]()
        for word, number in re.findall(r"([a-z ]+)=(\d+)", (ended.group(1) or "") if ended else ""):
            if word.strip() in _UNITTEST_COUNTED:
                said[_UNITTEST_COUNTED[word.strip()]] = int(number)
        # Errors of class and module fixtures are not among the tests that unittest says it ran.
        fixtures = sum(1 for result in results.values() if result.id.startswith(("setUp", "tearDown")))
        said[TestOutcome.PASSED] = max(0, int(ran.group(1)) - sum(said.values()) + fixtures)
        counts = said
    return TestReport(
        runner=runner,
        results=tuple(results.values()),
        counts={outcome: number for outcome, number in counts.items() if number},
        exit_code=exit_code,
    )


def _unittest_lines(text: str) -> Iterator[TestResult]:
    """`test_a (mod.Case) ... ok`; the title and the status may stand on later lines, after the test's own output."""
    pending, title = "", ""
    for line in text.splitlines():
        case = _CASE.match(line)
        if case:
            pending, title = _unittest_id(case.group(1), case.group(2)), ""
        status = _STATUS.match(line)
        if not pending:
            continue
        if status:
            if not case and " ... " in line:
                title = line.rsplit(" ... ", 1)[0].strip()
            yield TestResult(id=pending, outcome=_unittest_outcome(status.group(1)), title=title)
            pending = ""
        elif not case and not title and " ... " in line:
            title = line.rsplit(" ... ", 1)[0].strip()


def _unittest_id(name: str, owner: str) -> str:
    if "unittest.loader._FailedTest" in owner:  # a module or a test that is not there
        return name
    if name.startswith(("setUp", "tearDown")):
        return f"{name} ({owner})"
    return dotted(f"{name} ({owner})")


def _unittest_outcome(status: str) -> TestOutcome:
    if status.startswith("skipped"):
        return TestOutcome.SKIPPED
    return {
        "ok": TestOutcome.PASSED,
        "FAIL": TestOutcome.FAILED,
        "ERROR": TestOutcome.ERROR,
        "expected failure": TestOutcome.XFAILED,
        "unexpected success": TestOutcome.XPASSED,
    }[status]


def _unittest_sections(text: str) -> Iterator[tuple[str, TestOutcome, str]]:
    for block in re.split(r"^={70}\n", text, flags=re.MULTILINE)[1:]:
        heading, _, rest = block.partition("\n")
        found = _SECTION.match(heading)
        if not found:
            continue
        word, name = found.groups()
        case = re.match(r"(\w+) \(([\w.<>]+)\)", name)
        if case:
            name = _unittest_id(case.group(1), case.group(2))
        details = re.split(r"^-{70}\n", rest, maxsplit=1, flags=re.MULTILINE)[-1]
        details = re.split(r"^-{70}\nRan \d+ test", details, maxsplit=1, flags=re.MULTILINE)[0]
        yield name, TestOutcome.FAILED if word == "FAIL" else TestOutcome.ERROR, details.strip("\n")


_SYMPY_FILE = re.compile(r"^(\S+\.py)\[(\d+|\?)\]")
_SYMPY_TEST = re.compile(r"^(test\w*) (?:.* )??(ok|f|F|E|X|s|T|w|K)(?:\s+\[(?:OK|FAIL)\])?$")
_SYMPY_OUTCOME = {
    "ok": TestOutcome.PASSED,
    "F": TestOutcome.FAILED,
    "E": TestOutcome.ERROR,
    "K": TestOutcome.ERROR,
    "f": TestOutcome.XFAILED,
    "X": TestOutcome.XPASSED,
}
_SYMPY_RULE = re.compile(r"^(_{70,}|=+ .* =+|\s*tests finished: .*)$")
_SYMPY_HEADING = re.compile(r"^_+ (\S+\.py)(?::(\w+))? _+$")


def parse_sympy(text: str, runner: Runner, exit_code: int | None) -> TestReport:
    """Read the verbose text of sympy's `bin/test`."""
    details = sections(text, _SYMPY_HEADING, _SYMPY_RULE)
    results: list[TestResult] = []
    file, broken = "", []
    for line in text.splitlines():
        found = _SYMPY_FILE.match(line)
        if found:
            file = found.group(1)
            if "Failed to import" in line:
                broken.append(file)
        test = _SYMPY_TEST.match(line)
        if test and file:
            name = f"{file}::{test.group(1)}"
            section = details.get(name, "")
            results.append(
                TestResult(
                    id=name,
                    outcome=_SYMPY_OUTCOME.get(test.group(2), TestOutcome.SKIPPED),
                    message=section.rstrip().splitlines()[-1].strip()[:300] if section.strip() else "",
                    details=section,
                )
            )
    for name in broken:
        section = next((value for key, value in details.items() if key.endswith(name)), "")
        results.append(
            TestResult(id=name, outcome=TestOutcome.ERROR, message="the file cannot be imported", details=section)
        )
    return TestReport.of(runner, results, exit_code=exit_code)
