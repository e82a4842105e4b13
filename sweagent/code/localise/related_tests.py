"""Rank the tests to run for a change, nearest first."""

from collections import defaultdict
from collections.abc import Iterable
from math import log, sqrt

from sweagent.code.index.index import Index
from sweagent.code.index.languages import is_named_test, is_test
from sweagent.code.index.module_paths import module_names

_NAMED, _IMPORTS, _MENTIONS, _FAR = 3.0, 2.0, 2.0, 0.3


def tests_for(  # It is no test.
    index: Index,
    paths: Iterable[str],
    definitions: Iterable[str] = (),  # noqa: PT028
    limit: int = 20,  # noqa: PT028
) -> tuple[str, ...]:
    """Return the test files that are likeliest to exercise a change, nearest first.

    Args:
        index: the repository.
        paths: the changed files; tests among them come first.
        definitions: qualified names of the changed definitions, if known.
        limit: how many to return at most.
    """
    changed = list(dict.fromkeys(paths))
    scores: defaultdict[str, float] = defaultdict(float)
    for path in changed:
        if is_test(path) and path in index.entries:
            scores[path] += 100.0
            continue
        for test, score in _by_name(index, path):
            scores[test] += score
        for test, score in _by_import(index, path):
            scores[test] += score
    for name in dict.fromkeys(definitions):
        for test, score in _by_mention(index, name):
            scores[test] += score
    runnable = [path for path in scores if _is_runnable(path)]
    return tuple(sorted(runnable, key=lambda path: (-scores[path], path))[:limit])


def _is_runnable(path: str) -> bool:
    """Tell a file of tests from what only helps them; outside of Python its name need not say so."""
    return not path.endswith(".py") or (is_named_test(path) and not path.endswith("conftest.py"))


def _by_name(index: Index, path: str) -> Iterable[tuple[str, float]]:
    names = module_names(path)
    stem = names[-1].strip("_") if names else ""
    for form in (
        f"test_{stem}",
        f"{stem}_test",
        f"test{stem}",
        f"{stem}.test",
        f"{stem}.spec",
        f"{stem}Test",
        f"{stem}_spec",
    ):
        same = [test for test in index.by_stem.get(form, ()) if is_test(test)]
        for test in same:
            yield test, _NAMED * (1 + _shared(test, path)) / sqrt(len(same))
    for folder in index.by_stem.get(stem, ()):
        if is_test(folder):
            yield folder, _NAMED / 2


def _by_import(index: Index, path: str) -> Iterable[tuple[str, float]]:
    importers = index.importers(path)
    rarity = 1 / log(2 + len(importers))
    for importer in importers:
        if is_test(importer):
            yield importer, _IMPORTS * rarity * (1 + _shared(importer, path))
        elif len(importers) < 40:
            for test in index.importers(importer):
                if is_test(test):
                    yield test, _FAR * rarity / log(2 + len(index.importers(importer)))


def _by_mention(index: Index, qualified: str) -> Iterable[tuple[str, float]]:
    for depth, name in enumerate(reversed(qualified.split("."))):
        if len(name) < 3 or name.startswith("__"):
            continue
        numbers = index.word_files(name)
        rarity = log(1 + len(index.sources) / max(1, len(numbers))) / 8
        for number, count in numbers.items():
            test = index.sources[number]
            if is_test(test):
                yield test, _MENTIONS * rarity * count / (count + 2) * 0.6**depth


def _shared(one: str, other: str) -> float:
    """The share of their folders that two paths have in common, from 0 to 1; folders of tests do not count."""
    first = {name for name in one.split("/")[:-1] if name not in ("tests", "test", "src", "lib")}
    second = {name for name in other.split("/")[:-1] if name not in ("tests", "test", "src", "lib")}
    return len(first & second) / max(1, len(first | second))
