"""The text of a definition without that of the definitions within it, and the words of it."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sweagent.code.definitions import Definition
from sweagent.code.words import words_of


@dataclass(frozen=True, slots=True)
class OwnText:
    """What a definition itself says.

    Attributes:
        text: its lines.
        words: how often each identifier stands in it.
        length: how many identifiers stand in it.
    """

    text: str
    words: Mapping[str, int]
    length: int


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
        text = "\n".join(own)
        words = words_of(text)
        found.append(OwnText(text, Counter(words), len(words)))
    return tuple(found)
