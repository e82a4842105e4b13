"""Re-rank an issue's locations by a failing reproduction."""

import ast
import json
import shlex
from collections.abc import Collection, Mapping

from sweagent.code import CoveredRun, Index, Localisation, hints, locate, rerank
from sweagent.code.index.languages import is_test
from sweagent.code.localise.traces import frames_of, undecorated
from sweagent.errors import UsageError
from sweagent.programs import program_source
from sweagent.testing import Runner, runner_of
from sweagent.tool_api import ToolContext
from sweagent.tool_support.repository_index import current_index
from sweagent.tool_support.test_output import scratch
from sweagent.trajectory import Reproduction

_PLACES = 1000
"""Definitions of the ranking by the issue's words that what is run can lift."""
_SHOWN = 5
_SECONDS = 60.0
"""A traced run may take so long at most; without its end nothing is known of what was run."""
_RECORD = 20_000_000


def pointed_at(context: ToolContext, reproduction: Reproduction, printed: str) -> str:
    """Return where a failing reproduction in Python points, a definition a line; empty when nothing is known.

    Where what it printed names a line of the code under test, that tells more than a ranking, and nothing is returned.
    Else it is run once more, with a tracer in it; nothing of that run is shown but the places.

    Args:
        context: what the tools work with.
        reproduction: fails; its own files are left out.
        printed: what it printed.

    Raises:
        SandboxError: the sandbox is lost.
    """
    if not context.hints or not context.issue_text.strip():
        return ""
    try:
        index = current_index(context)
    except UsageError:
        return ""
    if _names_a_line(context, index, reproduction, printed):
        return ""
    runs = [CoveredRun(failed=True, lines=_without(ran(context, reproduction.command), reproduction.paths))]
    if runs[0].lines and (start := _start(context, reproduction)):
        runs.append(CoveredRun(failed=False, lines=ran(context, start)))
    found = rerank(index, locate(index, context.issue_text, _PLACES), output=printed, runs=runs, limit=_PLACES)
    places = tuple(hit for hit in found.definitions if hit.path not in reproduction.paths)
    return hints(Localisation(definitions=places[:_SHOWN]), max(200, context.limits.characters // 16))


def _names_a_line(context: ToolContext, index: Index, reproduction: Reproduction, printed: str) -> bool:
    """Whether a traceback leads to a source file of the repository that is no test."""
    root = context.sandbox.workdir.rstrip("/") + "/"
    paths = {frame.path.removeprefix(root).removeprefix("./") for frame in frames_of(undecorated(printed))}
    return any(path in index.entries and not is_test(path) for path in paths - set(reproduction.paths))


def _without(lines: Mapping[str, frozenset[int]], paths: Collection[str]) -> dict[str, frozenset[int]]:
    return {path: numbers for path, numbers in lines.items() if path not in paths}


def _start(context: ToolContext, reproduction: Reproduction) -> str:
    """The command that runs what a reproduction runs before it comes to the point; empty when there is none.

    What the imports and the collection of tests run is run by every reproduction, and says little of this one.
    """
    if reproduction.kind == "test":
        is_pytest = runner_of(context.test_command) is Runner.PYTEST
        return f"{reproduction.command} --collect-only -q" if is_pytest else ""
    try:
        body = ast.parse(reproduction.content).body
    except (SyntaxError, ValueError):
        return ""
    imports = "\n".join(ast.unparse(part) for part in body if isinstance(part, ast.Import | ast.ImportFrom))
    return f"python -c {shlex.quote(imports)}" if imports else ""


def ran(context: ToolContext, command: str) -> Mapping[str, frozenset[int]]:
    """Return the lines of the functions that a command runs in the repository, by path; none when it does not end.

    Args:
        context: what the tools work with.
        command: a shell command; what it starts is watched too, as far as it is Python.

    Raises:
        SandboxError: the sandbox is lost.
    """
    folder = f"{scratch(context)}/traced"
    record = f"{folder}/record"
    root = context.sandbox.run("pwd -P", fresh=True).output.strip().rstrip("/") + "/"
    context.sandbox.write(f"{folder}/sitecustomize.py", program_source("tracer.py", RECORD=record, ROOT=root).encode())
    traced = f'rm -f {record}; export PYTHONPATH="{folder}${{PYTHONPATH:+:$PYTHONPATH}}"\n{command}'
    context.sandbox.run(traced, timeout=_SECONDS, output_limit=1000, fresh=True)
    try:
        written = context.sandbox.read(record, limit=_RECORD).decode("utf-8", "replace")
    except OSError:
        return {}
    lines: dict[str, frozenset[int]] = {}
    for line in written.splitlines():
        try:
            found = json.loads(line)
            lines |= {path: lines.get(path, frozenset()) | frozenset(numbers) for path, numbers in found.items()}
        except (ValueError, TypeError, AttributeError):
            continue
    return lines
