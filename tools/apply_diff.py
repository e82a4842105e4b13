"""Unified diffs."""

from pydantic import BaseModel

from sweagent.edits import EditRefused
from sweagent.edits.formats import parse_unified
from sweagent.tool_api import ToolContext
from sweagent.tool_support.multi_file_edits import change_files
from sweagent.tool_support.sandbox_paths import PathRefused
from sweagent.trajectory import Observation, ObservationStatus

EDITS = True
MAIN_ARGUMENT = "diff"


class Parameters(BaseModel, extra="forbid"):
    """The changes."""

    diff: str


def run(context: ToolContext, parameters: Parameters) -> Observation:
    """Change files by a unified diff with `--- a/path`, `+++ b/path` and `@@` lines; line numbers may be left out.

    All hunks are applied, or none.
    """
    try:
        return change_files(context, parse_unified(parameters.diff))
    except (EditRefused, PathRefused) as error:
        return Observation(text=f"nothing was changed: {error}", status=ObservationStatus.REFUSED)
