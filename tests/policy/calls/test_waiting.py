"""Waits are told, and what cannot heal is not waited for: a proxy that refuses, a certificate that nobody signed."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from sweagent.errors import PolicyError
from sweagent.policy import Countdown, LitellmPolicy, ToolSchema, View


@dataclass
class Proxy:
    """A proxy that refuses every request.

    Attributes:
        address: its host and port.
        answer: what it says.
        asked: the first lines of what it was asked.
    """

    address: str
    answer: str = "403 Forbidden"
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def listening() -> Iterator[Proxy]:
    """One for all tests, since litellm keeps its HTTP clients."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            proxy.asked.append(self.rfile.readline().decode().strip())  # type: ignore[attr-defined]
            while self.rfile.readline() not in (b"\r\n", b""):
                pass
            self.wfile.write(f"HTTP/1.1 {proxy.answer}\r\nContent-Length: 0\r\n\r\n".encode())  # type: ignore[attr-defined]

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        proxy = Proxy(f"127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def proxy(listening: Proxy) -> Proxy:
    listening.asked.clear()
    return listening


@pytest.fixture
def through(
    make: Callable[..., LitellmPolicy], proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., LitellmPolicy]:
    def build(**given: Any) -> LitellmPolicy:
        for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, f"http://user:secret-word@{proxy.address}")
        return make(**given)

    return build


@pytest.mark.parametrize(
    "model",
    [
        {"api_base": "https://provider.example/v1"},
        {"name": "anthropic/claude-sonnet-4-5", "api_base": "https://provider.example"},
    ],
)
@pytest.mark.parametrize("answer", ["403 Forbidden", "407 Proxy Authentication Required", "404 Not Found"])
def test_a_proxy_that_refuses_ends_at_once_and_is_named(
    answer: str,
    model: dict[str, Any],
    proxy: Proxy,
    through: Callable[..., LitellmPolicy],
    view: View,
    tools: list[ToolSchema],
    clock: Any,
) -> None:
    proxy.answer = answer
    policy = through(**model)
    with pytest.raises(PolicyError, match=answer) as caught:
        policy.respond(view, tools)

    assert proxy.asked == ["CONNECT provider.example:443 HTTP/1.1"]
    assert f"the proxy http://{proxy.address} " in str(caught.value)
    assert "secret-word" not in caught.value.with_hint
    assert "NO_PROXY" in caught.value.hint
    assert clock.slept == []
    assert policy.budget.spent_cost == 0.0


def test_a_proxy_that_fails_itself_is_asked_again_and_the_waits_are_told(
    proxy: Proxy, through: Callable[..., LitellmPolicy], view: View, tools: list[ToolSchema]
) -> None:
    told: list[tuple[float, str]] = []
    proxy.answer = "502 Bad Gateway"
    policy = through(api_base="https://provider.example/v1", retries=2)
    policy._tell = lambda seconds, why: told.append((seconds, why))
    with pytest.raises(PolicyError, match="502 Bad Gateway"):
        policy.respond(view, tools)

    assert len(proxy.asked) == 3
    # What never got beyond the proxy was not charged.
    assert policy.budget.spent_cost == 0.0
    assert [seconds for seconds, _ in told] == [1, 2, 1]
    assert all(proxy.address in why for _, why in told)
    assert "attempt 1 of 3" in told[0][1]


def test_a_wait_of_all_who_call_a_provider_is_told(
    make: Callable[..., LitellmPolicy], server: Any, http: Any, view: View, tools: list[ToolSchema]
) -> None:
    told: list[float] = []
    server.play(http.completion("fine"))
    policy = make()
    policy._tell = lambda seconds, why: told.append(seconds)
    policy._backoff.hold(2.5)

    policy.respond(view, tools)

    assert told == pytest.approx([2.5, 1.5, 0.5])


def test_lines_tell_the_beginning_of_each_wait_and_every_ten_seconds() -> None:
    lines: list[str] = []
    countdown = Countdown(lines.append)

    for seconds in (*range(25, 0, -1), 2, 1, 2, 1):
        countdown(seconds, "busy")

    assert [line.split()[1] for line in lines] == ["25", "15", "5", "2", "2"]
