"""The shell: it can do everything, so the other tools need not."""

from pydantic import BaseModel, Field

from sweagent.tool_api import ToolContext
from sweagent.tool_support.command_output import clamped, observation, uncut, with_pipe_note
from sweagent.tool_support.sandbox_paths import SavedOutputs
from sweagent.trajectory import Observation, ObservationStatus

MAIN_ARGUMENT = "command"
SHELL = True
ALIASES = (
    *("shell", "sh", "execute_bash", "run_bash", "bash_command", "run_command", "terminal", "exec", "execute"),
    *("execute_command", "run_shell_command", "run_terminal_cmd", "shell_command", "run_in_terminal", "cmd", "run"),
)


class Parameters(BaseModel, extra="forbid"):
    """The command and its limits."""

    command: str
    timeout: float | None = Field(default=None, gt=0)
    background: bool = False


def run(context: ToolContext, parameters: Parameters) -> Observation:
    """Run a shell command."""
    command = parameters.command
    if not command.strip():
        return Observation(text="the command is empty", status=ObservationStatus.REFUSED)
    if "\0" in command:
        return Observation(text="a command cannot hold a NUL character", status=ObservationStatus.REFUSED)
    if parameters.background:
        done = context.sandbox.run(command, background=True)
        if done.full_output:
            context.state.of(SavedOutputs).paths.add(done.full_output)
        return Observation(
            text=f"started; its output goes to {done.full_output}, at whose end its exit code will stand", exit_code=0
        )
    timeout = clamped(context, parameters.timeout)
    done = context.sandbox.run(with_pipe_note(command), timeout=timeout, output_limit=uncut(context))
    return observation(context, command, done, timeout)
