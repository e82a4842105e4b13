"""Proxy that opens a shut network for a list of hosts.

The container has no interface but the loopback, on which a relay leads to the proxy. The proxy passes on connections to
the hosts of the list and refuses all others. It resolves the names itself, so that no name of the container's choosing
is ever asked of a name server, and it wants a password that only this container knows, so that one run cannot use the
list of another. Programs find it by the usual variables (`https_proxy` and its kin).
"""

import base64
import contextlib
import http.client
import ipaddress
import secrets
import selectors
import socket
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sweagent.errors import SandboxError
from sweagent.sandbox.engine import engine_errors
from sweagent.sandbox.identity import PREFIX, owner_labels
from sweagent.sandbox.relay_container import RELAY_PORT, FileServer, prepare_door, start_relay

NETWORK = f"{PREFIX}-egress"
"""The engine's network, shared by all containers that have a list; they cannot reach each other on it."""

NO_NAME_SERVER = "127.0.0.1"
"""What the container must have as its name server: itself, where none listens, so that nobody outside is asked."""
_OPEN = (
    "this engine takes no files of this machine, so the sandbox has an interface that leads to it: services that "
    "listen on all of its addresses answer the sandbox"
)
_RELAY_BOUNDS = {"mem_limit": 256 << 20, "memswap_limit": 256 << 20, "pids_limit": 512}
_PORTS = (80, 443)
_CONNECT_SECONDS = 20.0
_IDLE_SECONDS = 300.0
_CONNECTIONS = 64
_PIECE = _LONGEST_LINE = 65_536
_HOP = frozenset({"host", "connection", "keep-alive", "proxy-connection", "proxy-authorization", "te", "upgrade"})


Seen = Callable[[str, bool], object]
"""Takes a host that a sandbox asked for, and whether it was reached. Threads of the proxy call it."""


def _unseen(_host: str, _reached: bool) -> None:
    """Nobody wants to know."""


class AllowList:
    """The hosts that may be reached.

    Args:
        hosts: names or addresses; `*.example.org` is every name below `example.org`. With `:PORT` that port and no
            other, without one 80 and 443.
        seen: told of every host that is asked for.
    """

    def __init__(self, hosts: Sequence[str], seen: Seen = _unseen) -> None:
        self.hosts = tuple(host.lower() for host in hosts)
        self.seen = seen

    def permits(self, host: str, port: int) -> bool:
        """Whether a connection may be made."""
        return any(_matches(entry, host.lower().rstrip("."), port) for entry in self.hosts)


class Egress:
    """A way out that is open until it is closed.

    Attributes:
        network: what the engine calls the network that the container must be on.
        own_interface: the container has one on it, and must be kept from name servers.
        environment: the variables by which programs find the proxy.
        warnings: what can be reached beside the list.
    """

    def __init__(self, stack: contextlib.ExitStack, network: str, proxy: str, warnings: tuple[str, ...] = ()) -> None:
        self._stack = stack
        self.network = network
        self.own_interface = bool(warnings)
        self.environment = _variables(proxy)
        self.warnings = warnings

    def close(self) -> None:
        """Shut the way out."""
        self._stack.close()


def open_egress(api: Any, hosts: Sequence[str], images: Sequence[str], run_id: str, seen: Seen = _unseen) -> Egress:
    """Open a way out to some hosts.

    The container that shares the network of a relay has no interface but the loopback: nothing of this machine and no
    neighbour can be reached. Where the engine cannot be given a socket file, it is put on a network whose gateway is
    this machine; that is a warning.

    Args:
        api: the engine's client.
        hosts: as `AllowList` takes them.
        images: one after the other is tried for the relay; it needs a `python3`.
        run_id: for the relay's labels.
        seen: told of every host that the container asks for.

    Raises:
        SandboxError: the engine makes no such network, or is not on this machine.
    """
    password = secrets.token_urlsafe(24)
    allowed = AllowList(hosts, seen)
    with contextlib.ExitStack() as stack:
        relay = _open_relay(stack, api, allowed, password, images, run_id)
        if relay:
            proxy = f"http://sandbox:{password}@127.0.0.1:{RELAY_PORT}"
            return Egress(stack.pop_all(), f"container:{relay}", proxy)
        network, gateway = _shared_network(api)
        try:
            opened = Proxy(gateway, allowed, password)
        except OSError as error:
            raise SandboxError(
                f"no list of hosts can be kept: the engine's networks do not lead to this machine ({error.strerror})",
                "use an engine on this machine, or decide on --network or --no-network",
            ) from error
        stack.callback(opened.close)
        proxy = f"http://sandbox:{password}@{gateway}:{opened.port}"
        return Egress(stack.pop_all(), network, proxy, (_OPEN,))


def _open_relay(
    stack: contextlib.ExitStack, api: Any, allowed: AllowList, password: str, images: Sequence[str], run_id: str
) -> str:
    """The id of a relay to a proxy; empty where none can be had."""
    from docker.errors import APIError

    with contextlib.ExitStack() as tried:
        folder = Path(tried.enter_context(tempfile.TemporaryDirectory(prefix=f"{PREFIX}-egress-")))
        tried.callback(Proxy(prepare_door(folder), allowed, password).close)
        for image in images:
            with contextlib.suppress(APIError, SandboxError):
                relay = start_relay(api, image, folder, _RELAY_BOUNDS, owner_labels(run_id))
                tried.callback(_remove, api, relay)
                stack.push(tried.pop_all())
                return relay
    return ""


def _remove(api: Any, container: str) -> None:
    with contextlib.suppress(SandboxError), engine_errors("the relay cannot be removed"):
        api.remove_container(container, force=True, v=True)


def _shared_network(api: Any) -> tuple[str, str]:
    """The id and the gateway of a network without a way out."""
    with engine_errors("a network for a list of hosts cannot be made"):
        found = _networks(api)
        if not found:
            api.create_network(
                NETWORK,
                driver="bridge",
                internal=True,
                check_duplicate=True,
                options={"com.docker.network.bridge.enable_icc": "false"},
                labels={PREFIX: "network"},
            )
            # Somebody else may have made one at the same moment: all take the first of them.
            found = _networks(api)
        network = api.inspect_network(found[0])
    return network["Id"], network["IPAM"]["Config"][0]["Gateway"]


class Proxy:
    """An HTTP proxy with a list and a password, in threads of this process.

    Args:
        address: of this machine, to listen on; or the path of a socket file to make.
        allowed: what it passes on.
        password: what it wants, for any user's name.

    Attributes:
        port: where it listens; 0 for a socket file.
    """

    def __init__(self, address: str | Path, allowed: AllowList, password: str) -> None:
        fields = {"allowed": allowed, "password": password, "room": threading.BoundedSemaphore(_CONNECTIONS)}
        handler = type("_BoundHandler", (_Handler,), fields)
        if isinstance(address, Path):
            self._server: ThreadingHTTPServer = FileServer(address, handler)
            self.port = 0
        else:
            self._server = ThreadingHTTPServer((address, 0), handler)
            self._server.daemon_threads = True
            self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True, name="fix-issue-egress").start()

    def close(self) -> None:
        """Stop listening; connections that are open end by themselves."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    allowed: AllowList
    password: str
    room: threading.BoundedSemaphore
    rbufsize = 0
    """Nothing is read ahead, so that what follows the head is still in the socket."""
    timeout = 60

    def handle(self) -> None:
        """Answer the one request of a connection."""
        with contextlib.suppress(OSError, ValueError):
            self.raw_requestline = self.rfile.readline(_LONGEST_LINE)
            if not self.raw_requestline or not self.parse_request():
                return
            if not self.room.acquire(blocking=False):
                self._refuse(503, "too many connections at once")
                return
            try:
                self._tunnel() if self.command == "CONNECT" else self._pass_on()
            finally:
                self.room.release()

    def log_message(self, *args: object) -> None:
        """Keep silent: programs tell what they cannot reach."""

    def _tunnel(self) -> None:
        host, _, port = self.path.rpartition(":")
        other = self._connected(host.strip("[]"), port)
        if other is not None:
            with other:
                self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                _exchange(self.connection, other)

    def _pass_on(self) -> None:
        url = urlsplit(self.path)
        if url.scheme != "http" or not url.hostname:
            self._refuse(400, "this is a proxy: give a whole http:// address, or CONNECT")
            return
        other = self._connected(url.hostname, str(url.port or 80))
        if other is not None:
            with other:
                other.sendall(self._onward(url.netloc.rpartition("@")[2], url.path or "/", url.query))
                _exchange(self.connection, other)

    def _connected(self, host: str, port: str) -> socket.socket | None:
        if not self._knows_the_password():
            self._refuse(407, "this way out is another sandbox's", ("Proxy-Authenticate", 'Basic realm="fix-issue"'))
            return None
        if not port.isascii() or not port.isdigit() or not self.allowed.permits(host, int(port)):
            self.allowed.seen(host, False)
            self._refuse(403, f"this sandbox may reach {', '.join(self.allowed.hosts)} and not {host}:{port}")
            return None
        try:
            other = _connect(host, int(port))
        except OSError as error:
            self._refuse(502, f"{host}:{port} cannot be reached: {error}")
            return None
        self.allowed.seen(host, True)
        return other

    def _knows_the_password(self) -> bool:
        try:
            given = base64.b64decode(self.headers.get("Proxy-Authorization", "").partition(" ")[2])
        except ValueError:
            return False
        return secrets.compare_digest(given.partition(b":")[2], self.password.encode())

    def _onward(self, host: str, path: str, query: str) -> bytes:
        """The head of the request for the server itself; the name that was checked is the one it is asked by."""
        lines = [f"{self.command} {path}{'?' + query if query else ''} HTTP/1.1", f"Host: {host}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in self.headers.items() if name.lower() not in _HOP]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")

    def _refuse(self, status: int, why: str, *headers: tuple[str, str]) -> None:
        body = f"fix-issue: {why}\n".encode()
        self.send_response_only(status, http.client.responses[status])
        for name, value in (*headers, ("Content-Type", "text/plain"), ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _networks(api: Any) -> list[str]:
    return sorted(item["Id"] for item in api.networks(names=[NETWORK]) if item["Name"] == NETWORK and item["Internal"])


def _variables(proxy: str) -> Mapping[str, str]:
    local = "localhost,127.0.0.1,::1"
    names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
    return {**dict.fromkeys(names, proxy), "no_proxy": local, "NO_PROXY": local}


def _matches(entry: str, host: str, port: int) -> bool:
    name, colon, only = entry.partition(":")
    if (port != int(only)) if colon else (port not in _PORTS):
        return False
    return host.endswith(name[1:]) if name.startswith("*.") else host == name


def _connect(host: str, port: int) -> socket.socket:
    """Connect to an address of a host; a name that leads back to this machine or its link is not followed."""
    problem = OSError("the name leads to no address outside of this machine")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        if not _is_outside(str(address[0])) and host != address[0] and host != "localhost":
            continue
        other = socket.socket(family, kind, protocol)
        try:
            other.settimeout(_CONNECT_SECONDS)
            other.connect(address)
            other.settimeout(_IDLE_SECONDS)
            return other
        except OSError as error:
            other.close()
            problem = error
    raise problem


def _is_outside(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    return not (ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified)


def _exchange(one: socket.socket, other: socket.socket) -> None:
    """Pass on what each says to the other until both have ended, or nobody says anything for long."""
    one.settimeout(_IDLE_SECONDS)
    with selectors.DefaultSelector() as selector:
        selector.register(one, selectors.EVENT_READ, other)
        selector.register(other, selectors.EVENT_READ, one)
        while selector.get_map():
            ready = selector.select(_IDLE_SECONDS)
            if not ready:
                return
            for key, _ in ready:
                source: socket.socket = key.fileobj  # type: ignore[assignment] # sockets are what was registered
                data = source.recv(_PIECE)
                if data:
                    key.data.sendall(data)
                else:
                    selector.unregister(source)
                    key.data.shutdown(socket.SHUT_WR)
