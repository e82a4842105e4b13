"""Printed text of Python's test runners: pytest, unittest and Django, SymPy."""

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
_PYTEST_OF_WORKER = re.compile(rf"^\[gw\d+\](?: \[\s*\d+%\])? ({_WORDS}) (\S.*?::.*)$")
_PYTEST_TOTAL = re.compile(r"^=*\s*((?:\d+ [a-z]+(?:, )?)+) in [\d.:]+ ?s?\w*.*$", re.MULTILINE)
_PYTEST_HEADING = re.compile(r"^_{3,} (?:ERROR (?:at (?:setup|teardown) of|collecting) )?(.+?) _{3,}$")
_PYTEST_RULE = re.compile(r"^={3,} .* ={3,}$")
_PYTEST_PROBLEM = re.compile(
    r"^(?:ERROR: .*|ImportError while loading conftest .*|INTERNALERROR> \w*Error.*)$", re.MULTILINE
)


_PYTEST_PROGRESS = re.compile(r"^(?:\S+\.\w+ )?([.FEsxX]+)(?:\s+\[\s*\d+%\])?$", re.MULTILINE)
_PYTEST_LETTERS = {
    ".": TestOutcome.PASSED,
    "F": TestOutcome.FAILED,
    "E": TestOutcome.ERROR,
    "s": TestOutcome.SKIPPED,
    "x": TestOutcome.XFAILED,
    "X": TestOutcome.XPASSED,
}


def _pytest_progress(text: str) -> Counter[TestOutcome]:
    """The outcomes of a terse run that was ended: a letter for each test that had ended."""
    return Counter(_PYTEST_LETTERS[letter] for letters in _PYTEST_PROGRESS.findall(text) for letter in letters)


def parse_pytest(text: str, runner: Runner, exit_code: int | None) -> TestReport:
    """Read pytest's text: verbose lines, the short summary, the failures' sections, and the line of totals."""
    details_of = sections(text, _PYTEST_HEADING, _PYTEST_RULE)
    results: dict[str, TestResult] = {}
    for line in text.splitlines():
        verbose, short, of_worker = (
            pattern.match(line) for pattern in (_PYTEST_VERBOSE, _PYTEST_SHORT, _PYTEST_OF_WORKER)
        )
        if of_worker:
            word, name, message = of_worker.group(1), of_worker.group(2).rstrip(), ""
        elif verbose:
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
    elif exit_code is None and not counts:
        counts = _pytest_progress(text)
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
_STATUS_BEHIND = re.compile(r"(ok|FAIL|ERROR)$")
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
    """Read the verbose text of unittest or of Django's runner.

    Its last lines tell of failures once for each subtest; here a test counts once, as in a run without subtests.
    """
    lines = {result.id: result for result in _unittest_lines(text)}
    failures: dict[str, TestResult] = {}
    missing = ""
    for name, outcome, details in _unittest_sections(text):
        message = details.rstrip().splitlines()[-1].strip()[:300] if details.strip() else ""
        if is_missing(name, message, details):
            missing = missing or f"there is no such test: {message}"
            lines.pop(name, None)
        elif name not in failures or outcome.worse_than(failures[name].outcome):
            title = lines[name].title if name in lines else ""
            failures[name] = TestResult(id=name, outcome=outcome, message=message, details=details, title=title)
    ran, ended = _RAN.search(text), _ENDED.search(text)
    if ended:
        # Each failure has a section of its own at the end; a bad word without one stems from lines that ran together.
        lines = {name: result for name, result in lines.items() if name in failures or not result.outcome.bad}
    results = {**lines, **failures}
    counts = Counter(result.outcome for result in results.values())
    if ran:
        fixtures = sum(1 for name in results if name.startswith(("setUp", "tearDown")))
        unnamed = int(ran.group(1)) - (len(results) - fixtures)
        if unnamed > 0:
            counts += _unnamed(unnamed, counts, ended.group(1) or "" if ended else "")
    return TestReport(
        runner=runner,
        results=tuple(in_the_body(result) for result in results.values()),
        counts=dict(+_recounted(counts, results)),
        exit_code=exit_code,
        problem=missing,
    )


def _unnamed(number: int, named: Counter[TestOutcome], totals: str) -> Counter[TestOutcome]:
    """The outcomes of tests that a terse text counts and does not name; those that failed are named."""
    found = Counter[TestOutcome]()
    for word, count in re.findall(r"([a-z ]+)=(\d+)", totals):
        outcome = _UNITTEST_COUNTED.get(word.strip())
        if outcome and not outcome.bad:
            found[outcome] = min(number - found.total(), max(0, int(count) - named[outcome]))
    found[TestOutcome.PASSED] = number - found.total()
    return found


def _recounted(counts: Counter[TestOutcome], results: dict[str, TestResult]) -> Counter[TestOutcome]:
    """The counts with errors in a test's own body among the failures."""
    moved = sum(1 for result in results.values() if in_the_body(result).outcome is not result.outcome)
    return counts + Counter({TestOutcome.FAILED: moved}) - Counter({TestOutcome.ERROR: moved})


_NOT_IMPORTED = "Failed to import test module"
_MISSING = re.compile(r"AttributeError: .*has no attribute")


def is_missing(name: str, message: str, details: str) -> bool:
    """Whether a failure says that a test that was asked for does not exist; unittest calls that an error."""
    return name.isidentifier() and _MISSING.match(message) is not None and _NOT_IMPORTED not in details


_BEFORE_THE_BODY = re.compile(
    r"^\s*File .*, in (?:_?(?:async)?(?:[sS]etUp|[tT]earDown)\w*|_(?:pre|fixture)_setup|_(?:post|fixture)_teardown"
    r"|_call(?:SetUp|TearDown|Cleanup)|doCleanups|\w*[cC]leanup)$",
    re.MULTILINE,
)


def in_the_body(result: TestResult) -> TestResult:
    """A result of unittest in this project's words: only what fails outside of a test's body is an error.

    unittest calls every exception but an assertion an error.
    """
    if result.outcome is not TestOutcome.ERROR or not re.fullmatch(r"(?:[\w<>]+\.)+\w+", result.id):
        return result
    if "Traceback" not in result.details or _NOT_IMPORTED in result.details:
        return result
    method = result.id.rpartition(".")[2]
    in_method = re.search(rf"^\s*File .*, in {re.escape(method)}$", result.details, re.MULTILINE)
    if not in_method and _BEFORE_THE_BODY.search(result.details):
        return result
    return result.model_copy(update={"outcome": TestOutcome.FAILED})


def _unittest_lines(text: str) -> Iterator[TestResult]:
    """`test_a (mod.Case) ... ok`; the title and the status may stand on later lines, after the test's own output."""
    pending, title, before = "", "", ""
    for line in text.splitlines():
        case = _CASE.match(line)
        behind = _STATUS_BEHIND.search(before) if pending and (case or not line.strip()) else None
        if behind:  # it printed something without a line's end
            yield TestResult(id=pending, outcome=_unittest_outcome(behind.group(1)), title=title)
            pending = ""
        before = line
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
        case = re.match(r"([\w.]+) \(([\w.<>]+)\)", name)
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
