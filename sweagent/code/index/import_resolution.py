"""Find the files that an import leads to, in languages other than Python.

Each language has a rule of its own; the rest share one, for names with dots and for paths.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from posixpath import basename, dirname, join, normpath, splitext

from sweagent.code.index.languages import language_of
from sweagent.code.index.module_paths import ROOTS, ModulePaths, near

_FAMILIES = {
    "javascript": "script",
    "typescript": "script",
    "tsx": "script",
    "vue": "script",
    "svelte": "script",
    "c": "c",
    "cpp": "c",
    "objc": "c",
    "java": "jvm",
    "kotlin": "jvm",
    "scala": "jvm",
    "groovy": "jvm",
}
"""Languages whose files import each other."""

_ROOTS = ROOTS | {"include", "test", "spec"}
_TYPED = (".ts", ".tsx", ".mts", ".cts", ".d.ts")
_COMPILED = (".js", ".jsx", ".mjs", ".cjs")
_SCRIPTS = (*_COMPILED, *_TYPED, ".vue", ".svelte")
_ALIASES = frozenset({"@", "~", "#"})
"""By these a bundler is usually told to mean the folder of the sources."""

_CRATE_FILES = ("lib.rs", "main.rs")
_CRATE_FOLDERS = frozenset({"tests", "benches", "examples", "bin"})
"""Folders in which each file is a crate of its own."""


class ForeignImports:
    """What the imports of languages other than Python mean in a repository.

    Args:
        paths: its source files.
        packages: the folders of its own packages, by name (see `packages.package_folders`).
    """

    def __init__(self, paths: Collection[str], packages: Mapping[str, tuple[str, ...]]) -> None:
        self._paths = paths
        self._packages = packages
        self._modules: dict[str, ModulePaths] = {}
        self._known: dict[tuple[str, str], tuple[str, ...]] = {}

    def files(self, name: str, importer: str) -> tuple[str, ...]:
        """The files that an import means.

        Args:
            name: as written (see `written_imports`).
            importer: the file that it stands in.
        """
        # A file of Rust stands for the folder of its own name; elsewhere only where it lies and its suffix matter.
        place = importer if importer.endswith(".rs") else dirname(importer) + splitext(importer)[1]
        if (name, place) not in self._known:
            self._known[name, place] = self._found(name, importer)
        return self._known[name, place]

    def _found(self, name: str, importer: str) -> tuple[str, ...]:
        family = _family(importer)
        if family == "go":
            return self._go(name)
        if family == "script":
            found = self._script(name, importer)
        elif family == "c":
            found = self._included(name, importer)
        elif family == "rust":
            found = self._rust(name, importer)
        elif family == "ruby":
            found = self._ruby(name, importer)
        elif family == "php":
            found = self._php(name, importer)
        else:
            found = self._other(name, importer)
        return (found,) if found else ()

    def _go(self, name: str) -> tuple[str, ...]:
        folder = next(self._owned(name), None)
        if folder is None:
            return ()
        return tuple(path for path in self._by_folder.get(folder, ()) if not path.endswith("_test.go"))

    def _script(self, name: str, importer: str) -> str | None:
        if name.startswith("."):
            return self._first(_script_files(_beside(name, importer), importer))
        first, *rest = name.split("/")
        if first in _ALIASES:
            return self._ending("/".join(rest), importer)
        package = join("packages", rest.pop(0) if first.startswith("@") and rest else first)
        for source in ("src", ""):
            found = self._first(_script_files(join(package, source, *rest).rstrip("/"), importer))
            if found:
                return found
        return self._ending(name, importer) if rest else None

    def _included(self, name: str, importer: str) -> str | None:
        beside = _beside(name, importer)
        if beside in self._paths:
            return beside
        wanted = "/".join(part for part in name.split("/") if part not in (".", ".."))
        found = [path for path in self._headers.get(basename(wanted), ()) if _ends(path, wanted)]
        return max(found, key=lambda path: (-path.count("/"), near(path, importer)), default=None)

    def _rust(self, name: str, importer: str) -> str | None:
        first, *rest = name.split("/")
        folder = _rust_folder(importer)
        if first == "crate":
            return self._rust_module(self._crate(importer), rest)
        if first == "self":
            return self._rust_module(folder, rest)
        if first == "super":
            while first == "super":
                folder = dirname(folder)
                first, *rest = rest or [""]
            return self._rust_module(folder, [first, *rest])
        found = self._first(_rust_files(folder, [first, *rest]))
        if found or first not in self._packages:
            return found
        return self._rust_module(join(self._packages[first][0], "src"), rest)

    def _rust_module(self, folder: str, names: list[str]) -> str | None:
        """The file of the module that is meant by names inside of another one, or else of that one itself."""
        own = (folder + ".rs", *(join(folder, name) for name in ("mod.rs", *_CRATE_FILES)))
        return self._first(_rust_files(folder, names)) or self._first(own)

    def _crate(self, importer: str) -> str:
        """The folder of the crate that a file of Rust belongs to."""
        folder = dirname(importer)
        while self._first(join(folder, name) for name in _CRATE_FILES) is None:
            if not folder:
                return _rust_folder(importer)
            folder = dirname(folder)
        return folder

    def _ruby(self, name: str, importer: str) -> str | None:
        if name.startswith(("./", "../")):
            beside = _beside(name, importer)
            return self._first((beside, beside + ".rb"))
        return self._first((f"lib/{name}.rb",)) or self._ending(name, importer)

    def _php(self, name: str, importer: str) -> str | None:
        if name.startswith("."):
            return self._first((_beside(name, importer),))
        return self._first(place + ".php" for place in self._owned(name)) or self._other(name, importer)

    def _other(self, name: str, importer: str) -> str | None:
        if name.startswith(("./", "../")):
            beside = _beside(name, importer)
            return self._first((beside, beside + splitext(importer)[1]))
        if (beside := join(dirname(importer), name)) in self._paths:
            return beside
        if "/" in name:
            return self._ending(name, importer)
        parts = tuple(part for part in name.split(".") if part)
        modules = self._of_family(_family(importer))
        # The last name may be that of a member; a single one that is left would be too little to go by.
        return modules.ending(parts, importer) or (modules.ending(parts[:-1], importer) if len(parts) > 2 else None)

    def _ending(self, name: str, importer: str) -> str | None:
        stem, suffix = splitext(name)
        wanted = stem if language_of("x" + suffix) else name
        parts = tuple(part for part in wanted.split("/") if part not in ("", "."))
        return self._of_family(_family(importer)).ending(parts, importer)

    def _owned(self, name: str) -> Iterator[str]:
        """The places that a name may mean in the repository's own packages, those of the longest package name first."""
        parts = name.split("/")
        for length in range(len(parts), -1, -1):
            for folder in self._packages.get("/".join(parts[:length]), ()):
                yield join(folder, *parts[length:]).rstrip("/")

    def _first(self, places: Iterable[str]) -> str | None:
        return next((place for place in places if place in self._paths), None)

    def _of_family(self, family: str) -> ModulePaths:
        if family not in self._modules:
            self._modules[family] = ModulePaths((path for path in self._paths if _family(path) == family), _ROOTS)
        return self._modules[family]

    @cached_property
    def _by_folder(self) -> Mapping[str, list[str]]:
        found: defaultdict[str, list[str]] = defaultdict(list)
        for path in self._paths:
            if path.endswith(".go"):
                found[dirname(path)].append(path)
        return found

    @cached_property
    def _headers(self) -> Mapping[str, list[str]]:
        found: defaultdict[str, list[str]] = defaultdict(list)
        for path in self._paths:
            if _family(path) == "c":
                found[basename(path)].append(path)
        return found


def _family(path: str) -> str:
    language = language_of(path) or ""
    return _FAMILIES.get(language, language)


def _beside(name: str, importer: str) -> str:
    place = normpath(join(dirname(importer), name))
    return "" if place == "." else place


def _script_files(place: str, importer: str) -> Iterator[str]:
    """The files that an import of JavaScript or TypeScript may mean, likeliest first."""
    yield place
    stem, suffix = splitext(place)
    if suffix in _COMPILED:
        yield from (stem + typed for typed in _TYPED)
    suffixes = (splitext(importer)[1], *_SCRIPTS)
    for base in (place, join(place, "index")):
        yield from (base + suffix for suffix in suffixes)


def _ends(path: str, wanted: str) -> bool:
    """Tell whether an included path is the end of a file's; that of a single name must lie in a usual folder."""
    if path == wanted:
        return True
    return path.endswith("/" + wanted) and ("/" in wanted or basename(dirname(path)) in _ROOTS)


def _rust_folder(path: str) -> str:
    """The folder in which the modules inside of a file of Rust lie."""
    folder, stem = dirname(path), splitext(basename(path))[0]
    if stem in ("mod", "lib", "main", "build") or basename(folder) in _CRATE_FOLDERS:
        return folder
    return join(folder, stem)


def _rust_files(folder: str, names: list[str]) -> Iterator[str]:
    """The files that names inside of a module may mean, those of the most names first: the last are no modules."""
    for length in range(len(names), 0, -1):
        place = join(folder, *names[:length])
        yield place + ".rs"
        yield join(place, "mod.rs")
