"""Text and words of a definition without its inner definitions."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

from sweagent.code.index.definitions import Definition
from sweagent.code.index.facts import Facts
from sweagent.code.index.module_paths import module_names
from sweagent.code.index.words import parts, words_of

_BLOCKS = (('"""', '"""'), ("'''", "'''"), ("/*", "*/"))
"""How a text of several lines begins and ends."""
_SHORT = 12
"""Identifiers of a definition that does next to nothing itself."""


@dataclass(frozen=True, slots=True)
class OwnText:
    """What a definition itself says.

    Attributes:
        text: its lines.
        words: how often each identifier stands in it.
        length: how many identifiers stand in it.
        told: how often each stands in its documentation: the first text of several lines.
    """

    text: str
    words: Mapping[str, int]
    length: int
    told: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class FileText:
    """What the definitions of a file say, as it is needed to compare them with a question.

    Attributes:
        own: of each definition, in the order of the file's.
        lengths: how many identifiers each definition says in all, and in its documentation.
        words: the identifiers of the file.
        named: of each definition, the stemmed words of its name, of those around it, and of the file and its folder.
        shapes: what each definition is like, whatever the question, as signals by name; absent ones are 0.
    """

    own: tuple[OwnText, ...]
    lengths: tuple[tuple[int, int], ...]
    words: frozenset[str]
    named: tuple[frozenset[str], ...]
    shapes: tuple[Mapping[str, float], ...]


def file_text(path: str, facts: Facts, content: bytes) -> FileText:
    """Return what the definitions of a file say.

    Args:
        path: the file's.
        facts: of this content.
        content: the file's content.
    """
    definitions = facts.definitions
    own = own_texts(definitions, content)
    of_path = frozenset(part for name in module_names(path)[-2:] for part in parts(name))
    named = tuple(
        of_path.union(*(parts(name) for name in definition.qualified.split("."))) for definition in definitions
    )
    lengths = tuple((item.length, sum(item.told.values())) for item in own)
    shapes = tuple(_shape(definition.name, item) for definition, item in zip(definitions, own, strict=True))
    return FileText(own, lengths, frozenset(facts.words.split("\n")), named, shapes)


def own_texts(definitions: Sequence[Definition], content: bytes) -> tuple[OwnText, ...]:
    """Return what each definition of a file says itself.

    Args:
        definitions: all of the file.
        content: the file's content.
    """
    lines = content.decode("utf-8", "replace").split("\n")
    children: defaultdict[int, list[Definition]] = defaultdict(list)
    for definition in definitions:
        if definition.parent >= 0:
            children[definition.parent].append(definition)
    found: list[OwnText] = []
    for number, definition in enumerate(definitions):
        line = definition.start - 1
        own: list[str] = []
        for child in children.get(number, ()):
            own.extend(lines[line : child.start - 1])
            line = child.end
        own.extend(lines[line : definition.end])
        found.append(own_text("\n".join(own)))
    return tuple(found)


def own_text(text: str) -> OwnText:
    """Take the text of a definition apart."""
    words = words_of(text)
    return OwnText(text, Counter(words), len(words), Counter(words_of(_documentation(text))))


def _documentation(text: str) -> str:
    """The first text of several lines; empty when there is none."""
    found: list[tuple[int, str]] = []
    for opening, closing in _BLOCKS:
        start = text.find(opening)
        begin = start + len(opening)
        end = text.find(closing, begin) if start >= 0 else -1
        if end >= 0:
            found.append((start, text[begin:end]))
    return min(found)[1] if found else ""


def _shape(name: str, own: OwnText) -> dict[str, float]:
    found = {"length": log(1 + own.length) / 6, "calls": log(1 + own.text.count("(")) / 4}
    if name.startswith("_") and not name.startswith("__"):
        found["private"] = 1.0
    if "super(" in own.text:
        found["parent_too"] = 1.0
    if own.length < _SHORT:
        found["short"] = 1.0
    return found
