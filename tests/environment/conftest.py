"""Fixtures of the environment room: a cache of its own, and a package index on this machine."""

import hashlib
import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sweagent.environment.recipe import Recipe
from sweagent.environment.tree import GitTree

MakeRepository = Callable[..., Path]


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Locks, uses and lock files of each test lie in a folder of its own."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


@pytest.fixture
def recipe_of(git_repository: MakeRepository) -> Callable[[dict[str, str]], Recipe]:
    """The recipe of a repository with the given files."""
    from sweagent.environment import discover

    def make(files: dict[str, str], name: str = "acme/thing") -> Recipe:
        return discover(git_repository(files), "HEAD", name=name)

    return make


@pytest.fixture
def tree_of(git_repository: MakeRepository) -> Callable[[dict[str, str]], GitTree]:
    """The tree of a repository with the given files, committed on 2020-09-13."""
    return lambda files: GitTree(git_repository(files), "HEAD")


def wheel(name: str, version: str, files: dict[str, str] | None = None, requires: str = "") -> bytes:
    """A pure Python wheel, which may require another."""
    buffer = io.BytesIO()
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in (files or {f"{name}.py": f"version = {version!r}\n"}).items():
            archive.writestr(path, text)
        needs = f"Requires-Dist: {requires}\n" if requires else ""
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return buffer.getvalue()


@dataclass
class Index:
    """A package index: what it serves, and what it was asked."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    pages: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    faults: list[int] = field(default_factory=list)

    def add(self, name: str, version: str, day: str, content: bytes | None = None) -> None:
        """Publish a wheel on a day; an empty day is not told."""
        file = f"{name}-{version}-py3-none-any.whl"
        self.files[f"/files/{file}"] = content or wheel(name, version)
        self.pages.setdefault(name, []).append((file, day))

    def page(self, name: str) -> str:
        links = []
        for file, day in self.pages[name]:
            digest = hashlib.sha256(self.files[f"/files/{file}"]).hexdigest()
            told = f' data-upload-time="{day}T10:00:00Z"' if day else ""
            links.append(f'<a href="/files/{file}#sha256={digest}"{told}>{file}</a>')
        return "<html><body>" + "\n".join(links) + "</body></html>"


@pytest.fixture
def index() -> Iterator[Index]:
    """A package index on the loopback address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            if served.faults:
                self._send(served.faults.pop(), b"a fault")
            elif self.path in served.files:
                self._send(200, served.files[self.path])
            elif self.path.strip("/").removeprefix("simple/") in served.pages:
                self._send(200, served.page(self.path.strip("/").removeprefix("simple/")).encode())
            else:
                self._send(404, b"not here")

        def log_message(self, *args: object) -> None:
            pass

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Index(f"http://127.0.0.1:{server.server_address[1]}")
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield served
    server.shutdown()
    server.server_close()
