"""Exact and forgiving changes of a file: create, replace, insert, undo."""

from typing import Literal

from pydantic import BaseModel, Field

from sweagent.edits import EditRefused, Replacement, apply
from sweagent.tool_api import ToolContext
from sweagent.tool_support.file_edits import answer, history, remove, write, write_whole
from sweagent.tool_support.sandbox_paths import PathRefused, content, look_to_change
from sweagent.trajectory import Observation, ObservationStatus

EDITS = True
MAIN_ARGUMENT = "path"
ALIASES = ("edit_file", "str_replace_editor", "str_replace_based_edit_tool", "file_editor")


class Parameters(BaseModel, extra="forbid"):
    """One change."""

    command: Literal["create", "str_replace", "insert", "undo"]
    path: str
    old: str = ""
    new: str = Field(default="", description="or the whole file")
    line: int | None = Field(default=None, ge=0, description="insert after it")
    all: bool = False


def run(context: ToolContext, parameters: Parameters) -> Observation:
    """Change a file; shows the new lines."""
    try:
        return _COMMANDS[parameters.command](context, parameters)
    except (EditRefused, PathRefused) as error:
        return Observation(text=f"nothing was changed: {error}", status=ObservationStatus.REFUSED)


def _create(context: ToolContext, parameters: Parameters) -> Observation:
    return write_whole(context, parameters.path, parameters.new)


def _str_replace(context: ToolContext, parameters: Parameters) -> Observation:
    if not parameters.old:
        raise EditRefused("str_replace needs `old`; to write a whole file use create, to add lines use insert")
    return _replace(
        context,
        parameters.path,
        Replacement(parameters.old, parameters.new, line=parameters.line or None, everywhere=parameters.all),
    )


def _insert(context: ToolContext, parameters: Parameters) -> Observation:
    if parameters.line is None or not parameters.new:
        raise EditRefused("insert needs `new` and `line`, the line after which it goes; 0 is the beginning")
    return _replace(context, parameters.path, Replacement("", parameters.new, line=parameters.line))


def _replace(context: ToolContext, path: str, replacement: Replacement) -> Observation:
    place = look_to_change(context, path)
    before = content(context, place)
    applied = apply(before, [replacement])
    write(context, place, before, applied.data)
    return answer(context, place, before, applied)


def _undo(context: ToolContext, parameters: Parameters) -> Observation:
    place = look_to_change(context, parameters.path)
    past = history(context).contents
    index = next((index for index in reversed(range(len(past))) if past[index][0] == place.real), None)
    if index is None:
        raise EditRefused(f"no change of {place.shown} is remembered")
    _, before = past[index]
    if before is None:
        remove(context, place, b"")
        text = f"{place.shown}: removed, as it was not there before"
    else:
        write(context, place, None, before)
        text = f"{place.shown}: as it was before the last change"
    del past[-1], past[index]
    return Observation(text=text)


_COMMANDS = {"create": _create, "str_replace": _str_replace, "insert": _insert, "undo": _undo}
