"""Who imports whom, for any language: an import names a path, in whole or by its end."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property
from posixpath import dirname, join, normpath, splitext

_INDEX_STEMS = frozenset({"__init__", "index", "mod", "lib"})
_ROOTS = frozenset({"src", "lib", "source", "python", "main", "java"})


class ImportGraph:
    """The import relation between the files of a repository.

    Args:
        imports: what each file imports, as written.
    """

    def __init__(self, imports: Mapping[str, tuple[str, ...]]) -> None:
        self._written = imports
        self._by_stem: defaultdict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
        for path in imports:
            names = module_names(path)
            if names:
                self._by_stem[names[-1]].append((names, path))

    def imported(self, path: str) -> tuple[str, ...]:
        """The files of the repository that a file imports, in the order written."""
        return self._edges.get(path, ())

    def importers(self, path: str) -> tuple[str, ...]:
        """The files that import a file, sorted."""
        return self._reverse.get(path, ())

    def resolve(self, name: str, importer: str = "") -> str | None:
        """The file that an import means, or None when it is not one of the repository's.

        Args:
            name: as written: `a.b.c`, `.sibling`, `./sibling`, `a/b.h`.
            importer: the file that it stands in.
        """
        if name.startswith("."):
            return self._relative(name, importer)
        if "/" in name:
            wanted = tuple(part for part in splitext(name)[0].split("/") if part not in ("", "."))
        else:
            wanted = tuple(part for part in name.split(".") if part)
        return self._ending(wanted, importer)

    @cached_property
    def _edges(self) -> dict[str, tuple[str, ...]]:
        edges: dict[str, tuple[str, ...]] = {}
        known: dict[tuple[str, str], str | None] = {}
        for path, names in self._written.items():
            found: dict[str, None] = {}
            for name in names:
                key = (name, dirname(path) if name.startswith((".", "/")) or path.endswith((".c", ".h")) else "")
                if key not in known:
                    known[key] = self.resolve(name, path)
                target = known[key]
                if target and target != path:
                    found.setdefault(target)
            edges[path] = tuple(found)
        return edges

    @cached_property
    def _reverse(self) -> dict[str, tuple[str, ...]]:
        found: defaultdict[str, list[str]] = defaultdict(list)
        for path, targets in self._edges.items():
            for target in targets:
                found[target].append(path)
        return {path: tuple(sorted(importers)) for path, importers in found.items()}

    def _relative(self, name: str, importer: str) -> str | None:
        folder = dirname(importer)
        if name.startswith(("./", "../")):
            place = normpath(join(folder, name))
        else:
            bare = name.lstrip(".")
            for _ in range(len(name) - len(bare) - 1):
                folder = dirname(folder)
            place = join(folder, bare.replace(".", "/"))
        wanted = tuple(part for part in place.split("/") if part)
        return self._exact(wanted) or self._exact(wanted[:-1]) or self._exact(module_names(place))

    def _exact(self, wanted: tuple[str, ...]) -> str | None:
        if not wanted:
            return None
        return next((path for names, path in self._by_stem.get(wanted[-1], ()) if names == wanted), None)

    def _ending(self, wanted: tuple[str, ...], importer: str) -> str | None:
        """The file whose path ends with the import, or the import without its last name, as closely as possible."""
        for names in (wanted, wanted[:-1]):
            best = max(self._fits(names), key=lambda fit: (fit[0], _near(fit[1], importer)), default=None)
            if best is not None:
                return best[1]
        return None

    def _fits(self, wanted: tuple[str, ...]) -> Iterator[tuple[int, str]]:
        if not wanted:
            return
        for names, path in self._by_stem.get(wanted[-1], ()):
            rest = names[: len(names) - len(wanted)]
            if names[len(rest) :] == wanted and (not rest or rest[-1] in _ROOTS or len(wanted) > 1):
                yield -len(rest), path


def module_names(path: str) -> tuple[str, ...]:
    """The names by which a file is imported: its folders and its stem; `__init__` and the like stand for the folder."""
    names = [part for part in splitext(path)[0].split("/") if part]
    if len(names) > 1 and names[-1] in _INDEX_STEMS:
        names.pop()
    return tuple(names)


def _near(path: str, importer: str) -> int:
    """How many leading folders two paths share."""
    shared = 0
    for one, other in zip(dirname(path).split("/"), dirname(importer).split("/"), strict=False):
        if one != other:
            break
        shared += 1
    return shared
