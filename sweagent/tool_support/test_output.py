"""Run tests in the sandbox and sum up their outcome."""

from collections.abc import Sequence
from dataclasses import dataclass

from sweagent.sandbox.base import Completed
from sweagent.testing import Runner, TestReport, command_for, parse, runner_of
from sweagent.tool_api import ToolContext
from sweagent.tool_support.failures import rendered_failures
from sweagent.tool_support.sandbox_paths import SavedOutputs
from sweagent.tool_support.test_names import without_file
from sweagent.tool_support.text import bounded, cut_lines, visible
from sweagent.trajectory import Observation

_OUTPUT = 1_000_000
_REPORT = 50_000_000
MOST_SHOWN = 8


def run_tests(
    context: ToolContext, tests: Sequence[str], timeout: float, options: str = "", shown: int = MOST_SHOWN
) -> Observation:
    """Run chosen tests with the project's own runner and answer with counts and the failures' essence.

    Args:
        context: what the tools work with.
        tests: as the runner names them; none for all.
        timeout: seconds.
        options: of the runner.
        shown: failures whose essence is shown; others are named.

    Raises:
        UsageError: a test's name cannot be one, or nothing is known of how tests are run here.
        SandboxError: the sandbox is lost.
    """
    runner = runner_of(context.test_command)
    report_file = f"{scratch(context)}/report"
    absent = without_file(context, runner, tests)
    missing = visible(", ".join(absent))
    if absent and len(absent) == len(tests):
        return Observation(text=f"0 tests ran: not found: {missing}", status="error", exit_code=1)
    tests = [test for test in tests if test not in absent]
    # Names as they end: what a run came to that is ended at its deadline is read from what it printed.
    naming = "-v" if runner is Runner.PYTEST else ""
    base = " ".join(part for part in (context.test_command, naming, options) if part)
    command = command_for(runner, tests, test_command=base, report=report_file)
    done = context.sandbox.run(f"rm -f {report_file}; {command}", timeout=timeout, output_limit=_OUTPUT, fresh=True)
    try:
        file = context.sandbox.read(report_file, limit=_REPORT).decode("utf-8", "replace")
    except OSError:
        file = ""
    report = parse(runner, done.output, exit_code=done.exit_code, report=file, workdir=context.sandbox.workdir)
    text = _said(context, report, done, timeout, shown)
    if absent:
        first, *rest = text.split("\n")
        text = "\n".join([first, f"[not found, so not run: {missing}]", *rest])
    return Observation(
        text=text,
        status="timeout" if done.timed_out else "ok" if report.ok and not absent else "error",
        exit_code=done.exit_code,
        truncated=done.truncated,
        named_tests=tuple(tests),
    )


@dataclass
class _Scratch:
    folder: str = ""


def scratch(context: ToolContext) -> str:
    """A folder in the sandbox, outside the repository, for what tools leave; one round trip the first time.

    Raises:
        SandboxError: the sandbox is lost.
    """
    kept = context.state.of(_Scratch)
    if not kept.folder:
        done = context.sandbox.run('mktemp -d "${TMPDIR:-/tmp}/fix-issue.XXXXXX"', fresh=True)
        kept.folder = done.output.strip() if done.exit_code == 0 else "/tmp"  # noqa: S108 (of the sandbox)
    return kept.folder


def _said(context: ToolContext, report: TestReport, done: Completed, timeout: float, shown: int) -> str:
    exit_said = "ended at its deadline" if done.exit_code is None else f"exit {done.exit_code}"
    parts = [f"{report.summary} ({report.runner.value}, {exit_said}, {done.seconds:.1f} s)"]
    if done.timed_out:
        so_far = "these had ended by then; " if report.counts else ""
        parts.append(
            f"[ended after {timeout:g} s; {so_far}choose fewer tests or give `timeout`, at most "
            f"{context.limits.max_timeout:g}]"
        )
    elif report.problem:
        parts.append(f"[{visible(report.problem)}]")
    parts += [f"[{note}]" for note in done.notes]
    room = max(1000, context.limits.characters - 500)
    failures = report.failures
    parts += rendered_failures(failures, shown, room)
    if not report.ok:
        kept = _keep(context, done)
        if done.timed_out and report.counts:
            # What ended is counted: of the output only what was under way then is of use.
            parts.append("\n".join(cut_lines(visible(done.output), 200).rstrip().split("\n")[-2:]))
        elif not failures and ": " not in report.problem:
            parts.append(bounded(cut_lines(visible(done.output)).strip(), min(room, 3000))[0])
        parts.append(f"[the whole output: {kept}]" if kept else "")
    return bounded("\n".join(part for part in parts if part), context.limits.characters)[0]


def _keep(context: ToolContext, done: Completed) -> str:
    """Put the whole output into a file that can be viewed, unless the sandbox did."""
    path = done.full_output
    if path is None:
        path = f"{scratch(context)}/test-output"
        try:
            context.sandbox.write(path, done.output.encode("utf-8", "replace"))
        except OSError:
            return ""
    context.state.of(SavedOutputs).paths.add(path)
    return path
