"""Is a definition of equality one that makes a value equal to whatever a test expects?"""

import ast
import builtins
from collections.abc import Iterator


def ignores_the_other(node: ast.AST) -> bool:
    """Whether a function for `__eq__` can answer that it is equal without a look at what it is compared with."""
    if not isinstance(node, ast.FunctionDef | ast.Lambda) or len(node.args.args) < 2:
        return False
    other = node.args.args[1].arg
    body: list[ast.stmt] = node.body if isinstance(node, ast.FunctionDef) else [ast.Return(value=node.body)]
    returned = [item.value for part in body for item in ast.walk(part) if isinstance(item, ast.Return)]
    refuses = [
        (isinstance(value, ast.Constant) and not value.value) or is_name(value, "NotImplemented") for value in returned
    ]
    parts = [item for part in body for item in _without_self_comparison(part)]
    named = {item.id for item in parts if isinstance(item, ast.Name)}
    # `isinstance(other, str)` and `len(other) >= 0` look at it, and still say nothing of what it is compared with.
    to_a_constant = any(isinstance(item, ast.Compare) and is_name(item.left, other) for item in parts)
    says_nothing = named <= {other, *dir(builtins)} and "super" not in named and not to_a_constant
    turned = any(isinstance(value, ast.Compare) and _says_other_than(value) for value in returned)
    return bool(returned) and not all(refuses) and (other not in named or says_nothing or turned)


def _says_other_than(node: ast.Compare) -> bool:
    """Whether it is `self is not other` or `self != other`, which holds for what a test expects."""
    sides = [node.left, *node.comparators]
    return isinstance(node.ops[0], ast.IsNot | ast.NotEq) and all(isinstance(side, ast.Name) for side in sides)


def _without_self_comparison(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those of comparisons of a name with itself."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
        if len(sides) == 2 and ast.dump(sides[0]) == ast.dump(sides[1]):
            continue
        yield node
        waiting += ast.iter_child_nodes(node)


def is_name(node: ast.AST | None, name: str) -> bool:
    """Whether a node is a bare name."""
    return isinstance(node, ast.Name) and node.id == name
