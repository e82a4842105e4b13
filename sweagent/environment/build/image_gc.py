"""Remove the least recently used environment images beyond a limit."""

import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from sweagent.environment.docker_build import IMAGES, LABEL, one_at_a_time, owner, state_folder
from sweagent.frozen import Frozen
from sweagent.sandbox.engine import connect


class StoredImage(Frozen):
    """An image that was built here."""

    name: str
    id: str
    repository: str
    commit: str
    size: int
    """Bytes, with what it shares with others."""
    used: datetime
    """When it was last asked for."""


def touch(name: str) -> None:
    """Remember that an image was used now."""
    folder = state_folder() / "used"
    folder.mkdir(exist_ok=True)
    (folder / name.rsplit(":", 1)[-1]).touch()


def list_images() -> list[StoredImage]:
    """All environments that were built here, the most recently used first.

    Raises:
        SandboxError: no engine answers.
    """
    client = connect()
    try:
        return _list(client)
    finally:
        client.close()


def disk_use() -> int:
    """Bytes that the environments use on disk, layers that they share counted once.

    Raises:
        SandboxError: no engine answers.
    """
    client = connect()
    try:
        return _use(_layers(client, image) for image in _list(client))
    finally:
        client.close()


_GOES_ON = 3600.0
"""Seconds after which no build goes on with an image that has no name yet."""


def prune(limit: int, *, keep: str = "") -> list[StoredImage]:
    """Remove the least recently used environments until the rest fits; images of running containers stay.

    What builds that failed have left behind, images without a name, goes in any case.

    Args:
        limit: bytes that may stay; 0 removes all.
        keep: the name of an image that stays in any case.

    Returns:
        What was removed.

    Raises:
        SandboxError: no engine answers.
    """
    from docker.errors import APIError

    client = connect()
    removed = []
    try:
        with one_at_a_time("prune"):
            _remove_unnamed(client)
            stored = _list(client)
            layers = {image.name: _layers(client, image) for image in stored}
            for image in reversed(stored):
                if _use(layers.values()) <= limit:
                    break
                if image.name == keep:
                    continue
                try:
                    client.images.remove(image.name)
                except APIError:
                    continue
                (state_folder() / "used" / image.name.rsplit(":", 1)[-1]).unlink(missing_ok=True)
                removed.append(image)
                del layers[image.name]
    finally:
        client.close()
    return removed


def _remove_unnamed(client: Any) -> None:
    from docker.errors import APIError

    for entry in client.api.images(filters={"label": LABEL, "dangling": True}):
        if entry.get("Created", 0) < time.time() - _GOES_ON:
            with suppress(APIError):
                client.api.remove_image(entry["Id"])


def _list(client: Any) -> list[StoredImage]:
    found = []
    # The engine's own list, not one question an image: another process may remove images meanwhile.
    for entry in client.api.images(filters={"label": [f"{LABEL}=environment", f"{LABEL}.owner={owner()}"]}):
        labels = entry.get("Labels") or {}
        for name in entry.get("RepoTags") or ():
            if name.startswith(f"{IMAGES}:"):
                found.append(
                    StoredImage(
                        name=name,
                        id=entry["Id"],
                        repository=labels.get(f"{LABEL}.repository", ""),
                        commit=labels.get(f"{LABEL}.commit", ""),
                        size=entry.get("Size", 0),
                        used=_used(name, entry.get("Created", time.time())),
                    )
                )
    return sorted(found, key=lambda image: image.used, reverse=True)


def _used(name: str, created: float) -> datetime:
    try:
        moment = (state_folder() / "used" / name.rsplit(":", 1)[-1]).stat().st_mtime
    except OSError:
        moment = created
    return datetime.fromtimestamp(moment, UTC)


def _layers(client: Any, image: StoredImage) -> dict[str, int]:
    """The bytes of each layer of an image; none when it was removed meanwhile."""
    from docker.errors import ImageNotFound

    try:
        history = client.api.history(image.id)
    except ImageNotFound:
        return {}
    return {
        entry["Id"] if entry["Id"] != "<missing>" else f"{entry['CreatedBy']}{entry['Created']}{index}": entry["Size"]
        for index, entry in enumerate(history)
    }


def _use(layers: Iterable[dict[str, int]]) -> int:
    """Bytes of the layers of some images, each layer once."""
    return sum({identity: size for image in layers for identity, size in image.items()}.values())
