"""Pull, measure and remove images of the engine."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sweagent.errors import SandboxError
from sweagent.sandbox.engine import connect, engine_errors, engine_failures, engine_message
from sweagent.stop_token import StopToken


@contextmanager
def engine(timeout: int) -> Iterator[Any]:
    """A client of the engine for the length of a block, whose failures are all told as failures of the engine.

    Args:
        timeout: seconds that one call may keep silent.

    Raises:
        SandboxError: no engine answers, or it fails within the block.
    """
    client = connect(timeout)
    try:
        with engine_errors("the engine fails over an image"):
            yield client
    finally:
        client.close()


def pull_once(client: Any, name: str) -> tuple[Any | None, str]:
    """Pull an image once: the image, or None and what the engine said."""
    # Without a tag the engine's library would bring all of them.
    tag = None if ":" in name.rpartition("/")[2] or "@" in name else "latest"
    try:
        return client.images.pull(name, tag=tag), ""
    except engine_failures() as error:
        return None, engine_message(error)


def layers_of(client: Any, image: Any) -> dict[str, int]:
    """The sizes of an image's layers. The history does not name them, but lists those that hold something in order."""
    sizes = [entry["Size"] for entry in reversed(client.api.history(image.id)) if entry["Size"]]
    names = image.attrs.get("RootFS", {}).get("Layers") or []
    if len(sizes) != len(names):
        return {image.id: int(image.attrs.get("Size") or 0)}
    return dict(zip(names, sizes, strict=True))


def remove_image(client: Any, name: str) -> bool:
    """Remove an image; one that a container still uses stays."""
    from docker.errors import ImageNotFound

    try:
        client.images.remove(name)
    except ImageNotFound:
        return True
    except engine_failures():
        return False
    return True


def engine_answers(client: Any) -> bool:
    """Whether the engine answers a client that was made before."""
    try:
        return bool(client.ping())
    except engine_failures():
        return False


def wait_for_engine(seconds: float, stop: StopToken) -> bool:
    """Wait until the engine answers again.

    Args:
        seconds: how long at the most.
        stop: ends the waiting.

    Returns:
        Whether it answers.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            connect(10).close()
        except SandboxError:
            if time.monotonic() >= deadline or stop.wait(1.0):
                return False
        else:
            return True
