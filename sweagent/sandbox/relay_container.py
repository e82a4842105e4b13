"""Container whose loopback interface leads to a socket file.

Other containers share its network and so reach the program behind the socket file: neither this machine's addresses
nor any neighbour, since there is no interface but the loopback.
"""

import os
import shutil
import socket
import threading
import uuid
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

from sweagent.errors import SandboxError
from sweagent.sandbox.engine import engine_failures
from sweagent.sandbox.identity import PREFIX

PROGRAM = Path(__file__).with_name("relay.py")
RELAY_PORT = 3128
_DOOR, _SOCKET = "/door", "way-out"
_WITHIN = 30.0
_IPV6 = {"net.ipv6.conf.all.disable_ipv6": "0"}
"""The engine turns ::1 off where it gives no network; many tests open it."""


class FileServer(ThreadingHTTPServer):
    """An HTTP server that listens on a socket file, in threads that end with the process.

    Args:
        path: of the socket file to make.
        handler: of each connection.
    """

    address_family = socket.AF_UNIX
    daemon_threads = True

    def __init__(self, path: Path, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(str(path), handler)  # type: ignore[arg-type] # the address of this family is a path
        path.chmod(0o666)

    def server_bind(self) -> None:
        """Bind without asking for the host's name."""
        self.socket.bind(cast(str, self.server_address))
        self.server_name, self.server_port = PREFIX, 0

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """A connection, with an address of the form that handlers expect."""
        return self.socket.accept()[0], (PREFIX, 0)


def prepare_door(folder: Path) -> Path:
    """Put the relay's program into a folder that only this user can enter; returns where the socket file is to be."""
    shutil.copyfile(PROGRAM, folder / PROGRAM.name)
    (folder / PROGRAM.name).chmod(0o644)
    return folder / _SOCKET


def start_relay(api: Any, image: str, door: Path, host: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """Start the container; what shares its network finds the socket file behind 127.0.0.1:RELAY_PORT.

    Args:
        api: the engine's client.
        image: any with a `python3` of 3.6 or newer.
        door: from `prepare_door`; something listens on the socket file.
        host: further arguments of docker-py's `create_host_config`, such as bounds.
        labels: of the container.

    Returns:
        The container's id.

    Raises:
        SandboxError: it does not answer.
        APIError: the engine or the image cannot do it.
    """
    given = dict(host)
    security = ["no-new-privileges", "label=disable", *given.pop("security_opt", ())]
    config = api.create_host_config(
        network_mode="none",
        cap_drop=["ALL"],
        security_opt=list(dict.fromkeys(security)),
        binds={str(door): {"bind": _DOOR, "mode": "ro"}},
        sysctls=_IPV6 if Path("/proc/sys/net/ipv6").exists() else {},
        **given,
    )
    made = api.create_container(
        image,
        entrypoint=["python3", "-I", "-S", f"{_DOOR}/{PROGRAM.name}", f"{_DOOR}/{_SOCKET}", str(RELAY_PORT)],
        name=f"{PREFIX}-relay-{uuid.uuid4().hex[:12]}",
        user=f"{os.getuid()}:{os.getgid()}",
        working_dir="/",
        labels=dict(labels),
        healthcheck={"test": ["NONE"]},
        host_config=config,
    )
    container = str(made["Id"])
    try:
        api.start(container)
        moment, left = threading.Event(), _WITHIN
        while left > 0 and api.inspect_container(container)["State"]["Running"]:
            if b"ready" in api.logs(container):
                return container
            moment.wait(0.1)
            left -= 0.1
        said = api.logs(container, tail=3).decode("utf-8", "replace").strip()
        raise SandboxError(f"the relay to this machine does not answer: {said[:300]}", "see `fix-issue doctor`")
    except engine_failures(SandboxError):
        api.remove_container(container, force=True, v=True)
        raise
