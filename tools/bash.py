"""The shell: it can do everything, so the other tools need not."""

from pydantic import BaseModel, Field

from sweagent.tool_api import ToolContext
from sweagent.tool_support.command_output import clamped, observation, with_pipe_note
from sweagent.trajectory import Observation


class Parameters(BaseModel, extra="forbid"):
    """The command and its limits."""

    command: str
    timeout: float | None = Field(default=None, gt=0, description="seconds")
    background: bool = Field(default=False, description="return at once; the output goes to a file")


def run(context: ToolContext, parameters: Parameters) -> Observation:
    """Run a shell command. Standard input is empty; give programs their answers as options or by a pipe."""
    command = parameters.command
    if not command.strip():
        return Observation(text="the command is empty", status="refused")
    if "\0" in command:
        return Observation(text="a command cannot hold a NUL character", status="refused")
    if parameters.background:
        done = context.sandbox.run(command, background=True)
        context.state.setdefault("outputs", set()).add(done.full_output)
        return Observation(
            text=f"started; its output goes to {done.full_output}, at whose end its exit code will stand", exit_code=0
        )
    timeout = clamped(context, parameters.timeout)
    done = context.sandbox.run(with_pipe_note(command), timeout=timeout, output_limit=context.limits.characters)
    return observation(context, command, done, timeout)
