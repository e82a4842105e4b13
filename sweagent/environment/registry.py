"""The one way out of a build: a small proxy on the host that serves package registries as of a day.

A build runs on a network without a way out. It reaches this proxy, which fetches from the registries that the user
configured, leaves out what was published after the recipe's day, and forwards Debian's package servers. So addresses,
credentials and certificates of the user never enter a build, and the code that a build runs can send nothing anywhere
but requests for packages.
"""

import hashlib
import json
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlsplit

import tenacity
import yaml

from sweagent.environment.links import PackageFile, published_until, read_page, with_days, write_page
from sweagent.environment.recipe import normal_name
from sweagent.environment.registry_settings import RegistrySettings
from sweagent.resources import resource

if TYPE_CHECKING:
    import httpx

HOST = "registry.fix-issue.internal"
"""The name under which builds know the registries. It is no real host: the proxy answers for it."""

_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_CRATES_FILES = "https://static.crates.io/crates"
_TIMEOUT = 180.0
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_DROPPED = frozenset({"connection", "transfer-encoding", "content-encoding", "content-length", "set-cookie"})


def day_path(cutoff: date | None) -> str:
    """The part of an address that says until which day packages are served."""
    return cutoff.isoformat() if cutoff else "always"


def python_index(cutoff: date | None) -> str:
    """The address of the Python package index inside a build."""
    return f"http://{HOST}/{day_path(cutoff)}/python/simple/"


def npm_registry(cutoff: date | None) -> str:
    """The address of the npm registry inside a build."""
    return f"http://{HOST}/{day_path(cutoff)}/npm/"


def plain_registry(kind: str) -> str:
    """The address inside a build of a registry that is served as it is: `go`, `crates`, `maven`, `gradle-plugins`."""
    return f"http://{HOST}/always/{kind}/"


class _PassingFaultError(Exception):
    """A registry answered with a fault that may be gone at the next try."""


class Registry:
    """Fetches pages and files for the proxy.

    Args:
        settings: the registries, as the user configured them.
        hosts: further hosts that are forwarded, by plain HTTP.
    """

    def __init__(self, settings: RegistrySettings, hosts: frozenset[str]) -> None:
        import httpx

        verify: Any = True
        if settings.certificates:
            import ssl

            verify = ssl.create_default_context(cafile=settings.certificates)
        self._client = httpx.Client(verify=verify, follow_redirects=True, timeout=_TIMEOUT)
        self._settings = settings
        self._hosts = hosts
        self._pages: dict[str, list[PackageFile]] = {}
        self._handed_out: dict[str, str] = {}

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def python_page(self, name: str, cutoff: date | None) -> str:
        """The page of a Python project as of a day; empty when no index knows it."""
        files = {file.name: file for file in reversed(published_until(self.files(name), cutoff))}
        listed = list(reversed(files.values()))
        return write_page(listed, {file.name: self._hand_out(file.url, file.name) for file in listed}) if listed else ""

    def npm_page(self, name: str, cutoff: date | None) -> dict[str, Any]:
        """The document of an npm package as of a day; empty when the registry does not know it."""
        answer = self._page(f"{self._settings.npm}/{quote(name, safe='@')}", "application/json")
        if answer.status_code != 200:
            return {}
        return self._npm_until(cast(dict[str, Any], answer.json()), cutoff)

    @contextmanager
    def file(self, url: str, headers: dict[str, str]) -> "Iterator[httpx.Response]":
        """Stream a file of a registry or of a forwarded host."""
        answer = self._asked(self._client.build_request("GET", url, headers=headers), stream=True)
        try:
            yield answer
        finally:
            answer.close()

    def _page(self, url: str, accept: str) -> "httpx.Response":
        return self._asked(self._client.build_request("GET", url, headers={"Accept": accept}), stream=False)

    def _asked(self, request: "httpx.Request", *, stream: bool) -> "httpx.Response":
        """Send a request; a fault of the way or of the server is tried again, a refusal is not."""
        import httpx

        def once() -> httpx.Response:
            answer = self._client.send(request, stream=stream)
            if answer.status_code in _PASSING:
                answer.close()
                raise _PassingFaultError(f"{request.url.host} answers {answer.status_code}")
            return answer

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type((httpx.TransportError, _PassingFaultError)),
            stop=tenacity.stop_after_attempt(5),
            wait=tenacity.wait_exponential(multiplier=0.5, max=8),
            reraise=True,
        )
        return retrying(once)

    def plain(self, kind: str, rest: str) -> str:
        """The outer address of a file of a registry that is served as it is."""
        settings = self._settings
        if kind == "crates-files":
            return f"{_CRATES_FILES}/{rest}"
        roots = {
            "npm": settings.npm,
            "go": settings.goproxy,
            "crates": settings.crates,
            "maven": settings.maven,
            "gradle-plugins": settings.gradle_plugins,
        }
        return f"{roots[kind]}/{rest}"

    def forwards(self, host: str) -> bool:
        """Whether requests to a host are passed on."""
        return host in self._hosts

    def handed_out(self, handle: str) -> str:
        """The address behind a handle that stood in a page of this proxy: builds cannot ask for any other file."""
        return self._handed_out.get(handle, "")

    def _hand_out(self, url: str, name: str) -> str:
        handle = hashlib.sha256(url.encode()).hexdigest()[:32]
        self._handed_out[handle] = url
        return f"/always/file/{handle}/{quote(name)}"

    def _npm_until(self, page: dict[str, Any], cutoff: date | None) -> dict[str, Any]:
        times = page.get("time", {})
        believed = cutoff is not None and _credible(times, page.get("versions", {}), cutoff)
        versions = {
            version: self._with_inner_address(data)
            for version, data in page.get("versions", {}).items()
            if cutoff is None or not believed or times.get(version, "")[:10] <= cutoff.isoformat()
        }
        tags = {tag: version for tag, version in page.get("dist-tags", {}).items() if version in versions}
        stable = [version for version in versions if "-" not in version] or list(versions)
        if stable:
            tags.setdefault("latest", max(stable, key=lambda version: times.get(version, "")))
        return {"name": page.get("name"), "dist-tags": tags, "versions": versions, "time": times}

    def _with_inner_address(self, data: dict[str, Any]) -> dict[str, Any]:
        distribution = dict(data.get("dist", {}))
        url = distribution.get("tarball", "")
        distribution["tarball"] = f"http://{HOST}" + self._hand_out(url, url.rsplit("/", 1)[-1])
        return {**data, "dist": distribution}

    def files(self, name: str) -> list[PackageFile]:
        """All files of a Python project, of all indexes, with their days where any index tells them."""
        name = normal_name(name)
        if name not in self._pages:
            found: list[PackageFile] = []
            for index in self._settings.python_indexes:
                if index.startswith("http"):
                    found += self._listed(index, name)
            self._pages[name] = found
        return self._pages[name]

    def _listed(self, index: str, name: str) -> list[PackageFile]:
        answer = self._page(f"{index}/{name}/", _ACCEPT)
        if answer.status_code != 200:
            return []
        files = read_page(answer.text, answer.headers.get("content-type", ""), str(answer.url))
        if any(file.uploaded for file in files):
            return files
        # The HTML page of an index tells no days; Warehouse, which PyPI runs, tells them at another address.
        releases = self._page(f"{index.removesuffix('/simple')}/pypi/{name}/json", "application/json")
        return with_days(files, releases.text) if releases.status_code == 200 else files


@contextmanager
def serve_registry(address: str, settings: RegistrySettings) -> Iterator[int]:
    """Serve the registries while the block runs.

    Args:
        address: the address of the host to listen on.
        settings: the registries, as the user configured them.

    Yields:
        The port.
    """
    hosts = yaml.safe_load(resource("environments", "allow.yaml").read_text(encoding="utf-8"))["forwarded_hosts"]
    registry = Registry(settings, frozenset(hosts))
    server = ThreadingHTTPServer((address, 0), type("_BoundHandler", (_Handler,), {"registry": registry}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        registry.close()


def _credible(times: dict[str, str], versions: Iterable[str], cutoff: date) -> bool:
    """Whether days of publication can be right: the first release of each major version comes after that of the last.

    A mirror may tell the days on which it fetched a package instead. Days that would leave nothing are not believed.
    """
    stable = [version for version in versions if re.fullmatch(r"\d+\.\d+\.\d+", version) and version in times]
    first: dict[int, str] = {}
    for version in sorted(stable, key=lambda version: tuple(int(part) for part in version.split("."))):
        first.setdefault(int(version.split(".")[0]), times[version][:10])
    days = list(first.values())
    return bool(days) and days == sorted(days) and days[0] <= cutoff.isoformat()


class _Handler(BaseHTTPRequestHandler):
    registry: Registry
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        try:
            self._answer()
        except OSError:
            self.close_connection = True
        except Exception as error:  # a fault of one request must not end the build's only way out
            self._send(502, f"{type(error).__name__}: {error}".encode(), "text/plain")

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *args: object) -> None:
        """Keep silent: the package managers tell what they fetch."""

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        if parts.netloc and parts.hostname != HOST:
            if parts.scheme != "http" or not self.registry.forwards(parts.hostname or ""):
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
