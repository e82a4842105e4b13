"""A stand-in for a Docker engine's socket that passes everything on, and fails as engines do when it is told to."""

import os
import re
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

_REQUEST = re.compile(rb"^[A-Z]+ (\S+) HTTP")
_FAILED = b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"


class EngineProxy:
    """Use it as a context manager, with `url` as DOCKER_HOST.

    Args:
        path: where its socket is made.
    """

    def __init__(self, path: Path) -> None:
        self.url = f"unix://{path}"
        host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
        self._engine = host.removeprefix("unix://")
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen(64)
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._down_until = 0.0
        self._refused = b""
        self._refusals = 0

    def __enter__(self) -> "EngineProxy":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut(0)

    def cut(self, seconds: float) -> None:
        """End every connection, as an engine that is restarted, and answer nobody for so long."""
        with self._lock:
            self._down_until = time.monotonic() + seconds
            connections = list(self._open)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def refuse(self, part: str, times: int, message: str) -> None:
        """Answer the next requests whose address holds a text with an error of the engine."""
        with self._lock:
            self._refused, self._refusals = part.encode(), times
            body = b'{"message": "%s"}' % message.encode()
            self._answer = _FAILED % len(body) + b"Connection: close\r\n\r\n" + body

    def drop(self, part: str) -> None:
        """End the connection of the next request whose address holds a text, with no answer."""
        with self._lock:
            self._refused, self._refusals, self._answer = part.encode(), 1, b""

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        engine = socket.socket(socket.AF_UNIX)
        with client, engine:
            if time.monotonic() < self._down_until:
                return
            try:
                engine.connect(self._engine)
            except OSError:
                return
            with self._lock:
                self._open |= {client, engine}
            back = threading.Thread(target=self._pump, args=(engine, client), daemon=True)
            back.start()
            self._pump(client, engine, watched=True)
            back.join()
            with self._lock:
                self._open -= {client, engine}

    def _pump(self, source: socket.socket, target: socket.socket, *, watched: bool = False) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if watched and self._is_refused(data):
                    source.sendall(self._answer)
                    source.shutdown(socket.SHUT_RDWR)
                    break
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def _is_refused(self, data: bytes) -> bool:
        request = _REQUEST.match(data)
        with self._lock:
            if not self._refusals or request is None or self._refused not in request[1]:
                return False
            self._refusals -= 1
            return True
