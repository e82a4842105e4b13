"""Reach the Docker engine with bounded calls and clear errors."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from sweagent.errors import SandboxError

_REACH_SECONDS = 4
_GROUP_HINT = (
    "join the group that may (`sudo usermod -aG docker $USER`, then log in again), or choose --sandbox bubblewrap; "
    "see `fix-issue doctor`"
)
_HINT = "start Docker (or set DOCKER_HOST), or choose --sandbox bubblewrap; see `fix-issue doctor`"


_versions: dict[str, str] = {}
"""The version of the API that each engine was found to speak: asked, it starts three programs to tell."""


def connect(timeout: float) -> Any:
    """The `docker` package's low-level client, of the engine that DOCKER_HOST names, the system's, or the user's own.

    Args:
        timeout: seconds of each later call.

    Raises:
        SandboxError: no engine answers within 5 seconds.
    """
    from docker import APIClient

    arguments = reach_engine() | {"timeout": timeout}
    return APIClient(**arguments)


def reach_engine() -> dict[str, Any]:
    """What a client of the `docker` package is made with, after the engine answered.

    Raises:
        SandboxError: no engine answers within 5 seconds.
    """
    from docker import APIClient
    from docker.errors import DockerException
    from docker.utils import kwargs_from_env
    from requests.exceptions import RequestException

    address = ""
    try:
        given: dict[str, Any] = {**kwargs_from_env()}
        address = given.setdefault("base_url", _socket())
        known = _versions.get(address)
        with contextlib.closing(APIClient(version=known or "auto", timeout=_REACH_SECONDS, **given)) as api:
            if known:
                api.ping()
            _versions[address] = api.api_version
    except (DockerException, RequestException, OSError) as error:
        if _not_allowed(error):
            raise SandboxError(f"you may not use the Docker engine at {address}", _GROUP_HINT) from error
        raise SandboxError(f"no Docker engine answers: {_short(error)}", _HINT) from error
    return {**given, "version": _versions[address]}


@contextlib.contextmanager
def engine_errors(doing: str) -> Iterator[None]:
    """Turn every failure of the engine into a SandboxError of one line.

    Args:
        doing: what cannot be done, as the start of the message.
    """
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        yield
    except (DockerException, RequestException, OSError) as error:
        raise SandboxError(f"{doing}: {_short(error)}", "see `fix-issue doctor`") from error


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


def _short(error: BaseException) -> str:
    said = getattr(error, "explanation", None) or str(error)
    return " ".join(str(said).split())[:300]
