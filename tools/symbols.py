"""Classes, modules, functions and methods by name."""

from typing import Literal

from pydantic import BaseModel, Field

from sweagent.code import DefinitionSite, Index
from sweagent.errors import UsageError
from sweagent.tool_api import ToolContext
from sweagent.tool_support.repository_index import current_index
from sweagent.tool_support.text import bounded, visible
from sweagent.trajectory import Observation, ObservationStatus

READ_ONLY = True
MAIN_ARGUMENT = "name"
_WHOLE = 3
_LINES = 120
_LISTED = 40


class Parameters(BaseModel, extra="forbid"):
    """What to find."""

    name: str = Field(min_length=1, description="or `Class.method`")
    kind: Literal["any", "class", "method"] = "any"
    path: str = Field(default="", description="its beginning")


def run(context: ToolContext, parameters: Parameters) -> Observation:
    """Show the code of classes, functions and methods by name, wherever they are; of a long class the outline."""
    from sweagent.code import search_class, search_method

    try:
        index = current_index(context)
    except UsageError as error:
        return Observation(text=f"{error}; {error.hint}", status=ObservationStatus.REFUSED)
    found: list[DefinitionSite] = []
    if parameters.kind != "method":
        found.extend(search_class(index, parameters.name))
    if parameters.kind != "class":
        found.extend(search_method(index, parameters.name))
    found = [place for place in found if place.path.startswith(parameters.path.removeprefix("./"))]
    if not found:
        return Observation(text=_similar(index, parameters.name), exit_code=1)
    shown = "\n\n".join(_show(index, place) for place in found[:_WHOLE])
    classes = sorted({place.definition.name for place in found if place.definition.kind == "class"})
    heirs = [_title(heir) for name in classes for heir in index.subclasses.get(name, ())]
    if heirs:
        shown += "\n\nsubclasses:\n" + "\n".join(heirs[:_LISTED])
    if len(found) > _WHOLE:
        shown += f"\n\n{len(found) - _WHOLE} more:\n"
        shown += "\n".join(_title(place) for place in found[_WHOLE:_LISTED])
    text, truncated = bounded(visible(shown), context.limits.characters)
    return Observation(text=text, truncated=truncated)


def _title(place: DefinitionSite) -> str:
    definition = place.definition
    return f"{place.path}:{definition.start}-{definition.end} {definition.kind} {definition.qualified}"


def _show(index: Index, place: DefinitionSite) -> str:
    definition = place.definition
    lines = index.text(place.path).split("\n")
    numbers = range(definition.start, definition.end + 1)
    if len(numbers) > _LINES:
        inner = [
            item for item in index.outline(place.path).definitions if definition.start < item.start <= definition.end
        ]
        heads = {item.header for item in inner if item.qualified.count(".") == definition.qualified.count(".") + 1}
        first = set(range(definition.start, definition.start + (_LINES // 8 if heads else _LINES)))
        numbers_shown = [number for number in numbers if number in first or number in heads]
        body = "\n".join(f"{number:6}\t{lines[number - 1]}" for number in numbers_shown)
        return f"{_title(place)} ({len(numbers)} lines, in outline)\n{body}"
    return f"{_title(place)}\n" + "\n".join(f"{number:6}\t{lines[number - 1]}" for number in numbers)


def _similar(index: Index, name: str) -> str:
    import difflib

    last = name.rpartition(".")[2]
    near = difflib.get_close_matches(last, index.by_name, n=5, cutoff=0.7)
    return f"nothing is named {name}" + (f"; there is {', '.join(near)}" if near else "")
