"""Names of JavaScript functions and classes by their assignment."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

_FUNCTIONS = "(arrow_function) (function_expression) (generator_function)"
_VALUES = f"[{_FUNCTIONS} (assignment_expression right: [{_FUNCTIONS}])]"
ASSIGNED = f"""
(variable_declarator value: {_VALUES}) @definition
(assignment_expression left: [(member_expression) (identifier)] right: {_VALUES}) @definition
(pair key: (property_identifier) value: [{_FUNCTIONS}]) @definition
"""
FIELDS = f"(field_definition value: [{_FUNCTIONS}]) @definition"
TYPESCRIPT_FIELDS = f"(public_field_definition value: [{_FUNCTIONS}]) @definition"
"""Query patterns: what is given a function, also through a second assignment."""

TARGETS = {
    "variable_declarator": "name",
    "assignment_expression": "left",
    "pair": "key",
    "field_definition": "property",
    "public_field_definition": "name",
}
"""What assigns, and the field that says to what."""
_NOT_OWNERS = frozenset({"exports", "module", "prototype", "this"})
_DOTTED = re.compile(r"[\w$]+(\.[\w$]+)*")
_NAMED = frozenset({"variable_declarator", "assignment_expression", "export_statement"})
_WRAPPING = frozenset({"object", "pair", "as_expression", "satisfies_expression", "parenthesized_expression"})


def target(node: "Node") -> "Node | None":
    """Return what a node assigns to; for `module.exports`, the name that the function itself has."""
    field = TARGETS.get(node.type)
    found = node.child_by_field_name(field) if field else None
    if found is None or _text(found) not in ("module.exports", "exports"):
        return found
    value = node.child_by_field_name("right")
    return value.child_by_field_name("name") if value is not None else None


def assigned_name(node: "Node") -> str:
    """Return the name of a target: `app.use`, or `Foo.bar` of `Foo.prototype.bar`."""
    text = _text(node)
    if not _DOTTED.fullmatch(text):
        return _text(node.child_by_field_name("property"))
    *owners, name = text.split(".")
    return ".".join([*(owner for owner in owners if owner not in _NOT_OWNERS), name])


def is_left_out(node: "Node") -> bool:
    """Tell whether a node is a function among the options of a call, or repeats the name of what it assigns through."""
    if node.type == "pair":
        around = node.parent
        while around is not None and around.type in _WRAPPING:
            around = around.parent
        return around is None or around.type not in _NAMED
    inner, outer = _through(node), target(node)
    return inner is not None and outer is not None and _last_name(inner) == _last_name(outer)


def own_end(node: "Node") -> int:
    """Return the offset at which a node ends; where it assigns through another one, that at which this begins."""
    inner = _through(node)
    return inner.start_byte if inner is not None else node.end_byte


def _through(node: "Node") -> "Node | None":
    """The target of the second assignment in `a = b = function () {}`."""
    if node.type not in ("assignment_expression", "variable_declarator"):
        return None
    value = node.child_by_field_name("right") or node.child_by_field_name("value")
    return target(value) if value is not None and value.type == "assignment_expression" else None


def _last_name(node: "Node") -> str:
    return assigned_name(node).rpartition(".")[2]


def _text(node: "Node | None") -> str:
    return node.text.decode("utf-8", "replace") if node is not None and node.text is not None else ""
