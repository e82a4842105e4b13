"""Hooks of a Python class that compare its values honestly.

A method such as `__eq__` is ordinary when it compares the same parts of both values, by the operator that it stands
for: `self.key == other.key` behind a check of the other's class. It has no way to agree with whatever a test expects.
All else (arithmetic, constants, computed names) is not ordinary.
"""

import re
from typing import TYPE_CHECKING

from sweagent.verify.static.source_tree import leaves, text

if TYPE_CHECKING:
    from tree_sitter import Node

_OPERATORS = {
    "__eq__": ("==", "is"),
    "__ne__": ("!=", "is not"),
    "__lt__": ("<",),
    "__le__": ("<=",),
    "__gt__": (">",),
    "__ge__": (">=",),
}
_DENIED = {"__eq__": "False", "__ne__": "True"}
"""What a comparison says of values that are not of its kind."""
_READERS = frozenset({"int", "str", "float", "len", "tuple", "list", "dict", "set", "frozenset", "vars", "repr"})
_PARTIAL = re.compile(r"\blen\(|\b(?!super\(\))\w+\.(?!__(eq|ne|lt|le|gt|ge)__)\w+")
_STATEMENTS = frozenset({"if_statement", "elif_clause", "else_clause", "block", "return_statement", "comment"})


def is_ordinary(function: "Node", owner: "Node | None") -> bool:
    """Whether a method that the language calls to compare, to hash or to test a value does what its name says.

    Args:
        function: the definition, as a node of the source's tree.
        owner: the definition of its class. One that extends another has to compare all of its value (`int(self)`),
            because parts of it may be all that some test's value has.
    """
    bases = owner.child_by_field_name("superclasses") if owner is not None else None
    extends = owner is None or text(bases) not in ("", "()", "(object)")
    name = text(function.child_by_field_name("name"))
    parameters, body = function.child_by_field_name("parameters"), function.child_by_field_name("body")
    if parameters is None or body is None:
        return False
    given = [text(node) for node in parameters.named_children if node.type == "identifier"]
    if len(given) != len(parameters.named_children) or len(given) != (1 if name in ("__hash__", "__bool__") else 2):
        return False
    returned = _returned(body)
    if extends and name in _OPERATORS and any(_PARTIAL.search(text(value)) for value in returned or ()):
        return False
    return bool(returned) and all(_answers(name, given, value) for value in returned or ())


def is_inherited(assignment: "Node | None") -> bool:
    """Whether a hook is only taken from another class under its own name, as `__hash__ = int.__hash__` does."""
    if assignment is None:
        return False
    left, right = (text(assignment.child_by_field_name(field)) for field in ("left", "right"))
    return left == "__hash__" and re.fullmatch(r"None|[\w.]+\.__hash__", right) is not None


def _returned(body: "Node") -> "list[Node] | None":
    """What a body returns that only decides and returns; None when it does anything else."""
    found: list[Node] = []
    waiting = [body]
    while waiting:
        node = waiting.pop()
        if node.type == "expression_statement" and node.named_child_count == 1:
            node = node.named_children[0]
        if node.type == "string":
            continue
        if node.type not in _STATEMENTS:
            return None
        if node.type == "return_statement":
            found += node.named_children[:1]
            continue
        condition = node.child_by_field_name("condition")
        waiting += [child for child in node.named_children if child != condition]
    return found


def _answers(name: str, given: list[str], value: "Node") -> bool:
    """Whether an expression is an honest answer to the question of a hook."""
    value = _bare(value)
    if name in _OPERATORS:
        return _compares(name, given, value)
    words = {text(leaf) for leaf in leaves(value)}
    if {"or", "lambda", "if", "True", "False", *_OPERATORS} & words or given[0] not in words:
        return False
    if name == "__hash__":
        return value.type == "call" and text(value.child_by_field_name("function")) == "hash"
    if name == "__contains__":
        return value.type == "comparison_operator" and given[1] in words
    return value.type in ("call", "comparison_operator", "not_operator") and "." in words


def _compares(name: str, given: list[str], value: "Node") -> bool:
    """Whether an expression compares the same parts of both values by the operator of its hook."""
    said = text(value)
    own, other = map(re.escape, given)
    if said in ("NotImplemented", _DENIED.get(name)) or re.fullmatch(rf"super\(\)\.{name}\({other}\)", said):
        return True
    if name == "__ne__" and re.fullmatch(rf"not \(?{own} == {other}\)?|not {own}\.__eq__\({other}\)", said):
        return True
    if name == "__eq__" and value.type == "boolean_operator" and text(value.child_by_field_name("operator")) == "and":
        sides = [_bare(child) for child in value.named_children]
        compared = [side for side in sides if not _is_guard(side, own, other)]
        return bool(compared) and all(_compares(name, given, side) for side in compared)
    if value.type != "comparison_operator" or value.named_child_count != 2:
        return False
    left, right = (_bare(child) for child in value.named_children)
    operator = " ".join(text(child) for child in value.children if not child.is_named)
    if operator not in _OPERATORS[name] or left.type == "identifier":
        return False
    if not (_is_part(left, given[0]) and _is_part(right, given[1])):
        return False
    return re.sub(rf"\b{own}\b", given[1], text(left)) == text(right)


def _is_guard(node: "Node", own: str, other: str) -> bool:
    """Whether an expression asks for the class of the other value."""
    of_class = rf"isinstance\({other}, [\w.]+\)|type\({own}\) (is|==) type\({other}\)"
    return re.fullmatch(of_class, text(node)) is not None


def _is_part(node: "Node", value: str) -> bool:
    """Whether an expression is made of parts of a value alone: its attributes, what it holds, or its own key."""
    node = _bare(node)
    if node.type == "identifier":
        return text(node) == value
    if node.type == "attribute":
        inner = node.child_by_field_name("object")
        return inner is not None and _is_part(inner, value)
    if node.type == "tuple":
        return bool(node.named_children) and all(_is_part(child, value) for child in node.named_children)
    function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    if node.type != "call" or function is None or arguments is None:
        return False
    taken = arguments.named_children
    if function.type == "attribute":
        return not taken and _is_part(function, value)
    return text(function) in _READERS and len(taken) == 1 and _is_part(taken[0], value)


def _bare(node: "Node") -> "Node":
    """An expression without the parentheses around it."""
    while node.type == "parenthesized_expression" and node.named_child_count == 1:
        node = node.named_children[0]
    return node
