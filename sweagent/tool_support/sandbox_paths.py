"""Resolve the model's paths in the sandbox; refuse what is protected."""

import base64
import posixpath
import re
import shlex
from dataclasses import dataclass, field
from typing import Literal

from sweagent.errors import UsageError
from sweagent.tool_api import ToolContext

Kind = Literal["file", "folder", "missing", "other"]

# Prints the kind, the real path of the root and of $p, of which the end may not exist yet, and what a file holds: most
# tools want that next, and a round trip is dearer than the encoding.
_LOOK = """
rest=
while [ ! -e "$p" ] && [ ! -L "$p" ] && [ "$p" != / ]; do
    rest=/${p##*/}$rest; p=${p%/*}; [ -n "$p" ] || p=/
done
kind=missing
if [ -z "$rest" ]; then
    if [ -f "$p" ]; then kind=file; [ -r "$p" ] || kind=unreadable
    elif [ -d "$p" ]; then kind=folder
    elif [ -e "$p" ]; then kind=other; fi
fi
real=$(readlink -f -- "$p") || real=
printf '%s\\n%s\\n%s%s\\n' "$kind" "${root:-$(readlink -f -- "$work")}" "$real" "$rest"
if [ $kind = file ]; then head -c "$most" <"$p" | base64; fi
"""
_MOST_AT_ONCE = 500_000
WHOLE_ISSUE = ".git/fix-issue/issue.md"
"""Where the issue's whole text lies in the sandbox when the prompt shows it folded; no patch holds it there."""
LARGEST = 20_000_000
"""Bytes of a file that is shown or edited; larger ones are data, and left to bash."""
_READABLE_OUTSIDE = re.compile(
    r"/(site-packages|dist-packages|node_modules|pkg/mod|registry/src|\.m2|\.gradle)(/|$)"
    r"|^/(tmp|var/tmp|usr/include|usr/share|usr/src|usr/lib|usr/local|opt)(/|$)"
)


class PathRefused(UsageError):  # noqa: N818 (a refusal is an answer to the model, not a fault)
    """A tool does not touch this path. The message is written for the model."""


@dataclass
class SavedOutputs:
    """Files outside the work tree that hold whole outputs, so that they can be viewed."""

    paths: set[str] = field(default_factory=set)


@dataclass
class _WorkTreeRoot:
    path: str = ""


@dataclass(frozen=True)
class SandboxPath:
    """The target of a path.

    Attributes:
        shown: the path as the model should see it: relative to the repository's root, absolute outside.
        real: the absolute path with all symbolic links resolved; to be used for reading and writing.
        kind: what is there.
        inside: whether it is in the repository's work tree, and not in its `.git`.
        data: what a file holds; None for a large one, which is read when it is wanted.
    """

    shown: str
    real: str
    kind: Kind
    inside: bool
    data: bytes | None = None


def look(context: ToolContext, path: str) -> SandboxPath:
    """Find out what a path is, in one round trip.

    Args:
        context: the tool's context.
        path: absolute, or relative to the repository's root.

    Raises:
        PathRefused: the path cannot be used at all.
        SandboxError: the sandbox is lost.
    """
    if not path.strip() or "\0" in path or "\n" in path:
        raise PathRefused(f"{path!r} cannot be used as a path")
    wanted = posixpath.normpath(posixpath.join(context.sandbox.workdir, path))
    if wanted == context.sandbox.workdir:
        return SandboxPath(".", wanted, "folder", inside=True)
    names = {"p": wanted, "work": context.sandbox.workdir, "root": context.state.of(_WorkTreeRoot).path}
    variables = " ".join(f"{name}={shlex.quote(value)}" for name, value in names.items())
    done = context.sandbox.run(
        f"{variables} most={_MOST_AT_ONCE + 1}{_LOOK}", fresh=True, output_limit=2 * _MOST_AT_ONCE
    )
    lines = done.output.split("\n", 3)
    if done.exit_code != 0 or len(lines) < 4:
        raise PathRefused(f"{path} could not be looked at: {done.output[:200]}")
    kind, root, real, encoded = lines
    real = re.sub("^//+", "/", real)
    context.state.of(_WorkTreeRoot).path = root
    if not real.startswith("/") or kind == "unreadable":
        raise PathRefused(f"{path} leads nowhere: a broken link, or no permission")
    inside = real == root or real.startswith(root.rstrip("/") + "/")
    shown = posixpath.relpath(real, root) if inside else real
    inside = inside and not (shown + "/").startswith(".git/")
    if wanted != real and inside:
        shown = posixpath.relpath(wanted, context.sandbox.workdir)
    known: dict[str, Kind] = {"file": "file", "folder": "folder", "missing": "missing"}
    return SandboxPath(shown, real, known.get(kind, "other"), inside, _decoded(encoded) if kind == "file" else None)


def _decoded(encoded: str) -> bytes | None:
    """The bytes of a file; None when there may be more, or when the sandbox's programs wrote something else."""
    try:
        data = base64.b64decode(encoded)
    except ValueError:
        return None
    return data if len(data) <= _MOST_AT_ONCE else None


def content(context: ToolContext, place: SandboxPath) -> bytes:
    """What a file holds.

    Raises:
        PathRefused: it is missing, too large, or may not be read.
        SandboxError: the sandbox is lost.
    """
    if place.kind == "missing":
        raise PathRefused(f"{place.shown} does not exist")
    if place.data is not None:
        return place.data
    try:
        data = context.sandbox.read(place.real, limit=LARGEST + 1)
    except OSError as error:
        raise PathRefused(f"{place.shown} cannot be read: {error.strerror or error}") from error
    if len(data) > LARGEST:
        raise PathRefused(f"{place.shown} has more than {LARGEST:,} bytes; use bash, for example head or grep")
    return data


def look_to_read(context: ToolContext, path: str) -> SandboxPath:
    """Look at a path whose content will be shown; see `look`.

    Outside the repository only what is there to be read is shown: installed packages, headers, temporary files.

    Raises:
        PathRefused: it is elsewhere, it is not there, or it is neither file nor folder.
        SandboxError: the sandbox is lost.
    """
    place = look(context, path)
    if not (place.inside or _READABLE_OUTSIDE.search(place.real) or _of_the_sandbox(context, place)):
        raise PathRefused(f"{path} is {place.real}, outside the repository; use bash to look there")
    if place.kind == "missing":
        raise PathRefused(f"{path} does not exist")
    if place.kind == "other":
        raise PathRefused(f"{path} is neither a file nor a folder")
    return place


def look_to_change(context: ToolContext, path: str) -> SandboxPath:
    """Look at a file that will be written; see `look`.

    Raises:
        PathRefused: it is outside the repository, in its `.git`, or something else than a file is there.
        SandboxError: the sandbox is lost.
    """
    place = look(context, path)
    if not place.inside:
        raise PathRefused(f"{path} is {place.real}, outside the repository's work tree; it was not changed")
    if place.kind == "folder":
        raise PathRefused(f"{path} is a folder")
    if place.kind == "other":
        raise PathRefused(f"{path} is not a plain file")
    return place


def _of_the_sandbox(context: ToolContext, place: SandboxPath) -> bool:
    """Whether it is something of the harness's own that the policy was told of, such as the whole of an output."""
    return place.shown == WHOLE_ISSUE or place.real in context.state.of(SavedOutputs).paths
