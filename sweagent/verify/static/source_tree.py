"""Source code as a tree that no nesting, newer syntax or error makes unreadable."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from sweagent.verify.static.power_names import PowerKind

if TYPE_CHECKING:
    from tree_sitter import Node
    from tree_sitter_language_pack import SupportedLanguage

_SHOWN = 80


@dataclass(frozen=True)
class Power:
    """A power that code uses.

    Attributes:
        kind: what it lets the code do.
        word: how the code names it.
        line: where, counted from 1.
        scope: the definition it stands in, dotted; empty for the module.
    """

    kind: PowerKind
    word: str
    line: int
    scope: str = ""

    @property
    def detail(self) -> str:
        """For people: what it is, and where."""
        return f"`{self.word}`: {self.kind.value}" + (f" (in `{self.scope}`)" if self.scope else "")


@dataclass
class Findings:
    """The powers of one file as they are found."""

    powers: list[Power] = field(default_factory=list)

    def add(self, kind: PowerKind | None, word: str, node: "Node", scope: str) -> None:
        """Note a power; nothing when there is no kind."""
        if kind is not None:
            self.powers.append(Power(kind, word[:_SHOWN], node.start_point[0] + 1, scope))


def parse(language: str, content: bytes) -> "Node":
    """The root of the tree; what the grammar does not know becomes error nodes around what it does."""
    from tree_sitter_language_pack import get_parser

    return get_parser(cast("SupportedLanguage", language)).parse(content).root_node


def nodes(root: "Node", scopes: frozenset[str]) -> Iterator[tuple["Node", str]]:
    """Every node with the dotted name of the definition around it, without recursion.

    Args:
        root: of the tree.
        scopes: kinds of nodes that are definitions; one without a name takes that of what it is assigned to.
    """
    stack = [(root, "")]
    while stack:
        node, scope = stack.pop()
        yield node, scope
        if node.type in scopes:
            name = node.child_by_field_name("name")
            if name is None and node.parent is not None:
                name = node.parent.child_by_field_name("name") or node.parent.child_by_field_name("left")
            scope = f"{scope}.{text(name)}".strip(".") if name is not None else scope
        stack += [(child, scope) for child in reversed(node.children)]


def text(node: "Node | None") -> str:
    """A node's text as the language reads it: compatible forms of letters are the same identifier."""
    plain = (node.text or b"").decode("utf-8", "replace") if node is not None else ""
    return plain if plain.isascii() else unicodedata.normalize("NFKC", plain)


def leaves(node: "Node", *, without: str = "") -> Iterator["Node"]:
    """The nodes without children below a node, in order.

    Args:
        node: where to begin.
        without: a kind of node that is left out with all that is below it.
    """
    stack = [node]
    while stack:
        one = stack.pop()
        if one.type == without:
            continue
        if one.child_count:
            stack += reversed(one.children)
        else:
            yield one
