"""Who uses a name, and what it uses."""

from typing import Literal

from pydantic import BaseModel, Field

from sweagent.code import Hit, Index, callees, callers, references, search_code, tests_of
from sweagent.errors import UsageError
from sweagent.tool_api import ToolContext
from sweagent.tool_support.repository_index import current_index
from sweagent.tool_support.text import bounded, visible
from sweagent.trajectory import Observation, ObservationStatus

READ_ONLY = True
MAIN_ARGUMENT = "name"
_AT_MOST = 60


class Parameters(BaseModel, extra="forbid"):
    """What to look for."""

    name: str = Field(min_length=1, description="for `code` any text")
    what: Literal["references", "callers", "callees", "tests", "code"] = "references"


def run(context: ToolContext, parameters: Parameters) -> Observation:
    """List who uses a name, what it calls, or the lines with a text, each with the function around it."""
    try:
        index = current_index(context)
    except UsageError as error:
        return Observation(text=f"{error}; {error.hint}", status=ObservationStatus.REFUSED)
    name = parameters.name.strip()
    if parameters.what == "callees":
        lines = _callees(index, name)
    else:
        ask = {"references": references, "callers": callers, "tests": tests_of}.get(parameters.what)
        hits = ask(index, name, _AT_MOST) if ask else search_code(index, name, limit=_AT_MOST)
        lines = [_line(hit) for hit in hits]
    if not lines:
        return Observation(text=f"no {parameters.what} of {name} were found", exit_code=1)
    text, truncated = bounded(visible("\n".join(lines)), context.limits.characters)
    return Observation(text=text, truncated=truncated)


def _line(hit: Hit) -> str:
    inside = f" [{hit.inside}]" if hit.inside else ""
    return f"{hit.path}:{hit.line}{inside} {hit.text}"


def _callees(index: Index, name: str) -> list[str]:
    lines: list[str] = []
    for place in index.find(name)[:3]:
        found = callees(index, place, _AT_MOST)
        lines.append(f"{place.definition.qualified} in {place.path} calls:")
        lines.extend(f"  {item.path}:{item.definition.start} {item.definition.qualified}" for item in found)
    return lines
