"""Edit several files in one call, all or none."""

from collections.abc import Sequence

from sweagent.edits import Applied, EditRefused, apply, create
from sweagent.edits.formats import FileChange
from sweagent.tool_api import ToolContext
from sweagent.tool_support.file_edits import answer, remove, whole, write
from sweagent.tool_support.sandbox_paths import PathRefused, SandboxPath, content, look_to_change
from sweagent.tool_support.text import bounded
from sweagent.trajectory import Observation, ObservationStatus


def change_files(context: ToolContext, changes: Sequence[FileChange]) -> Observation:
    """Work out every change first, and write only if all can be made.

    Raises:
        EditRefused, PathRefused: one cannot be made; the message names its file, and nothing was written.
        SandboxError: the sandbox is lost.
    """
    planned = [_plan(context, change) for change in changes]
    answers: list[Observation] = []
    for change, place, before, applied in planned:
        try:
            if applied is None:
                remove(context, place, before or b"")
                answers.append(Observation(text=f"{place.shown}: removed"))
            elif change.target:
                target = look_to_change(context, change.target)
                write(context, target, None, applied.data)
                answers.append(answer(context, target, before, applied))
                remove(context, place, before or b"")
            else:
                write(context, place, before, applied.data)
                answers.append(answer(context, place, before, applied))
        except PathRefused as error:
            if not answers:
                raise
            # What was written is written: the answer must not say that nothing was.
            answers.append(
                Observation(text=f"[stopped here: {error}; the changes above are made]", status=ObservationStatus.ERROR)
            )
            break
    return Observation(
        text=bounded("\n".join(item.text for item in answers), context.limits.characters)[0],
        status=ObservationStatus.of(ok=not any(item.status is ObservationStatus.ERROR for item in answers)),
    )


def _plan(context: ToolContext, change: FileChange) -> tuple[FileChange, SandboxPath, bytes | None, Applied | None]:
    try:
        place = look_to_change(context, change.path)
        if change.target and look_to_change(context, change.target).kind != "missing":
            raise PathRefused(f"{change.target} is there already")
        if change.action == "create":
            if place.kind == "file":
                raise PathRefused(f"{place.shown} is there already; change it or remove it first")
            return change, place, None, whole(create(change.text))
        before = content(context, place)
        if change.action == "delete":
            return change, place, before, None
        return change, place, before, apply(before, list(change.replacements))
    except EditRefused as error:
        raise EditRefused(f"{change.path}: {error}") from error
