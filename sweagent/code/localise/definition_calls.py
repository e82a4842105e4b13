"""Calls from the definitions that an issue names, two levels deep.

Who reports a fault names what they called; the fault is often a step or two further down. Calls are read from the text
alone: a name that many definitions have says little, and nothing is followed beyond the definitions looked into.
"""

import re
from collections import defaultdict
from collections.abc import Sequence

from sweagent.code.index.definitions import Definition

_CALLED = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\(")
_REACHED = re.compile(r"\.([A-Za-z_]\w*)\(")
_OWN = re.compile(r"\b(?:self|cls|this|super\(\))\.([A-Za-z_]\w*)")
_NAMESAKES_AT_MOST = 8
_STARTS = 20
"""So many definitions are followed in each step."""
_SECOND_STEP = 0.5


class Calls:
    """The calls between some definitions.

    Args:
        places: the path and the definition of each.
        texts: the own text of each.
    """

    def __init__(self, places: Sequence[tuple[str, Definition]], texts: Sequence[str]) -> None:
        self._places = places
        self._texts = texts
        self._by_name: defaultdict[str, list[int]] = defaultdict(list)
        for position, (_, definition) in enumerate(places):
            self._by_name[definition.name].append(position)
        self._known: dict[int, dict[int, float]] = {}

    def reached(self, named: Sequence[float]) -> list[float]:
        """How much each definition is reached, from 0 to 1, from those named; the second step counts half.

        Args:
            named: how much each definition is named, 0 if not.
        """
        first = self._step(named)
        return [
            round(min(1.0, near + _SECOND_STEP * far), 9) for near, far in zip(first, self._step(first), strict=True)
        ]

    def _step(self, named: Sequence[float]) -> list[float]:
        found = [0.0] * len(named)
        starts = sorted((k for k, value in enumerate(named) if value), key=lambda k: (-named[k], k))[:_STARTS]
        total = sum(named[start] for start in starts)
        for start in starts:
            for callee, share in self._callees(start).items():
                found[callee] += 3 * named[start] / total * share
        return [min(1.0, value) for value in found]

    def _callees(self, caller: int) -> dict[int, float]:
        """What a definition calls; a name that several have is shared among them."""
        if caller not in self._known:
            text = self._texts[caller]
            own, plain = frozenset(_OWN.findall(text)), frozenset(_CALLED.findall(text))
            shares: dict[int, float] = {}
            for name in sorted(own.union(plain, _REACHED.findall(text))):
                meant = self._meant(caller, name, own=name in own, plain=name in plain)
                for place in meant:
                    if place != caller:
                        shares[place] = max(shares.get(place, 0.0), 1 / len(meant))
            self._known[caller] = shares
        return self._known[caller]

    def _meant(self, caller: int, name: str, *, own: bool, plain: bool) -> Sequence[int]:
        """The definitions that a name may mean: of the caller's own class, or of its file, before all others."""
        places = self._by_name.get(name, ())
        if not 0 < len(places) <= _NAMESAKES_AT_MOST:
            return ()
        path, definition = self._places[caller]
        in_file = [place for place in places if self._places[place][0] == path]
        if own and definition.parent >= 0:
            members = [place for place in in_file if self._places[place][1].parent == definition.parent]
            if members:
                return members
        return (in_file if plain else ()) or places
