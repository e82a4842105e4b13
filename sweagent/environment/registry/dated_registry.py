"""Package registries without what was published after a day.

The addresses are those inside a build, where `registry_server` answers for them.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

import tenacity

from sweagent.environment.contacted_hosts import Contacts
from sweagent.environment.recipe import normal_name
from sweagent.environment.registry.package_index import PackageFile, published_until, read_page, with_days, write_page
from sweagent.environment.registry.settings import RegistrySettings
from sweagent.proxies import Refusal, proxy_address

if TYPE_CHECKING:
    import httpx

HOST = "registry.fix-issue.internal"
"""The name under which builds know the registries. It is no real host: the proxy answers for it."""

_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_TIMEOUT = 180.0
_PASSING = frozenset({408, 429, 500, 502, 503, 504})


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


def _may_heal(error: BaseException) -> bool:
    import httpx

    refusal = _refusal(error)
    return isinstance(error, httpx.TransportError | _PassingFaultError) and (refusal is None or refusal.passing)


def _refusal(error: BaseException) -> Refusal | None:
    """What a proxy answered to CONNECT; None when it was something else."""
    import httpx

    match = re.match(r"[1-5]\d\d\b.*", str(error)) if isinstance(error, httpx.ProxyError) else None
    return Refusal(int(match[0][:3]), match[0].strip()) if match else None


class Registry:
    """Fetches pages and files for the proxy.

    Args:
        settings: the registries, as the user configured them.
        hosts: further hosts that are forwarded, by plain HTTP.
        contacts: records which hosts answered.
    """

    def __init__(self, settings: RegistrySettings, hosts: frozenset[str], contacts: Contacts) -> None:
        import httpx

        verify: Any = True
        if settings.certificates:
            import ssl

            verify = ssl.create_default_context(cafile=settings.certificates)
        self._client = httpx.Client(verify=verify, follow_redirects=True, timeout=_TIMEOUT)
        self._settings = settings
        self._hosts = hosts
        self.contacts = contacts
        self._pages: dict[str, list[PackageFile]] = {}
        self._handed_out: dict[str, str] = {}
        self._crate_files = ""

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
            retry=tenacity.retry_if_exception(_may_heal),
            stop=tenacity.stop_after_attempt(5),
            wait=tenacity.wait_exponential(multiplier=0.5, max=8),
            reraise=True,
        )
        try:
            answer = retrying(once)
        except (httpx.TransportError, _PassingFaultError) as error:
            refusal = _refusal(error)
            why = f"the proxy {proxy_address()} answers {refusal.words}" if refusal else ""
            self.contacts.failed(request.url.host, why)
            raise
        self.contacts.reached(request.url.host)
        return answer

    def plain(self, kind: str, rest: str) -> str:
        """The outer address of a file of a registry that is served as it is."""
        settings = self._settings
        if kind == "crates-files":
            return self._crate(rest)
        roots = {
            "npm": settings.npm,
            "go": settings.goproxy,
            "crates": settings.crates,
            "maven": settings.maven,
            "gradle-plugins": settings.gradle_plugins,
        }
        return f"{roots[kind]}/{rest}"

    def _crate(self, rest: str) -> str:
        """The address of a file that the index of crates names by a template of its own."""
        if not self._crate_files:
            answer = self._page(f"{self._settings.crates}/config.json", "application/json")
            said = answer.json()["dl"]
            self._crate_files = said if "{" in said else f"{said.rstrip('/')}/{{crate}}/{{version}}/download"
        crate, _, file = rest.partition("/")
        version = file.removeprefix(f"{crate}-").removesuffix(".crate")
        return self._crate_files.replace("{crate}", crate).replace("{version}", version)

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
