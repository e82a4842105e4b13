"""Parse addresses of repositories and their forge's API."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sweagent.errors import UsageError
from sweagent.frozen import Frozen
from sweagent.repository.git_address import parse_git_address

PUBLIC_WEB = "https://github.com"
PUBLIC_API = "https://api.github.com"
TOKEN_VARIABLES = ("FIX_ISSUE_TOKEN", "GH_TOKEN", "GITHUB_TOKEN")
"""Where a token is looked for, first one first. A token is never taken from the command line."""

_OTHER_FORGES = {"gitlab.com", "bitbucket.org", "codeberg.org", "gitea.com", "git.sr.ht"}
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/[A-Za-z0-9._-]{1,100}")
_ISSUE_PATH = re.compile(r"/?(.*?)/?([^/]+/[^/]+)/(?:issues|pull)/(\d+)/?")


class RepositoryAddress(Frozen):
    """A repository on a forge."""

    name: str
    """`owner/name`."""
    api_url: str
    web_url: str
    """Base of the web pages and of the git remotes, without a slash at the end."""


def is_name(text: str) -> bool:
    """Whether a text is `owner/name`."""
    return bool(_NAME.fullmatch(text)) and not text.endswith((".git", "/.", "/.."))


def place_of(name: str, *, web_url: str | None = None, api_url: str | None = None) -> RepositoryAddress:
    """Complete an address.

    Args:
        name: `owner/name`.
        web_url: base of the web pages; None derives it from the API's URL or takes GITHUB_SERVER_URL, or github.com.
        api_url: base of the REST API; None derives it from the web pages' URL, or takes GITHUB_API_URL.

    Raises:
        UsageError: the name or one of the URLs cannot be used.
    """
    if not is_name(name):
        raise UsageError(f"{name!r} is not the name of a repository", "give it as owner/name")
    if web_url is None and api_url is None:
        web_url = os.environ.get("GITHUB_SERVER_URL") or None
        api_url = os.environ.get("GITHUB_API_URL") or None
    if api_url is None:
        api_url = _api_of(web_url or PUBLIC_WEB)
    if web_url is None:
        web_url = _web_of(api_url)
    for url in (web_url, api_url):
        parts = urlsplit(url)
        if parts.scheme not in {"https", "http"} or not parts.hostname or parts.username or parts.query:
            raise UsageError(f"{url!r} is not the base URL of a forge", "give it as https://HOST/api/v3")
    return RepositoryAddress(name=name, api_url=api_url.rstrip("/"), web_url=web_url.rstrip("/"))


def require_github(place: RepositoryAddress) -> RepositoryAddress:
    """The place itself, if its forge may have GitHub's API; whatever needs no API needs no such check.

    Raises:
        UsageError: it is known to have another one.
    """
    for url in (place.web_url, place.api_url):
        host = urlsplit(url).hostname
        if host in _OTHER_FORGES:
            raise UsageError(
                f"{host} does not have GitHub's API",
                "give the issue as a file or as text; `fix-issue pr --plain-git` pushes the branch",
            )
    return place


def parse_issue_url(text: str, api_url: str | None = None) -> tuple[RepositoryAddress, int] | None:
    """The repository and the number that the URL of an issue or a pull request names; None when it is no such URL."""
    address = parse_git_address(text)
    if address is None or address.transport not in {"http", "https"} or not address.host:
        return None
    match = _ISSUE_PATH.fullmatch(address.path)
    if match is None or not is_name(match.group(2)):
        return None
    web_url = f"{address.transport}://{address.place}" + (f"/{match.group(1)}" if match.group(1) else "")
    return require_github(place_of(match.group(2), web_url=web_url, api_url=api_url)), int(match.group(3))


def parse_remote_url(url: str, api_url: str | None = None) -> RepositoryAddress | None:
    """The repository that a git remote's URL names (HTTPS, SSH or `host:owner/name`); None when there is none.

    A path of more parts is that of a forge with groups in groups, GitLab say, which is no place of GitHub's kind; only
    the URL of an API can tell that the first parts are those of the forge itself.
    """
    address = parse_git_address(url)
    if address is None or address.transport not in {"https", "http", "ssh", "git"} or not address.host:
        return None
    web = address.transport in {"https", "http"}
    place = address.place if web else address.host
    base = urlsplit(_web_of(api_url)).path.strip("/") if api_url else ""
    inside = bool(base) and address.name.startswith(f"{base}/")
    name = address.name.removeprefix(f"{base}/") if inside else address.name
    if not is_name(name):
        return None
    web_url = f"{address.transport if web else 'https'}://{place}" + (f"/{base}" if inside else "")
    return place_of(name, web_url=web_url, api_url=api_url)


def token_from_environment(environment: Mapping[str, str] | None = None) -> str | None:
    """The token in FIX_ISSUE_TOKEN, GH_TOKEN or GITHUB_TOKEN; None when there is none."""
    values = os.environ if environment is None else environment
    return next((values[name].strip() for name in TOKEN_VARIABLES if values.get(name, "").strip()), None)


def token_for(place: RepositoryAddress, token: str | None, *, trusted_api: str | None) -> str | None:
    """The token, if it may be sent to a place.

    A token goes to github.com, to the API that the user configured and to the one of the surrounding workflow; never
    to a host that is known only from the URL of an issue or of a remote.

    Args:
        place: where a request is going.
        token: the token, or None.
        trusted_api: the API's base URL that the user configured, if any.
    """
    known = {PUBLIC_API, (trusted_api or "").rstrip("/"), os.environ.get("GITHUB_API_URL", "").rstrip("/")}
    return token if place.api_url in known else None


def remote_options(repo: str, api_url: str | None = None) -> dict[str, Any]:
    """The server of a remote repository, and the token when it may be sent there."""
    if Path(repo).exists():
        return {}
    place = place_of(repo, api_url=api_url) if is_name(repo) else parse_remote_url(repo, api_url)
    if place is None:
        return {}
    return {"server": place.web_url, "token": token_for(place, token_from_environment(), trusted_api=api_url)}


def _api_of(web_url: str) -> str:
    parts = urlsplit(web_url)
    host = parts.hostname or ""
    if host in {"github.com", "www.github.com", "ssh.github.com"}:
        return PUBLIC_API
    if host.endswith(".ghe.com"):
        return f"{parts.scheme}://api.{host}"
    return f"{web_url.rstrip('/')}/api/v3"


def _web_of(api_url: str) -> str:
    parts = urlsplit(api_url)
    if api_url.rstrip("/") == PUBLIC_API:
        return PUBLIC_WEB
    host = parts.netloc.removeprefix("api.") if (parts.hostname or "").endswith(".ghe.com") else parts.netloc
    return f"{parts.scheme}://{host}{parts.path.rstrip('/').removesuffix('/api/v3')}"
