"""Select existing tests for a change, nearest first.

Four signs are added up: the test file is named after the changed file, it imports the changed module or one that leads
to it, it mentions names of the definitions that changed (rare names weigh more, as in Sparck Jones, "A statistical
interpretation of term specificity and its application in retrieval", 1972), and it lies close by.
"""

import ast
import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from sweagent.testing import Runner
from sweagent.testing.file_kinds import FileKinds, is_test_module
from sweagent.verify.comparison.importers import Importers
from sweagent.verify.comparison.pytest_collection import read_collection
from sweagent.verify.test_edits import definitions, tests_in
from sweagent.verify.trees import Trees, kinds_of

_WORD = re.compile(rb"[A-Za-z_]\w{2,}")
_IMPORT = re.compile(rb"^\s*(?:from\s+([\w.]+)\s+import\s+\(?([^#\n]*)|import\s+([\w., ]+))", re.M)
_JS_IMPORT = re.compile(rb"""(?:from|require\(|import\()\s*["']([^"']+)["']""")
_PLAIN_FOLDERS = frozenset({"src", "lib", "tests", "test", "testing", "__tests__", "spec", "unit"})
_MENTIONS = 6.0
_SIGN = 2.0
"""From this score on a test file has to do with the change: it imports it, is named after it, lies in its folder …"""

_OFTEN_PRODUCTS = frozenset({"test.py", "tests.py"})


@dataclass(frozen=True)
class Ranking:
    """Test files in the order in which they matter for a change.

    Attributes:
        tests: all test files, the nearest first.
        leading: so many of them, at the beginning, are there so that each changed file has its nearest test compared.
        related: so many of them, at the beginning, show a sign of what changed.
        names: the names of the definitions that changed.
    """

    tests: tuple[str, ...]
    leading: int = 0
    related: int = 0
    names: frozenset[str] = frozenset()


def rank_tests(
    trees: Trees, patched: str, changed: Iterable[str], runner: Runner | None = None, kinds: FileKinds | None = None
) -> Ranking:
    """All test files of the base tree, those that matter most for the change first.

    Args:
        trees: gives the base tree.
        patched: the tree with the patch.
        changed: the changed source files.
        runner: only files that it collects.
        kinds: what the files of the base tree are; None finds out.
    """
    tests = _collected(trees, runner, kinds or kinds_of(trees))
    sources = list(changed)
    contents = trees.read_many(trees.base, tests)
    old, new = trees.read_many(trees.base, sources), trees.read_many(patched, sources)
    names = {path: changed_names(path, old.get(path), new.get(path)) for path in sources}
    every_name = frozenset(name for of_file in names.values() for name in of_file)
    words = _mentions(contents, every_name)
    importers = Importers(trees, sources)
    by_source = {source: _scores(contents, tests, source, names[source], words, importers) for source in sources}
    total = {
        path: math.fsum(words.get(path, {}).values())
        + max((scores[path][1] for scores in by_source.values()), default=0.0)
        for path in tests
    }
    # The sums above do not depend on the order of a set, so that two runs rank alike.
    order = sorted(tests, key=lambda path: (-total[path], path))
    best = [min(order, key=lambda path: -sum(scores[path])) for scores in by_source.values() if order]
    signs = {path for path, scores in zip(best, by_source.values(), strict=False) if sum(scores[path]) >= _SIGN}
    leading = [path for path in order if path in signs]
    ranked = tuple(dict.fromkeys([*leading, *order]))
    related = max((place for place, path in enumerate(ranked, 1) if total[path] >= _SIGN), default=0)
    return Ranking(ranked, len(leading), related, every_name)


def _scores(
    contents: Mapping[str, bytes],
    tests: Iterable[str],
    source: str,
    names: set[str],
    words: Mapping[str, Mapping[str, float]],
    importers: Importers,
) -> dict[str, tuple[float, float]]:
    """Score each test file for one changed file by the names that it mentions, its own name and its folder."""

    def imports(path: str) -> float:
        content = contents.get(path, b"")
        return max(_imports(content, path, source), importers.score(content, path, source))

    return {
        path: (
            math.fsum(weight for word, weight in words.get(path, {}).items() if word in names),
            _named_after(path, source) + imports(path) + _close(path, source),
        )
        for path in tests
    }


def _collected(trees: Trees, runner: Runner | None, kinds: FileKinds) -> list[str]:
    """The files that the runner collects: by their usual names, and by what pytest is configured for."""
    configured = kinds.is_configured if runner in (None, Runner.PYTEST) else lambda path: False
    named = [path for path in trees.paths(trees.base) if is_test_module(path, runner) or configured(path)]
    own = [path for path in named if PurePosixPath(path).name not in _OFTEN_PRODUCTS or not kinds.is_product(path)]
    rules = read_collection(trees) if runner in (None, Runner.PYTEST) else None
    # A project that runs its tests by naming files may well leave all of them out otherwise.
    return [path for path in own if rules is None or rules.takes(path)] or own


def nearest_tests(path: str, content: bytes, names: Iterable[str]) -> tuple[str, ...]:
    """The tests of a Python file, as pytest names them, those that have most to do with what changed first.

    Args:
        path: of the test file.
        content: of the test file.
        names: of the definitions that changed.
    """
    tests = tests_in(path, content)
    wanted = [f"'{name}'" for name in names]
    order = sorted(tests, key=lambda name: (-sum(word in tests[name] for word in wanted), name))
    return tuple(f"{path}::{name}" for name in order)


def changed_names(path: str, before: bytes | None, after: bytes | None) -> set[str]:
    """The names of the functions, methods and classes of a Python file that are not the same any more."""
    if not path.endswith(".py"):
        return set()
    try:
        old = dict(definitions(ast.parse(before or b"")))
        new = dict(definitions(ast.parse(after or b"")))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    found = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    return {part for name in found for part in name.split("::") if len(part) > 2 and not part.startswith("__")}


def _mentions(contents: Mapping[str, bytes], names: Collection[str]) -> dict[str, dict[str, float]]:
    """The changed names that each test file mentions, with their weights, which are at most `_MENTIONS` in all."""
    wanted = {name.encode() for name in names}
    found = {path: wanted.intersection(_WORD.findall(content)) for path, content in contents.items()} if wanted else {}
    spread: dict[bytes, int] = {}
    for words in found.values():
        for word in words:
            spread[word] = spread.get(word, 0) + 1
    weight = {word: math.log((len(contents) + 1) / number) for word, number in spread.items()}
    mentions = {}
    for path, words in found.items():
        scale = min(1.0, _MENTIONS / max(math.fsum(weight[word] for word in words), 1e-9))
        mentions[path] = {word.decode(): weight[word] * scale for word in words}
    return mentions


def _named_after(test: str, source: str) -> float:
    stem = PurePosixPath(source).stem
    if stem == "__init__":
        stem = PurePosixPath(source).parent.name
    name = re.sub(r"^(test_|tests_|unittest_)|([._-](test|tests|spec))$", "", PurePosixPath(test).stem)
    if name == stem.lstrip("_"):
        return 4.0
    return 1.0 if len(stem) > 3 and (stem in name or (len(name) > 3 and name in stem)) else 0.0


def _imports(content: bytes, test: str, source: str) -> float:
    pure = PurePosixPath(source)
    if pure.suffix != ".py":
        linked = {PurePosixPath(name.decode("utf-8", "replace")).stem for name in _JS_IMPORT.findall(content)}
        return 3.0 if pure.stem in linked else 0.0
    parts = [part for part in pure.with_suffix("").parts if part != "__init__"]
    while parts and parts[0] in ("src", "lib"):
        parts = parts[1:]
    module, parent, last = ".".join(parts), ".".join(parts[:-1]), parts[-1] if parts else ""
    for origin, imported, plain in _IMPORT.findall(content):
        place = origin.decode()
        names = re.findall(r"\w+", imported.decode("utf-8", "replace"))
        if place == module or (place.startswith(".") and place.strip(".").split(".")[-1] == last):
            return 3.0
        if (place == parent and last in names) or module in re.split(r"[,\s]+", plain.decode("utf-8", "replace")):
            return 3.0
    return 0.0


def _close(test: str, source: str) -> float:
    """How much of the way to the source the test shares in folders or in its name, 0 to 2; plain folders count not."""
    way = [part for part in PurePosixPath(source).with_suffix("").parts if part not in _PLAIN_FOLDERS]
    way = way[:-1] if way[-1:] == ["__init__"] else way
    own = {part for part in PurePosixPath(test).parts[:-1] if part not in _PLAIN_FOLDERS}
    own |= {word for word in re.split(r"[._-]", PurePosixPath(test).stem) if len(word) > 2}
    return 2.0 * sum(1 for part in way if part in own) / len(way) if way else 0.0
