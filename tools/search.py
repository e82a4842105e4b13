"""Text in the repository's files."""

import re
import shlex

from pydantic import BaseModel, Field

from sweagent.errors import UsageError
from sweagent.tool_api import ToolContext
from sweagent.tool_support.sandbox_paths import SandboxPath, look_to_read
from sweagent.tool_support.text import first_lines, visible
from sweagent.trajectory import Observation

READ_ONLY = True
MAIN_ARGUMENT = "pattern"
ALIASES = ("grep", "search_files", "grep_search", "code_search", "search_code")
_WIDTH = 240
_MOST_PER_FILE = 40


class Parameters(BaseModel, extra="forbid"):
    """What to look for and where."""

    pattern: str = Field(description="text, unless `regex`")
    path: str = Field(default=".", description="a file or folder")
    glob: str = Field(default="", description="only files such as `*.py`")
    regex: bool = Field(default=False, description="POSIX extended regular expression")
    ignore_case: bool = False
    context: int = Field(default=0, ge=0, le=20, description="lines around each hit")


def run(context: ToolContext, parameters: Parameters) -> Observation:
    """Find lines, grouped by file with line numbers. Ignored and binary files are left out."""
    if not parameters.pattern or "\n" in parameters.pattern or "\0" in parameters.pattern:
        return Observation(text="the pattern must be one line of text", status="refused")
    try:
        place = look_to_read(context, parameters.path)
    except UsageError as error:
        return Observation(text=str(error), status="refused")
    done = context.sandbox.run(
        _command(context, place, parameters), timeout=context.limits.timeout, output_limit=2_000_000, fresh=True
    )
    if done.exit_code == 1 and not done.output.strip():
        where = place.shown if place.shown != "." else "the repository"
        scope = f"{where}{f' ({parameters.glob})' if parameters.glob else ''}"
        return Observation(text=f"nothing found in {scope} for: {parameters.pattern}", exit_code=1)
    if done.exit_code not in (0, 1):
        reason = "it took too long; narrow `path` or `glob`" if done.timed_out else visible(done.output).strip()[:500]
        return Observation(text=f"the search failed: {reason}", status="error", exit_code=done.exit_code)
    return _grouped(context, done.output, parameters.context)


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


def _grouped(context: ToolContext, output: str, around: int) -> Observation:
    """Group the lines by path: git writes it above them, grep before each."""
    files: dict[str, list[str]] = {}
    path, hits = "", 0
    for line in output.split("\n"):
        before, separator, rest = line.partition("\0")
        path = before if separator else path
        found = re.match(r"(\d+)([:=-])(.*)", rest if separator else line, re.DOTALL)
        if found and path:
            number, mark, text = found.groups()
            hits += mark == ":"
            text = visible(text)
            cut = f" [… {len(text) - _WIDTH:,} characters more]" if len(text) > _WIDTH else ""
            files.setdefault(path, []).append(f"{number:>6}{mark if mark == ':' else ' '} {text[:_WIDTH]}{cut}")
        elif line == "--":
            if files and around:
                files[next(reversed(files))].append("   …")
        elif line:
            path = line
    shown = []
    for name, lines in files.items():
        more = [f"   … {len(lines) - _MOST_PER_FILE} more lines here"] if len(lines) > _MOST_PER_FILE else []
        shown.append("\n".join([visible(name), *lines[:_MOST_PER_FILE], *more]))
    head = f"{hits} line{'s' if hits != 1 else ''} in {len(files)} file{'s' if len(files) != 1 else ''}"
    text, left_out = first_lines("\n".join(shown), context.limits.characters)
    rest = f"\n[… {left_out} more lines; narrow `path` or `glob`]" if left_out else ""
    return Observation(text=f"{head}\n{text}{rest}", exit_code=0, truncated=bool(left_out))
