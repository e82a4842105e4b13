"""Search definitions, references, callers, callees and tests.

The calls mirror the search interface of Y. Zhang et al., "AutoCodeRover: Autonomous Program Improvement" (2024).
References are found by name: without running anything, whose method a call reaches is not decided.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sweagent.code.index.definitions import dotted
from sweagent.code.index.index import DefinitionSite, Index
from sweagent.code.index.languages import is_test, language_of
from sweagent.code.index.words import IDENTIFIER

_Patterns = Callable[[str], "re.Pattern[str]"]
"""What to look for in the file of a path."""

_FILES_READ = 200
_NAME = re.compile(r"\$?[^\W\d][\w$]*[?!]?")
_CALLED = re.compile(r"(?<![\w$])((?:[\w$]++(?:\(\))?[ \t]*)?(?:\??\.|->|::)[ \t]*)?([^\W\d]\w*+)\s*\(")
_OWN = re.compile(r"(?:self|Self|cls|this|\$this|super\(\)|static)[ \t]*(?:\??\.|->|::)[ \t]*")
_COMMENTS = ("#", "//", "* ", "/*", "-- ", "%%")
"""How a line of nothing but a comment begins; a star or a minus alone may be an operator."""
_MEMBERS_UNSAID = frozenset({"java", "cpp", "csharp", "ruby", "kotlin", "swift", "scala", "groovy", "dart"})
"""Languages in which a member of the same class is called by its name alone."""
_CALLED_BARE = frozenset({"ruby", "elixir", "haskell", "ocaml", "elm", "bash", "perl"})
"""Languages in which a call needs no brackets."""
_TYPES = r"(?:<[^()\n]{0,200}>)?"
_BEFORE_BRACKET = {
    "rust": rf"!?(?:::)?{_TYPES}",
    "typescript": rf"{_TYPES}(?:\?\.)?",
    "tsx": rf"{_TYPES}(?:\?\.)?",
    "javascript": r"(?:\?\.)?",
    "cpp": _TYPES,
    "go": r"(?:\[[^()\n]{0,200}\])?",
}
"""What may stand between a name and the bracket of its call."""


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


def search_class(index: Index, name: str) -> tuple[DefinitionSite, ...]:
    """Return the classes and the modules (namespaces) of a name, source before tests."""
    return _ordered(place for place in index.find(name) if place.definition.kind in ("class", "module"))


def search_method(index: Index, name: str) -> tuple[DefinitionSite, ...]:
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
    return _lines(index, chosen, lambda _: pattern, limit)


def references(index: Index, name: str, limit: int = 50) -> tuple[Hit, ...]:
    """Return the lines that mention a name, its own definitions left out, source before tests."""
    last = _last(name)
    if not last:
        return ()
    heads = {(place.path, place.definition.header) for place in index.by_name.get(last, ())}
    found = _lines(index, _using(index, last), _mention(last), limit + len(heads))
    return tuple(hit for hit in found if (hit.path, hit.line) not in heads)[:limit]


def callers(index: Index, name: str, limit: int = 50) -> tuple[Hit, ...]:
    """Return the calls of a function, method or class, the first in each definition that calls it."""
    last = _last(name)
    if not last:
        return ()
    heads = {(place.path, place.definition.header) for place in index.by_name.get(last, ())}
    seen: dict[tuple[str, str], Hit] = {}
    for hit in _lines(index, _using(index, last), lambda path: _call(last, language_of(path)), limit * 4):
        if (hit.path, hit.line) not in heads:
            seen.setdefault((hit.path, hit.inside), hit)
    return tuple(seen.values())[:limit]


def callees(index: Index, place: DefinitionSite, limit: int = 50) -> tuple[DefinitionSite, ...]:
    """Return the repository's definitions that a definition calls, nearest first when several share a name."""
    definition = place.definition
    members_unsaid = language_of(place.path) in _MEMBERS_UNSAID
    heads = {(item.header, item.name) for item in index.definitions_of(place.path)}
    imported = set(index.graph.imported(place.path))
    found: dict[DefinitionSite, None] = {}
    lines = index.text(place.path).split("\n")[definition.start - 1 : definition.end]
    for number, line in enumerate(lines, definition.start):
        if line.lstrip().startswith(_COMMENTS):
            continue
        for call in _CALLED.finditer(line):
            receiver, name = call.groups()
            if (number, name) in heads:
                continue
            own = bool(_OWN.fullmatch(receiver)) if receiver else members_unsaid

            def far(other: DefinitionSite, *, own: bool = own, plain: bool = not receiver) -> tuple[bool, ...]:
                near = other.path == place.path
                sibling = near and other.definition.parent == definition.parent >= 0
                member = plain and not members_unsaid and other.definition.kind == "method"
                return (own and not sibling, member, not near, other.path not in imported, is_test(other.path))

            nearest = min(index.by_name.get(name, ()), key=far, default=place)
            if nearest != place:
                found.setdefault(nearest)
    return tuple(found)[:limit]


def tests_of(index: Index, name: str, limit: int = 20) -> tuple[Hit, ...]:  # noqa: PT028
    """Return the tests that mention a name, one line for each test."""
    last = _last(name)
    if not last:
        return ()
    paths = [path for path in _using(index, last) if is_test(path)]
    seen: dict[tuple[str, str], Hit] = {}
    for hit in _lines(index, paths, _mention(last), limit * 8):
        seen.setdefault((hit.path, hit.inside), hit)
    return tuple(seen.values())[:limit]


def _last(name: str) -> str:
    """The own name of what a name means, such as `send` of `Session::send()`; empty when it is no name."""
    last = dotted(name).rpartition(".")[2]
    return last if _NAME.fullmatch(last) else ""


def _mention(name: str) -> _Patterns:
    pattern = re.compile(rf"(?<![\w$]){re.escape(name)}(?![\w$])")
    return lambda _: pattern


@lru_cache(maxsize=64)
def _call(name: str, language: str | None) -> "re.Pattern[str]":
    """How a name is called, or a function of it put around another, in a language."""
    alone = rf"(?<![\w$]){re.escape(name)}(?![\w$])"
    if language in _CALLED_BARE:
        return re.compile(rf"(?<!def )(?<!def self\.){alone}")
    called = rf"(?<!def ){alone}{_BEFORE_BRACKET.get(language or '', '')}\s*\("
    if language == "python":
        called += rf"|@[\w.]*{alone}"
    elif language in ("javascript", "tsx"):
        called += rf"|<{alone}"
    return re.compile(called)


def _using(index: Index, name: str) -> list[str]:
    """The files that a name stands in, source before tests, those that use it most first."""
    counts = index.word_files(max(IDENTIFIER.findall(name), key=len))
    numbers = sorted(counts, key=lambda n: (is_test(index.sources[n]), -counts[n], index.sources[n]))
    return [index.sources[number] for number in numbers]


def _lines(index: Index, paths: Sequence[str], patterns: _Patterns, limit: int) -> tuple[Hit, ...]:
    found: list[Hit] = []
    for start in range(0, len(paths), _FILES_READ):
        for path, content in index.contents(paths[start : start + _FILES_READ]).items():
            outline, pattern = index.outline(path), patterns(path)
            for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), 1):
                if pattern.search(line):
                    around = outline.enclosing(number)
                    found.append(Hit(path, number, line.strip()[:200], around.qualified if around else ""))
                    if len(found) >= limit:
                        return tuple(found)
    return tuple(found)


def _ordered(places: Iterator[DefinitionSite]) -> tuple[DefinitionSite, ...]:
    return tuple(sorted(places, key=lambda place: (is_test(place.path), place.path, place.definition.start)))
