"""Values of one function's locals, line by line, while a program runs.

What a program did at each block is what L. Zhong et al., "Debug like a Human: A Large Language Model Debugger via
Verifying Runtime Execution Step by Step" (2024) show a model.
"""

import json
import shlex
from typing import Any

from pydantic import BaseModel, Field

from sweagent.errors import UsageError
from sweagent.programs import program_source
from sweagent.tool_api import ToolContext
from sweagent.tool_support.command_output import clamped
from sweagent.tool_support.registered import Registered
from sweagent.tool_support.sandbox_paths import SandboxPath, content, look_to_read
from sweagent.tool_support.test_output import scratch
from sweagent.tool_support.text import bounded, visible
from sweagent.trajectory import Observation, ObservationStatus

READ_ONLY = True
MAIN_ARGUMENT = "symbol"
_RECORD = 5_000_000
_CODE = 60
"""Characters of a line of code beside its values."""


class Parameters(BaseModel, extra="forbid"):
    """The function, and what runs it."""

    path: str
    symbol: str = Field(description="a function or `Class.method` there")
    command: str = Field(default="", description="none: the reproduction")
    calls: int = Field(default=1, ge=1, le=10, description="how many calls to show")
    timeout: float | None = Field(default=None, gt=0)


def run(context: ToolContext, parameters: Parameters) -> Observation:
    """Run a program and show the values of a Python function's locals, line by line."""
    command = parameters.command.strip() or context.state.of(Registered).command
    if not command:
        return Observation(text="no reproduction is registered; give a `command`", status=ObservationStatus.REFUSED)
    try:
        place = look_to_read(context, parameters.path)
        lines = content(context, place).decode("utf-8", "replace").split("\n")
        name, first, last = _function(place, lines, parameters.symbol)
    except UsageError as error:
        return Observation(text=str(error), status=ObservationStatus.REFUSED)
    folder = f"{scratch(context)}/locals"
    values = {"RECORD": f"{folder}/record", "FILE": place.real, "NAME": name, "FIRST": first, "LAST": last}
    source = program_source("local_tracer.py", CALLS=parameters.calls, **values)
    context.sandbox.write(f"{folder}/sitecustomize.py", source.encode())
    quoted = shlex.quote(folder)
    # Byte code of the program before, written in the same second and as long, would be taken for this one's.
    watched = f"rm -rf {quoted}/record {quoted}/__pycache__\nexport PYTHONPATH={quoted}${{PYTHONPATH:+:$PYTHONPATH}}\n"
    timeout = clamped(context, parameters.timeout)
    done = context.sandbox.run(watched + command, timeout=timeout, output_limit=4000, fresh=True)
    try:
        record = context.sandbox.read(f"{folder}/record", limit=_RECORD).decode("utf-8", "replace")
    except OSError:
        record = ""
    ended = f"ended after {timeout:g} s" if done.timed_out else f"exit {done.exit_code}"
    title = f"{place.shown}:{first}-{last} {parameters.symbol} under `{command}` ({ended})"
    calls, count = _calls(record)
    if not calls:
        end = bounded(visible(done.output).strip(), 1500)[0]
        return Observation(
            text=f"{title}\nit was not called, or not by Python code that ended by itself\n{end}", exit_code=1
        )
    shown = [_call(number, call, lines) for number, call in enumerate(calls, 1)]
    more = [f"[{count - len(calls)} more calls]"] if count > len(calls) else []
    text, cut = bounded(visible("\n".join([title, *shown, *more])), context.limits.characters)
    return Observation(text=text, truncated=cut)


def _function(place: SandboxPath, lines: list[str], symbol: str) -> tuple[str, int, int]:
    """The function's own name, and the lines of its definition.

    Raises:
        UsageError: there is none of that name, or it is no function.
    """
    from sweagent.code import outline

    found = [
        item
        for item in outline(place.shown, "\n".join(lines).encode()).find(symbol)
        if item.kind in ("function", "method")
    ]
    if not found:
        raise UsageError(f"{place.shown} has no function {symbol}", "see its outline with `view`")
    return found[0].name, found[0].start, found[0].end


def _calls(record: str) -> tuple[list[dict[str, Any]], int]:
    """The calls of the process that saw the most, and how many there were."""
    best: tuple[list[dict[str, Any]], int] = ([], 0)
    for line in record.splitlines():
        try:
            found = json.loads(line)
            if found["count"] > best[1]:
                best = found["calls"], found["count"]
        except (ValueError, TypeError, KeyError):
            continue
    return best


def _call(number: int, call: dict[str, Any], lines: list[str]) -> str:
    values = ", ".join(f"{name}={value}" for name, value in call["start"].items())
    shown = [f"call {number}: {values}"]
    half = len(call["steps"]) // 2
    for position, (line, changed) in enumerate(call["steps"]):
        if call["left_out"] and position == half:
            shown.append(f"   … {call['left_out']} more lines")
        code = lines[line - 1].strip()[:_CODE] if 0 < line <= len(lines) else ""
        values = ", ".join(f"{name}={value}" for name, value in changed.items())
        shown.append(f"{line:6} {code}{f'    # {values}' if values else ''}")
    if "raised" in call:
        shown.append(f"  raised {call['raised']}")
    if "returned" in call and not ("raised" in call and call["returned"] == "None"):
        shown.append(f"  returned {call['returned']}")
    return "\n".join(shown)
