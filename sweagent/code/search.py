"""Searching a repository by structure: definitions, references, callers, callees, tests of a definition.

The calls mirror the search interface of Y. Zhang et al., "AutoCodeRover: Autonomous Program Improvement" (2024).
References are found by name: without running anything, whose method a call reaches is not decided.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sweagent.code.index import Index, Place
from sweagent.code.languages import is_test
from sweagent.code.words import IDENTIFIER

_FILES_READ = 200


@dataclass(frozen=True, slots=True)
class Hit:
    """A line that was found.

    Attributes:
        path: its file.
        line: from 1.
        text: the line without the spaces around it.
        inside: the qualified name of the definition that it stands in, or empty.
    """

    path: str
    line: int
    text: str
    inside: str = ""


def search_class(index: Index, name: str) -> tuple[Place, ...]:
    """Return the classes of a name, source before tests."""
    return _ordered(place for place in index.find(name) if place.definition.kind == "class")


def search_method(index: Index, name: str) -> tuple[Place, ...]:
    """Return the functions and methods of a name, such as `send` or `Session.send`, source before tests."""
    return _ordered(place for place in index.find(name) if place.definition.kind in ("function", "method"))


def search_code(index: Index, text: str, under: str = "", limit: int = 50) -> tuple[Hit, ...]:
    """Return the lines of source files that contain a text, each with the definition that it stands in.

    Args:
        index: the repository.
        text: what to look for, as it stands in the source.
        under: only files whose path begins so.
        limit: how many lines to return at most.
    """
    words = sorted(IDENTIFIER.findall(text), key=len, reverse=True)
    paths: Sequence[str] = index.sources
    # A whole word of the text narrows the files; its first and last may be parts of longer words in the source.
    inner = [word for word in words if re.search(rf"\W{re.escape(word)}\W", text)]
    if inner:
        paths = [index.sources[number] for number in sorted(index.word_files(inner[0]))]
    pattern = re.compile(re.escape(text))
    chosen = sorted((path for path in paths if path.startswith(under)), key=lambda path: (is_test(path), path))
    return _lines(index, chosen, pattern, limit)


def references(index: Index, name: str, limit: int = 50) -> tuple[Hit, ...]:
    """Return the lines that mention a name, its own definitions left out, source before tests."""
    last = name.rpartition(".")[2].strip("()")
    if not last.isidentifier():
        return ()
    heads = {(place.path, place.definition.header) for place in index.by_name.get(last, ())}
    found = _lines(index, _using(index, last), re.compile(rf"\b{last}\b"), limit + len(heads))
    return tuple(hit for hit in found if (hit.path, hit.line) not in heads)[:limit]


def callers(index: Index, name: str, limit: int = 50) -> tuple[Hit, ...]:
    """Return the calls of a function, method or class, the first in each definition that calls it."""
    last = name.rpartition(".")[2].strip("()")
    if not last.isidentifier():
        return ()
    heads = {(place.path, place.definition.header) for place in index.by_name.get(last, ())}
    seen: dict[tuple[str, str], Hit] = {}
    for hit in _lines(index, _using(index, last), re.compile(rf"(?<!def )\b{last}\s*\("), limit * 4):
        if (hit.path, hit.line) not in heads:
            seen.setdefault((hit.path, hit.inside), hit)
    return tuple(seen.values())[:limit]


def callees(index: Index, place: Place, limit: int = 50) -> tuple[Place, ...]:
    """Return the repository's definitions that a definition calls, nearest first when several share a name."""
    lines = index.text(place.path).split("\n")[place.definition.start - 1 : place.definition.end]
    found: dict[Place, None] = {}
    for name in dict.fromkeys(re.findall(r"(\w+)\s*\(", "\n".join(lines))):
        options = [other for other in index.by_name.get(name, ()) if other != place]
        if not options:
            continue
        imported = set(index.graph.imported(place.path))
        options.sort(key=lambda other: (other.path != place.path, other.path not in imported, is_test(other.path)))
        found.setdefault(options[0])
    return tuple(found)[:limit]


def tests_of(index: Index, name: str, limit: int = 20) -> tuple[Hit, ...]:  # noqa: PT028
    """Return the tests that mention a name, one line for each test."""
    last = name.rpartition(".")[2].strip("()")
    if not last.isidentifier():
        return ()
    paths = [path for path in _using(index, last) if is_test(path)]
    seen: dict[tuple[str, str], Hit] = {}
    for hit in _lines(index, paths, re.compile(rf"\b{last}\b"), limit * 8):
        seen.setdefault((hit.path, hit.inside), hit)
    return tuple(seen.values())[:limit]


def _using(index: Index, word: str) -> list[str]:
    """The files that an identifier stands in, source before tests, those that use it most first."""
    counts = index.word_files(word)
    numbers = sorted(counts, key=lambda n: (is_test(index.sources[n]), -counts[n], index.sources[n]))
    return [index.sources[number] for number in numbers]


def _lines(index: Index, paths: Sequence[str], pattern: "re.Pattern[str]", limit: int) -> tuple[Hit, ...]:
    found: list[Hit] = []
    for start in range(0, len(paths), _FILES_READ):
        for path, content in index.contents(paths[start : start + _FILES_READ]).items():
            outline = index.outline(path)
            for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), 1):
                if pattern.search(line):
                    around = outline.enclosing(number)
                    found.append(Hit(path, number, line.strip()[:200], around.qualified if around else ""))
                    if len(found) >= limit:
                        return tuple(found)
    return tuple(found)


def _ordered(places: Iterator[Place]) -> tuple[Place, ...]:
    return tuple(sorted(places, key=lambda place: (is_test(place.path), place.path, place.definition.start)))
