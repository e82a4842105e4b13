"""Write an edit: syntax check, undo, numbered answer."""

import logging
from dataclasses import dataclass, field

from sweagent.edits import Applied, Hunk, SourceText, create, numbered
from sweagent.errors import FixIssueError
from sweagent.tool_api import ToolContext
from sweagent.tool_support.impact import Told, impact_notes
from sweagent.tool_support.sandbox_paths import PathRefused, SandboxPath, content, look_to_change
from sweagent.tool_support.text import cut_lines, first_lines, visible
from sweagent.tool_support.unknown_names import unknown_names
from sweagent.trajectory import Observation, ObservationStatus

_AROUND = 2
_MOST_UNDOS = 50


@dataclass
class History:
    """What the changed files were before each change, newest last."""

    contents: list[tuple[str, bytes | None]] = field(default_factory=list)

    def remember(self, place: SandboxPath, data: bytes | None) -> None:
        """Keep a file's content, None when it did not exist."""
        self.contents.append((place.real, data))
        del self.contents[:-_MOST_UNDOS]


def history(context: ToolContext) -> History:
    """The history of this run's changes, shared by all tools that change files."""
    return context.state.of(History)


def write(context: ToolContext, place: SandboxPath, before: bytes | None, after: bytes) -> None:
    """Write a file and remember what it was.

    Raises:
        PathRefused: the sandbox refuses the file.
        SandboxError: the sandbox is lost.
    """
    try:
        context.sandbox.write(place.real, after)
    except OSError as error:
        raise PathRefused(f"{place.shown} cannot be written: {error.strerror or error}") from error
    history(context).remember(place, before)


def remove(context: ToolContext, place: SandboxPath, before: bytes) -> None:
    """Delete a file and remember what it was.

    Raises:
        PathRefused: the sandbox refuses.
        SandboxError: the sandbox is lost.
    """
    import shlex

    done = context.sandbox.run(f"rm -f -- {shlex.quote(place.real)}", fresh=True)
    if done.exit_code != 0:
        raise PathRefused(f"{place.shown} cannot be removed: {done.output.strip()}")
    history(context).remember(place, before)


def answer(context: ToolContext, place: SandboxPath, before: bytes | None, applied: Applied) -> Observation:
    """Say what a change made of a file: the new lines with numbers, what was forgiven, syntax errors that it brought.

    Args:
        context: the tool's context.
        place: the file.
        before: its content before, None when it is new.
        applied: its content now.
    """
    parts = [f"{place.shown}: {'created' if before is None else 'changed'}"]
    parts += [f"[{note}]" for note in applied.notes]
    parts.append(_shown(applied.text, applied.hunks, context.limits.characters // 2))
    try:
        problems = new_syntax_errors(place.shown, before, applied.data)
    except Exception as error:
        # The change is made: a check that fails on its own account must not tell that it was not.
        logging.getLogger("sweagent.tools").exception("the syntax of %s could not be checked", place.shown)
        problems = []
        parts.append(f"[the change is made; its syntax could not be checked: {type(error).__name__}]")
    if problems:
        parts.append("[syntax errors that this change brought: " + "; ".join(problems) + "]")
    else:
        parts += [f"[{note}]" for note in _remarks(context, place, before, applied)]
    return Observation(text="\n".join(part for part in parts if part), status=ObservationStatus.of(ok=not problems))


def _remarks(context: ToolContext, place: SandboxPath, before: bytes | None, applied: Applied) -> list[str]:
    """What may have to follow the change, and names in it that exist nowhere; each is said once in a run."""
    old = SourceText.of(before).text if before is not None else ""
    try:
        notes = unknown_names(context, place.shown, old, applied.text)
        notes += impact_notes(context, place.shown, old, applied.text) if before is not None else []
    except FixIssueError:
        raise
    except Exception:
        # The change is made, and the policy can do without remarks.
        logging.getLogger("sweagent.tools").exception("no remarks on %s", place.shown)
        return []
    return context.state.of(Told).new(notes)


def new_syntax_errors(path: str, before: bytes | None, after: bytes) -> list[str]:
    """The syntax errors of a file's new content, unless the old one had as many already."""
    from sweagent.code import syntax_errors

    found = syntax_errors(path, after)
    if not found or (before is not None and len(syntax_errors(path, before)) >= len(found)):
        return []
    return [f"line {problem.line}: {problem.message}" for problem in found[:3]]


def write_whole(context: ToolContext, path: str, text: str) -> Observation:
    """Write a whole file, new or in place of the one there, and say so.

    Raises:
        EditRefused, PathRefused: it cannot be written; nothing was.
        SandboxError: the sandbox is lost.
    """
    place = look_to_change(context, path)
    before = content(context, place) if place.kind == "file" else None
    after = create(text, before)
    write(context, place, before, after)
    return answer(context, place, before, whole(after))


def whole(data: bytes) -> Applied:
    """A file whose content is new as a whole."""
    text = SourceText.of(data).text
    return Applied(data, text, (Hunk(1, text.count("\n") + (not text.endswith("\n"))),), ())


def _shown(text: str, hunks: tuple[Hunk, ...], limit: int) -> str:
    """The lines of the hunks with some around, neighbours joined; a long new file is not repeated."""
    lines = text.count("\n") + 1
    if len(hunks) == 1 and hunks[0].first == 1 and hunks[0].last >= lines - 1 and lines > 12:
        return f"({lines - 1} lines)"
    ranges: list[list[int]] = []
    for hunk in hunks:
        first, last = max(1, hunk.first - _AROUND), min(lines, max(hunk.first - 1, hunk.last) + _AROUND)
        if ranges and first <= ranges[-1][1] + 1:
            ranges[-1][1] = max(last, ranges[-1][1])
        else:
            ranges.append([first, last])
    parts = "\n   …\n".join(numbered(text, first, last) for first, last in ranges)
    shown, left_out = first_lines(cut_lines(visible(parts), 500), limit)
    return shown + (f"\n[… {left_out} more lines]" if left_out else "")
