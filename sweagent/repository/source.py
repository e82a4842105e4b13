"""Tell apart what the user may give as REPO."""

import re
from dataclasses import dataclass
from pathlib import Path

from sweagent.errors import UsageError
from sweagent.home import expanded
from sweagent.repository.git_address import GitAddress, parse_git_address

_HINT = "give a path, a git URL (https, ssh, git or file) or owner/name"
_SCHEMES = ("https", "http", "ssh", "git", "file")
_OWNER_AND_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]*[A-Za-z0-9_-][\w.-]*")


@dataclass(frozen=True)
class LocalSource:
    """A path on this machine."""

    path: Path


@dataclass(frozen=True)
class RemoteSource:
    """A repository behind a URL.

    Attributes:
        url: without any credentials.
        transport: the one that git needs for it.
        name: a short name for people.
        user: the user's name that the URL held.
        password: the password or token that the URL held; it never reaches a command line.
    """

    url: str
    transport: str
    name: str
    user: str = ""
    password: str = ""


def parse_source(source: str, *, server: str) -> LocalSource | RemoteSource:
    """Tell what REPO is.

    Args:
        source: what the user gave.
        server: the base URL that owner/name is looked up at.

    Raises:
        UsageError: it is none of the things that it may be.
    """
    if not source.strip() or any(ord(char) < 32 or ord(char) == 127 for char in source):
        raise UsageError("REPO is empty or contains control characters", _HINT)
    if source.startswith("-"):
        raise UsageError(f"REPO looks like an option: {source}", _HINT + "; write ./-name for such a folder")
    if re.match(r"[A-Za-z][\w+.-]*::", source):
        raise UsageError(f"REPO names a transport helper, which could run programs: {source}", _HINT)
    if "://" in source:
        return _from_url(source)
    path = expanded(source)
    if source.startswith((".", "/", "~")) or path.exists():
        return LocalSource(path)
    if _OWNER_AND_NAME.fullmatch(source):
        return _from_url(f"{server.rstrip('/')}/{source.removesuffix('.git')}.git", name=source.removesuffix(".git"))
    if address := parse_git_address(source):
        return RemoteSource(address.url, address.transport, _short_name(address))
    raise UsageError(f"REPO is neither an existing folder nor a URL nor owner/name: {source}", _HINT)


def _from_url(url: str, *, name: str = "") -> RemoteSource:
    address = parse_git_address(url)
    if address is None:
        raise UsageError("REPO is not a URL that can be used", _HINT)
    if address.transport not in _SCHEMES:
        raise UsageError(f"REPO has a scheme that is not allowed: {address.transport}", _HINT)
    host, user, password = address.host, address.user, address.password
    if (not host and address.transport != "file") or host.startswith("-") or user.startswith("-"):
        raise UsageError(f"REPO has no host that can be used: {host!r}", _HINT)
    if address.transport != "ssh" and user and not password:
        user, password = "x-access-token", user
    name = name or _short_name(address, whole=address.transport != "file")
    return RemoteSource(address.url, address.transport, name, user, password)


def _short_name(address: GitAddress, *, whole: bool = True) -> str:
    """A name for people: the whole path, for groups may hold groups; of a path on this machine the last two parts."""
    parts = [part for part in address.name.split("/") if part]
    return "/".join(parts if whole else parts[-2:]) or "repository"
