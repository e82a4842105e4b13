"""Powers that Python code uses, whatever its version."""

import re
from typing import TYPE_CHECKING

from sweagent.verify.static import power_names as names
from sweagent.verify.static.ordinary_hooks import is_inherited, is_ordinary
from sweagent.verify.static.power_names import PowerKind, kind_of, kind_of_dotted
from sweagent.verify.static.source_tree import Findings, NodePath, Power, leaves, parse, places, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tree_sitter import Node

_SCOPES = frozenset({"function_definition", "class_definition"})
_REACHING = frozenset({"getattr", "setattr", "delattr", "vars", "hasattr"})
_WITH_POWERS = frozenset(
    {"sys", "os", "builtins", "importlib", "inspect", "gc", "threading", "signal", "logging", "unittest", "pytest"}
)
"""Modules of which a computed member may be any of their powers."""
_COMMANDS = frozenset({"main", "_main", "cli"})
_MAIN = re.compile(r"""__name__ == ["']__main__["']""")
_WRITERS = frozenset(
    {"write", "write_text", "write_bytes", "writelines", "symlink_to", "rename", "replace", "copyfile"}
)
_MODE = re.compile(r"""(mode=)?["'][rbtU]*[wax+][rbt+]*["']""")
MARKS = re.compile(
    r"^(PYTEST_\w+|_?pytest|NODE_TEST_CONTEXT|NODE_OPTIONS|JEST_WORKER_ID|VITEST\w*|PYTHONHASHSEED"
    r"|PYTHONDONTWRITEBYTECODE|testserver|conftest(\.py)?|test_|unittest)$|cache=shared|\blocmem\b"
    r"|tests?/test_|test_\*|^/(proc|sys|testbed)(/|$)|/\.dockerenv|\bcgroup\b"
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
    for place in places(root, _SCOPES):
        reader.read(place)
    return findings.powers


def _aliases(root: "Node") -> dict[str, str]:
    """What the imported names of a file stand for, by local name."""
    found: dict[str, str] = {}
    for node in (place.node for place in places(root)):
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
    classes = (place.node for place in places(root) if place.node.type == "class_definition")
    return frozenset(text(node.child_by_field_name("name")) for node in classes) | {"cls"}


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

    def read(self, place: NodePath) -> None:
        reader = self._readers.get(place.node.type)
        if reader:
            reader(place)

    def _identifier(self, place: NodePath) -> None:
        word = text(place.node)
        hook = kind_of(names.PYTHON_HOOKS, word)
        if hook and not (_is_only_read(place) or _is_plain(place)):
            self._add(hook, word, place)
        if hook or place.above is None or place.around in ("dotted_name", "aliased_import"):
            return
        if place.around == "attribute":
            if place.is_field("attribute"):
                self._add(kind_of(names.PYTHON_ATTRIBUTES, word), word, place)
        elif place.around != "keyword_argument" or not place.is_field("name"):
            full = self._aliases.get(word, "")
            self._add(kind_of_dotted(names.PYTHON_NAMES, full), full, place)
            if not _is_bound_here(place):
                self._add(kind_of(names.PYTHON_BUILTINS, word), word, place)

    def _attribute(self, place: NodePath) -> None:
        if place.around in ("", "attribute"):
            return
        full = self._resolved(place.node)
        if full == "sys.argv" and _are_words_of_a_command(place):
            return
        if full == "sys.modules" and _is_of_its_own(place):
            return
        self._add(kind_of_dotted(names.PYTHON_NAMES, full), full, place, _variable(full, place))
        module, _, member = full.partition(".")
        if module in _WITH_POWERS and member.startswith("__dict__"):
            self._add(PowerKind.IMPORTS, full, place)

    def _resolved(self, node: "Node") -> str:
        """The full dotted name of something imported, or of an attribute of it; empty for anything else."""
        parts: list[str] = []
        inner: Node | None = node
        while inner is not None and inner.type == "attribute":
            parts.append(text(inner.child_by_field_name("attribute")))
            inner = inner.child_by_field_name("object")
        known = inner is not None and inner.type == "identifier" and text(inner) in self._aliases
        return ".".join([self._aliases[text(inner)], *reversed(parts)]) if known else ""

    def _string(self, place: NodePath) -> None:
        if place.around in ("", "concatenated_string", "binary_operator", "expression_statement", "block"):
            return
        said = _said(place.node)
        hook = kind_of(names.PYTHON_HOOKS, said) or kind_of(names.PYTHON_ATTRIBUTES, said)
        self._add(hook, repr(said), place)
        if MARKS.search(said):
            self._add(PowerKind.HOST, repr(said), place)

    def _import(self, place: NodePath) -> None:
        module = text(place.node.child_by_field_name("module_name"))
        if module.startswith("."):
            return
        for name in place.node.children_by_field_name("name"):
            target, _ = _imported(name)
            full = f"{module}.{target}" if module else target
            self._add(kind_of_dotted(names.PYTHON_NAMES, full), full, place)
        if module in _WITH_POWERS and any(child.type == "wildcard_import" for child in place.node.children):
            self._add(PowerKind.IMPORTS, f"from {module} import *", place)

    def _call(self, place: NodePath) -> None:
        function, arguments = place.node.child_by_field_name("function"), place.node.child_by_field_name("arguments")
        if function is None or arguments is None:
            return
        given = [child for child in arguments.named_children if child.type != "comment"]
        called = text(function) if function.type == "identifier" else ""
        method = text(function.child_by_field_name("attribute")) if function.type == "attribute" else ""
        if called == "type" and len(given) == 3:
            self._add(PowerKind.HOOKS, "type() with three arguments", place)
        if called == "hash" and given and given[0].type == "string":
            self._add(PowerKind.HOST, "hash() of a text", place)
        if called in _REACHING and given:
            self._reach(called, given, place)
        if given and not _said(given[0]) and self._resolved(function) == "importlib.import_module":
            self._add(PowerKind.IMPORTS, "import_module(…)", place)
        if _writes(called, method, given) and any(SOURCE_FILE.search(_said(child)) for child in given):
            self._add(PowerKind.FILES, f"{called or method}(…)", place)

    def _reach(self, called: str, given: list["Node"], place: NodePath) -> None:
        """Members by name: of a module with powers, or of a class, whose name is not written out."""
        if given[0].type != "identifier":
            return
        owner, computed = text(given[0]), len(given) > 1 and not _said(given[1])
        module = self._aliases.get(owner, "")
        if called == "setattr" and computed and owner in self._classes:
            self._add(PowerKind.HOOKS, f"setattr({owner}, …)", place)
        if module in _WITH_POWERS and (computed or called == "vars"):
            self._add(PowerKind.IMPORTS, f"{called}({owner}, …)", place)
        elif module and len(given) > 1:
            full = f"{module}.{_said(given[1])}"
            self._add(kind_of_dotted(names.PYTHON_NAMES, full), full, place)


def _is_plain(place: NodePath) -> bool:
    """Whether a hook does what its name says, or only hands out the members of a module (PEP 562)."""
    if place.above is None or not place.is_field("name" if place.around == "function_definition" else "left"):
        return False
    if place.around == "assignment":
        return is_inherited(place.above.node)
    if text(place.node) == "__getattr__":
        return "." not in place.scope and place.above.above is not None and place.above.above.around in ("", "module")
    block = place.above.above
    owner = block.above.node if block is not None and block.around == "class_definition" and block.above else None
    return is_ordinary(place.above.node, owner)


def _variable(full: str, place: NodePath) -> str:
    """The environment variable that is asked for; empty where its name is not written out."""
    outer = place.above
    if outer is None or not full.startswith(("os.environ", "os.getenv")):
        return ""
    if outer.node.type == "subscript":
        asked = outer.node.child_by_field_name("subscript")
    elif outer.node.type == "comparison_operator":
        asked = outer.node.named_children[0]
    else:
        arguments = outer.node.child_by_field_name("arguments") if outer.node.type == "call" else None
        asked = next(iter(arguments.named_children), None) if arguments is not None else None
    return _said(asked) if asked is not None and full.removeprefix("os.environ") in ("", ".get", "os.getenv") else ""


def _is_of_its_own(place: NodePath) -> bool:
    """Whether code asks `sys.modules` for its own module, or gives one of its own package another name."""
    outer = place.above
    if outer is None or outer.node.type != "subscript":
        return False
    wanted = text(outer.node.child_by_field_name("subscript"))
    return re.fullmatch(r"""__name__|f["']\{__name__\}\.[\w.]+["']|__name__ \+ ["']\.[\w.]+["']""", wanted) is not None


def _is_only_read(place: NodePath) -> bool:
    """Whether a hook is only called or read by its name, as `super().__eq__(other)` and `self.__class__` do."""
    attribute = place.above
    if attribute is None or attribute.node.type != "attribute":
        return place.around == "keyword_argument"
    assigned = attribute.around in ("assignment", "augmented_assignment")
    return not (assigned and attribute.is_field("left"))


def _are_words_of_a_command(place: NodePath) -> bool:
    """Whether `sys.argv` gives a command its words: `sys.argv[1:]` in `main`, or where a file is run as a program."""
    outer = place.above
    if outer is None or outer.node.type != "subscript" or text(outer.node.child_by_field_name("subscript")) != "1:":
        return False
    if place.scope.rpartition(".")[2] in _COMMANDS:
        return True
    while outer is not None:
        if outer.node.type == "if_statement" and _MAIN.fullmatch(text(outer.node.child_by_field_name("condition"))):
            return True
        outer = outer.above
    return False


def _is_bound_here(place: NodePath) -> bool:
    """Whether an identifier names a parameter or a definition of its own, such as a method `compile`."""
    if place.around in ("parameters", "lambda_parameters", "typed_parameter"):
        return True
    return place.around in ("default_parameter", "typed_default_parameter", *_SCOPES) and place.is_field("name")


def _said(node: "Node") -> str:
    """The text of string constants that stand beside each other or are added; empty for anything else."""
    if node.type not in ("string", "concatenated_string", "binary_operator"):
        return ""
    kinds = {leaf.type for leaf in leaves(node)}
    if node.type == "binary_operator" and not kinds <= {"string_start", "string_content", "string_end", "+"}:
        return ""
    return "".join(text(leaf) for leaf in leaves(node, without="interpolation") if leaf.type == "string_content")


def _writes(called: str, method: str, given: list["Node"]) -> bool:
    opens = "open" in (called, method)
    return method in _WRITERS or (opens and any(_MODE.fullmatch(text(child)) for child in given))
