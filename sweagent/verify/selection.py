"""Which existing tests matter for a change, nearest first, found on the host without running anything.

Four signs are added up: the test file is named after the changed file, it imports the changed module, it mentions
names of the definitions that changed (rare names weigh more, as in Sparck Jones, "A statistical interpretation of term
specificity and its application in retrieval", 1972), and it lies close by.
"""

import ast
import configparser
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from pathlib import PurePosixPath

from sweagent.testing import Runner
from sweagent.verify.harness_files import HarnessFile, harness_file
from sweagent.verify.targets import is_test_module
from sweagent.verify.test_edits import definitions
from sweagent.verify.tree import Trees

_WORD = re.compile(rb"[A-Za-z_]\w{2,}")
_IMPORT = re.compile(rb"^\s*(?:from\s+([\w.]+)\s+import\s+\(?([^#\n]*)|import\s+([\w., ]+))", re.M)
_JS_IMPORT = re.compile(rb"""(?:from|require\(|import\()\s*["']([^"']+)["']""")
_PLAIN_FOLDERS = frozenset({"src", "lib", "tests", "test", "testing", "__tests__", "spec", "unit"})
_PYTEST_SECTIONS = (
    ("pytest.ini", "pytest"),
    ("pyproject.toml", ""),
    ("tox.ini", "pytest"),
    ("setup.cfg", "tool:pytest"),
)


def rank_tests(trees: Trees, patched: str, changed: Iterable[str], runner: Runner | None = None) -> tuple[str, ...]:
    """All test files of the base tree, those that matter most for the change first.

    Args:
        trees: gives the base tree.
        patched: the tree with the patch.
        changed: the changed source files.
        runner: only files that it collects.
    """
    tests = _collected(trees, runner)
    sources = list(changed)
    contents = trees.read_many(trees.base, tests)
    scores = dict.fromkeys(tests, 0.0)
    old, new = trees.read_many(trees.base, sources), trees.read_many(patched, sources)
    names = {name for path in sources for name in changed_names(path, old.get(path), new.get(path))}
    for path, score in _mentions(contents, names).items():
        scores[path] += score
    for path in tests:
        content = contents.get(path, b"")
        scores[path] += max(
            (_named_after(path, source) + _imports(content, path, source) + _close(path, source) for source in sources),
            default=0.0,
        )
    return tuple(sorted(tests, key=lambda path: (-scores[path], path)))


def _collected(trees: Trees, runner: Runner | None) -> list[str]:
    """The files that the runner collects: by their usual names, and by those that pytest is configured for."""
    patterns = _python_files(trees) if runner in (None, Runner.PYTEST) else ()
    return [
        path
        for path in trees.paths(trees.base)
        if is_test_module(path, runner) or (patterns and path.endswith(".py") and _configured(path, patterns))
    ]


def _configured(path: str, patterns: Iterable[str]) -> bool:
    """Whether one of pytest's patterns takes a file: the name alone, or the whole path when it has a slash."""
    name = PurePosixPath(path).name
    return (
        name != "__init__.py"
        and harness_file(path) is HarnessFile.TEST
        and any(
            fnmatch(f"/{path}", f"*/{pattern}") if "/" in pattern else fnmatch(name, pattern) for pattern in patterns
        )
    )


def _python_files(trees: Trees) -> tuple[str, ...]:
    """pytest's `python_files` of the base; nothing when it is not set or cannot be read."""
    for name, section in _PYTEST_SECTIONS:
        text = (trees.read(trees.base, name) or b"").decode("utf-8", "replace")
        try:
            if name.endswith(".toml"):
                said = tomllib.loads(text).get("tool", {}).get("pytest", {}).get("ini_options", {}).get("python_files")
            else:
                parser = configparser.ConfigParser(interpolation=None, strict=False)
                parser.read_string(text)
                said = parser.get(section, "python_files", fallback=None)
        except (tomllib.TOMLDecodeError, configparser.Error, AttributeError):
            continue
        if said:
            return tuple(said.split() if isinstance(said, str) else map(str, said))
    return ()


def changed_names(path: str, before: bytes | None, after: bytes | None) -> set[str]:
    """The names of the functions, methods and classes of a Python file that are not the same any more."""
    if not path.endswith(".py"):
        return set()
    try:
        old = dict(definitions(ast.parse(before or b"")))
        new = dict(definitions(ast.parse(after or b"")))
    except (SyntaxError, ValueError, RecursionError):
        return set()
    found = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    return {part for name in found for part in name.split("::") if len(part) > 2 and not part.startswith("__")}


def _mentions(contents: Mapping[str, bytes], names: set[str]) -> dict[str, float]:
    wanted = {name.encode() for name in names}
    found = {path: wanted.intersection(_WORD.findall(content)) for path, content in contents.items()} if wanted else {}
    spread: dict[bytes, int] = {}
    for words in found.values():
        for word in words:
            spread[word] = spread.get(word, 0) + 1
    weight = {word: math.log((len(contents) + 1) / number) for word, number in spread.items()}
    return {path: min(6.0, sum(weight[word] for word in words)) for path, words in found.items()}


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
    """How much of the way to the source the test shares, 0 to 2; folders that only say `test` are left out."""
    way = [part for part in PurePosixPath(source).with_suffix("").parts if part not in _PLAIN_FOLDERS]
    own = {part for part in PurePosixPath(test).parts[:-1] if part not in _PLAIN_FOLDERS}
    return 2.0 * sum(1 for part in way if part in own) / len(way) if way else 0.0
