"""Tree of attempts, searched by upper confidence bounds.

UCT is L. Kocsis' and C. Szepesvari's ("Bandit Based Monte-Carlo Planning", 2006).
"""

from dataclasses import dataclass, field
from math import log, sqrt

from sweagent.run.attempt import Attempt


@dataclass
class Node:
    """An attempt up to a decision point.

    Attributes:
        attempt: it is forked, and never goes on itself.
        parent: from which it was forked.
        children: in the order in which they were made.
        visits: values that were found here and below.
        total: their sum.
    """

    attempt: Attempt
    parent: "Node | None" = None
    children: list["Node"] = field(default_factory=list)
    visits: int = 0
    total: float = 0.0

    def add(self, value: float) -> None:
        """Take in the value of this node; it counts in all above it."""
        above: Node | None = self
        while above:
            above.visits, above.total, above = above.visits + 1, above.total + value, above.parent

    def pick(self, width: int, exploration: float) -> "Node":
        """The node to fork next: from here down, the child with the highest bound, until one has room for a child.

        Args:
            width: children of a node, at the most.
            exploration: how much a rarely visited child is worth.
        """
        node = self
        while len(node.children) >= width:
            seen = log(node.visits)
            bounds = [child.total / child.visits + exploration * sqrt(seen / child.visits) for child in node.children]
            node = node.children[bounds.index(max(bounds))]
        return node
