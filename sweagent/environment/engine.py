"""The Docker engine as builds need it: one build at a time of a thing, with bounds on each."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from filelock import FileLock

from sweagent.environment.contacts import Contacts
from sweagent.errors import EnvironmentBuildError
from sweagent.home import cache_folder
from sweagent.sandbox.engine import reach_engine

Log = Callable[[str], None]
"""Takes lines for people; those that start with `| ` are the build's own output."""

IMAGES = "fix-issue/env"
BASES = "fix-issue/base"
LABEL = "org.fix-issue"
BUILD_SECONDS = 3600.0
"""What one attempt to build may take."""

_LOCK_WAIT = 3 * 3600.0


def state_folder() -> Path:
    """Where locks, uses and lock files of environments are kept: `$XDG_CACHE_HOME/fix-issue/environments`."""
    folder = cache_folder() / "environments"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def owner() -> str:
    """What tells the images of this state folder from those of others on the same engine."""
    return hashlib.sha256(str(state_folder().resolve()).encode()).hexdigest()[:12]


@contextmanager
def one_at_a_time(name: str) -> Iterator[None]:
    """Hold the lock of a name among all processes of this user."""
    folder = state_folder() / "locks"
    folder.mkdir(exist_ok=True)
    with FileLock(folder / f"{name}.lock", timeout=_LOCK_WAIT):
        yield


def connect(timeout: int = 600) -> Any:
    """A client of the Docker engine; close it after use.

    Args:
        timeout: seconds that one call may keep silent.

    Raises:
        SandboxError: no engine answers within 5 seconds.
    """
    from docker import DockerClient

    return DockerClient(timeout=timeout, **reach_engine())


def find_image(client: Any, name: str) -> Any | None:
    """The image of a name, or None when the engine does not have it."""
    from docker.errors import ImageNotFound

    try:
        return client.images.get(name)
    except ImageNotFound:
        return None


@dataclass(frozen=True)
class BuildNetwork:
    """How a build reaches the proxy, and its bounds.

    Attributes:
        mode: the network for the engine.
        proxy: the address of the proxy as seen from the build.
        contacts: which hosts the proxy was asked for.
        memory: bytes for a step.
        parent: a control group in which steps are run, whose bounds hold for all of them; empty for the engine's own.
    """

    mode: str
    proxy: str
    contacts: Contacts
    memory: int
    parent: str = ""

    @property
    def arguments(self) -> dict[str, str]:
        """Build arguments that the engine knows and keeps out of the layers and of their cache keys."""
        return {"http_proxy": self.proxy, "HTTP_PROXY": self.proxy, "https_proxy": self.proxy}


def build(
    client: Any,
    context: IO[bytes],
    *,
    network: BuildNetwork,
    arguments: dict[str, str],
    tag: str,
    labels: dict[str, str],
    log: Log,
) -> str:
    """Build a Dockerfile by the engine and return the image's id.

    Args:
        client: from `connect`.
        context: a tar archive with the `Dockerfile` and what it copies.
        network: from `build_network`.
        arguments: build arguments; never secrets.
        tag: the image's name.
        labels: the image's labels.
        log: receives each line of the output.

    Raises:
        EnvironmentBuildError: a step failed; the message ends with the last lines of the output.
    """
    from docker.errors import DockerException
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    lines: list[str] = []
    deadline = time.monotonic() + BUILD_SECONDS
    try:
        with closing(_started(client.api, context, network, arguments, tag, labels)) as answer:
            for event in client.api._stream_helper(answer, decode=True):
                text = str(event.get("stream") or event.get("error") or "")
                for line in text.splitlines():
                    if line.strip():
                        lines.append(line)
                        log(f"| {line}")
                if "error" in event:
                    raise EnvironmentBuildError("\n".join(lines[-60:]), "see the end of the log above")
                if time.monotonic() > deadline:
                    raise _too_long(lines)
    except DockerException as error:
        raise EnvironmentBuildError(f"the engine ended the build: {error}", "see `fix-issue doctor`") from error
    except (RequestException, HTTPError) as error:
        if time.monotonic() < deadline:
            raise EnvironmentBuildError(f"the engine ended the build: {error}", "see `fix-issue doctor`") from error
        raise _too_long(lines) from error
    return cast(str, client.images.get(tag).id)


def _started(
    api: Any, context: IO[bytes], network: BuildNetwork, arguments: dict[str, str], tag: str, labels: dict[str, str]
) -> Any:
    """Begin a build; the engine ends it when the answer is closed.

    The client's own `build` knows no control group. Swap counts as memory.
    """
    parameters = {
        "t": tag,
        "rm": True,
        "forcerm": True,
        "networkmode": network.mode,
        "buildargs": json.dumps(arguments | network.arguments),
        "labels": json.dumps(labels),
        "memory": network.memory,
        "memswap": network.memory,
    }
    if network.parent:
        parameters["cgroupparent"] = network.parent
    headers = {"Content-Type": "application/tar"}
    api._set_auth_headers(headers)
    answer = api._post(
        api._url("/build"), data=context, params=parameters, headers=headers, stream=True, timeout=BUILD_SECONDS
    )
    api._raise_for_status(answer)
    return answer


def _too_long(lines: list[str]) -> EnvironmentBuildError:
    told = "\n".join(lines[-20:])
    return EnvironmentBuildError(
        f"{told}\nthe build was ended at its limit of {BUILD_SECONDS:.0f} s",
        "leave out what takes so long under `environment:`, or name an image with --image",
    )
