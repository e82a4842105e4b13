"""Search/replace blocks."""

from pydantic import BaseModel

from sweagent.edits import EditRefused
from sweagent.edits.formats import parse_blocks
from sweagent.tooling import ToolContext
from sweagent.toolkit.places import PathRefused
from sweagent.toolkit.several import change_files
from sweagent.trajectory import Observation


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
        return Observation(text=f"nothing was changed: {error}", status="refused")
