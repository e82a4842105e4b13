"""Parse reports of jest, vitest, mocha and TAP."""

import json
import re
from collections.abc import Iterator
from typing import Any

from sweagent.printable import first_line
from sweagent.testing.report import Runner, TestOutcome, TestReport, TestResult

_JEST_OUTCOME = {"passed": TestOutcome.PASSED, "failed": TestOutcome.FAILED}


def parse_jest(text: str, runner: Runner, exit_code: int | None) -> TestReport:
    """Read the JSON of jest or vitest; a file that could not be loaded is an error by its own name."""
    data = _json_object(text)
    results: list[TestResult] = []
    for file in _dicts(data.get("testResults")):
        path, cases = str(file.get("name", "")), list(_dicts(file.get("assertionResults")))
        for case in cases:
            details = "\n".join(str(message) for message in case.get("failureMessages") or ())
            results.append(
                TestResult(
                    id=f"{path}::{case.get('fullName') or case.get('title', '')}",
                    outcome=_JEST_OUTCOME.get(str(case.get("status")), TestOutcome.SKIPPED),
                    message=first_line(details),
                    details=details,
                    seconds=float(case.get("duration") or 0) / 1000,
                )
            )
        if not cases and file.get("status") == "failed":
            details = str(file.get("message", ""))
            results.append(TestResult(id=path, outcome=TestOutcome.ERROR, message=first_line(details), details=details))
    return TestReport.of(runner, results, exit_code=exit_code)


def parse_mocha(text: str, runner: Runner, exit_code: int | None) -> TestReport:
    """Read the JSON of mocha."""
    data = _json_object(text)
    pending = {str(case.get("fullTitle")) for case in _dicts(data.get("pending"))}
    results = []
    for case in _dicts(data.get("tests")):
        error, title = case.get("err") or {}, str(case.get("fullTitle", ""))
        bad = isinstance(error, dict) and bool(error)
        skipped = TestOutcome.SKIPPED if title in pending else TestOutcome.PASSED
        results.append(
            TestResult(
                id="::".join(part for part in (str(case.get("file") or ""), title) if part),
                outcome=TestOutcome.FAILED if bad else skipped,
                message=first_line(str(error.get("message", ""))) if bad else "",
                details=str(error.get("stack") or error.get("message", "")) if bad else "",
                seconds=float(case.get("duration") or 0) / 1000,
            )
        )
    return TestReport.of(runner, results, exit_code=exit_code)


_TAP_LINE = re.compile(r"^( *)(not ok|ok)\b *(\d+)?(?: *-)? *(.*?)(?: *# *(SKIP|TODO)\b *(.*))?$", re.IGNORECASE)
_TAP_SUBTEST = re.compile(r"^( *)# Subtest: (.*)$")


def parse_tap(text: str, runner: Runner, exit_code: int | None) -> TestReport:
    """Read TAP, also with indented subtests as `node --test` writes them.

    A line that closes subtests is a group, not a test; it counts only when it fails and none of its tests did.
    """
    names: dict[int, str] = {}
    inner: dict[int, bool] = {}  # by indentation: the lines deeper than it since its last line; whether one was bad
    results: list[TestResult] = []
    lines = text.splitlines()
    for index, line in enumerate(lines):
        subtest = _TAP_SUBTEST.match(line)
        if subtest:
            names[len(subtest.group(1))] = subtest.group(2)
            continue
        found = _TAP_LINE.match(line)
        if not found:
            continue
        depth, bad, title = len(found.group(1)), found.group(2).lower() == "not ok", found.group(4)
        bad = bad and not found.group(5)
        deeper = [inner.pop(level) for level in list(inner) if level > depth]
        if not deeper or (bad and not any(deeper)):
            path = [names[level] for level in sorted(names) if level < depth]
            details = _tap_details(lines[index + 1 :], depth) if bad else ""
            skipped = TestOutcome.SKIPPED if found.group(5) else TestOutcome.PASSED
            results.append(
                TestResult(
                    id=" > ".join([*path, title or f"test {found.group(3)}"]),
                    outcome=TestOutcome.FAILED if bad else skipped,
                    message=_tap_message(details) if bad else found.group(6) or "",
                    details=details,
                )
            )
        inner[depth] = inner.get(depth, False) or bad
        for level in [level for level in names if level >= depth]:
            del names[level]
    return TestReport.of(runner, results, exit_code=exit_code)


def _tap_details(lines: list[str], depth: int) -> str:
    """The YAML block that follows a failing line."""
    block: list[str] = []
    for line in lines:
        if not block and line.strip() != "---":
            break
        if line.strip() == "...":
            break
        block.append(line[depth + 2 :])
    return "\n".join(block[1:])


def _tap_message(details: str) -> str:
    found = re.search(r"^(?:error|message): (?:\|-?((?:\n[ \t]+.*|\n(?=\n))+)|(.*)$)", details, re.MULTILINE)
    if found is None:
        return ""
    lines = [line.strip() for line in (found.group(1) or found.group(2)).splitlines() if line.strip()]
    # What stands behind a colon are the values.
    return " ".join(lines if lines and lines[0].endswith(":") else lines[:1]).strip(" '\"")[:300]


_SPEC_LINE = re.compile(r"^\s*(?:(✓|✔|√|✕|✗|✖|×)|(\d+)\)) +(.+?)(?: +\(?[\d.]+ ?m?s\)?)?$")
_SPEC_COUNTS = (
    (re.compile(r"^\s*(\d+) passing\b", re.M), TestOutcome.PASSED),
    (re.compile(r"^\s*(\d+) failing\b", re.M), TestOutcome.FAILED),
    (re.compile(r"^\s*(\d+) pending\b", re.M), TestOutcome.SKIPPED),
    (re.compile(r"^\s*Tests:?\b.*?(\d+) passed", re.M), TestOutcome.PASSED),
    (re.compile(r"^\s*Tests:?\b.*?(\d+) failed", re.M), TestOutcome.FAILED),
    (re.compile(r"^\s*Tests:?\b.*?(\d+) skipped", re.M), TestOutcome.SKIPPED),
    (re.compile(r"^[ℹ#] pass (\d+)$", re.M), TestOutcome.PASSED),
    (re.compile(r"^[ℹ#] fail (\d+)$", re.M), TestOutcome.FAILED),
    (re.compile(r"^[ℹ#] skipped (\d+)$", re.M), TestOutcome.SKIPPED),
)


def parse_spec(text: str, runner: Runner, exit_code: int | None) -> TestReport:
    """Read the list that mocha, jest, vitest and node print for people: marks, names and totals."""
    results: dict[str, TestResult] = {}
    for line in text.splitlines():
        found = _SPEC_LINE.match(line)
        if found:
            good = (found.group(1) or "✕") in "✓✔√"
            name = found.group(3).rstrip(":")
            results.setdefault(name, TestResult(id=name, outcome=TestOutcome.PASSED if good else TestOutcome.FAILED))
    said: dict[TestOutcome, int] = {}
    for pattern, outcome in _SPEC_COUNTS:
        for number in pattern.findall(text)[-1:]:
            if int(number):
                said[outcome] = int(number)
    report = TestReport.of(runner, results.values(), exit_code=exit_code)
    return report.model_copy(update={"counts": said}) if said else report


def _json_object(text: str) -> dict[str, Any]:
    """The JSON object in a text that may begin with other output; empty when there is none."""
    decoder = json.JSONDecoder()
    for found in re.finditer(r"^\{", text, re.MULTILINE):
        try:
            value, _ = decoder.raw_decode(text, found.start())
        except ValueError:
            continue
        if isinstance(value, dict) and ("testResults" in value or "stats" in value):
            return value
    return {}


def _dicts(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))
