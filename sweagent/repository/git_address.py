"""Parse the address of a git repository: a URL, or host:path."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit, urlunsplit

_HELPER = re.compile(r"(?P<name>[A-Za-z][\w+.-]*)::(?P<path>.*)", re.DOTALL)
_SCP = re.compile(r"(?:(?P<user>[\w.-]+)@)?(?P<host>[A-Za-z0-9][\w.-]*):(?P<path>(?!//|:).+)", re.DOTALL)


@dataclass(frozen=True)
class GitAddress:
    """The parts of an address.

    Attributes:
        transport: the scheme, `ssh` for `host:path`; of `helper::address`, which could run programs, the helper.
        host: empty for `file`.
        path: as it is written.
        port: None when it is not given.
        user: the user's name.
        password: the password or token.
        short: not written as a URL.
    """

    transport: str
    host: str
    path: str
    port: int | None = None
    user: str = ""
    password: str = ""
    short: bool = False

    @property
    def place(self) -> str:
        """The host, with the port where it is given."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.port else host

    @property
    def url(self) -> str:
        """The address without credentials; the user's name stays where ssh needs it."""
        user = f"{self.user}@" if self.transport == "ssh" and self.user else ""
        if self.short:
            return f"{user}{self.host}:{self.path}"
        return urlunsplit((self.transport, f"{user}{self.place}", self.path, "", ""))

    @property
    def name(self) -> str:
        """The path without slashes at its ends and without `.git`: `owner/name` on most forges."""
        return self.path.strip("/").removesuffix(".git")


def parse_git_address(text: str) -> GitAddress | None:
    """Take an address apart; None when it is neither a URL nor `host:path`, or cannot be one."""
    if match := _HELPER.fullmatch(text):
        return GitAddress(match["name"], "", match["path"], short=True)
    if "://" not in text:
        match = _SCP.fullmatch(text)
        return GitAddress("ssh", match["host"], match["path"], user=match["user"] or "", short=True) if match else None
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return GitAddress(parts.scheme, parts.hostname or "", parts.path, port, user, password)


def without_credentials(text: str) -> str:
    """A repository as the user named it, without a name and a password in a URL; what is no URL stays as it is."""
    address = parse_git_address(text)
    return address.url if address is not None and not address.short else text
