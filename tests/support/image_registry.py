"""A container registry on 127.0.0.1 that serves small images which it makes itself, and fails when it is told to."""

import gzip
import hashlib
import io
import json
import tarfile
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

_KINDS = "application/vnd.docker."
_MANIFEST, _CONFIG = f"{_KINDS}distribution.manifest.v2+json", f"{_KINDS}container.image.v1+json"
_LAYER = f"{_KINDS}image.rootfs.diff.tar.gzip"


class ImageRegistry:
    """Use it as a context manager.

    Attributes:
        address: what comes before the slash in the name of an image.
        names: the full names of the images that it has.
        pulls: how often each image's manifest was asked for.
        failures: how many of the next requests for manifests are answered with an error of the server.
    """

    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}
        self._manifests: dict[str, bytes] = {}
        self._packed: dict[bytes, bytes] = {}
        self.names: list[str] = []
        self.pulls: Counter[str] = Counter()
        self.failures = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def add(self, name: str, contents: list[bytes], *, base: bytes | None = None) -> str:
        """Make an image with one file for each content, each in a layer of its own; its full name.

        Args:
            name: without the registry's address.
            contents: of the files.
            base: the layer below them, as the archive that `docker export` gives.
        """
        layers = [_layer(number, content) for number, content in enumerate(contents)]
        layers = [base, *layers] if base is not None else layers
        digests = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {},
                "rootfs": {"type": "layers", "diff_ids": digests},
                "history": [{"created_by": f"layer {number} of {name}"} for number in range(len(layers))],
            }
        ).encode()
        packed = [self._pack(layer) for layer in layers]
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": self._describe(config, _CONFIG),
            "layers": [self._describe(layer, _LAYER) for layer in packed],
        }
        self._manifests[name] = json.dumps(manifest).encode()
        self.names.append(f"{self.address}/{name}:latest")
        return self.names[-1]

    def _pack(self, layer: bytes) -> bytes:
        """Compress a layer, once however many images share it."""
        if layer not in self._packed:
            self._packed[layer] = gzip.compress(layer, compresslevel=1, mtime=0)
        return self._packed[layer]

    def _describe(self, blob: bytes, kind: str) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
        self._blobs[digest] = blob
        return {"mediaType": kind, "size": len(blob), "digest": digest}

    def __enter__(self) -> "ImageRegistry":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, path: str) -> tuple[int, str, bytes]:
        if path.strip("/") == "v2":
            return 200, "application/json", b"{}"
        name, _, tail = path.removeprefix("/v2/").partition("/manifests/")
        if tail:
            self.pulls[name] += 1
            if self.failures > 0:
                self.failures -= 1
                return 500, "application/json", b'{"errors": [{"code": "UNKNOWN", "message": "out of order"}]}'
            if name in self._manifests:
                return 200, _MANIFEST, self._manifests[name]
            return 404, "application/json", b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}'
        blob = self._blobs.get(path.rpartition("/")[2])
        return (404, "application/json", b"{}") if blob is None else (200, "application/octet-stream", blob)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, kind, body = registry._answer(self.path)
                self.send_response(status)
                self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            do_HEAD = do_GET  # noqa: N815 - the base class's name

            def log_message(self, *_: Any) -> None:
                """Keep the tests' output clean."""

        return Handler


def _layer(number: int, content: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        entry = tarfile.TarInfo(f"file{number}")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()
