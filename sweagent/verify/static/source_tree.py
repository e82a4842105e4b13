"""Parse source that nesting, newer syntax or errors cannot hide."""

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
        variable: the environment variable that it asks for, where its name is written out.
    """

    kind: PowerKind
    word: str
    line: int
    scope: str = ""
    variable: str = ""

    @property
    def detail(self) -> str:
        """What it is and where, for people."""
        asked = f" for `{self.variable}`" if self.variable else ""
        return f"`{self.word}`{asked}: {self.kind.value}" + (f" (in `{self.scope}`)" if self.scope else "")


@dataclass
class Findings:
    """The powers of one file as they are found."""

    powers: list[Power] = field(default_factory=list)

    def add(self, kind: PowerKind | None, word: str, place: "NodePath", variable: str = "") -> None:
        """Note a power; nothing when there is no kind."""
        if kind is not None:
            self.powers.append(Power(kind, word[:_SHOWN], place.node.start_point[0] + 1, place.scope, variable))


def parse(language: str, content: bytes) -> "Node":
    """The root of the tree; what the grammar does not know becomes error nodes around what it does."""
    from tree_sitter_language_pack import get_parser

    return get_parser(cast("SupportedLanguage", language)).parse(content).root_node


@dataclass(frozen=True, slots=True)
class NodePath:
    """A node where it stands; the parser itself finds a node's parent only by way of the root.

    Attributes:
        node: of the tree.
        scope: the dotted name of the definition around it.
        above: where its parent stands; None for the root.
    """

    node: "Node"
    scope: str = ""
    above: "NodePath | None" = None

    @property
    def parent(self) -> "Node | None":
        """The node around it."""
        return self.above.node if self.above is not None else None

    @property
    def around(self) -> str:
        """The kind of the node around it; empty for the root."""
        return self.above.node.type if self.above is not None else ""

    def is_field(self, name: str) -> bool:
        """Whether it is that field of the node around it."""
        return self.above is not None and self.above.node.child_by_field_name(name) == self.node


def places(root: "Node", scopes: frozenset[str] = frozenset()) -> Iterator[NodePath]:
    """Every node, without recursion, so that no nesting is too deep.

    Args:
        root: of the tree.
        scopes: kinds of nodes that are definitions; one without a name takes that of what it is assigned to.
    """
    stack = [NodePath(root)]
    while stack:
        place = stack.pop()
        yield place
        node, scope = place.node, place.scope
        if node.type in scopes:
            name = node.child_by_field_name("name")
            if name is None and place.parent is not None:
                name = place.parent.child_by_field_name("name") or place.parent.child_by_field_name("left")
            scope = f"{scope}.{text(name)}".strip(".") if name is not None else scope
        stack += [NodePath(child, scope, place) for child in reversed(node.children)]


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
