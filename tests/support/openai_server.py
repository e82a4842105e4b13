"""A real OpenAI-compatible HTTP server on 127.0.0.1 that plays what it is told, faults included.

Each request takes the next behaviour of the queue; when the queue is empty, `default` answers.
"""

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

USAGE = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}


@dataclass(frozen=True)
class Behaviour:
    """How one request is answered.

    Attributes:
        status: HTTP status.
        body: bytes as they are sent.
        headers: beside the content's length and type.
        announce: the content's length that is claimed; the connection is closed when the body is shorter.
        drop: close the connection without any answer.
        hang: send nothing until the server is closed.
        trickle: send a byte now and then until the server is closed.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    announce: int | None = None
    drop: bool = False
    hang: bool = False
    trickle: bool = False


def call(tool: str, arguments: Mapping[str, Any] | str, identity: str = "call_a") -> dict[str, Any]:
    """A native tool call; arguments given as text are sent as they are."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": identity, "type": "function", "function": {"name": tool, "arguments": text}}


def completion(
    content: str | None = None,
    calls: Sequence[Mapping[str, Any]] = (),
    *,
    finish: str | None = None,
    usage: Mapping[str, Any] | None = USAGE,
    **changes: Any,
) -> dict[str, Any]:
    """A chat completion as a provider sends it; `changes` replace fields of its top level."""
    message: dict[str, Any] = {"role": "assistant", "content": content}
    if calls:
        message["tool_calls"] = list(calls)
    body: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "test-model",
        "choices": [{"index": 0, "message": message, "finish_reason": finish or ("tool_calls" if calls else "stop")}],
    }
    if usage is not None:
        body["usage"] = dict(usage)
    return {**body, **changes}


def answer(body: Mapping[str, Any]) -> Behaviour:
    """A successful answer."""
    return Behaviour(body=json.dumps(body).encode())


def failure(status: int, error: Any, headers: Mapping[str, str] | None = None) -> Behaviour:
    """An error in OpenAI's shape; text is sent as it is."""
    body = error if isinstance(error, str) else json.dumps({"error": error})
    return Behaviour(status=status, body=body.encode(), headers=headers or {})


class OpenAIServer:
    """The server; use it as a context manager.

    Attributes:
        requests: the JSON bodies that came, in order.
        headers: of the same requests.
        paths: of the same requests.
        default: makes the answer when no behaviour is queued, from the request's body with the
            `scope` that its header names.
    """

    def __init__(self, default: Callable[[dict[str, Any]], Behaviour] | None = None) -> None:
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.default = default or (lambda _: answer(completion("hello")))
        self._queue: deque[Behaviour] = deque()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        """The base URL for `api_base`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def play(self, *behaviours: Behaviour | Mapping[str, Any]) -> None:
        """Queue behaviours; a mapping is a successful answer."""
        with self._lock:
            self._queue.extend(item if isinstance(item, Behaviour) else answer(item) for item in behaviours)

    def __enter__(self) -> "OpenAIServer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _next(self, body: dict[str, Any], headers: dict[str, str], path: str) -> Behaviour:
        with self._lock:
            self.requests.append(body)
            self.headers.append(headers)
            self.paths.append(path)
            if self._queue:
                return self._queue.popleft()
        return self.default({**body, "scope": headers.get("x-fix-issue-scope", "")})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                behaviour = server._next(json.loads(data or b"{}"), headers, self.path)
                if behaviour.hang:
                    server._closing.wait(60)
                if behaviour.drop or behaviour.hang:
                    self.close_connection = True
                    return
                self._send(behaviour)

            def _send(self, behaviour: Behaviour) -> None:
                self.send_response(behaviour.status)
                length = behaviour.announce if behaviour.announce is not None else len(behaviour.body)
                named = {"Content-Type": "application/json", "Content-Length": str(length), **behaviour.headers}
                for name, value in named.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(behaviour.body)
                if behaviour.trickle:
                    self._trickle()
                if length != len(behaviour.body):
                    self.close_connection = True

            def _trickle(self) -> None:
                while not server._closing.wait(0.05):
                    try:
                        self.wfile.write(b" ")
                        self.wfile.flush()
                    except OSError:
                        return

            def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class's name
                """Keep the tests' output clean."""

        return Handler
