"""How a build reaches the registry proxy, and nothing else: a way of its own for each build."""

import os
import shutil
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sweagent.config import SandboxSettings
from sweagent.environment.contacts import Contacts
from sweagent.environment.engine import LABEL, BuildNetwork, Log
from sweagent.environment.host_image import host_base
from sweagent.environment.registry_server import serve_registry
from sweagent.environment.registry_settings import read_registry_settings
from sweagent.errors import EnvironmentBuildError
from sweagent.sandbox._seccomp import engine_profile
from sweagent.sandbox._sizes import parse_size
from sweagent.sandbox.identity import owner_labels, owner_lives

BUILD_PIDS = 2048
"""Processes and threads of a build step: compilers and the tools of Java run many side by side."""

_LEAST_MEMORY = 8 << 30
_PORT = 3128
_RELAY_WITHIN = 30.0
_OPEN = (
    "this engine takes no files of this machine, so builds have a network of their own that leads to it: services that "
    "listen on all of its addresses answer them"
)
_FAR = "this engine is not on this machine, so builds have its usual network: what can be reached from there is open"
_PIDS = "this engine cannot bound the number of processes of a build step; its memory and time are bounded"


@contextmanager
def build_network(client: Any, settings: SandboxSettings, log: Log) -> Iterator[BuildNetwork]:
    """Open the way from a build to the package registries while the block runs.

    A build has no network. It shares the loopback interface of a container that does nothing but pass on connections
    to a socket file of this machine, behind which the proxy listens: nothing of this machine and no neighbour can be
    reached. Where an engine cannot be given such a file, a network is made for this build alone.

    Args:
        client: from `connect`.
        settings: of the run, whose bounds hold for build steps, too.
        log: told what this engine makes impossible.

    Raises:
        EnvironmentBuildError: the engine can make no network either.
    """
    contacts = Contacts()
    memory = build_memory(settings)
    with tempfile.TemporaryDirectory(prefix="fix-issue-registry-") as folder:
        door = Path(folder)
        shutil.copyfile(Path(__file__).with_name("relay.py"), door / "relay.py")
        (door / "relay.py").chmod(0o644)
        with serve_registry(door / "registry", read_registry_settings(), contacts):
            relay = _relay(client, door, memory, log)
            if relay:
                try:
                    parent = _parent(client, relay)
                    if not parent:
                        log(_PIDS)
                    proxy = f"http://127.0.0.1:{_PORT}"
                    yield BuildNetwork(f"container:{relay}", proxy, contacts, memory=memory, parent=parent)
                finally:
                    _remove_container(client, relay)
                return
    with _own_network(client, contacts, memory, log) as network:
        yield network


def build_memory(settings: SandboxSettings) -> int:
    """Bytes for a build step: a sandbox's bound, or what compilers need if that is more, but not the whole machine."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(max(parse_size(settings.memory), _LEAST_MEMORY), machine * 3 // 4)


def _relay(client: Any, door: Path, memory: int, log: Log) -> str:
    """Start the container that passes on connections; empty when it cannot be had here."""
    from docker.errors import DockerException

    container = ""
    try:
        api = client.api
        host = api.create_host_config(
            network_mode="none",
            binds={str(door): {"bind": "/door", "mode": "ro"}},
            cap_drop=["ALL"],
            security_opt=["no-new-privileges", "label=disable", f"seccomp={engine_profile()}"],
            pids_limit=BUILD_PIDS,
            mem_limit=memory,
            memswap_limit=memory,
        )
        made = api.create_container(
            host_base(client, log),
            ["python3", "-I", "-S", "/door/relay.py", "/door/registry", str(_PORT)],
            name=f"fix-issue-relay-{uuid.uuid4().hex[:12]}",
            user=f"{os.getuid()}:{os.getgid()}",
            labels=owner_labels("environment"),
            host_config=host,
        )
        container = str(made["Id"])
        api.start(container)
        moment, deadline = threading.Event(), _RELAY_WITHIN
        while deadline > 0 and api.inspect_container(container)["State"]["Running"]:
            if b"ready" in api.logs(container):
                return container
            moment.wait(0.1)
            deadline -= 0.1
    except (DockerException, EnvironmentBuildError, OSError) as error:
        log(f"no relay for builds: {error}")
    if container:
        _remove_container(client, container)
    return ""


def _parent(client: Any, relay: str) -> str:
    """The control group of the relay, whose bounds hold for all below it; empty where the engine nests none."""
    info = client.info()
    nests = info.get("CgroupDriver") == "cgroupfs" and str(info.get("CgroupVersion", "1")) == "1"
    return f"/docker/{relay}" if nests else ""


def _remove_container(client: Any, container: str) -> None:
    from docker.errors import DockerException

    with suppress(DockerException, OSError):
        client.api.remove_container(container, force=True, v=True)


@contextmanager
def _own_network(client: Any, contacts: Contacts, memory: int, log: Log) -> Iterator[BuildNetwork]:
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
        log(_OPEN if local else _FAR)
        with serve_registry(gateway if local else "127.0.0.1", read_registry_settings(), contacts) as port:
            host = gateway if local else "host.docker.internal"
            mode = network.name if local else "bridge"
            log(_PIDS)
            yield BuildNetwork(mode, f"http://{host}:{port}", contacts, memory=memory)
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
