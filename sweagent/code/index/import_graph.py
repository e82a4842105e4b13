"""Import graph of a repository, for any language."""

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from posixpath import dirname, join, normpath

from sweagent.code.index.import_resolution import ForeignImports
from sweagent.code.index.languages import language_of
from sweagent.code.index.module_paths import ModulePaths, module_names


class ImportGraph:
    """The import relation between the files of a repository.

    Args:
        imports: what each file imports, as written (see `written_imports`).
        packages: the folders of the repository's own packages, by name (see `packages.package_folders`).
    """

    def __init__(
        self, imports: Mapping[str, tuple[str, ...]], packages: Mapping[str, tuple[str, ...]] | None = None
    ) -> None:
        self._written = imports
        self._modules = ModulePaths(imports)
        self._foreign = ForeignImports(imports, packages or {})

    def imported(self, path: str) -> tuple[str, ...]:
        """The files of the repository that a file imports, in the order written."""
        return self._edges.get(path, ())

    def importers(self, path: str) -> tuple[str, ...]:
        """The files that import a file, sorted."""
        return self._reverse.get(path, ())

    def resolve(self, name: str, importer: str) -> tuple[str, ...]:
        """The files that an import means; none when it is not one of the repository's, many for a package of Go.

        Args:
            name: as written: `a.b.c`, `.sibling`, `./sibling`, `a/b.h`.
            importer: the file that it stands in; by its suffix it is known which language's rules hold.
        """
        if language_of(importer) != "python":
            return self._foreign.files(name, importer)
        found = self._python(name, importer)
        return (found,) if found else ()

    @cached_property
    def _edges(self) -> dict[str, tuple[str, ...]]:
        known: dict[tuple[str, str], str | None] = {}
        edges: dict[str, tuple[str, ...]] = {}
        for path, names in self._written.items():
            if language_of(path) == "python":
                found = self._python_edges(path, names, known)
            else:
                found = dict.fromkeys(target for name in names for target in self._foreign.files(name, path))
            found.pop(path, None)
            edges[path] = tuple(found)
        return edges

    def _python_edges(
        self, path: str, names: tuple[str, ...], known: dict[tuple[str, str], str | None]
    ) -> dict[str, None]:
        found: dict[str, None] = {}
        for name in names:
            key = (name, dirname(path) if name.startswith(".") else "")
            if key not in known:
                known[key] = self._python(name, path)
            target = known[key]
            if target:
                found.setdefault(target)
        return found

    @cached_property
    def _reverse(self) -> dict[str, tuple[str, ...]]:
        found: defaultdict[str, list[str]] = defaultdict(list)
        for path, targets in self._edges.items():
            for target in targets:
                found[target].append(path)
        return {path: tuple(sorted(importers)) for path, importers in found.items()}

    def _python(self, name: str, importer: str) -> str | None:
        return self._relative(name, importer) if name.startswith(".") else self._absolute(name, importer)

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
        modules = self._modules
        return modules.exact(wanted) or modules.exact(wanted[:-1]) or modules.exact(module_names(place))

    def _absolute(self, name: str, importer: str) -> str | None:
        """The file whose path ends with the import, or the import without its last name, as closely as possible."""
        wanted = tuple(part for part in name.split(".") if part)
        return self._modules.ending(wanted, importer) or self._modules.ending(wanted[:-1], importer)
