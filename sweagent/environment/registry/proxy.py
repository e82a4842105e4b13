"""Serve package registries as of a day to builds.

A build runs on a network without a way out. It reaches this proxy, which fetches from the registries that the user
configured, leaves out what was published after the recipe's day, and forwards Debian's package servers. So addresses,
credentials and certificates of the user never enter a build, and the code that a build runs can send nothing anywhere
but requests for packages.
"""

import json
import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from sweagent.environment.contacted_hosts import Contacts
from sweagent.environment.registry.dated_registry import HOST, Registry
from sweagent.environment.registry.settings import RegistrySettings
from sweagent.resources import resource
from sweagent.sandbox.relay_container import FileServer

_DROPPED = frozenset({"connection", "transfer-encoding", "content-encoding", "content-length", "set-cookie"})


@contextmanager
def serve_registry(address: str | Path, settings: RegistrySettings, contacts: Contacts | None = None) -> Iterator[int]:
    """Serve the registries while the block runs.

    Args:
        address: the address of the host to listen on, or the path of a socket file to make.
        settings: the registries, as the user configured them.
        contacts: records which hosts answered and which were refused.

    Yields:
        The port; 0 for a socket file.
    """
    hosts = yaml.safe_load(resource("environments", "allow.yaml").read_text(encoding="utf-8"))["forwarded_hosts"]
    registry = Registry(settings, frozenset(hosts), contacts or Contacts())
    handler = type("_BoundHandler", (_Handler,), {"registry": registry})
    if isinstance(address, Path):
        server: ThreadingHTTPServer = FileServer(address, handler)
    else:
        server = ThreadingHTTPServer((address, 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        yield 0 if isinstance(address, Path) else server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        registry.close()


class _Handler(BaseHTTPRequestHandler):
    registry: Registry
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        try:
            self._answer()
        except OSError:
            self.close_connection = True
        except Exception as error:  # a fault of one request must not end the build's only way out
            logging.getLogger("sweagent.environment").exception("the registry's proxy failed at %s", self.path)
            self._send(502, f"{type(error).__name__}: {error}".encode(), "text/plain")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_CONNECT(self) -> None:
        host = self.path.rpartition(":")[0].strip("[]")
        self.registry.contacts.refused(host)
        self._send(403, f"builds may not reach {host}\n".encode(), "text/plain")
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        """Keep silent: the package managers tell what they fetch."""

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        if parts.netloc and parts.hostname != HOST:
            if parts.scheme != "http" or not self.registry.forwards(parts.hostname or ""):
                self.registry.contacts.refused(parts.hostname or "")
                self._send(403, f"builds may not reach {parts.hostname}\n".encode(), "text/plain")
                return
            self._stream(self.path)
            return
        match = re.fullmatch(
            r"/(always|\d{4}-\d\d-\d\d)/(python/simple|npm|file|go|crates|crates-files|maven|gradle-plugins)/(.*)",
            parts.path,
        )
        if match is None:
            self._send(404, b"not found\n", "text/plain")
            return
        cutoff = None if match[1] == "always" else date.fromisoformat(match[1])
        self._serve(match[2], match[3], cutoff)

    def _serve(self, kind: str, rest: str, cutoff: date | None) -> None:
        if kind == "npm" and rest.startswith("always/file/"):
            # npm puts the registry's own path before the address that it was given.
            kind, rest = "file", rest.removeprefix("always/file/")
        if kind == "python/simple":
            page = self.registry.python_page(rest.strip("/"), cutoff)
            self._send(200 if page else 404, page.encode(), "text/html; charset=utf-8")
        elif kind == "npm" and "/-/" in rest:
            self._stream(self.registry.plain("npm", rest))
        elif kind == "npm":
            name = rest.strip("/").replace("%2f", "/").replace("%2F", "/")
            document = self.registry.npm_page(name, cutoff)
            self._send(200 if document else 404, json.dumps(document).encode(), "application/json")
        elif kind == "file":
            handle, _, name = rest.partition("/")
            url = self.registry.handed_out(handle)
            if not url:
                self._send(403, b"this address was not handed out\n", "text/plain")
                return
            self._stream(url + ".metadata" if name.endswith(".metadata") else url)
        elif (kind, rest) == ("crates", "config.json"):
            # The index names the host of its files, which a build cannot reach.
            place = f"http://{HOST}/always/crates-files/{{crate}}/{{crate}}-{{version}}.crate"
            self._send(200, json.dumps({"dl": place}).encode(), "application/json")
        else:
            self._stream(self.registry.plain(kind, rest))

    def _stream(self, url: str) -> None:
        passed = {key: value for key, value in self.headers.items() if key.lower() in ("range", "if-modified-since")}
        with self.registry.file(url, passed | {"Accept-Encoding": "identity"}) as answer:
            self.send_response(answer.status_code)
            for key, value in answer.headers.items():
                if key.lower() not in _DROPPED:
                    self.send_header(key, value)
            length = answer.headers.get("content-length")
            if length:
                self.send_header("Content-Length", length)
            else:
                self.send_header("Connection", "close")
                self.close_connection = True
            self.end_headers()
            if self.command == "GET":
                for chunk in answer.iter_raw():
                    self.wfile.write(chunk)

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
