"""Files by name."""

import fnmatch
import re
import shlex
from collections.abc import Callable

from pydantic import BaseModel, Field

from sweagent.errors import UsageError
from sweagent.tool_api import ToolContext
from sweagent.tool_support.sandbox_paths import look_to_read
from sweagent.tool_support.text import first_lines, visible
from sweagent.trajectory import Observation

READ_ONLY = True
MAIN_ARGUMENT = "glob"
ALIASES = ("find_file", "find_files", "glob", "file_search")


class Parameters(BaseModel, extra="forbid"):
    """The names to look for."""

    glob: str = Field(description="such as `*.py`, `test_*`, `src/**/models.py`")
    path: str = Field(default=".", description="a folder")


def run(context: ToolContext, parameters: Parameters) -> Observation:
    """Find files and folders by name. Ignored files are left out."""
    try:
        place = look_to_read(context, parameters.path)
    except UsageError as error:
        return Observation(text=str(error), status="refused")
    if place.kind != "folder":
        return Observation(text=f"{place.shown} is not a folder", status="refused")
    git = "git -c core.fsmonitor=false ls-files -z"
    # The index still names files that were deleted; they come again after the mark.
    listing = f"{git} --cached --others --exclude-standard -- . && printf '\\1\\0' && {git} --deleted -- ."
    plain = "find . -name .git -prune -o -type f -print0"
    command = (
        f"cd {shlex.quote(place.real)} && "
        f"{{ {{ {listing if place.inside else 'false'}; }} 2>/dev/null || {plain}; }} | tr '\\n\\000' '?\\n'"
    )
    done = context.sandbox.run(command, timeout=context.limits.timeout, output_limit=20_000_000, fresh=True)
    listed, _, deleted = done.output.partition("\x01\n")
    files = {line.removeprefix("./") for line in listed.split("\n") if line} - set(deleted.split("\n"))
    folders = {
        "/".join(parts[:depth]) + "/" for parts in (file.split("/") for file in files) for depth in range(1, len(parts))
    }
    matches = _matcher(parameters.glob)
    found = sorted(name for name in files | folders if matches(name.rstrip("/")))
    if not found:
        return Observation(text=f"no file of {len(files):,} matches {parameters.glob}", exit_code=1)
    if place.shown != ".":
        found = [f"{place.shown}/{name}" for name in found]
    text, left_out = first_lines(visible("\n".join(found)), context.limits.characters)
    more = f"\n[… {left_out} more]" if left_out else ""
    return Observation(text=text + more, exit_code=0, truncated=bool(left_out))


def _matcher(glob: str) -> Callable[[str], bool]:
    """A glob without a slash is about the last name, one with a slash about the whole path; `**` spans folders."""
    glob = glob.strip().removeprefix("./").strip("/")
    if "/" not in glob:
        return lambda name: fnmatch.fnmatchcase(name.rpartition("/")[2], glob)
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]]+\])", glob)
    kinds = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pattern = "".join(
        kinds.get(part) or (part.replace("[!", "[^") if re.fullmatch(r"\[[^\]]+\]", part) else re.escape(part))
        for part in parts
    )
    whole = re.compile(f"(?:.*/)?{pattern}")
    return lambda name: whole.fullmatch(name) is not None
