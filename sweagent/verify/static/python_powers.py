"""Powers that Python code uses, whatever its version."""

import re
from typing import TYPE_CHECKING

from sweagent.verify.static import power_names as names
from sweagent.verify.static.power_names import PowerKind, kind_of, kind_of_dotted
from sweagent.verify.static.source_tree import Findings, Power, leaves, nodes, parse, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tree_sitter import Node

_SCOPES = frozenset({"function_definition", "class_definition"})
_REACHING = frozenset({"getattr", "setattr", "delattr", "vars", "hasattr"})
_WITH_POWERS = frozenset(
    {"sys", "os", "builtins", "importlib", "inspect", "gc", "threading", "signal", "logging", "unittest", "pytest"}
)
"""Modules of which a computed member may be any of their powers."""
_WRITERS = frozenset(
    {"write", "write_text", "write_bytes", "writelines", "symlink_to", "rename", "replace", "copyfile"}
)
_MODE = re.compile(r"""^(mode=)?["'][rb]*[wax+]""")
MARKS = re.compile(
    r"^(PYTEST_\w+|_?pytest|NODE_TEST_CONTEXT|NODE_OPTIONS|JEST_WORKER_ID|VITEST\w*|PYTHONHASHSEED"
    r"|PYTHONDONTWRITEBYTECODE)$|^/(proc|sys|testbed)(/|$)|/\.dockerenv|\bcgroup\b"
)
"""Text by which code tells where it runs."""
SOURCE_FILE = re.compile(r"[\w/*]?\.(pyc?|[cm]?[jt]sx?|pth)$|(^|/)(tests?|__pycache__)(/|$)|conftest")
"""Text that names a source or test file."""


def python_powers(content: bytes) -> list[Power]:
    """All powers of a Python file.

    Args:
        content: of the file; errors of syntax are passed over.
    """
    root, findings = parse("python", content), Findings()
    reader = _Reader(findings, _aliases(root), _classes(root))
    for node, scope in nodes(root, _SCOPES):
        reader.read(node, scope)
    return findings.powers


def _aliases(root: "Node") -> dict[str, str]:
    """What the imported names of a file stand for, by local name."""
    found: dict[str, str] = {}
    for node, _ in nodes(root, frozenset()):
        if node.type not in ("import_statement", "import_from_statement"):
            continue
        module = text(node.child_by_field_name("module_name"))
        for name in node.children_by_field_name("name"):
            target, local = _imported(name)
            if module:
                found[local or target] = f"{module}.{target}"
            else:
                found[local or target.split(".")[0]] = target if local else target.split(".")[0]
    return found


def _imported(name: "Node") -> tuple[str, str]:
    """What is imported, and the name it is given; empty when it keeps its own."""
    if name.type == "aliased_import":
        return text(name.child_by_field_name("name")), text(name.child_by_field_name("alias"))
    return text(name), ""


def _classes(root: "Node") -> frozenset[str]:
    found = (text(node.child_by_field_name("name")) for node, _ in nodes(root, _SCOPES) if node.type == _CLASS)
    return frozenset(found) | {"cls"}


_CLASS = "class_definition"


class _Reader:
    """Reads nodes one by one.

    Args:
        findings: where powers are noted.
        aliases: what imported names stand for.
        classes: names of the classes of the file.
    """

    def __init__(self, findings: Findings, aliases: "Mapping[str, str]", classes: frozenset[str]) -> None:
        self._add, self._aliases, self._classes = findings.add, aliases, classes
        self._readers = {
            "identifier": self._identifier,
            "attribute": self._attribute,
            "string": self._string,
            "concatenated_string": self._string,
            "binary_operator": self._string,
            "import_statement": self._import,
            "import_from_statement": self._import,
            "call": self._call,
        }

    def read(self, node: "Node", scope: str) -> None:
        reader = self._readers.get(node.type)
        if reader:
            reader(node, scope)

    def _identifier(self, node: "Node", scope: str) -> None:
        word, parent = text(node), node.parent
        hook = kind_of(names.PYTHON_HOOKS, word)
        if hook and not _is_only_read(node):
            self._add(hook, word, node, scope)
        if parent is None or hook or parent.type in ("dotted_name", "aliased_import"):
            return
        if parent.type == "attribute":
            if parent.child_by_field_name("attribute") == node:
                self._add(kind_of(names.PYTHON_ATTRIBUTES, word), word, node, scope)
        elif parent.type != "keyword_argument" or parent.child_by_field_name("name") != node:
            full = self._aliases.get(word, "")
            self._add(kind_of_dotted(names.PYTHON_NAMES, full), full, node, scope)
            if not _is_bound_here(node, parent):
                self._add(kind_of(names.PYTHON_BUILTINS, word), word, node, scope)

    def _attribute(self, node: "Node", scope: str) -> None:
        if node.parent is None or node.parent.type == "attribute":
            return
        parts: list[str] = []
        inner: Node | None = node
        while inner is not None and inner.type == "attribute":
            parts.append(text(inner.child_by_field_name("attribute")))
            inner = inner.child_by_field_name("object")
        if inner is None or inner.type != "identifier" or text(inner) not in self._aliases:
            return
        full = ".".join([self._aliases[text(inner)], *reversed(parts)])
        self._add(kind_of_dotted(names.PYTHON_NAMES, full), full, node, scope)
        if parts[-1] == "__dict__" and self._aliases[text(inner)] in _WITH_POWERS:
            self._add(PowerKind.IMPORTS, full, node, scope)

    def _string(self, node: "Node", scope: str) -> None:
        parent = node.parent
        if parent is None or parent.type in ("concatenated_string", "binary_operator", "expression_statement", "block"):
            return
        said = _said(node)
        hook = kind_of(names.PYTHON_HOOKS, said) or kind_of(names.PYTHON_ATTRIBUTES, said)
        self._add(hook, repr(said), node, scope)
        if MARKS.search(said):
            self._add(PowerKind.HOST, repr(said), node, scope)

    def _import(self, node: "Node", scope: str) -> None:
        module = text(node.child_by_field_name("module_name"))
        if module.startswith("."):
            return
        for name in node.children_by_field_name("name"):
            target, _ = _imported(name)
            full = f"{module}.{target}" if module else target
            self._add(kind_of_dotted(names.PYTHON_NAMES, full), full, node, scope)
        if module in _WITH_POWERS and any(child.type == "wildcard_import" for child in node.children):
            self._add(PowerKind.IMPORTS, f"from {module} import *", node, scope)

    def _call(self, node: "Node", scope: str) -> None:
        function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        if function is None or arguments is None:
            return
        called, given = text(function), [child for child in arguments.named_children if child.type != "comment"]
        if called == "type" and len(given) == 3:
            self._add(PowerKind.HOOKS, "type() with three arguments", node, scope)
        if called == "hash" and given and given[0].type == "string":
            self._add(PowerKind.HOST, text(node), node, scope)
        if called in _REACHING and given:
            self._reach(called, given, node, scope)
        if _writes(called, given) and any(SOURCE_FILE.search(_said(child)) for child in given):
            self._add(PowerKind.FILES, f"{called}(…)", node, scope)

    def _reach(self, called: str, given: list["Node"], node: "Node", scope: str) -> None:
        """Members by name: of a module with powers, or of a class, whose name is not written out."""
        owner, computed = text(given[0]), len(given) > 1 and not _said(given[1])
        module = self._aliases.get(owner, "")
        if called == "setattr" and computed and owner in self._classes:
            self._add(PowerKind.HOOKS, f"setattr({owner}, …)", node, scope)
        if module in _WITH_POWERS and (computed or called == "vars"):
            self._add(PowerKind.IMPORTS, f"{called}({owner}, …)", node, scope)
        elif module and len(given) > 1:
            full = f"{module}.{_said(given[1])}"
            self._add(kind_of_dotted(names.PYTHON_NAMES, full), full, node, scope)


def _is_only_read(node: "Node") -> bool:
    """Whether a hook is only called or read by its name, as `super().__eq__(other)` and `self.__class__` do."""
    attribute = node.parent
    if attribute is None or attribute.type != "attribute":
        return attribute is not None and attribute.type == "keyword_argument"
    statement = attribute.parent
    assigned = statement is not None and statement.type in ("assignment", "augmented_assignment")
    return not (assigned and statement is not None and statement.child_by_field_name("left") == attribute)


def _is_bound_here(node: "Node", parent: "Node") -> bool:
    """Whether an identifier names a parameter or a definition of its own, such as a method `compile`."""
    named = parent.child_by_field_name("name") == node
    return parent.type in ("parameters", "lambda_parameters", "typed_parameter") or (
        named and parent.type in ("default_parameter", "typed_default_parameter", *_SCOPES)
    )


def _said(node: "Node") -> str:
    """The text of string constants that stand beside each other or are added; empty for anything else."""
    if node.type not in ("string", "concatenated_string", "binary_operator"):
        return ""
    kinds = {leaf.type for leaf in leaves(node)}
    if node.type == "binary_operator" and not kinds <= {"string_start", "string_content", "string_end", "+"}:
        return ""
    return "".join(text(leaf) for leaf in leaves(node, without="interpolation") if leaf.type == "string_content")


def _writes(called: str, given: list["Node"]) -> bool:
    if called in ("open", "io.open"):
        return any(_MODE.match(text(child)) for child in given[1:])
    return "." in called and called.rpartition(".")[2] in _WRITERS
