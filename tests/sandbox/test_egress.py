"""A list of hosts: what is on it is reached, and nothing else."""

import base64
import contextlib
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from sweagent.config import SandboxSettings
from sweagent.errors import SandboxError, UsageError
from sweagent.sandbox import open_sandbox
from sweagent.sandbox.egress import AllowList, Proxy, open_egress
from sweagent.sandbox.engine import connect
from sweagent.settings_sources import read_sources

PASSWORD = "the-sandbox's-own"


class Echo(BaseHTTPRequestHandler):
    """Answers with the request line, the host that was asked, and the body."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        secret = self.headers.get("Proxy-Authorization", "no password")
        answer = f"{self.command} {self.path} {self.headers['Host']} {secret} ".encode() + body
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST  # noqa: N815 - the names are http.server's

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    """The port of a server on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def proxy(port: int) -> Iterator[int]:
    """The port of a proxy that leads to this server and nowhere else."""
    opened = Proxy("127.0.0.1", AllowList([f"127.0.0.1:{port}"]), PASSWORD)
    yield opened.port
    opened.close()


def ask(proxy: int, request: str, *, password: str | None = PASSWORD) -> str:
    """Send a request as it stands, and read until the end."""
    head = request
    if password is not None:
        head += f"Proxy-Authorization: Basic {base64.b64encode(f'sandbox:{password}'.encode()).decode()}\r\n"
    with socket.create_connection(("127.0.0.1", proxy), timeout=20) as connection:
        connection.sendall(f"{head}\r\n".encode("latin-1"))
        said = bytearray()
        with contextlib.suppress(ConnectionError):  # nonsense is answered by hanging up
            while piece := connection.recv(4096):
                said += piece
        return said.decode("latin-1")


@pytest.mark.parametrize(
    ("entry", "host", "port", "expected"),
    [
        ("pypi.org", "pypi.org", 443, True),
        ("pypi.org", "PyPI.org.", 80, True),
        ("pypi.org", "pypi.org", 22, False),
        ("pypi.org", "evilpypi.org", 443, False),
        ("pypi.org", "pypi.org.evil.com", 443, False),
        ("pypi.org", "files.pypi.org", 443, False),
        ("*.pypi.org", "files.pypi.org", 443, True),
        ("*.pypi.org", "a.b.pypi.org", 443, True),
        ("*.pypi.org", "pypi.org", 443, False),
        ("*.pypi.org", "evilpypi.org", 443, False),
        ("git.example.org:8443", "git.example.org", 8443, True),
        ("git.example.org:8443", "git.example.org", 443, False),
    ],
)
def test_what_a_list_permits(entry: str, host: str, port: int, expected: bool) -> None:
    assert AllowList([entry]).permits(host, port) is expected


@pytest.mark.parametrize("host", ["", "*", "*.", "a b", "http://pypi.org", "pypi.org/x", "a:b", "-a", "a\nb", "a..,b"])
def test_what_is_no_host_is_refused_as_a_setting(host: str) -> None:
    with pytest.raises(UsageError, match="allow_hosts"):
        read_sources({"sandbox": {"allow_hosts": [host]}}).settings()


def test_a_plain_request_is_passed_on_under_the_name_that_was_checked(proxy: int, port: int) -> None:
    said = ask(proxy, f"POST http://127.0.0.1:{port}/a?b=1 HTTP/1.1\r\nHost: other.example\r\nContent-Length: 0\r\n")
    assert said.startswith("HTTP/1.0 200")
    assert said.endswith(f"POST /a?b=1 127.0.0.1:{port} no password ")


def test_a_tunnel_carries_bytes_both_ways(proxy: int, port: int) -> None:
    with socket.create_connection(("127.0.0.1", proxy), timeout=20) as connection:
        credentials = base64.b64encode(f"sandbox:{PASSWORD}".encode()).decode()
        head = f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\nProxy-Authorization: Basic {credentials}\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        body = b"x" * 200_000
        connection.sendall(b"POST / HTTP/1.0\r\nHost: h\r\nContent-Length: 200000\r\n\r\n" + body)
        assert b"".join(iter(lambda: connection.recv(65536), b"")).endswith(body)


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("GET http://127.0.0.1:1/ HTTP/1.1", "403"),
        ("GET http://example.org/ HTTP/1.1", "403"),
        ("CONNECT example.org:443 HTTP/1.1", "403"),
        ("CONNECT example.org:x HTTP/1.1", "403"),
        ("CONNECT 127.0.0.1 HTTP/1.1", "403"),
        ("GET / HTTP/1.1", "400"),
        ("GET https://example.org/ HTTP/1.1", "400"),
        ("GET file:///etc/passwd HTTP/1.1", "400"),
        ("BREW http://example.org/ HTTP/1.1", "403"),
    ],
)
def test_everything_else_is_refused_in_words(proxy: int, request_line: str, status: str) -> None:
    said = ask(proxy, f"{request_line}\r\nHost: x\r\n")
    assert said.split()[1] == status
    assert "fix-issue: this" in said


def test_every_host_that_was_reached_or_refused_is_told(port: int) -> None:
    seen: list[tuple[str, bool]] = []
    opened = Proxy("127.0.0.1", AllowList([f"127.0.0.1:{port}"], lambda *host: seen.append(host)), PASSWORD)
    try:
        ask(opened.port, f"GET http://127.0.0.1:{port}/ HTTP/1.1\r\n")
        ask(opened.port, "CONNECT evil.example:443 HTTP/1.1\r\n")
        ask(opened.port, "GET http://other.example/ HTTP/1.1\r\n", password="of-another-sandbox")
    finally:
        opened.close()
    assert seen == [("127.0.0.1", True), ("evil.example", False)]


@pytest.mark.parametrize("request_line", ["GET http://[ HTTP/1.1", "GET http://a:b/ HTTP/1.1", "\x16\x03\x01", "\x00"])
def test_nonsense_ends_the_connection_and_nothing_else(proxy: int, port: int, request_line: str) -> None:
    assert " 200 " not in ask(proxy, f"{request_line}\r\n")
    assert "200" in ask(proxy, f"GET http://127.0.0.1:{port}/ HTTP/1.1\r\n")


@pytest.mark.parametrize("password", [None, "", "of-another-sandbox"])
def test_the_way_out_of_another_sandbox_is_shut(proxy: int, port: int, password: str | None) -> None:
    assert ask(proxy, f"GET http://127.0.0.1:{port}/ HTTP/1.1\r\n", password=password).split()[1] == "407"


def test_a_name_that_leads_back_to_this_machine_is_not_followed(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        "sweagent.sandbox.egress.socket.getaddrinfo",
        lambda host, *rest, **options: resolve("127.0.0.1" if host == "rebound.example" else host, *rest, **options),
    )
    opened = Proxy("127.0.0.1", AllowList([f"rebound.example:{port}"]), PASSWORD)
    try:
        assert "cannot be reached" in ask(opened.port, f"GET http://rebound.example:{port}/ HTTP/1.1\r\n")
    finally:
        opened.close()


@pytest.mark.parametrize("kind", ["local", "bubblewrap"])
def test_sandboxes_that_cannot_keep_a_list_say_so(kind: str) -> None:
    settings = read_sources({"sandbox": {"kind": kind, "allow_hosts": ["pypi.org"]}}).settings().sandbox
    with pytest.raises(SandboxError, match="cannot open the network for some hosts only"):
        open_sandbox(settings)


FETCH = """no_proxy= NO_PROXY= python3 - {url} <<'END' 2>&1
import sys, urllib.request
try:
    print(urllib.request.urlopen(sys.argv[1], timeout=20).read().decode())
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
END"""
DIRECT = """python3 - {port} {addresses} <<'END' 2>&1
import os, socket, sys
print(sorted(os.listdir('/sys/class/net')))
places = [(address, int(sys.argv[1])) for address in sys.argv[2:]]
for place in (*places, ('1.1.1.1', 443), ('example.org', 443)):
    try:
        socket.create_connection(place, timeout=2)
        print('REACHED', place)
    except OSError as error:
        print('not reached', error)
END"""


@pytest.fixture
def everywhere() -> Iterator[int]:
    """The port of a server that listens on all addresses of this machine."""
    server = ThreadingHTTPServer(("0.0.0.0", 0), Echo)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def addresses() -> list[str]:
    """Those of this machine: of its own interfaces, and of the engine's networks."""
    listed = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=True).stdout.split()
    with contextlib.closing(connect(20).api) as api:
        parts = [part for network in api.networks() for part in (network["IPAM"]["Config"] or ())]
    return sorted({*listed, *(part["Gateway"] for part in parts if "Gateway" in part)})


@pytest.mark.docker
def test_a_container_reaches_the_list_through_the_proxy_and_nothing_directly(
    offline_image: str, port: int, everywhere: int
) -> None:
    hosts = (f"127.0.0.1:{port}",)
    settings = SandboxSettings(kind="docker", image=offline_image, memory="256m", disk="64m", allow_hosts=hosts)
    seen: set[tuple[str, bool]] = set()
    with open_sandbox(settings, run_id="tests", seen=lambda *host: seen.add(host)) as one:
        assert f"GET /hello 127.0.0.1:{port}" in one.run(FETCH.format(url=f"http://127.0.0.1:{port}/hello")).output
        refused = one.run(FETCH.format(url="http://example.org/")).output
        assert "403" in refused
        assert f"may reach 127.0.0.1:{port} and not example.org:80" in refused
        here = addresses()
        direct = one.run(DIRECT.format(port=everywhere, addresses=" ".join(here))).output.splitlines()
        assert "'lo'" in direct[0]
        assert "eth0" not in direct[0]
        assert len(direct) == len(here) + 3
        assert all(line.startswith("not reached") for line in direct[1:])
        assert one.info.warnings == ()
        assert seen == {("127.0.0.1", True), ("example.org", False)}
    with contextlib.closing(connect(20).api) as api:
        assert (
            api.containers(all=True, filters={"name": "fix-issue-relay-", "label": f"fix-issue.pid={os.getpid()}"})
            == []
        )


@pytest.mark.docker
def test_without_a_relay_the_list_is_kept_and_what_else_answers_is_said(offline_image: str, port: int) -> None:
    hosts = (f"127.0.0.1:{port}",)
    with contextlib.closing(connect(20).api) as api:
        opened = open_egress(api, hosts, [], "tests")
        try:
            assert opened.own_interface
            assert "services that listen on all of its addresses" in opened.warnings[0]
            proxy = urlsplit(opened.environment["http_proxy"])
            with socket.create_connection((proxy.hostname, proxy.port), timeout=20) as connection:
                connection.sendall(f"GET http://127.0.0.1:{port}/ HTTP/1.1\r\n\r\n".encode())
                assert connection.recv(100).split()[1] == b"407"
        finally:
            opened.close()
