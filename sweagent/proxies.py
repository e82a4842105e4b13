"""Tell a proxy's refusal from the answers of the host behind it."""

import re
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies

HINT = "let the proxy allow the host, or leave the proxy out: NO_PROXY lists hosts that need none"

_PASSING = frozenset({408, 425, 429})
"""Answers below 500 after which another attempt can help."""
_SAID = re.compile(
    # requests and urllib3; curl and so git, its newer and its older words
    r"Tunnel connection failed: (?P<requests>[1-5]\d\d[ \w-]{0,80})"
    r"|CONNECT tunnel failed, response (?P<curl>[1-5]\d\d)"
    r"|Received HTTP code (?P<older>[1-5]\d\d) from proxy"
)


class Refusal(NamedTuple):
    """What a proxy answered to CONNECT."""

    status: int
    words: str

    @property
    def passing(self) -> bool:
        """A proxy that fails itself may heal; what it will not do it will not do the next time either."""
        return self.status >= 500 or self.status in _PASSING

    def describe(self, host: str) -> str:
        """The refusal for people, with the proxy's name."""
        return f"the proxy {proxy_address()} does not connect to {host}: {self.words}"


def refusal_in(text: str) -> Refusal | None:
    """The refusal that the message of an HTTP client or of git tells of; None when it is about something else."""
    match = _SAID.search(text)
    if match is None:
        return None
    words = (match["requests"] or match["curl"] or match["older"]).strip()
    return Refusal(int(words[:3]), words)


def proxy_address() -> str:
    """The address of the proxy that the environment names, without its password."""
    known = getproxies()
    parts = urlsplit(known.get("https") or known.get("all") or known.get("http") or "")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else "of this machine"
