"""Rank the places where an issue is likely to be fixed."""

from pydantic import BaseModel, Field

from sweagent.errors import UsageError
from sweagent.tool_api import ToolContext
from sweagent.tool_support.repository_index import current_index
from sweagent.tool_support.text import visible
from sweagent.trajectory import Observation, ObservationStatus

READ_ONLY = True
MAIN_ARGUMENT = "text"
_DEFINITIONS = 12


class Parameters(BaseModel, extra="forbid"):
    """What to look for."""

    text: str = Field(default="", description="none: the issue")


def run(context: ToolContext, parameters: Parameters) -> Observation:
    """Rank the functions and classes that a text, an error or a traceback is about."""
    from sweagent.code import hints, locate

    try:
        index = current_index(context)
    except UsageError as error:
        return Observation(text=f"{error}; {error.hint}", status=ObservationStatus.REFUSED)
    text = parameters.text.strip() or context.issue_text
    if not text.strip():
        return Observation(text="there is no issue to look for; give a text", status=ObservationStatus.REFUSED)
    found = hints(locate(index, text, _DEFINITIONS), max(200, context.limits.characters // 8))
    return Observation(
        text=visible(found) or "nothing in the repository resembles the text", exit_code=0 if found else 1
    )
