"""Find and remove sandboxes of ended or killed runs."""

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sweagent.errors import SandboxError
from sweagent.frozen import Frozen
from sweagent.sandbox.base import SandboxKind
from sweagent.sandbox.identity import LABEL_RUN, PREFIX, owner_labels, owner_lives

_OWNER = "owner.json"


class Leftover(Frozen):
    """A sandbox whose controller is gone."""

    kind: SandboxKind
    name: str
    """The container's id, or the folder."""
    run_id: str


def find_leftovers() -> tuple[Leftover, ...]:
    """The sandboxes on this machine whose controller has died. Nothing is found in an engine that does not answer."""
    return (*_containers(), *_folders())


def remove_leftovers(leftovers: Iterable[Leftover] | None = None) -> tuple[str, ...]:
    """Remove the sandboxes of dead controllers.

    Args:
        leftovers: which ones; None takes all that `find_leftovers` finds.

    Returns:
        What was removed, for people.
    """
    from sweagent.sandbox._cgroups import remove_groups
    from sweagent.sandbox._folders import remove_folder
    from sweagent.sandbox.engine import connect, engine_errors

    removed = []
    for leftover in find_leftovers() if leftovers is None else leftovers:
        try:
            if leftover.kind == "docker":
                with engine_errors(f"the container {leftover.name} cannot be removed"):
                    connect(10.0).api.remove_container(leftover.name, force=True, v=True)
            else:
                remove_folder(Path(leftover.name))
                remove_groups(Path(leftover.name).name)
        except SandboxError:
            continue
        removed.append(f"{leftover.kind} sandbox {leftover.name} of run {leftover.run_id}")
    return tuple(removed)


def claim_folder(prefix: str, run_id: str) -> Path:
    """A new folder for a sandbox of this machine, with a note of who owns it."""
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}-{prefix}-")).resolve()
    (folder / _OWNER).write_text(json.dumps({**owner_labels(run_id), "kind": prefix}), encoding="utf-8")
    return folder


def _containers() -> list[Leftover]:
    from sweagent.sandbox.engine import connect, engine_errors

    try:
        with engine_errors("the containers cannot be listed"):
            listed: list[dict[str, Any]] = connect(10.0).api.containers(all=True, filters={"label": LABEL_RUN})
    except SandboxError:
        return []
    return [
        Leftover(kind="docker", name=item["Id"][:12], run_id=item["Labels"][LABEL_RUN])
        for item in listed
        if not owner_lives(item["Labels"])
    ]


def _folders() -> list[Leftover]:
    found = []
    for note in Path(tempfile.gettempdir()).glob(f"{PREFIX}-*-*/{_OWNER}"):
        try:
            labels = json.loads(note.read_text("utf-8"))
            if note.stat().st_uid == note.parent.stat().st_uid and not owner_lives(labels):
                found.append(Leftover(kind=labels["kind"], name=str(note.parent), run_id=labels[LABEL_RUN]))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found
