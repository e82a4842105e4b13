"""Give each build its own way to the registry proxy."""

import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sweagent.config import SandboxSettings
from sweagent.environment.bases.host_image import host_base
from sweagent.environment.build.step_container import Bounds
from sweagent.environment.contacted_hosts import Contacts
from sweagent.environment.docker_build import LABEL, Log
from sweagent.environment.registry.proxy import serve_registry
from sweagent.environment.registry.settings import read_registry_settings
from sweagent.errors import EnvironmentBuildError, SandboxError
from sweagent.sandbox.engine import engine_failures
from sweagent.sandbox.identity import owner_labels, owner_lives
from sweagent.sandbox.relay_container import RELAY_PORT, prepare_door, start_relay
from sweagent.sizes import parse_size

BUILD_PIDS = 2048
"""Processes and threads of a build step: compilers and the tools of Java run many side by side."""

_LEAST_MEMORY = 8 << 30
_LEAST_DISK = 20 << 30
_OPEN = (
    "this engine takes no files of this machine, so builds have a network of their own that leads to it: services that "
    "listen on all of its addresses answer them"
)
_FAR = "this engine is not on this machine, so builds have its usual network: what can be reached from there is open"
_NO_QUOTA = (
    "this engine's storage keeps no quota: what a build step writes is measured every few seconds, and the step is "
    "ended when it is over its bound"
)
_NO_FILTER = "this engine takes no filter of system calls: its own decides which sockets a build step can make"


@dataclass(frozen=True)
class BuildNetwork:
    """How a build reaches the proxy, and its bounds.

    Attributes:
        mode: the network for the engine.
        proxy: the address of the proxy as seen from the build.
        contacts: which hosts the proxy was asked for.
        bounds: of each step.
        notes: what this engine makes impossible.
    """

    mode: str
    proxy: str
    contacts: Contacts
    bounds: Bounds
    notes: tuple[str, ...] = ()

    @property
    def variables(self) -> dict[str, str]:
        """The variables by which programs find the proxy; no image keeps them."""
        return {"http_proxy": self.proxy, "HTTP_PROXY": self.proxy, "https_proxy": self.proxy}


@contextmanager
def build_network(client: Any, settings: SandboxSettings, log: Log) -> Iterator[BuildNetwork]:
    """Open the way from a build to the package registries while the block runs.

    A build has no network. It shares the loopback interface of a container that does nothing but pass on connections
    to a socket file of this machine, behind which the proxy listens: nothing of this machine and no neighbour can be
    reached. Where an engine cannot be given such a file, a network is made for this build alone.

    Args:
        client: from `connect`.
        settings: of the run, whose bounds hold for build steps, too.
        log: receives lines on what this engine makes impossible.

    Raises:
        EnvironmentBuildError: the engine can make no network either.
    """
    contacts = Contacts()
    with tempfile.TemporaryDirectory(prefix="fix-issue-registry-") as folder:
        door = Path(folder)
        with serve_registry(prepare_door(door), read_registry_settings(), contacts):
            relay, bounds = _relay(client, door, build_bounds(settings), log)
            notes = _impossible(bounds)
            for note in notes:
                log(note)
            if relay:
                try:
                    yield BuildNetwork(f"container:{relay}", f"http://127.0.0.1:{RELAY_PORT}", contacts, bounds, notes)
                finally:
                    _remove_container(client, relay)
                return
    with _own_network(client, contacts, bounds, notes, log) as network:
        yield network


def build_bounds(settings: SandboxSettings) -> Bounds:
    """A sandbox's bounds, or what compilers and packages need if that is more, but never the whole machine's memory."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Bounds(
        memory=min(max(parse_size(settings.memory), _LEAST_MEMORY), machine * 3 // 4),
        pids=max(settings.pids, BUILD_PIDS),
        disk=max(parse_size(settings.disk), _LEAST_DISK),
        cpus=settings.cpus,
        quota=True,
    )


def _impossible(bounds: Bounds) -> tuple[str, ...]:
    return (*(() if bounds.quota else (_NO_QUOTA,)), *(() if bounds.filtered else (_NO_FILTER,)))


def _relay(client: Any, door: Path, bounds: Bounds, log: Log) -> tuple[str, Bounds]:
    """Start the container that passes on connections, and find out which bounds this engine takes.

    Returns:
        Its id, empty when it cannot be had here; and the bounds that hold.
    """
    from docker.errors import APIError

    for tried in (bounds, replace(bounds, quota=False), replace(bounds, quota=False, filtered=False)):
        try:
            given = tried.host_config() | {"log_config": None}
            labels = owner_labels("environment")
            return start_relay(client.api, host_base(client, log), door, given, labels), tried
        except APIError as error:
            problem: Exception = error
        except engine_failures(SandboxError, OSError) as error:
            problem = error
            break
    log(f"no relay for builds: {problem}")
    return "", replace(bounds, quota=False, filtered="seccomp" not in str(problem))


def _remove_container(client: Any, container: str) -> None:
    with suppress(*engine_failures(OSError)):
        client.api.remove_container(container, force=True, v=True)


@contextmanager
def _own_network(
    client: Any, contacts: Contacts, bounds: Bounds, notes: tuple[str, ...], log: Log
) -> Iterator[BuildNetwork]:
    from docker.errors import APIError

    _remove_networks(client)
    try:
        network = client.networks.create(
            f"fix-issue-build-{uuid.uuid4().hex[:12]}",
            driver="bridge",
            internal=True,
            options={"com.docker.network.bridge.enable_icc": "false"},
            labels={LABEL: "build-network", **owner_labels("environment")},
        )
    except APIError as error:
        raise EnvironmentBuildError(
            f"the engine cannot make a network for a build: {error.explanation}",
            "remove networks that are not used with `docker network prune`",
        ) from error
    try:
        network.reload()
        gateway = network.attrs["IPAM"]["Config"][0]["Gateway"]
        local = _is_own(gateway)
        problem = _OPEN if local else _FAR
        log(problem)
        with serve_registry(gateway if local else "127.0.0.1", read_registry_settings(), contacts) as port:
            host = gateway if local else "host.docker.internal"
            mode = network.name if local else "bridge"
            yield BuildNetwork(mode, f"http://{host}:{port}", contacts, bounds, (*notes, problem))
    finally:
        with suppress(APIError):
            network.remove()


def _remove_networks(client: Any) -> None:
    """Those of builds whose program was killed."""
    from docker.errors import APIError

    for network in client.networks.list(filters={"label": f"{LABEL}=build-network"}):
        if not owner_lives(network.attrs.get("Labels") or {}):
            with suppress(APIError):
                network.remove()


def _is_own(address: str) -> bool:
    import socket

    with suppress(OSError), socket.socket() as probe:
        probe.bind((address, 0))
        return True
    return False
