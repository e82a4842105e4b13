"""List the files of a folder in the sandbox by a glob."""

import fnmatch
import re
import shlex
from collections.abc import Callable

from sweagent.tool_api import ToolContext
from sweagent.tool_support.sandbox_paths import SandboxPath


def matching_files(context: ToolContext, folder: SandboxPath, glob: str) -> tuple[list[str], int]:
    """Return the files and folders that a glob matches, and how many files there are; ignored files are left out.

    Args:
        context: what the tools work with.
        folder: where to look.
        glob: without a slash about the last name, with one about the whole path; `**` spans folders.

    Raises:
        SandboxError: the sandbox is lost.
    """
    git = "git -c core.fsmonitor=false ls-files -z"
    # The index still names files that were deleted; they come again after the mark.
    listing = f"{git} --cached --others --exclude-standard -- . && printf '\\1\\0' && {git} --deleted -- ."
    plain = "find . -name .git -prune -o -type f -print0"
    command = (
        f"cd {shlex.quote(folder.real)} && "
        f"{{ {{ {listing if folder.inside else 'false'}; }} 2>/dev/null || {plain}; }} | tr '\\n\\000' '?\\n'"
    )
    done = context.sandbox.run(command, timeout=context.limits.timeout, output_limit=20_000_000, fresh=True)
    listed, _, deleted = done.output.partition("\x01\n")
    files = {line.removeprefix("./") for line in listed.split("\n") if line} - set(deleted.split("\n"))
    folders = {
        "/".join(parts[:depth]) + "/" for parts in (file.split("/") for file in files) for depth in range(1, len(parts))
    }
    matches = _matcher(glob)
    found = sorted(name for name in files | folders if matches(name.rstrip("/")))
    return [name if folder.shown == "." else f"{folder.shown}/{name}" for name in found], len(files)


def _matcher(glob: str) -> Callable[[str], bool]:
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
