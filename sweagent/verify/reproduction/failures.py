"""Tell whether a reproduction fails for the issue's reason."""

import re
from collections.abc import Collection, Iterable
from pathlib import PurePosixPath

from sweagent.testing import Runner, TestOutcome, TestResult
from sweagent.verify.runs.side_runner import CommandResult

_RAISED = re.compile(r"^(?:E\s+)?((?:\w+\.)*\w*(?:Error|Exception|Exit|Interrupt|Warning|Failed)\b)(?:: (.*))?$", re.M)
_FRAME = re.compile(r'^(?:\s*File "([^"\n]+)", line \d+|([^\s:][^:\n]*\.py):\d+:)', re.M)
_PLACE = re.compile(r'^\s*File "([^"\n]+)", line \d+, in (\S+)', re.M)
_CONFTEST = re.compile(r"ImportError while loading conftest '([^'\n]+)'")
_MISSING_MODULE = re.compile(r"No module named '?([\w.]+)'?")
_NO_NETWORK = re.compile(
    r"gaierror|[Nn]ame resolution|Name or service not known|nodename nor servname|[Nn]etwork is unreachable"
    r"|getaddrinfo (?:ENOTFOUND|EAI_AGAIN)|ENETUNREACH"
)
_END = 1000
"""Characters at the end of a traceback, where its own exception stands."""
_ABSENT = re.compile(
    r"""AttributeError:.*has\ no\ attribute\ '(\w+)' | ImportError:\ cannot\ import\ name\ '?(\w+)
      | NameError:\ name\ '(\w+)'\ is\ not\ defined | TypeError:.*unexpected\ keyword\ argument\ '(\w+)'
      | TypeError:\ (?:[\w.]+\.)?(\w+)\ is\ not\ a\ function | ReferenceError:\ (\w+)\ is\ not\ defined
      | SyntaxError:.*does\ not\ provide\ an\ export\ named\ '(\w+)'""",
    re.VERBOSE,
)
_ERROR = re.compile(r"^(?:failed: )?(?:E\s+)?((?:\w+\.)*\w*(?:Error|Exception|Exit|Warning))\b")
_CHANGING = re.compile(r"0x[0-9a-f]+|\b\d+\.\d+ ?m?s\b|(?:/[\w.-]+)+/")
_INDENTED_FRAME = re.compile(r'\s+(File "|at )')
_NOT_STARTED = {126: "its command may not be executed", 127: "its command is not there"}
_PYTEST_EXITS = {3: "the test runner failed", 4: "the test runner was used wrongly", 5: "no test was found"}


def lacking(run: CommandResult, results: Iterable[TestResult], path: str, own: frozenset[str]) -> str:
    """Say what the environment lacks, when that is why a run came to nothing; empty when it is not.

    Args:
        run: the failed run.
        results: its failed tests.
        path: the reproduction's file; what it imports for itself is its own affair. Empty for none such.
        own: the top-level names of the work tree's modules.
    """
    failed = list(results)
    texts = [f"{item.message}\n{item.details}" for item in failed] or [run.completed.output]
    found = [_lacking_in(text, path, own) for text in texts]
    if found and all(found):
        return found[0]
    conftest = None if failed else _CONFTEST.search(run.completed.output)
    if conftest:
        kind, message = (_RAISED.findall(run.completed.output) or [("an error", "")])[-1]
        return f"{conftest.group(1)} cannot be loaded here: {_joined(kind, message)}"
    return ""


def _lacking_in(text: str, path: str, own: frozenset[str]) -> str:
    raised = _RAISED.findall(text)
    missing = _MISSING_MODULE.search(raised[-1][1]) if raised else None
    if missing is None or not raised[-1][0].endswith(("ModuleNotFoundError", "ImportError")):
        return ""
    module = missing.group(1)
    importer = next(iter(_frames(text)[-1:]), "")
    if module.split(".")[0] not in own:
        if not importer or PurePosixPath(importer).name == PurePosixPath(path).name:
            return ""
        return (
            f"the environment lacks the module `{module}`, which {importer} imports: install what provides it "
            "(`--setup-command 'pip install …'` when the environment is built)"
        )
    if "." in module:
        return ""
    return (
        f"the work tree's own module `{module}` is not on the import path: install the project in editable mode "
        "(`pip install -e .`), or set PYTHONPATH"
    )


def not_started(run: CommandResult, path: str) -> str:
    """Say why a run did not come to the reproduction at all; empty when it did.

    Args:
        run: the failed run.
        path: the reproduction's file.
    """
    done = run.completed
    if done.exit_code in _NOT_STARTED and run.job.runner is None:
        return _NOT_STARTED[done.exit_code]
    if re.search(rf"(can't open file|[Nn]o such file|not found).*{re.escape(PurePosixPath(path).name)}", done.output):
        return "its own file was not found"
    if run.job.runner is Runner.PYTEST and not run.report.failures and done.exit_code in _PYTEST_EXITS:
        return f"{_PYTEST_EXITS[done.exit_code]}: {run.report.problem}"
    return ""


def wants_network(results: Iterable[TestResult]) -> bool:
    """Whether there are failed tests, and each of them failed because it reached no host."""
    failed = [item for item in results if item.outcome.bad]
    return bool(failed) and all(_NO_NETWORK.search(f"{item.message}\n{item.details[-_END:]}") for item in failed)


def misfit(
    run: CommandResult,
    path: str,
    issue_text: str,
    results: Iterable[TestResult] = (),
    added_names: Collection[str] = (),
) -> str:
    """Say why a failure on the base does not belong to the issue; empty when it may.

    Args:
        run: the failed run.
        path: the reproduction's file.
        issue_text: what it names (an import, a missing file) can be the issue's own reason.
        results: the failed tests, when the run was one of tests.
        added_names: names that the patch adds; that one of them is not there yet shows an issue that names it only.
    """
    failed = list(results)
    if reason := not_started(run, path):
        return reason
    if run.job.runner is not None and not failed and not run.report.ran:
        return run.report.problem or "no test ran"
    texts = [f"{item.message}\n{item.details}" for item in failed] or [run.completed.output]
    reasons = [_of_text(text, path, issue_text) or _of_absence(text, issue_text, added_names) for text in texts]
    if failed and not any(reasons):
        runner = run.job.runner
        reasons = ["" if _in_body(item, runner) or _named_error(item, issue_text) else _error(item) for item in failed]
    return "" if not all(reasons) else reasons[0]


def _in_body(item: TestResult, runner: Runner | None) -> bool:
    """Whether a failure arose in the body of a test: SymPy, too, calls every exception but an assertion an error."""
    return item.outcome is not TestOutcome.ERROR or (runner is Runner.SYMPY and "::" in item.id)


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
    frames = _frames(text)
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


def _of_absence(text: str, issue_text: str, added_names: Collection[str]) -> str:
    """Why a failure is no more than that a name is missing which the patch adds and the issue does not name."""
    raised = _RAISED.findall(text)
    found = _ABSENT.search(f"{raised[-1][0]}: {raised[-1][1]}") if raised else None
    name = next(filter(None, found.groups()), "") if found else ""
    if name not in added_names or re.search(rf"(?<!\w){re.escape(name)}(?!\w)", issue_text):
        return ""
    return f"only the name `{name}` is missing, which the patch adds and the issue does not tell of"


def _frames(text: str) -> list[str]:
    return [first or second for first, second in _FRAME.findall(text)]


def _about_import(message: str, issue_text: str) -> bool:
    if re.search(r"\b(ImportError|ModuleNotFoundError|circular import)\b", issue_text):
        return True
    missing = re.search(r"cannot import name '?(\w+)'?", message)
    return bool(missing) and re.search(rf"\b{missing.group(1)}\b", issue_text) is not None if missing else False


def _mentioned(message: str, issue_text: str) -> bool:
    names = re.findall(r"'([^']+)'", message)
    return any(PurePosixPath(name).name in issue_text for name in names if name)


def _joined(kind: str, message: str) -> str:
    return f"{kind}: {message}" if message else kind


def said(run: CommandResult, results: Iterable[TestResult] = ()) -> str:
    """One line on what a run that failed came to."""
    failed = [item for item in results if item.outcome.bad]
    if failed:
        return f"failed: {failed[0].message or failed[0].id}"[:300]
    if run.job.runner is not None and not run.report.ran:
        return run.report.problem or "no test ran"
    raised = _RAISED.findall(run.completed.output)
    last = _joined(*raised[-1]) if raised else ""
    return f"failed: {last or f'exit status {run.completed.exit_code}'}"[:300]


def end_of(run: CommandResult) -> tuple[str, str, str]:
    """The error that a run ends in: its kind, its message, and the function and file in which it arose.

    Returns:
        Empty words where no error ended it.
    """
    raised = _RAISED.findall(run.completed.output)
    places = _PLACE.findall(run.completed.output)
    if not raised or run.completed.exit_code == 0:
        return "", "", ""
    file, function = places[-1] if places else ("", "")
    return raised[-1][0], raised[-1][1], f"{function} in {PurePosixPath(file).name}"


def words_of_failures(run: CommandResult) -> dict[str, str]:
    """What failed, by id, each with the words of the failure in full; a script is one test without a name."""
    if run.job.runner is None:
        return {"": said(run)} if run.completed.exit_code else {}
    return {item.id: _words(item) for item in run.report.failures}


def _words(item: TestResult) -> str:
    """The words of a failure, without frames, folders, times and addresses."""
    lines = item.details.splitlines()
    shown = [line for line in lines if line.startswith("E  ")]
    if not shown:
        frames = [place for place, line in enumerate(lines) if _INDENTED_FRAME.match(line)]
        last_of_python = frames and lines[frames[-1]].lstrip().startswith("File")
        rest = lines[frames[-1] + 1 :] if last_of_python else lines[: frames[0]] if frames else []
        shown = [line for line in rest if line.strip() and not (last_of_python and line.startswith("    "))]
    return _CHANGING.sub("", "\n".join(shown) or item.message)


def kind_of_error(words: str) -> str:
    """The kind of error that the words of a failure begin with; empty for a failed assertion."""
    found = _ERROR.match(words)
    name = found.group(1).rpartition(".")[2] if found else ""
    return "" if name == "AssertionError" else name
