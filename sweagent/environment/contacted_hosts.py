"""Hosts that an installation or a sandbox reached or was refused."""

import re
import threading
from collections import Counter
from collections.abc import Iterable

from sweagent.plurals import counted

MOST_HOSTS = 40
"""Hosts that are named; a build that asks for more is told in their number."""


_TOLD = re.compile(
    r"((?:reached|refused) [\w.:*-]+ .*\(\d+ requests?\)|[\w.:*?-]+ did not answer.* \(\d+ requests?\)).*"
)


def contacts_among(steps: Iterable[str]) -> tuple[str, ...]:
    """The lines about hosts among the steps by which an environment was made."""
    return tuple(match[1] for step in steps if (match := _TOLD.fullmatch(step)))


class Contacts:
    """What a proxy was asked for, by host. Threads of the proxy write it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reached: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self._reasons: dict[str, str] = {}

    def reached(self, host: str) -> None:
        """A host answered."""
        self._add(self._reached, host)

    def refused(self, host: str) -> None:
        """A host was asked for that may not be reached."""
        self._add(self._refused, host)

    def failed(self, host: str, why: str = "") -> None:
        """A host may be reached and did not answer; a reason, such as a proxy's, is told with it."""
        name = self._add(self._failed, host)
        if why and name in self._failed:
            self._reasons[name] = f", as {why}"

    def _add(self, counter: Counter[str], host: str) -> str:
        name = "".join(letter for letter in host.lower() if letter.isalnum() or letter in "-._:*")[:100] or "?"
        with self._lock:
            if name in counter or len(counter) < MOST_HOSTS:
                counter[name] += 1
        return name

    @property
    def complete(self) -> bool:
        """Whether every host that may be reached answered."""
        return not self._failed

    def lines(self, purpose: str = " for packages") -> tuple[str, ...]:
        """The hosts for people, one a line.

        Args:
            purpose: what they were reached for.
        """
        with self._lock:
            reached, refused, failed = (
                counter.most_common() for counter in (self._reached, self._refused, self._failed)
            )
            lines = [f"reached {host}{purpose} ({counted(number, 'request')})" for host, number in reached]
            lines += [f"refused {host} ({counted(number, 'request')})" for host, number in refused]
            lines += [
                f"{host} did not answer{self._reasons.get(host, '')} ({counted(number, 'request')})"
                for host, number in failed
            ]
        return tuple(lines)
