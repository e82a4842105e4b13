"""Definitions, imports and syntax errors by tree-sitter.

No queries are written by hand: a grammar's own names of node kinds say what defines something, and the name is found by
field or by the kind of a child. That holds for languages nobody here has looked at; a few need a word more.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, cast

from sweagent.code.index.assigned_names import (
    ASSIGNED,
    FIELDS,
    TARGETS,
    TYPESCRIPT_FIELDS,
    assigned_name,
    is_left_out,
    own_end,
    target,
)
from sweagent.code.index.definitions import Definition, Kind, SyntaxProblem, with_parents
from sweagent.code.index.written_imports import written_imports

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Query
    from tree_sitter_language_pack import SupportedLanguage

_CLASS_WORDS = r"class|struct|interface|enum|trait|object|protocol|record|union|impl|type|extension|category|contract"
_FUNCTION_WORDS = (
    r"function|method|constructor|destructor|macro|generator_function|singleton_method|procedure|subroutine"
)
_MODULE_WORDS = r"module|namespace|mod|package"
_SUFFIXES = r"(_definition|_declaration|_item|_specifier|_statement|_spec|_binding|_decl|_clause)(_statement)?"
_DEFINING = re.compile(
    rf"^(abstract_|local_|async_|preproc_|compact_|annotation_|delegate_|object_|data_)?"
    rf"({_CLASS_WORDS}|{_FUNCTION_WORDS}|{_MODULE_WORDS}){_SUFFIXES}$"
    r"|^(class|method|module|singleton_method|subroutine|contract_declaration|type_spec|function_signature|preproc_function_def"
    r"|internal_module|function_definition_header|procedure_definition|rpc|message|service|test_declaration"
    r"|type_alias|type_alias_declaration|function_signature_item|abstract_method_signature|method_elem)$"
)
_NOT_DEFINING = {
    ("go", "type_declaration"),
    ("typescript", "module"),
    ("python", "module"),
    ("haskell", "module"),
    ("java", "module_declaration"),
    ("go", "package_clause"),
    ("r", "function_definition"),
    ("ocaml", "module_definition"),
    ("ocaml", "constructor_declaration"),
    ("rust", "type_binding"),
}
_SIGNATURES = "[(interface_body (method_signature) @definition) (class_body (method_signature) @definition)]"
_TYPESCRIPT = f"{ASSIGNED} {TYPESCRIPT_FIELDS} {_SIGNATURES} (decorator) @above"
_EXTRA = {
    "javascript": f"{ASSIGNED} {FIELDS}",
    "typescript": _TYPESCRIPT,
    "tsx": _TYPESCRIPT,
    "rust": "(attribute_item) @above",
    "elixir": "(call target: (identifier) (arguments)) @definition",
    "r": "(binary_operator rhs: (function_definition)) @definition",
    "clojure": "(list_lit . (sym_lit)) @definition",
    "haskell": "[(function match: (_)) (bind name: (_)) (data_type) (newtype)] @definition",
    "ocaml": "(let_binding pattern: (value_name) (parameter)) @definition",
    "zig": "(Decl (FnProto)) @definition (Decl (VarDecl (ErrorUnionExpr (SuffixExpr (ContainerDecl))))) @definition",
}
_ELIXIR = {"def": "function", "defp": "function", "defmacro": "function", "defmodule": "module", "defprotocol": "class"}
_ALSO_FUNCTIONS = frozenset(
    {*TARGETS, "binary_operator", "rpc", "call", "bind", "let_binding", "FnProto", "method_elem"}
)
_MAYBE_NAMELESS = frozenset(
    {"class_specifier", "struct_specifier", "union_specifier", "enum_specifier", "namespace_definition", "class"}
)
"""What may be without a name; what it contains has names of its own."""
_DOTTED_NAMES = frozenset({"go", "cpp", "c", "lua", "elixir", "ruby", "rust"})
"""Languages in which a definition may be written with the name of what it belongs to, and a name has no dots itself."""
_RECEIVER = re.compile(r"(\w+)\s*(?:\[[^\]]*\]\s*)?,?\s*\)$")
_NAME_KIND = re.compile(r"(identifier|name|constant|word|atom|_id|operator_name)$|^(sym_lit|value_name|bareword)$")
_IMPORT_KIND = re.compile(
    r"^(import|import_statement|import_declaration|import_spec|import_header|import_from_statement|use_declaration|"
    r"use_statement|preproc_include|using_directive|namespace_use_declaration|require_once_expression|include_expression|"
    r"require_expression|export_statement|open_module)$"
)
_MAX_PROBLEMS = 20
_CHUNK = 1 << 16
_STEPS, _BYTES_PER_STEP = 1000, 10
"""A parse may take so many steps, and one more for so many bytes: five times what it takes for any real source seen."""
_DEEPEST = 300
"""Levels of the tree below which no definitions are looked for."""
_PIECES = 4000
_CPP_EXPORT = re.compile(rb"(\b(?:class|struct)\s+)([A-Z][A-Z\d_]+)(?=\s+\w+\s*(?:final\s*)?[:{])")


def parse_definitions(language: str, source: bytes) -> tuple[tuple[Definition, ...], tuple[str, ...]]:
    """Return the definitions and the imports of a source; broken syntax gives what can be recognised.

    Args:
        language: a name of the grammar pack.
        source: the file's content.
    """
    parser, query = _parser(language), _query(language)
    if parser is None or query is None:
        return (), ()
    from tree_sitter import QueryCursor

    root = _tree(parser, _without_macros(language, source))
    if root is None or _is_rubble(root):
        return (), ()
    cursor = QueryCursor(query)
    cursor.set_max_start_depth(_DEEPEST)
    captures = cursor.captures(root)
    found: dict[tuple[int, str], tuple[int, int, Definition]] = {}
    nodes = captures.get("definition", [])
    whole = {_text(node.child_by_field_name("name")) for node in nodes if node.type == "function_declaration"}
    above = _lines_above(captures.get("above", ()))
    for node in nodes:
        item = _definition(language, node)
        # The signatures of a function that is overloaded stand before the function itself.
        if item is None or (node.type == "function_signature" and item.name in whole):
            continue
        if node.start_byte in above:
            item = item._replace(start=above[node.start_byte])
        found.setdefault((node.start_byte, item.name), (node.start_byte, own_end(node), item))
    return with_parents(list(found.values())), written_imports(language, captures.get("import", ()), source)


def _tree(parser: "Parser", source: bytes) -> "Node | None":
    """The root of a source's tree; None when its grammar does not come to an end, as some do on some rubbish."""
    if not source.endswith(b"\n"):
        # Perl's never ends with a comment that has no line end.
        source += b"\n"
    steps = count()
    most = _STEPS + len(source) // _BYTES_PER_STEP
    try:
        tree = parser.parse(
            lambda offset, _: source[offset : offset + _CHUNK], progress_callback=lambda *_: next(steps) > most
        )
    except ValueError:
        parser.reset()
        return None
    return tree.root_node


def _is_rubble(root: "Node") -> bool:
    """Tell whether the grammar makes nothing of a source: a query of so many pieces side by side would take minutes."""
    return any(node.is_error and node.child_count > _PIECES for node in (root, *root.children[:_PIECES]))


def _without_macros(language: str, source: bytes) -> bytes:
    """Blank the macro in C++'s `class API_EXPORT Foo {`, for which the grammar would take a function `Foo`."""
    if language != "cpp":
        return source
    return _CPP_EXPORT.sub(lambda match: match[1] + b" " * len(match[2]), source)


def _lines_above(nodes: "Iterable[Node]") -> dict[int, int]:
    """The line of the first decorator or attribute that stands beside what it is for, by the offset of this."""
    lines: dict[int, int] = {}
    for node in sorted(nodes, key=lambda node: node.start_byte):
        line = lines.pop(node.start_byte, node.start_point[0] + 1)
        following = node.next_named_sibling
        while following is not None and following.type.endswith("comment"):
            following = following.next_named_sibling
        if following is not None:
            lines[following.start_byte] = line
    return lines


def parse_errors(language: str, source: bytes) -> tuple[SyntaxProblem, ...]:
    """Return where a source breaks its grammar, at most twenty places; empty when the language is not known."""
    parser = _parser(language)
    if parser is None:
        return ()
    root = _tree(parser, _without_macros(language, source))
    if root is None or not root.has_error:
        return ()
    lines = source.split(b"\n")
    problems: dict[int, SyntaxProblem] = {}
    for node in _broken(root):
        row, column = node.start_point
        before = lines[row][:column].decode("utf-8", "replace") if row < len(lines) else ""
        if node.is_missing:
            message = f"missing {node.type}"
        else:
            text = source[node.start_byte : node.end_byte][:200].decode("utf-8", "replace").strip()
            first = text.splitlines()[0][:60] if text else ""
            message = f"syntax error near {first!r}" if first else "syntax error"
        problems.setdefault(row, SyntaxProblem(row + 1, len(before) + 1, message))
        if len(problems) >= _MAX_PROBLEMS:
            break
    return tuple(problems[row] for row in sorted(problems))


def _broken(root: "Node") -> Iterator["Node"]:
    stack = [root]
    while stack:
        node = stack.pop()
        if node.is_error or node.is_missing:
            yield node
        elif node.has_error:
            stack.extend(reversed(node.children))


@lru_cache(maxsize=64)
def _parser(language: str) -> "Parser | None":
    from tree_sitter_language_pack import get_parser

    try:
        parser: Parser = get_parser(cast("SupportedLanguage", language))
    except LookupError:
        return None
    return parser


@lru_cache(maxsize=64)
def _query(language: str) -> "Query | None":
    from tree_sitter import Query
    from tree_sitter_language_pack import get_language

    try:
        grammar = get_language(cast("SupportedLanguage", language))
    except LookupError:
        return None
    patterns = [_EXTRA[language]] if language in _EXTRA else []
    seen: set[str] = set()
    for number in range(grammar.node_kind_count):
        kind = grammar.node_kind_for_id(number)
        if kind is None or kind in seen or not grammar.node_kind_is_named(number):
            continue
        if not grammar.node_kind_is_visible(number):
            continue
        seen.add(kind)
        if _DEFINING.match(kind) and (language, kind) not in _NOT_DEFINING:
            patterns.append(f"({kind}) @definition")
        elif _IMPORT_KIND.match(kind):
            patterns.append(f"({kind}) @import")
    return Query(grammar, "\n".join(patterns)) if patterns else None


def _definition(language: str, node: "Node") -> Definition | None:
    kind = _kind(node.type)
    if language == "elixir":
        keyword = _text(node.child_by_field_name("target"))
        if keyword not in _ELIXIR:
            return None
        kind = "module" if keyword == "defmodule" else "class" if keyword == "defprotocol" else "function"
    elif language == "clojure":
        parts = [child for child in node.named_children if child.type == "sym_lit"]
        if len(parts) < 2 or not _text(parts[0]).startswith("def"):
            return None
        return _made(_text(parts[1]), "function", node, parts[1])
    if node.type.endswith("_specifier") and node.child_by_field_name("body") is None:
        return None
    if node.type in TARGETS and is_left_out(node):
        return None
    if node.type == "method_signature" and _is_overload(node):
        return None
    if language == "zig" and node.named_children:
        kind = _kind(node.named_children[0].type)
    name = _name_node(language, node)
    if name is None:
        return None
    written = _text(name)
    if language == "go" and (receiver := _RECEIVER.search(_text(node.child_by_field_name("receiver")))):
        written = f"{receiver.group(1)}.{written}"
    elif language == "rust":
        written = written.partition("<")[0]
    elif language == "lua":
        written = written.replace(":", ".")
    elif name.type == "member_expression":
        return _made(assigned_name(name), kind, node, name, dotted=True)
    return _made(written, kind, node, name, dotted=language in _DOTTED_NAMES)


def _is_overload(node: "Node") -> bool:
    """Tell whether a method's signature is followed by another of it, or by the method."""
    following = node.next_named_sibling
    while following is not None and following.type == "comment":
        following = following.next_named_sibling
    if following is None or following.type not in ("method_signature", "method_definition"):
        return False
    return _text(following.child_by_field_name("name")) == _text(node.child_by_field_name("name"))


def _made(name: str, kind: Kind, node: "Node", at: "Node", *, dotted: bool = False) -> Definition | None:
    """Make a definition; a dotted name is that of what it belongs to, and its own."""
    qualified = name.strip().replace("::", ".")
    if not qualified or len(qualified) > 200 or not qualified.isprintable():
        return None
    start, end = node.start_point[0] + 1, node.end_point[0] + 1
    if node.end_point[1] == 0 and end > start:
        end -= 1
    outer = node.parent
    if outer is not None and outer.type in {"decorated_definition", "export_statement", "template_declaration"}:
        start = outer.start_point[0] + 1
    name = qualified.rpartition(".")[2] if dotted else qualified
    if name != qualified and kind == "function":
        kind = "method"
    return Definition(name or qualified, qualified, kind, start, end, bases=_bases(node), header=at.start_point[0] + 1)


@lru_cache(maxsize=512)
def _kind(node_type: str) -> Kind:
    if re.search(_FUNCTION_WORDS, node_type) or node_type in _ALSO_FUNCTIONS:
        return "function"
    return "module" if re.search(_MODULE_WORDS, node_type) and "modifier" not in node_type else "class"


def _name_node(language: str, node: "Node") -> "Node | None":
    if language == "elixir":
        arguments = next((child for child in node.children if child.type == "arguments"), None)
        first = arguments.named_children[0] if arguments is not None and arguments.named_children else None
        while first is not None and first.type in {"call", "binary_operator"}:
            first = first.child_by_field_name("target") or first.child_by_field_name("left")
        return first
    if node.type == "impl_item":
        return node.child_by_field_name("type")
    if node.type == "binary_operator":
        return node.child_by_field_name("lhs")
    if language == "zig":
        node = node.named_children[0]
        return node.child_by_field_name("function") or node.child_by_field_name("variable_type_function")
    if node.type in TARGETS:
        return target(node)
    name = node.child_by_field_name("name") or (node.child_by_field_name("pattern") if language == "ocaml" else None)
    if name is not None:
        return name
    if node.type in _MAYBE_NAMELESS:
        return target(node.parent) if node.type == "class" and node.parent is not None else None
    inner = node.child_by_field_name("declarator")
    while inner is not None:
        deeper = inner.child_by_field_name("declarator") or inner.child_by_field_name("name")
        if deeper is None:
            deeper = next((child for child in inner.named_children if child.type.endswith("declarator")), None)
        if deeper is None:
            return inner if _NAME_KIND.search(inner.type) else None
        if _NAME_KIND.search(deeper.type):
            return deeper
        inner = deeper
    for _ in range(3):
        named = next((child for child in node.named_children if _NAME_KIND.search(child.type)), None)
        if named is not None or not node.named_children:
            return named
        node = node.named_children[0]
    return None


def _bases(node: "Node") -> tuple[str, ...]:
    bases: list[str] = []
    for field in ("superclass", "superclasses", "interfaces", "bases", "trait"):
        child = node.child_by_field_name(field)
        if child is not None:
            bases.extend(re.findall(r"\w+", _text(child)))
    for child in node.named_children:
        if child.type in {"class_heritage", "base_class_clause", "base_clause", "base_list", "class_interface_clause"}:
            bases.extend(re.findall(r"\w+", _text(child)))
    plain = {"extends", "implements", "public", "private", "protected", "virtual"}
    return tuple(dict.fromkeys(word for word in bases if word not in plain))[:8]


def _text(node: "Node | None") -> str:
    return node.text.decode("utf-8", "replace") if node is not None and node.text is not None else ""
