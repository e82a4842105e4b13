"""Find modules that import a changed one, by reading."""

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from sweagent.testing.file_kinds import harness_file
from sweagent.verify.trees import Trees

_FARTHEST = 2
_MOST_FILES = 6000
"""Of a larger tree the imports are not read."""
_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]*(\([^)]*\)|(?:[^#\n\\]|\\\n)*)|import[ \t]+([\w., \t]+))", re.M
)
_COMMENT = re.compile(rb"#.*")
_SCORES = (3.0, 2.0, 1.0)


class Importers:
    """How far the modules of a tree are from changed ones: by how many imports.

    A package that takes names out of its own modules in its `__init__.py` is no further away than they are.

    Args:
        trees: gives the base tree.
        changed: the changed source files.
    """

    def __init__(self, trees: Trees, changed: Iterable[str]) -> None:
        self._distance: dict[str, dict[str, int]] = {}
        wanted = [path for path in changed if path.endswith(".py")]
        known = [path for path in trees.paths(trees.base) if path.endswith(".py")]
        sources = [path for path in known if path in wanted or not harness_file(path)]
        if not wanted or len(sources) > _MOST_FILES:
            return
        modules = {path: module_of(path) for path in sources}
        importers = _reverse(modules, trees.read_many(trees.base, sources))
        for path in wanted:
            self._distance[path] = _distances(module_of(path), importers)

    def score(self, content: bytes, test: str, source: str) -> float:
        """How near the imports of a test file lead to a changed file: 3 for the file itself, 1 over two others.

        Args:
            content: of the test file.
            test: its path.
            source: the changed file.
        """
        distance = self._distance.get(source, {})
        near = [distance[name] for name in imported(content, module_of(test), PurePosixPath(test)) if name in distance]
        return _SCORES[min(near)] if near else 0.0


def module_of(path: str) -> str:
    """The dotted name of a module from its path; folders for sources only are no part of it."""
    parts = [part for part in PurePosixPath(path).with_suffix("").parts if part != "__init__"]
    while parts and parts[0] in ("src", "lib"):
        parts = parts[1:]
    return ".".join(parts)


def imported(content: bytes, module: str, path: PurePosixPath) -> Iterator[str]:
    """The modules that a file may import: for `from a import b`, both `a` and `a.b`."""
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for origin, names, plain in _IMPORT.findall(content):
        if plain:
            yield from (word.split()[0] for word in plain.decode("utf-8", "replace").split(",") if word.strip())
            continue
        place = origin.decode("utf-8", "replace")
        level = len(place) - len(place.lstrip("."))
        home = [*package[: len(package) - level + 1], place.lstrip(".")] if level else [place]
        base = ".".join(part for part in home if part)
        yield base
        for name in re.findall(r"\w+(?:\s+as\s+\w+)?", _COMMENT.sub(b"", names).decode("utf-8", "replace")):
            yield f"{base}.{name.split()[0]}"


def _reverse(modules: Mapping[str, str], contents: Mapping[str, bytes]) -> Mapping[str, set[tuple[str, bool]]]:
    """Return the importers of each module, and whether an importer is the package around it."""
    known = set(modules.values())
    found: defaultdict[str, set[tuple[str, bool]]] = defaultdict(set)
    for path, content in contents.items():
        module = modules[path]
        for name in imported(content, module, PurePosixPath(path)):
            if name in known and name != module:
                around = path.endswith("__init__.py") and name.startswith(f"{module}.")
                found[name].add((module, around))
    return found


def _distances(start: str, importers: Mapping[str, set[tuple[str, bool]]]) -> dict[str, int]:
    distance, queue = {start: 0}, deque([start])
    while queue:
        name = queue.popleft()
        for other, around in importers.get(name, ()):
            steps = distance[name] + (0 if around else 1)
            if steps <= _FARTHEST and steps < distance.get(other, _FARTHEST + 1):
                distance[other] = steps
                (queue.appendleft if around else queue.append)(other)
    return distance
