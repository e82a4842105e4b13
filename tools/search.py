"""Text in the repository's files, and files by name."""

import re
import shlex

from pydantic import BaseModel, Field

from sweagent.errors import UsageError
from sweagent.tool_api import ToolContext
from sweagent.tool_support.file_listing import matching_files
from sweagent.tool_support.hits import read_grep, render_hits
from sweagent.tool_support.sandbox_paths import SandboxPath, look_to_read
from sweagent.tool_support.text import first_lines, visible
from sweagent.trajectory import Observation, ObservationStatus

READ_ONLY = True
MAIN_ARGUMENT = "pattern"
ALIASES = (
    *("grep", "search_files", "grep_search", "code_search", "search_code"),
    *("find", "find_file", "find_files", "glob", "file_search"),
)


class Parameters(BaseModel, extra="forbid"):
    """What to look for and where."""

    pattern: str = Field(default="", description="none: files by `glob`")
    path: str = ""
    glob: str = ""
    regex: bool = False
    ignore_case: bool = False
    context: int = Field(default=0, ge=0, le=20)


def run(context: ToolContext, parameters: Parameters) -> Observation:
    """Find lines with a text, or files by name."""
    if "\n" in parameters.pattern or "\0" in parameters.pattern or not (parameters.pattern or parameters.glob):
        return Observation(text="give one line of text as `pattern`, or a `glob`", status=ObservationStatus.REFUSED)
    try:
        place = look_to_read(context, parameters.path or ".")
    except UsageError as error:
        return Observation(text=str(error), status=ObservationStatus.REFUSED)
    if not parameters.pattern:
        return _files(context, place, parameters.glob)
    done = context.sandbox.run(
        _command(context, place, parameters), timeout=context.limits.timeout, output_limit=2_000_000, fresh=True
    )
    if done.exit_code == 1 and not done.output.strip():
        where = place.shown if place.shown != "." else "the repository"
        scope = f"{where}{f' ({parameters.glob})' if parameters.glob else ''}"
        return Observation(text=f"nothing found in {scope} for: {parameters.pattern}", exit_code=1)
    if done.exit_code not in (0, 1):
        reason = "it took too long; narrow `path` or `glob`" if done.timed_out else visible(done.output).strip()[:500]
        return Observation(
            text=f"the search failed: {reason}", status=ObservationStatus.ERROR, exit_code=done.exit_code
        )
    text, left_out = render_hits(read_grep(done.output), context.limits.characters)
    return Observation(text=text, exit_code=0, truncated=left_out)


def _files(context: ToolContext, place: SandboxPath, glob: str) -> Observation:
    if place.kind != "folder":
        return Observation(
            text=f"{place.shown} is not a folder; give a `pattern` to search it", status=ObservationStatus.REFUSED
        )
    found, number = matching_files(context, place, glob)
    if not found:
        return Observation(text=f"no file of {number:,} matches {glob}", exit_code=1)
    text, left_out = first_lines(visible("\n".join(found)), context.limits.characters)
    more = f"\n[… {left_out} more]" if left_out else ""
    return Observation(text=text + more, exit_code=0, truncated=bool(left_out))


def _command(context: ToolContext, place: SandboxPath, parameters: Parameters) -> str:
    """`git grep` in the work tree, which knows what is ignored; elsewhere, or without git, `grep -r`."""
    pattern = shlex.quote(parameters.pattern)
    options = ["-E" if parameters.regex else "-F", "-n", "-I"]
    if parameters.ignore_case:
        options.append("-i")
    if parameters.context:
        options.append(f"-C {parameters.context}")
    flags = " ".join(options)
    glob = shlex.quote(f"--include={parameters.glob}") if parameters.glob else ""
    plain = f"grep -r -H --null --exclude-dir=.git {glob} {flags} -e {pattern} -- "
    if not place.inside:
        return plain + shlex.quote(place.real)
    spec = shlex.quote(_pathspec(place, parameters.glob) if parameters.glob else f":(literal){place.shown}")
    # Files that are new count too; nothing that the repository configures is run.
    git = (
        f"git -c core.fsmonitor=false --no-pager grep --untracked --no-color --full-name --heading {flags} -e {pattern}"
    )
    plain += shlex.quote(place.shown)
    if place.shown != ".":  # what is asked for by name is searched even if it is ignored
        spec += f" || {{ [ $? = 1 ] && {plain}; }}"
    folder = shlex.quote(context.sandbox.workdir)
    return f"cd {folder} && if git rev-parse --git-dir >/dev/null 2>&1; then {git} -- {spec}; else {plain}; fi"


def _pathspec(place: SandboxPath, glob: str) -> str:
    if place.kind == "file":
        return f":(literal){place.shown}"
    folder = "" if place.shown == "." else re.sub(r"([*?\[\\])", r"\\\1", place.shown) + "/"
    return f":(glob){folder}{glob}" if "/" in glob else f":(glob){folder}**/{glob}"
