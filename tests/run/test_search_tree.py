"""UCT: where there is room first, then where the values are high or few."""

from typing import Any, cast

from sweagent.run.search_tree import Node


def child_of(parent: Node, value: float) -> Node:
    child = Node(cast("Any", None), parent)
    parent.children.append(child)
    child.add(value)
    return child


def test_a_value_counts_in_all_nodes_above_and_leads_the_way_down() -> None:
    root = Node(cast("Any", None))
    root.add(0.5)
    assert root.pick(2, 0.5) is root
    poor, good = child_of(root, 0.1), child_of(root, 0.9)
    assert root.pick(2, 0.5) is good
    for value in (0.0, 0.0):
        child_of(good, value)
    assert (good.visits, round(good.total, 3)) == (3, 0.9)
    assert (root.visits, round(root.total, 3)) == (5, 1.5)
    assert root.pick(2, 0.0) in good.children, "0.3 on average is still more than 0.1"
    assert root.pick(2, 2.0) is poor, "who explores goes where few have been"
