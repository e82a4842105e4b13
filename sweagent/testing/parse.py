"""Read a `TestReport` from report file, text and exit code."""

import re
from collections.abc import Callable

from sweagent.errors import UsageError
from sweagent.testing.compiled import parse_cargo, parse_go
from sweagent.testing.javascript import parse_jest, parse_mocha, parse_spec, parse_tap
from sweagent.testing.junit import parse_junit
from sweagent.testing.python import parse_pytest, parse_sympy, parse_unittest
from sweagent.testing.report import Runner, TestReport, TestResult
from sweagent.testing.witnessed import Witnessed

_TextParser = Callable[[str, Runner, int | None], TestReport]

_TEXT: dict[Runner, tuple[_TextParser, ...]] = {
    Runner.PYTEST: (parse_pytest,),
    Runner.UNITTEST: (parse_unittest,),
    Runner.DJANGO: (parse_unittest,),
    Runner.SYMPY: (parse_sympy,),
    Runner.GO: (parse_go,),
    Runner.CARGO: (parse_cargo,),
    Runner.JEST: (parse_jest, parse_spec),
    Runner.VITEST: (parse_jest, parse_spec),
    Runner.MOCHA: (parse_mocha, parse_spec),
    Runner.NODE: (parse_tap, parse_spec),
}
_FILE: dict[Runner, _TextParser] = {
    Runner.GO: parse_go,
    Runner.JEST: parse_jest,
    Runner.VITEST: parse_jest,
    Runner.MOCHA: parse_mocha,
    Runner.NODE: parse_tap,
}
_BY_FILE = (Runner.PYTEST, Runner.JEST, Runner.VITEST)
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_NOTHING = (
    re.compile(r"^(?:ERROR|E)[: ].{0,300}$", re.MULTILINE),
    re.compile(
        r"^.{0,200}(?:usage: |unrecognized arguments|no tests? (?:ran|found|to run|collected|matched)).*$", re.I | re.M
    ),
    re.compile(r"^\S*(?:Error|Exception|error\[E\d+\]|error)\b: .{0,300}$", re.MULTILINE),
)


def parse(
    runner: Runner,
    output: str,
    *,
    exit_code: int | None,
    report: str = "",
    workdir: str = "",
    witnessed: Witnessed | None = None,
) -> TestReport:
    """Read the outcome of a run of tests.

    The report file comes before what a witness saw, and that before the printed text, which tests can forge and which
    loses results where several processes print at once or the run is ended. A file that is missing or broken is not
    used.

    Args:
        runner: what ran the tests; of `UNKNOWN` every known text format is tried.
        output: what it printed.
        exit_code: of the command; None when it was ended at its deadline.
        report: the content of the report file of `command_for`, if there is one.
        workdir: the work tree in the sandbox. The tests' ids and files are given relative to it, whatever the runner
            takes for its root.
        witnessed: what a witness beside the runner saw; it knows the files of the tests.
    """
    text = _ANSI.sub("", output)
    watched = witnessed or Witnessed.of_output(text, workdir)
    found = _from_file(runner, report, exit_code, watched)
    if found is None:
        found = _from_text(runner, text, exit_code)
        found = found.model_copy(update={"results": tuple(watched.named(runner, item) for item in found.results)})
        found = watched.report(runner, found) if watched.ended else found
    else:
        found = found.model_copy(update={"results": tuple(_with_file(watched, runner, item) for item in found.results)})
    return _with_problem(watched.with_cut(found), text)


def _with_file(watched: Witnessed, runner: Runner, item: TestResult) -> TestResult:
    name = watched.path(item.id)
    return item.model_copy(update={"id": name, "file": name.partition("::")[0] if runner in _BY_FILE else ""})


def _from_file(runner: Runner, report: str, exit_code: int | None, watched: Witnessed) -> TestReport | None:
    if not report.strip():
        return None
    if runner in _FILE:
        found = _FILE[runner](report, runner, exit_code)
        return found.model_copy(update={"machine_readable": True}) if found.counts else None
    try:
        return parse_junit(report, runner, exit_code=exit_code, witnessed=watched)
    except UsageError:
        return None


def _from_text(runner: Runner, text: str, exit_code: int | None) -> TestReport:
    parsers = _TEXT.get(runner) or tuple(dict.fromkeys(parser for group in _TEXT.values() for parser in group))
    reports = [parser(text, runner, exit_code) for parser in parsers]
    return max(reports, key=lambda report: (sum(report.counts.values()), len(report.results)))


def _with_problem(report: TestReport, text: str) -> TestReport:
    """Say why nothing ran, or that the runner failed although no test did."""
    if report.problem:
        return report
    if report.exit_code is None:
        return report.model_copy(update={"problem": "the run was ended at its deadline"})
    if report.ran and (report.failures or report.exit_code == 0 or _any_bad(report)):
        return report
    reason = next((match.group().strip() for match in (sign.search(text) for sign in _NOTHING) if match), "")
    if not report.ran and not report.failures:
        problem = f"no test ran (exit {report.exit_code})"
    elif report.ran:
        problem = f"no test failed, but the runner ended with exit {report.exit_code}"
    else:
        return report
    return report.model_copy(update={"problem": f"{problem}: {reason[:300]}" if reason else problem})


def _any_bad(report: TestReport) -> bool:
    return any(number for outcome, number in report.counts.items() if outcome.bad)
