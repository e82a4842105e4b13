"""The reports of `go test -json` and `cargo test`."""

import json
import re
from collections import defaultdict

from sweagent.testing.report import Runner, TestOutcome, TestReport, TestResult
from sweagent.testing.sections import sections

_GO_OUTCOME = {"pass": TestOutcome.PASSED, "fail": TestOutcome.FAILED, "skip": TestOutcome.SKIPPED}
_GO_NOISE = re.compile(r"^\s*(=== (RUN|PAUSE|CONT|NAME)|--- (FAIL|PASS|SKIP):)")


def parse_go(text: str, runner: Runner, exit_code: int | None) -> TestReport:
    """Read `go test -json`: one event a line, between lines of the build that are not JSON.

    A package that failed without a failing test (it does not compile, or it crashed) is an error by its own name. Of
    tests with subtests all are reported, as Go does.
    """
    output: dict[tuple[str, str], list[str]] = defaultdict(list)
    results: list[TestResult] = []
    failed_packages: set[str] = set()
    other: list[str] = []
    for line in text.splitlines():
        event = _object(line)
        if event is None:
            other.append(line)
            continue
        package, test = str(event.get("Package") or event.get("ImportPath") or ""), str(event.get("Test") or "")
        action = event.get("Action")
        if action in ("output", "build-output"):
            output[package, test].append(str(event.get("Output", "")))
        elif action in _GO_OUTCOME and test:
            lines = [entry for entry in output[package, test] if not _GO_NOISE.match(entry)]
            details = "".join(lines).strip("\n")
            seconds = event.get("Elapsed")
            results.append(
                TestResult(
                    id=f"{package}::{test}",
                    outcome=_GO_OUTCOME[action],
                    message=next((entry.strip() for entry in lines if entry.strip()), "")[:300],
                    details=details,
                    seconds=float(seconds) if isinstance(seconds, int | float) else 0.0,
                )
            )
        elif action == "fail":
            failed_packages.add(package)
    blamed = {result.id.split("::")[0] for result in results if result.outcome.bad}
    for package in sorted(failed_packages - blamed):
        printed = [
            line for (name, test), lines in output.items() if name.startswith(package) and not test for line in lines
        ]
        details = "".join(printed).strip("\n") or "\n".join(other[-40:])
        message = next((line.strip() for line in details.splitlines() if line.strip()), "the package failed")
        results.append(TestResult(id=package, outcome=TestOutcome.ERROR, message=message[:300], details=details))
    return TestReport.of(runner, results, exit_code=exit_code)


def _object(line: str) -> dict[str, object] | None:
    if not line.startswith("{"):
        return None
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) and "Action" in value else None


_CARGO_TEST = re.compile(r"^test (.+?)(?: - should panic)? \.\.\. (ok|FAILED|ignored)\b,?\s*(.*)$")
_CARGO_SECTION = re.compile(r"^---- (.+?) stdout ----$")
_CARGO_RULE = re.compile(r"^failures:$")
_CARGO_PROBLEM = re.compile(r"^error(?:\[E\d+\])?: .*$", re.MULTILINE)
_CARGO_OUTCOME = {"ok": TestOutcome.PASSED, "FAILED": TestOutcome.FAILED, "ignored": TestOutcome.SKIPPED}


def parse_cargo(text: str, runner: Runner, exit_code: int | None) -> TestReport:
    """Read the text of `cargo test`: one line a test, and a section for each failure."""
    details = sections(text, _CARGO_SECTION, _CARGO_RULE)
    results = []
    for line in text.splitlines():
        found = _CARGO_TEST.match(line)
        if found:
            name, word, reason = found.groups()
            section = details.get(name, "")
            panicked = re.search(r"panicked at (.*)(?:\n(.*))?", section)
            results.append(
                TestResult(
                    id=name,
                    outcome=_CARGO_OUTCOME[word],
                    message=(" ".join(panicked.group().split("\n")) if panicked else reason)[:300],
                    details=section,
                )
            )
    problem = _CARGO_PROBLEM.search(text) if not results else None
    return TestReport.of(runner, results, exit_code=exit_code, problem=problem.group()[:300] if problem else "")
