"""Map names under which files are imported to their paths."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from posixpath import dirname, splitext

ROOTS = frozenset({"src", "lib", "source", "python", "main", "java"})
"""Folders that are left out of an import's name, even of one that is a single word."""

_INDEX_STEMS = frozenset({"__init__", "index", "mod", "lib"})


class ModulePaths:
    """Files, to be found by the end of their module names.

    Args:
        paths: the files.
        roots: folders under which a file may be imported by its stem alone.
    """

    def __init__(self, paths: Iterable[str], roots: frozenset[str] = ROOTS) -> None:
        self._roots = roots
        self._by_stem: defaultdict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
        for path in paths:
            names = module_names(path)
            if names:
                self._by_stem[names[-1]].append((names, path))

    def exact(self, wanted: tuple[str, ...]) -> str | None:
        """The file of these module names."""
        if not wanted:
            return None
        return next((path for names, path in self._by_stem.get(wanted[-1], ()) if names == wanted), None)

    def ending(self, wanted: tuple[str, ...], importer: str) -> str | None:
        """The file whose module names end with these: the one with the fewest others, the nearest to the importer."""
        best = max(self._fits(wanted), key=lambda fit: (fit[0], near(fit[1], importer)), default=None)
        return best[1] if best is not None else None

    def _fits(self, wanted: tuple[str, ...]) -> Iterator[tuple[int, str]]:
        if not wanted:
            return
        for names, path in self._by_stem.get(wanted[-1], ()):
            rest = names[: len(names) - len(wanted)]
            if names[len(rest) :] == wanted and (not rest or rest[-1] in self._roots or len(wanted) > 1):
                yield -len(rest), path


def module_names(path: str) -> tuple[str, ...]:
    """The names by which a file is imported: its folders and its stem; `__init__` and the like stand for the folder."""
    names = [part for part in splitext(path)[0].split("/") if part]
    if len(names) > 1 and names[-1] in _INDEX_STEMS:
        names.pop()
    return tuple(names)


def near(path: str, importer: str) -> int:
    """How many leading folders two paths share."""
    shared = 0
    for one, other in zip(dirname(path).split("/"), dirname(importer).split("/"), strict=False):
        if one != other:
            break
        shared += 1
    return shared
