"""Whole files."""

from pydantic import BaseModel, Field

from sweagent.edits import EditRefused
from sweagent.tool_api import ToolContext
from sweagent.tool_support.file_edits import write_whole
from sweagent.tool_support.sandbox_paths import PathRefused
from sweagent.trajectory import Observation, ObservationStatus

EDITS = True
MAIN_ARGUMENT = "path"


class Parameters(BaseModel, extra="forbid"):
    """The file."""

    path: str
    content: str = Field(description="the whole file")


def run(context: ToolContext, parameters: Parameters) -> Observation:
    """Write a whole file, new or in place of the one there."""
    try:
        return write_whole(context, parameters.path, parameters.content)
    except (EditRefused, PathRefused) as error:
        return Observation(text=f"nothing was changed: {error}", status=ObservationStatus.REFUSED)
