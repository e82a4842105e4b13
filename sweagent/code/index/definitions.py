"""Definitions of a file (functions, methods, classes) with line spans."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["class", "function", "method", "module"]

_DEEPEST = 100
"""Definitions within so many others are left out: their names would be longer than the source."""


class Definition(NamedTuple):
    """A function, method, class or namespace.

    Attributes:
        name: its own name.
        qualified: its name with those of the definitions around it, such as `Session.send`.
        kind: what it is.
        start: its first line, from 1, decorators included.
        end: its last line.
        parent: position in the file's list of the definition around it, or -1.
        bases: the last names of its base classes.
        header: the line on which the name stands, from 1.
    """

    name: str
    qualified: str
    kind: Kind
    start: int
    end: int
    parent: int = -1
    bases: tuple[str, ...] = ()
    header: int = 0


@dataclass(frozen=True, slots=True)
class Outline:
    """What a file defines, in the order of its lines.

    Attributes:
        path: the file's path in the repository.
        language: name of its grammar, or None when it is not known.
        definitions: in the order of their first lines; parents come before children.
        imports: what it imports, as written: dotted modules, `.`-relative modules, or path strings.
        lines: how many lines the file has.
    """

    path: str
    language: str | None
    definitions: tuple[Definition, ...] = ()
    imports: tuple[str, ...] = ()
    lines: int = 0

    def find(self, name: str) -> tuple[Definition, ...]:
        """Return the definitions of a name; `Class.method` and deeper names are understood."""
        wanted = dotted(name)
        exact = tuple(item for item in self.definitions if item.qualified == wanted)
        if exact:
            return exact
        return tuple(item for item in self.definitions if item.qualified.endswith(f".{wanted}"))

    def enclosing(self, line: int) -> Definition | None:
        """Return the innermost definition that a line (from 1) belongs to."""
        inner: Definition | None = None
        for item in self.definitions:
            if item.start > line:
                break
            if line <= item.end and (inner is None or item.start >= inner.start):
                inner = item
        return inner


@dataclass(frozen=True, slots=True)
class SyntaxProblem:
    """A place where a file does not follow its language's grammar.

    Attributes:
        line: from 1.
        column: from 1, in characters.
        message: what is wrong, in a few words.
    """

    line: int
    column: int
    message: str


def dotted(name: str) -> str:
    """Write a name as definitions are qualified here: `A::b`, `A#b` and `A.b()` all are `A.b`."""
    return name.replace("::", ".").replace("#", ".").strip(".() ")


def with_parents(found: list[tuple[int, int, Definition]]) -> tuple[Definition, ...]:
    """Give definitions their parents, their qualified names and, within a class, the kind `method`.

    Args:
        found: start and end offset of each definition in the file, and the definition, in any order.
    """
    done: list[Definition] = []
    around: list[tuple[int, int]] = []
    for start, end, item in sorted(found, key=lambda entry: (entry[0], -entry[1])):
        while around and around[-1][0] <= start:
            around.pop()
        if len(around) >= _DEEPEST:
            continue
        parent = around[-1][1] if around else -1
        outer = done[parent] if around else None
        around.append((end, len(done)))
        if outer is None and item.header:
            done.append(item)
            continue
        kind: Kind = "method" if outer and outer.kind == "class" and item.kind == "function" else item.kind
        qualified = f"{outer.qualified}.{item.qualified}" if outer else item.qualified
        header = item.header or item.start
        done.append(Definition(item.name, qualified, kind, item.start, item.end, parent, item.bases, header))
    return tuple(done)
