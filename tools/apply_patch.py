"""Patches in the format of apply_patch."""

from pydantic import BaseModel

from sweagent.edits import EditRefused
from sweagent.edits.formats import parse_apply_patch
from sweagent.tool_api import ToolContext
from sweagent.tool_support.multi_file_edits import change_files
from sweagent.tool_support.sandbox_paths import PathRefused
from sweagent.trajectory import Observation, ObservationStatus

EDITS = True
MAIN_ARGUMENT = "patch"


class Parameters(BaseModel, extra="forbid"):
    """The changes."""

    patch: str


def run(context: ToolContext, parameters: Parameters) -> Observation:
    """Change files by a patch: `*** Begin Patch`, sections, `*** End Patch`.

    Sections are `*** Update File: path` with `@@` hunks, `*** Add File: path` and `*** Delete File: path`. All
    sections are applied, or none.
    """
    try:
        return change_files(context, parse_apply_patch(parameters.patch))
    except (EditRefused, PathRefused) as error:
        return Observation(text=f"nothing was changed: {error}", status=ObservationStatus.REFUSED)
