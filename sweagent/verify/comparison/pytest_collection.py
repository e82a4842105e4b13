"""Folders that pytest collects, by configuration and hooks."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import PurePosixPath

from sweagent.testing.pytest_options import pytest_options
from sweagent.verify.trees import Trees

_NOT_ENTERED = ("*.egg", ".*", "_darcs", "build", "CVS", "dist", "node_modules", "venv", "{arch}")
"""pytest's own `norecursedirs`."""


@dataclass(frozen=True)
class Collection:
    """What decides whether a file is collected.

    Attributes:
        not_entered: patterns of folders that are not looked into.
        testpaths: where tests are looked for; empty for everywhere.
        ignored: paths, and patterns of paths, that a `conftest.py` leaves out.
    """

    not_entered: tuple[str, ...] = _NOT_ENTERED
    testpaths: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    def takes(self, path: str) -> bool:
        """Whether pytest, started without naming files, comes to a file at all."""
        pure = PurePosixPath(path)
        places = [str(pure), *map(str, pure.parents)]
        if any(fnmatch(place, pattern) for place in places for pattern in self.ignored):
            return False
        if self.testpaths and not any(fnmatch(place, pattern) for place in places for pattern in self.testpaths):
            return False
        return not any(_fits(folder, pattern) for folder in pure.parents for pattern in self.not_entered)


def read_collection(trees: Trees) -> Collection:
    """What the base says of it; what cannot be read says nothing."""
    options = pytest_options(lambda name: trees.read(trees.base, name))
    return Collection(
        not_entered=options.get("norecursedirs", _NOT_ENTERED),
        testpaths=tuple(_plain(place) for place in options.get("testpaths", ())),
        ignored=tuple(_ignored(trees)),
    )


def _ignored(trees: Trees) -> Iterator[str]:
    """`collect_ignore` and `collect_ignore_glob`, where a `conftest.py` gives them plainly and in any case."""
    hooks = [path for path in trees.paths(trees.base) if PurePosixPath(path).name == "conftest.py"]
    for path, content in trees.read_many(trees.base, hooks).items():
        home = PurePosixPath(path).parent
        try:
            body = ast.parse(content).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in body:
            if isinstance(node, ast.Assign | ast.AugAssign) and _names_ignored(node):
                yield from (_plain(str(home / word)) for word in _words(node.value))


def _names_ignored(node: ast.Assign | ast.AugAssign) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any(
        isinstance(target, ast.Name) and target.id in ("collect_ignore", "collect_ignore_glob") for target in targets
    )


def _words(value: ast.expr) -> list[str]:
    items = value.elts if isinstance(value, ast.List | ast.Tuple) else []
    return [item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)]


def _fits(folder: PurePosixPath, pattern: str) -> bool:
    return fnmatch(f"/{folder}", f"*/{_plain(pattern)}") if "/" in pattern else fnmatch(folder.name, pattern)


def _plain(place: str) -> str:
    return place.removeprefix("./").rstrip("/") or "."
