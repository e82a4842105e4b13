"""Powers that JavaScript and TypeScript code uses."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from sweagent.verify.static import power_names as names
from sweagent.verify.static.power_names import PowerKind, kind_of, kind_of_dotted
from sweagent.verify.static.python_powers import MARKS, SOURCE_FILE
from sweagent.verify.static.source_tree import Findings, NodePath, Power, leaves, parse, places, text

if TYPE_CHECKING:
    from tree_sitter import Node

_SCOPES = frozenset(
    {
        "function_declaration",
        "generator_function_declaration",
        "class_declaration",
        "abstract_class_declaration",
        "method_definition",
        "arrow_function",
        "function_expression",
        "class",
    }
)
_REQUIRE = re.compile(r"""(?:await\s+)?(?:require|import)\(\s*["'](?:node:)?([^"']+)["']\s*\)(?:\.([\w.]+))?""")
_GLOBALS = {name: name for name in ("process", "require", "module", "Error", "Module", "WebAssembly")}
_OF_PROGRAMS = ("process.argv", "process.exit", "require.main")
"""What a program asks for, outside of functions, to be one."""
_READ_BY_OTHERS = frozenset({"toJSON", "toString", "constructor", "length", "then"})
"""Members by which the language and its libraries read a value."""
_WRITERS = frozenset(
    {"write", "writeFile", "writeFileSync", "appendFile", "appendFileSync", "symlinkSync", "renameSync"}
)


def javascript_powers(content: bytes, language: str) -> list[Power]:
    """All powers of a JavaScript or TypeScript file.

    Args:
        content: of the file; errors of syntax are passed over.
        language: `javascript`, `typescript` or `tsx`.
    """
    root, findings = parse(language, content), Findings()
    reader = _Reader(findings, _aliases(root), content.startswith(b"#!"))
    for place in places(root, _SCOPES):
        reader.read(place)
    return findings.powers


def _aliases(root: "Node") -> dict[str, str]:
    """What names stand for that are bound to a module or to a part of `process`, by local name."""
    found = dict(_GLOBALS)
    for node in (place.node for place in places(root)):
        if node.type == "variable_declarator":
            value, clause = text(node.child_by_field_name("value")), node.child_by_field_name("name")
            module = _REQUIRE.fullmatch(value)
            source = ".".join(part for part in module.groups() if part) if module else ""
            source = source or (value if re.fullmatch(r"process(\.\w+)*", value) else "")
        elif node.type == "import_statement":
            source = text(node.child_by_field_name("source")).strip("\"'").removeprefix("node:")
            clause = next((child for child in node.children if child.type == "import_clause"), None)
        else:
            continue
        if source and clause is not None:
            found.update(_bound(clause, source))
    return found


def _bound(clause: "Node", source: str) -> Iterator[tuple[str, str]]:
    for place in places(clause):
        node, parent = place.node, place.around or "variable_declarator"
        if node.type == "shorthand_property_identifier_pattern":
            yield text(node), f"{source}.{text(node)}"
        elif node.type == "pair_pattern":
            yield text(node.child_by_field_name("value")), f"{source}.{text(node.child_by_field_name('key'))}"
        elif node.type == "import_specifier":
            name = text(node.child_by_field_name("name"))
            yield text(node.child_by_field_name("alias")) or name, f"{source}.{name}"
        elif node.type == "identifier" and parent in ("import_clause", "namespace_import", "variable_declarator"):
            yield text(node), source


def _kind(full: str) -> PowerKind | None:
    """The kind of a dotted name; what is not known of `process` tells who runs the code."""
    owner, _, member = full.partition(".")
    unknown = owner == "process" and bool(member) and member.partition(".")[0] not in names.PLAIN_OF_PROCESS
    return kind_of_dotted(names.JAVASCRIPT_NAMES, full) or (PowerKind.HOST if unknown else None)


def _variable(full: str) -> str:
    """The environment variable that a dotted name asks for."""
    return full.removeprefix("process.env.") if full.startswith("process.env.") else ""


def _only_assigns(place: NodePath) -> bool:
    """Whether `Object.defineProperty` gives a plain value, or makes a member of the module's own exports."""
    member = place.above
    if member is None or member.above is None or text(member.node) != "Object.defineProperty":
        return False
    arguments = member.above.node.child_by_field_name("arguments")
    given = arguments.named_children if arguments is not None else []
    if member.above.node.type != "call_expression" or len(given) != 3 or given[2].type != "object":
        return False
    if text(given[0]) == "Object.prototype" or text(given[1]).strip("\"'`") in _READ_BY_OTHERS:
        return False
    keys = {text(child.child_by_field_name("key") or child.child_by_field_name("name")) for child in given[2].children}
    plain = {"value", "writable", "enumerable", "configurable", ""}
    shorthand = {text(child) for child in given[2].named_children if child.type == "shorthand_property_identifier"}
    spread = any(child.type == "spread_element" for child in given[2].children)
    return not spread and ((keys | shorthand) <= plain or text(given[0]) in ("exports", "module.exports"))


class _Reader:
    """Reads nodes one by one.

    Args:
        findings: where powers are noted.
        aliases: what bound names stand for.
        is_program: the file is started by itself, as its first line says.
    """

    def __init__(self, findings: Findings, aliases: Mapping[str, str], is_program: bool) -> None:
        self._add, self._aliases, self._is_program = findings.add, aliases, is_program

    def read(self, place: NodePath) -> None:
        kind = place.node.type
        if kind in ("identifier", "shorthand_property_identifier"):
            self._identifier(place)
        elif kind == "member_expression":
            self._member(place)
        elif kind in ("property_identifier", "string_fragment"):
            word = text(place.node)
            if word != "defineProperty" or not _only_assigns(place):
                self._add(kind_of(names.JAVASCRIPT_PROPERTIES, word), word, place)
            if kind == "string_fragment" and MARKS.search(word):
                self._add(PowerKind.HOST, repr(word), place)
        elif kind == "string":
            self._module(place)
        elif kind == "call_expression":
            self._call(place)

    def _identifier(self, place: NodePath) -> None:
        if place.around in ("", "member_expression", "import_specifier", "import_clause"):
            return
        word = text(place.node)
        full = self._aliases.get(word, "")
        if "." in full:
            self._add(_kind(full), full, place, _variable(full))
        elif word in ("eval", "Function"):
            self._add(PowerKind.EXECUTION, word, place)
        elif word == "Proxy":
            self._add(PowerKind.HOOKS, word, place)

    def _member(self, place: NodePath) -> None:
        if place.around == "member_expression":
            return
        parts: list[str] = []
        inner: Node | None = place.node
        while inner is not None and inner.type == "member_expression":
            parts.append(text(inner.child_by_field_name("property")))
            inner = inner.child_by_field_name("object")
        if inner is None or inner.type not in ("identifier", "this"):
            return
        first = text(inner)
        if first in ("globalThis", "global") and parts:
            first = parts.pop()
        if first in self._aliases:
            full = ".".join([self._aliases[first], *reversed(parts)])
            if not (self._is_program and not place.scope and full.startswith(_OF_PROGRAMS)):
                self._add(_kind(full), full, place, _variable(full))

    def _module(self, place: NodePath) -> None:
        """A module that is a power by itself, where it is imported or required."""
        call = place.above.above if place.above is not None and place.around == "arguments" else None
        required = call is not None and text(call.node.child_by_field_name("function")) in ("require", "import")
        if required or place.around in ("import_statement", "export_statement"):
            module = text(place.node).strip("\"'").removeprefix("node:")
            self._add(kind_of(names.JAVASCRIPT_NAMES, module), module, place)

    def _call(self, place: NodePath) -> None:
        function, arguments = place.node.child_by_field_name("function"), place.node.child_by_field_name("arguments")
        if function is None or arguments is None:
            return
        called = text(function.child_by_field_name("property") or function)
        if called in _WRITERS and any(SOURCE_FILE.search(text(leaf)) for leaf in leaves(arguments)):
            self._add(PowerKind.FILES, f"{called}(…)", place)
