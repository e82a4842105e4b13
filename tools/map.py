"""Signatures: of a repository, a folder or a file."""

from pydantic import BaseModel, Field

from sweagent.errors import UsageError
from sweagent.tool_api import ToolContext
from sweagent.tool_support.repository_index import current_index
from sweagent.tool_support.text import visible
from sweagent.trajectory import Observation, ObservationStatus

READ_ONLY = True
MAIN_ARGUMENT = "path"


class Parameters(BaseModel, extra="forbid"):
    """What to map."""

    path: str = Field(default="", description="a file")
    question: str = Field(default="", description="what matters")
    tokens: int = Field(default=1000, ge=50, le=4000)


def run(context: ToolContext, parameters: Parameters) -> Observation:
    """Show the signatures of a file, or those that matter most in the repository."""
    from sweagent.code.repo_map import file_outline, repo_map

    try:
        index = current_index(context)
    except UsageError as error:
        return Observation(text=f"{error}; {error.hint}", status=ObservationStatus.REFUSED)
    path = parameters.path.strip().removeprefix(f"{context.sandbox.workdir}/").removeprefix("./").strip("/")
    if path and path != ".":
        if path not in index.entries:
            return Observation(text=f"{path} is no file of the repository", status=ObservationStatus.REFUSED)
        text = file_outline(index, path, parameters.tokens)
    else:
        text = repo_map(index, parameters.question, parameters.tokens)
    return Observation(text=visible(text) or "no definitions were found there", exit_code=0 if text else 1)
