"""Reach the Docker engine with bounded calls and clear errors."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from sweagent.errors import SandboxError
from sweagent.printable import one_line

_REACH_SECONDS = 4
_GROUP_HINT = (
    "join the group that may (`sudo usermod -aG docker $USER`, then log in again), or choose --sandbox bubblewrap; "
    "see `fix-issue doctor`"
)
_HINT = "start Docker (or set DOCKER_HOST), or choose --sandbox bubblewrap; see `fix-issue doctor`"
_DOCTOR = "see `fix-issue doctor`"
_versions: dict[str, str] = {}
"""The version of the API that each engine was found to speak: asked, it starts three programs to tell."""


def connect(timeout: float = 600) -> Any:
    """A `DockerClient` of the engine that DOCKER_HOST names, the system's, or the user's own; close it after use.

    Its `api` is the low-level client.

    Args:
        timeout: seconds that one later call may keep silent.

    Raises:
        SandboxError: no engine answers within 5 seconds.
    """
    from docker import DockerClient

    arguments: dict[str, Any] = {"timeout": timeout, **_reach()}
    return DockerClient(**arguments)


def find_image(client: Any, name: str) -> Any | None:
    """The image of a name, or None when the engine does not have it."""
    from docker.errors import ImageNotFound

    try:
        return client.images.get(name)
    except ImageNotFound:
        return None


def _reach() -> dict[str, Any]:
    """What a client of the `docker` package is made with, after the engine answered.

    Raises:
        SandboxError: no engine answers within 5 seconds.
    """
    from docker import APIClient
    from docker.utils import kwargs_from_env

    address = ""
    try:
        given: dict[str, Any] = {**kwargs_from_env()}
        address = given.setdefault("base_url", _socket())
        known = _versions.get(address)
        with contextlib.closing(APIClient(version=known or "auto", timeout=_REACH_SECONDS, **given)) as api:
            if known:
                api.ping()
            _versions[address] = api.api_version
    except engine_failures(OSError) as error:
        if _not_allowed(error):
            raise SandboxError(f"you may not use the Docker engine at {address}", _GROUP_HINT) from error
        raise SandboxError(f"no Docker engine answers: {engine_message(error)}", _HINT) from error
    return {**given, "version": _versions[address]}


def engine_failures(*more: type[Exception]) -> tuple[type[Exception], ...]:
    """What the engine's library raises when the engine fails, refuses or keeps silent; for an `except`.

    Args:
        more: further errors to catch in the same place.
    """
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    return (DockerException, RequestException, *more)


def engine_message(error: BaseException) -> str:
    """What the engine says of a failure, in one bounded line."""
    return one_line(str(getattr(error, "explanation", None) or error), 300)


def as_engine_failure(error: Exception) -> SandboxError | None:
    """What the engine's library raised, as an error of the sandbox; None for any other error."""
    if not isinstance(error, engine_failures()):
        return None
    return SandboxError(f"the engine failed: {engine_message(error)}", _DOCTOR)


@contextlib.contextmanager
def engine_errors(doing: str) -> Iterator[None]:
    """Turn every failure of the engine into a SandboxError of one line.

    Args:
        doing: what cannot be done, as the start of the message.
    """
    try:
        yield
    except engine_failures(OSError) as error:
        raise SandboxError(f"{doing}: {engine_message(error)}", _DOCTOR) from error


def _socket() -> str:
    own = os.path.join(os.environ.get("XDG_RUNTIME_DIR", ""), "docker.sock")
    return (
        f"unix://{own}"
        if not os.path.exists("/var/run/docker.sock") and os.path.exists(own)
        else ("unix:///var/run/docker.sock")
    )


def _not_allowed(error: BaseException | None) -> bool:
    """Whether permission is what an error comes from; the libraries between wrap it several times."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, PermissionError) or "PermissionError(13" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
