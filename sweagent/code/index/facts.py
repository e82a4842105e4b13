"""Facts of a file: definitions, imports, identifier counts."""

import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sweagent.code.index.definitions import Definition, Kind
from sweagent.code.index.outline import LARGEST, outline
from sweagent.code.index.words import identifiers
from sweagent.path_kinds import looks_binary

FORMAT = 5
"""To be raised when extraction changes, so that facts stored by an older version are not used."""

_KINDS: tuple[Kind, ...] = ("class", "function", "method", "module")
_LONGEST_WORD = 60
_MOST_WORDS = 20_000
_NUMBER = array("I").itemsize


@dataclass(frozen=True, slots=True)
class Facts:
    """What one version of a file says, whatever its path.

    Attributes:
        definitions: in the order of their lines.
        imports: as written.
        words: its identifiers, a line for each; a tenth of the memory that a dictionary takes.
        counts: how often each of them stands in it.
        lines: how many lines it has.
    """

    definitions: tuple[Definition, ...] = ()
    imports: tuple[str, ...] = ()
    words: str = ""
    counts: "array[int]" = field(default_factory=lambda: array("I"))
    lines: int = 0

    def word_counts(self) -> Iterable[tuple[str, int]]:
        """The identifiers, each with how often it stands in the file."""
        return zip(self.words.split("\n"), self.counts, strict=False)


def extract(path: str, source: bytes) -> Facts:
    """Read the facts of a file; binary and huge ones, and lines that a program wrote, have none."""
    if len(source) > LARGEST or looks_binary(source) or _is_dense(source):
        return Facts(lines=source.count(b"\n"))
    found = outline(path, source)
    words: dict[str, int] = identifiers(source.decode("utf-8", "replace"))
    if len(words) > _MOST_WORDS:
        words = dict(Counter(words).most_common(_MOST_WORDS))
    if max(map(len, words), default=0) > _LONGEST_WORD:
        words = {word: count for word, count in words.items() if len(word) <= _LONGEST_WORD}
    counts = array("I", words.values())
    return Facts(found.definitions, found.imports, "\n".join(words), counts, found.lines)


def encode(facts: Facts) -> bytes:
    """Pack facts for the store: texts and numbers by columns, which is several times as fast as a row for each."""
    definitions = facts.definitions
    texts = (
        "\n".join(_written(d, definitions) for d in definitions),
        "\n".join(" ".join(d.bases) for d in definitions),
        "\n".join(facts.imports),
        facts.words,
    )
    text = "\0".join(texts).encode("utf-8", "replace")
    numbers = array("I", (len(text), facts.lines, len(definitions), len(facts.imports)))
    for d in definitions:
        numbers.extend((_KINDS.index(d.kind), d.start, d.end, d.parent + 1, d.header))
    numbers.extend(facts.counts)
    return zlib.compress(numbers[:1].tobytes() + text + numbers[1:].tobytes(), 1)


def decode(data: bytes) -> Facts:
    """Unpack what `encode` packed.

    Raises:
        ValueError: the record is not whole.
    """
    try:
        unpacked = zlib.decompress(data)
    except zlib.error as error:
        raise ValueError("the record is not whole") from error
    size = array("I", unpacked[:_NUMBER])[0]
    text, numbers = unpacked[_NUMBER : _NUMBER + size], array("I", unpacked[_NUMBER + size :])
    names, bases, imports, words = text.decode("utf-8", "replace").split("\0")
    lines, count, imported = numbers[:3]
    rows = numbers[3 : 3 + 5 * count].tolist()
    definitions: list[Definition] = []
    for written, base, at in zip(names.split("\n"), bases.split("\n"), range(0, 5 * count, 5), strict=False):
        kind, start, end, parent, header = rows[at : at + 5]
        before, _, name = written.rpartition("\t")
        qualified = f"{before}.{name}" if before else name
        if parent:
            qualified = f"{definitions[parent - 1].qualified}.{qualified}"
        definitions.append(
            Definition(name, qualified, _KINDS[kind], start, end, parent - 1, tuple(base.split()), header)
        )
    return Facts(
        tuple(definitions),
        tuple(imports.split("\n")) if imported else (),
        words,
        numbers[3 + 5 * count :],
        lines,
    )


def _written(definition: Definition, definitions: Sequence[Definition]) -> str:
    """A definition's name; with a tab before it, what it is qualified by beside the definitions around it."""
    around = f"{definitions[definition.parent].qualified}." if definition.parent >= 0 else ""
    if len(definition.qualified) == len(around) + len(definition.name):
        return definition.name
    return f"{definition.qualified[len(around) : -len(definition.name) - 1]}\t{definition.name}"


def _is_dense(source: bytes) -> bool:
    """Minified code and data: lines that no person would write."""
    return len(source) > 20_000 and len(source) > 400 * (source.count(b"\n") + 1)
