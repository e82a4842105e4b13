"""The classes that those of a question inherit from: what is seen in a class is often done in a base of it."""

from collections.abc import Iterable

from sweagent.code.index import Index

_DEEPEST = 4
_FADE = 0.7
_NAMESAKES = 4
"""A name that more classes share than this says too little."""


def ancestors(index: Index, names: Iterable[str]) -> dict[str, float]:
    """Return the names of the direct and indirect bases of classes with their nearness, 0.7 for each step.

    Args:
        index: the repository.
        names: what may be names of classes.
    """
    found: dict[str, float] = {}
    level = [name for name in sorted(names) if name[:1].isupper()]
    nearness = 1.0
    for _ in range(_DEEPEST):
        nearness *= _FADE
        bases: dict[str, None] = {}
        for name in level:
            places = [place for place in index.by_name.get(name, ()) if place.definition.kind == "class"]
            if len(places) <= _NAMESAKES:
                bases.update((base, None) for place in places for base in place.definition.bases)
        level = [base for base in bases if base not in found]
        found.update((base, nearness) for base in level)
    return found
