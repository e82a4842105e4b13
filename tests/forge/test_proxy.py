"""A proxy that refuses is named at once, by git and by calls of the API; what may heal is waited for aloud."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from sweagent.errors import ForgeError
from sweagent.forge.api.address import place_of
from sweagent.forge.api.github import GitHub
from sweagent.forge.api.github_retry import Caller
from sweagent.forge.api.protocol import Remote
from sweagent.forge.clone import CleanClone
from sweagent.proxies import Refusal, refusal_in
from sweagent.repository import open_repository
from sweagent.waiting import Countdown, reported_waits, wait_aloud


@dataclass
class Proxy:
    """A proxy that refuses every request."""

    address: str
    answer: str = "403 Forbidden"
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """The proxy that the environment names for all that is not on this machine."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            refusing.asked.append(self.rfile.readline().decode().strip())
            while self.rfile.readline() not in (b"\r\n", b""):
                pass
            self.wfile.write(f"HTTP/1.1 {refusing.answer}\r\nContent-Length: 0\r\n\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        refusing = Proxy(f"127.0.0.1:{server.server_address[1]}")
        for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, f"http://user:secret-word@{refusing.address}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield refusing
        finally:
            server.shutdown()
            thread.join()


def _by_api(waits: list[float]) -> None:
    place = place_of("acme/calc", api_url="https://api.forge.example")
    GitHub(place, None, caller=Caller(place.api_url, sleep=waits.append)).issue(7)


def _by_clone(waits: list[float]) -> None:
    with CleanClone(Remote(url="https://forge.example/acme/calc.git"), None, sleep=waits.append) as clone:
        clone.branches()


def _by_fetching(waits: list[float]) -> None:
    open_repository("https://forge.example/acme/calc.git")


WAYS = [_by_api, _by_clone, _by_fetching]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("answer", ["403 Forbidden", "407 Proxy Authentication Required"])
def test_a_proxy_that_refuses_is_asked_once_and_named(
    proxy: Proxy, way: Callable[[list[float]], None], answer: str
) -> None:
    proxy.answer, waits = answer, []
    with pytest.raises(ForgeError) as caught:
        way(waits)
    said = str(caught.value)
    assert f"the proxy http://{proxy.address} does not connect to" in said
    assert "forge.example" in said
    assert answer[:3] in said
    assert "secret-word" not in said
    assert "NO_PROXY" in caught.value.hint
    assert (len(proxy.asked), waits) == (1, [])


@pytest.mark.parametrize("way", WAYS[:2])
def test_a_proxy_that_fails_itself_is_waited_for_aloud(proxy: Proxy, way: Callable[[list[float]], None]) -> None:
    proxy.answer, waits, lines = "503 Service Unavailable", [], []
    with reported_waits(Countdown(lines.append)), pytest.raises(ForgeError, match=r"does not connect.*503"):
        way(waits)
    assert len(proxy.asked) >= 3
    assert lines
    assert all(line.startswith("waiting ") and "forge.example" in line for line in lines)


def test_a_long_wait_is_counted_down() -> None:
    lines: list[str] = []
    slept: list[float] = []
    with reported_waits(Countdown(lines.append)):
        wait_aloud(25.0, "the rate limit", slept.append)
    assert lines == ["waiting 25 s: the rate limit", "waiting 15 s: the rate limit", "waiting 5 s: the rate limit"]
    assert sum(slept) == 25.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fatal: unable to access 'https://x/': CONNECT tunnel failed, response 403", Refusal(403, "403")),
        ("fatal: unable to access 'https://x/': Received HTTP code 407 from proxy after CONNECT", Refusal(407, "407")),
        ("OSError('Tunnel connection failed: 503 Service Unavailable')", Refusal(503, "503 Service Unavailable")),
        ("fatal: unable to access 'https://x/': The requested URL returned error: 403", None),
        ("Connection refused", None),
    ],
)
def test_what_a_proxy_said_is_told_from_what_a_host_said(text: str, expected: Refusal | None) -> None:
    assert refusal_in(text) == expected
