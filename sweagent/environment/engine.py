"""The Docker engine as builds need it: one build at a time of a thing, on a network that leads only to the registry."""

import hashlib
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, cast

from filelock import FileLock

from sweagent.environment.registry_server import serve_registry
from sweagent.environment.registry_settings import read_registry_settings
from sweagent.errors import EnvironmentBuildError
from sweagent.home import cache_folder
from sweagent.sandbox.engine import reach_engine

Log = Callable[[str], None]
"""Takes lines for people; those that start with `| ` are the build's own output."""

IMAGES = "fix-issue/env"
BASES = "fix-issue/base"
LABEL = "org.fix-issue"
_NETWORK = "fix-issue-build"
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


class BuildNetwork:
    """How a build reaches the proxy on the host.

    Attributes:
        mode: the name of the network for the engine.
        proxy: the address of the proxy as seen from the build.
    """

    def __init__(self, mode: str, proxy: str) -> None:
        self.mode = mode
        self.proxy = proxy

    @property
    def arguments(self) -> dict[str, str]:
        """Build arguments that the engine knows and keeps out of the layers and of their cache keys."""
        return {"http_proxy": self.proxy, "HTTP_PROXY": self.proxy, "https_proxy": self.proxy}


@contextmanager
def build_network(client: Any) -> Iterator[BuildNetwork]:
    """Open the way from builds to the package registries while the block runs.

    On a local engine that is a network without a way out, on whose gateway the proxy listens. Where the host does not
    own the gateway's address (an engine in a virtual machine), it is the default network and `host.docker.internal`.
    """
    gateway = _gateway(client)
    local = _is_own(gateway)
    with serve_registry(gateway if local else "127.0.0.1", read_registry_settings()) as port:
        if local:
            yield BuildNetwork(_NETWORK, f"http://{gateway}:{port}")
        else:
            yield BuildNetwork("bridge", f"http://host.docker.internal:{port}")


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

    lines: list[str] = []
    try:
        for event in client.api.build(
            fileobj=context,
            custom_context=True,
            tag=tag,
            rm=True,
            forcerm=True,
            decode=True,
            network_mode=network.mode,
            buildargs=arguments | network.arguments,
            labels=labels,
            timeout=3600,
        ):
            text = str(event.get("stream") or event.get("error") or "")
            for line in text.splitlines():
                if line.strip():
                    lines.append(line)
                    log(f"| {line}")
            if "error" in event:
                raise EnvironmentBuildError("\n".join(lines[-60:]), "see the end of the log above")
    except DockerException as error:
        raise EnvironmentBuildError(f"the engine ended the build: {error}", "see `fix-issue doctor`") from error
    return cast(str, client.images.get(tag).id)


def _gateway(client: Any) -> str:
    from docker.errors import APIError, NotFound

    with one_at_a_time("network"):
        try:
            network = client.networks.get(_NETWORK)
        except NotFound:
            try:
                network = client.networks.create(_NETWORK, driver="bridge", internal=True, labels={LABEL: "network"})
            except APIError as error:
                raise EnvironmentBuildError(
                    f"the engine cannot make a network for builds: {error.explanation}",
                    f"make one with `docker network create --internal {_NETWORK}`",
                ) from error
        network.reload()
        return cast(str, network.attrs["IPAM"]["Config"][0]["Gateway"])


def _is_own(address: str) -> bool:
    with suppress(OSError), socket.socket() as probe:
        probe.bind((address, 0))
        return True
    return False
