"""Files, parts of files, and folders, with line numbers."""

import shlex

from pydantic import BaseModel, Field

from sweagent.edits import EditRefused, SourceText
from sweagent.errors import UsageError
from sweagent.tool_api import ToolContext
from sweagent.tool_support.sandbox_paths import SandboxPath, content, look_to_read
from sweagent.tool_support.text import bounded, cut_lines, first_lines, visible
from sweagent.trajectory import Observation

READ_ONLY = True
MAIN_ARGUMENT = "path"
ALIASES = ("view_file", "open", "open_file", "read", "read_file", "cat")
WINDOW = 200
"""Lines that are shown of a file without an outline when no range is given."""
_WHOLE = 400
"""Lines of a file that is shown whole unless it is twice as long as an observation usually is: its outline costs a
request more, for most of such a file is then asked for."""
_ASKED = 10
"""How many times the usual length of an observation a range may have that was asked for: it was asked for whole."""


class Parameters(BaseModel, extra="forbid"):
    """What to show."""

    path: str
    start: int | None = Field(default=None, ge=1)
    end: int | None = None
    symbol: str = ""


def run(context: ToolContext, parameters: Parameters) -> Observation:
    """Show lines or a symbol of a file, the outline of a long one, or a folder."""
    try:
        place = look_to_read(context, parameters.path)
        if place.kind == "folder":
            return _folder(context, place)
        data = content(context, place)
        source = SourceText.of(data)
    except EditRefused:
        return Observation(text=f"{parameters.path} is binary, {len(data):,} bytes", status="refused")
    except UsageError as error:
        return Observation(text=str(error), status="refused")
    if not data:
        return Observation(text=f"{place.shown} is empty")
    lines = source.text.removesuffix("\n").split("\n")
    if parameters.symbol:
        return _symbol(context, place, data, lines, parameters.symbol)
    whole = len(lines) <= WINDOW or (len(lines) <= _WHOLE and len(data) <= 2 * context.limits.characters)
    unasked = parameters.start is None and parameters.end is None
    if unasked and not whole:
        return _outline(context, place, data, lines)
    start, end = parameters.start or 1, parameters.end or (parameters.start or 1) + (_WHOLE if unasked else WINDOW) - 1
    end = len(lines) if end < 0 else min(end, len(lines))
    if start > end:
        return Observation(text=f"{place.shown} has {len(lines)} lines; {start} to {end} are none", status="refused")
    return Observation(text=_window(context, place, lines, start, end) + _remark(source, lines, end))


def _window(context: ToolContext, place: SandboxPath, lines: list[str], start: int, end: int) -> str:
    body = "\n".join(f"{number:6}\t{lines[number - 1]}" for number in range(start, end + 1))
    limit = context.limits.characters
    shown, left_out = first_lines(cut_lines(visible(body), limit // 2), limit * _ASKED)
    part = f" {start}-{end - left_out} of {len(lines)}" if (start, end - left_out) != (1, len(lines)) else ""
    return f"{place.shown}{part}\n{shown}" + (f"\n[… up to {end}: {left_out} more lines]" if left_out else "")


def _remark(source: SourceText, lines: list[str], end: int) -> str:
    remarks = []
    if source.newline == "\r\n":
        remarks.append("CRLF line ends, which edits keep")
    if source.bom or source.encoding != "utf-8" or source.errors != "strict":
        remarks.append(f"encoded in {source.encoding}{' with byte order mark' if source.bom else ''}")
    if end == len(lines) and not source.text.endswith("\n"):
        remarks.append("no line end at the end of the file")
    return f"\n[{'; '.join(remarks)}]" if remarks else ""


def _outline(context: ToolContext, place: SandboxPath, data: bytes, lines: list[str]) -> Observation:
    from sweagent.code import outline

    listed = [
        f"{item.start:6}-{item.end:<6} {'  ' * item.qualified.count('.')}{_header(lines, item.header or item.start)}"
        for item in outline(place.shown, data).definitions
    ]
    if not listed:
        shown, _ = first_lines(_window(context, place, lines, 1, WINDOW), context.limits.characters)
        return Observation(text=f"{shown}\n[more lines: give `start`]", truncated=True)
    shown, _ = bounded("\n".join(listed), context.limits.characters)
    return Observation(
        text=f"{place.shown}, {len(lines)} lines; its outline, of which `symbol` or `start` shows a part\n{shown}",
        truncated=True,
    )


def _header(lines: list[str], number: int) -> str:
    return lines[number - 1].strip()[:120] if number <= len(lines) else ""


def _symbol(context: ToolContext, place: SandboxPath, data: bytes, lines: list[str], symbol: str) -> Observation:
    from sweagent.code import outline

    known = outline(place.shown, data)
    found = known.find(symbol)
    if not found:
        last = symbol.replace("::", ".").rpartition(".")[2].lower()
        close = [item.qualified for item in known.definitions if last and last in item.qualified.lower()][:10]
        names = close or [item.qualified for item in known.definitions][:30]
        listed = f"; there are: {', '.join(names)}" if names else ""
        return Observation(text=f"{place.shown} does not define {symbol}{listed}", status="error")
    shown = [_window(context, place, lines, item.start, min(item.end, len(lines))) for item in found[:4]]
    more = f"\n[{len(found) - 4} more of this name]" if len(found) > 4 else ""
    text, truncated = bounded("\n\n".join(shown), context.limits.characters * _ASKED)
    return Observation(text=text + more, truncated=truncated)


def _folder(context: ToolContext, place: SandboxPath) -> Observation:
    """Two levels, folders with a slash; what git ignores, hidden files and caches are left out."""
    done = context.sandbox.run(
        f"cd {shlex.quote(place.real)} && find . -mindepth 1 -maxdepth 2 "
        "\\( -name '.*' -o -name __pycache__ -o -name node_modules -o -name '*.pyc' \\) -prune -o "
        "\\( -type d -exec printf '%s/\\n' {} + -o -print \\) | LC_ALL=C sort",
        fresh=True,
        output_limit=400_000,
    )
    entries = [line.removeprefix("./") for line in done.output.splitlines()]
    text, left_out = first_lines(visible("\n".join(entries)), context.limits.characters)
    more = f"\n[… {left_out} more]" if left_out else ""
    return Observation(text=f"{place.shown}/\n{text or '(empty)'}{more}", truncated=bool(left_out))
