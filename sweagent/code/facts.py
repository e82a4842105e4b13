"""What the index keeps of a file: definitions, imports and how often each identifier stands in it."""

import json
import zlib
from dataclasses import dataclass

from sweagent.code.definitions import Definition, Kind
from sweagent.code.outline import LARGEST, outline
from sweagent.code.words import identifiers

FORMAT = 1
"""To be raised when extraction changes, so that facts stored by an older version are not used."""

_KINDS: tuple[Kind, ...] = ("class", "function", "method", "module")
_LONGEST_WORD = 60
_MOST_WORDS = 20_000


@dataclass(frozen=True, slots=True)
class Facts:
    """What one version of a file says, whatever its path.

    Attributes:
        definitions: in the order of their lines.
        imports: as written.
        words: how often each identifier stands in it.
        lines: how many lines it has.
    """

    definitions: tuple[Definition, ...] = ()
    imports: tuple[str, ...] = ()
    words: dict[str, int] | None = None
    lines: int = 0


def extract(path: str, source: bytes) -> Facts:
    """Read the facts of a file; binary and huge ones, and lines that a program wrote, have none."""
    if len(source) > LARGEST or b"\0" in source[:8000] or _is_dense(source):
        return Facts(words={}, lines=source.count(b"\n"))
    found = outline(path, source)
    words = identifiers(source.decode("utf-8", "replace"))
    if len(words) > _MOST_WORDS:
        words = type(words)(dict(words.most_common(_MOST_WORDS)))
    return Facts(found.definitions, found.imports, words, found.lines)


def encode(facts: Facts) -> bytes:
    """Pack facts for the store."""
    rows = [[d.name, _KINDS.index(d.kind), d.start, d.end, d.parent, d.header, *d.bases] for d in facts.definitions]
    words = {word: count for word, count in (facts.words or {}).items() if len(word) <= _LONGEST_WORD}
    record = [rows, facts.imports, words, facts.lines]
    return zlib.compress(json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode(errors="replace"), 1)


def decode(data: bytes) -> Facts:
    """Unpack what `encode` packed.

    Raises:
        ValueError: the record is not whole.
    """
    try:
        rows, imports, words, lines = json.loads(zlib.decompress(data))
    except zlib.error as error:
        raise ValueError("the record is not whole") from error
    definitions: list[Definition] = []
    for name, kind, start, end, parent, header, *bases in rows:
        around = definitions[parent].qualified if parent >= 0 else ""
        qualified = f"{around}.{name}" if around else name
        definitions.append(Definition(name, qualified, _KINDS[kind], start, end, parent, tuple(bases), header))
    return Facts(tuple(definitions), tuple(imports), words, lines)


def _is_dense(source: bytes) -> bool:
    """Minified code and data: lines that no person would write."""
    return len(source) > 20_000 and len(source) > 400 * (source.count(b"\n") + 1)
