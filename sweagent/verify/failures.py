"""Why a reproduction failed: for the issue's reason, or for one of its own?"""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from sweagent.testing import Runner, TestOutcome, TestResult
from sweagent.verify.bench import Run

_RAISED = re.compile(r"^(?:E\s+)?((?:\w+\.)*\w*(?:Error|Exception|Exit|Interrupt|Warning|Failed)\b)(?:: (.*))?$", re.M)
_FRAME = re.compile(r'^(?:\s*File "([^"\n]+)", line \d+|([^\s:][^:\n]*\.py):\d+:)', re.M)
_HANGS = re.compile(
    r"\b(hangs?|hanging|infinite|forever|never (ends|returns|terminates|finishes)|dead-?lock|freez)", re.I
)
_NOT_STARTED = {126: "its command may not be executed", 127: "its command is not there"}
_PYTEST_EXITS = {3: "the test runner failed", 4: "the test runner was used wrongly", 5: "no test was found"}


def misfit(run: Run, path: str, issue_text: str, results: Iterable[TestResult] = ()) -> str:
    """Say why a failure on the base does not belong to the issue; empty when it may.

    Args:
        run: the failed run.
        path: the reproduction's file.
        issue_text: what it names (an import, a missing file) can be the issue's own reason.
        results: the failed tests, when the run was one of tests.
    """
    done = run.completed
    if done.exit_code in _NOT_STARTED and run.job.runner is None:
        return _NOT_STARTED[done.exit_code]
    if re.search(rf"(can't open file|[Nn]o such file|not found).*{re.escape(PurePosixPath(path).name)}", done.output):
        return "its own file was not found"
    failed = list(results)
    if run.job.runner is Runner.PYTEST and not failed and done.exit_code in _PYTEST_EXITS:
        return f"{_PYTEST_EXITS[done.exit_code]}: {run.report.problem}"
    if run.job.runner is not None and not failed and not run.report.ran:
        return run.report.problem or "no test ran"
    texts = [f"{item.message}\n{item.details}" for item in failed] or [done.output]
    reasons = [_of_text(text, path, issue_text) for text in texts]
    if failed and all(item.outcome is TestOutcome.ERROR for item in failed) and not any(reasons):
        reasons = ["" if _named_error(item, issue_text) else _error(item) for item in failed]
    return "" if not all(reasons) else reasons[0]


def tells_of_a_hang(issue_text: str) -> bool:
    """Whether not coming to an end can be what the issue is about."""
    return _HANGS.search(issue_text) is not None


def _error(item: TestResult) -> str:
    return f"it failed outside of the test's body: {item.message}"


def _named_error(item: TestResult, issue_text: str) -> bool:
    raised = _RAISED.findall(f"{item.details}\n{item.message}")
    return any(kind.rsplit(".", 1)[-1] in issue_text for kind, _ in raised)


def _of_text(text: str, path: str, issue_text: str) -> str:
    if re.search(r"fixture '[^']+' not found", text):
        return "it asks for a fixture that is not there"
    raised = _RAISED.findall(text)
    if not raised:
        return ""
    kind, message = raised[-1][0].rsplit(".", 1)[-1], raised[-1][1]
    frames = [first or second for first, second in _FRAME.findall(text)]
    own = bool(frames) and PurePosixPath(frames[-1]).name == PurePosixPath(path).name
    if kind in ("SyntaxError", "IndentationError", "TabError") and own:
        return f"it is not valid code: {kind}: {message}"
    if kind in ("ImportError", "ModuleNotFoundError") and not _about_import(message, issue_text):
        return f"it could not import what it needs: {message}"
    if kind == "NameError" and own and not _mentioned(message, issue_text):
        return f"it uses a name that it does not define: {message}"
    if kind == "FileNotFoundError" and own and not _mentioned(message, issue_text):
        return f"a file that it needs is missing: {message}"
    return ""


def _about_import(message: str, issue_text: str) -> bool:
    if re.search(r"\b(ImportError|ModuleNotFoundError|circular import)\b", issue_text):
        return True
    missing = re.search(r"cannot import name '?(\w+)'?", message)
    return bool(missing) and re.search(rf"\b{missing.group(1)}\b", issue_text) is not None if missing else False


def _mentioned(message: str, issue_text: str) -> bool:
    names = re.findall(r"'([^']+)'", message)
    return any(PurePosixPath(name).name in issue_text for name in names if name)


def said(run: Run, results: Iterable[TestResult] = ()) -> str:
    """One line on what a run came to."""
    failed = [item for item in results if item.outcome.bad]
    if run.completed.timed_out:
        return "timed out"
    if failed:
        return f"failed: {failed[0].message or failed[0].id}"[:300]
    if run.job.runner is not None and not run.report.ran:
        return run.report.problem or "no test ran"
    if run.completed.exit_code == 0 or run.report.ran:
        return "passed"
    raised = _RAISED.findall(run.completed.output)
    last = ": ".join(part for part in raised[-1] if part) if raised else ""
    return f"failed: {last or f'exit status {run.completed.exit_code}'}"[:300]
