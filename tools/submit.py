"""The end of the work, in one word."""

from pydantic import BaseModel, Field

from sweagent.tool_api import ToolContext
from sweagent.trajectory import Observation

READ_ONLY = True
MAIN_ARGUMENT = "summary"
ALIASES = ("finish", "done", "complete", "finish_task", "attempt_completion", "final_answer")


class Parameters(BaseModel, extra="forbid"):
    """What the policy says of its work."""

    summary: str = Field(default="", description="cause and change in a few sentences, for the reviewer")


def run(context: ToolContext, parameters: Parameters) -> Observation:
    """End the work. The changes are taken from the work tree."""
    return Observation(text="submitted", submitted=True, summary=parameters.summary)
