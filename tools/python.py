"""A Python interpreter that keeps its state.

Code as the form of actions is X. Wang et al., "Executable Code Actions Elicit Better LLM Agents" (2024).
"""

import shlex

from pydantic import BaseModel, Field

from sweagent.programs import program_source
from sweagent.sandbox.base import Completed
from sweagent.tool_api import ToolContext
from sweagent.tool_support.command_output import clamped, observation, uncut
from sweagent.tool_support.test_output import scratch
from sweagent.trajectory import Observation, ObservationStatus

MAIN_ARGUMENT = "code"
ALIASES = ("execute_python", "run_python", "ipython", "jupyter", "python_interpreter", "execute_ipython_cell")
_INTERRUPTED, _GONE = 124, 125
"""Exit codes of `interpreter_call.py`."""
_MARGIN = 10.0
"""Seconds beside those of the code itself: to start, to interrupt, to end."""


class Parameters(BaseModel, extra="forbid"):
    """The code."""

    code: str
    timeout: float | None = Field(default=None, gt=0)
    fresh: bool = Field(default=False, description="start anew, to import changed modules")


def run(context: ToolContext, parameters: Parameters) -> Observation:
    """Run Python in an interpreter that keeps its state; shows the last expression. `sh("…")` runs a shell command."""
    folder = f"{scratch(context)}/interpreter"
    timeout = clamped(context, parameters.timeout)
    if parameters.fresh or not _alive(context, folder):
        refusal = _start(context, folder)
        if refusal:
            return refusal
    context.sandbox.write(f"{folder}/cell", parameters.code.encode("utf-8", "replace"))
    caller = program_source("interpreter_call.py", FOLDER=folder, SECONDS=float(timeout))
    context.sandbox.write(f"{folder}/call.py", caller.encode())
    done = context.sandbox.run(
        f"python {shlex.quote(f'{folder}/call.py')}",
        timeout=timeout + _MARGIN,
        output_limit=uncut(context),
        fresh=True,
    )
    return observation(context, "python", _without_its_own(done), timeout)


def _alive(context: ToolContext, folder: str) -> bool:
    check = f'test -S {shlex.quote(folder)}/socket && kill -0 "$(cat {shlex.quote(folder)}/pid)"'
    return context.sandbox.run(f"{{ {check}; }} 2>/dev/null", fresh=True).exit_code == 0


def _start(context: ToolContext, folder: str) -> Observation | None:
    """Start the interpreter, in the place of the one there; what is wrong where it cannot be."""
    if context.sandbox.run("command -v python", fresh=True).exit_code != 0:
        return Observation(
            text="there is no `python` in this environment; use another profile", status=ObservationStatus.REFUSED
        )
    quoted = shlex.quote(folder)
    context.sandbox.run(f'kill -9 "$(cat {quoted}/pid)" 2>/dev/null; rm -rf {quoted}; mkdir -p {quoted}', fresh=True)
    source = program_source("interpreter.py", FOLDER=folder, LIMIT=context.limits.characters)
    context.sandbox.write(f"{folder}/interpreter.py", source.encode())
    context.sandbox.run(f"exec python {quoted}/interpreter.py", background=True, fresh=True)
    return None


def _without_its_own(done: Completed) -> Completed:
    """What came of it, without the exit codes by which the caller tells of the interpreter: it said what they mean."""
    if done.exit_code == _INTERRUPTED:
        return done.model_copy(update={"exit_code": None, "timed_out": True})
    return done.model_copy(update={"exit_code": 1}) if done.exit_code == _GONE else done
