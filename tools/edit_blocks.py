"""Search/replace blocks."""

from pydantic import BaseModel

from sweagent.edits import EditRefused
from sweagent.edits.formats import parse_blocks
from sweagent.tool_api import ToolContext
from sweagent.tool_support.multi_file_edits import change_files
from sweagent.tool_support.sandbox_paths import PathRefused
from sweagent.trajectory import Observation, ObservationStatus

EDITS = True
MAIN_ARGUMENT = "blocks"


class Parameters(BaseModel, extra="forbid"):
    """The changes."""

    blocks: str


def run(context: ToolContext, parameters: Parameters) -> Observation:
    """Change files by search/replace blocks.

    A block is the path on a line, `<<<<<<< SEARCH`, lines of the file, `=======`, the new lines, `>>>>>>> REPLACE`.
    An empty search makes a new file. All blocks are applied, or none.
    """
    try:
        return change_files(context, parse_blocks(parameters.blocks))
    except (EditRefused, PathRefused) as error:
        return Observation(text=f"nothing was changed: {error}", status=ObservationStatus.REFUSED)
