"""Imports of a source as they are written.

A path that is relative to the file begins with a dot, and the parts of a name with `::` or a backslash are those of a
path: `./sibling`, `crate/a/b`, `a/b.h`, `a.b.C`.
"""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

_QUOTED = re.compile(r"""["'<]([^"'<>\n]+)["'>]""")
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:(?:\.|::|\\)[\w*]+)*")
_KEYWORDS = "import from use using include require pub static as export default const type crate self super namespace"
_WORDS = frozenset(_KEYWORDS.split())
_REQUIRE = re.compile(
    rb"\b(require|require_relative|import|autoload\s*\(?\s*:\w+\s*,)\s*\(?\s*[\"']([^\"'\n]{1,200})[\"']"
)
_REQUIRING = frozenset({"javascript", "typescript", "tsx", "ruby", "lua", "zig"})
_RUST_MODULE = re.compile(rb"^[ \t]*(?:pub(?:\([^)\n]*\))?[ \t]+)?mod[ \t]+(\w+)[ \t]*;", re.MULTILINE)
_SPREADING = frozenset({"rust", "php", "scala"})
_USE = re.compile(r"^(?:pub(?:\([^)]*\))?\s+)?(?:use|import)\s+(?:(?:function|const)\s+)?")
_RENAMED = re.compile(r"\s+(?:as|=>)\s.*", re.DOTALL)
_LONGEST = 2000


def written_imports(language: str, nodes: Iterable["Node"], source: bytes) -> tuple[str, ...]:
    """Return what a source imports, in the order written.

    Args:
        language: a name of the grammar pack.
        nodes: the statements that import.
        source: the file's content.
    """
    found: dict[str, None] = {}
    for node in nodes:
        for name in _imported(language, node):
            if name not in _WORDS and len(name) > 1 and name.isprintable():
                found.setdefault(name)
    if language in _REQUIRING:
        for word, name in _REQUIRE.findall(source):
            path = name.decode("utf-8", "replace")
            found.setdefault(f"./{path}" if word == b"require_relative" else path)
    elif language == "rust":
        found.update((f"self/{name.decode()}", None) for name in _RUST_MODULE.findall(source))
    return tuple(found)


def _imported(language: str, node: "Node") -> Iterator[str]:
    if node.type == "export_statement":
        source = node.child_by_field_name("source")
        if source is None:
            return
        node = source
    text = node.text.decode("utf-8", "replace")[:_LONGEST] if node.text is not None else ""
    if quoted := _QUOTED.findall(text):
        here = "." if language == "php" and "__DIR__" in text else ""
        yield from (here + path for path in quoted)
    elif language in _SPREADING:
        depth = _depth(node) if language == "rust" else 0
        for name in _spread(_USE.sub("", text)):
            path = name.replace("::", "/").replace("\\", "/").strip("/").removesuffix("/self")
            yield _from_file(path, depth) if depth else path
    else:
        for name in _DOTTED.findall(_RENAMED.sub("", text)):
            yield name.replace("::", "/").replace("\\", "/")


def _spread(text: str) -> Iterator[str]:
    """Give each name of a list in braces with what stands before them: `a::{b, c::{d}}` is `a::b` and `a::c::d`."""
    before, last = [""], ""
    for piece in re.findall(r"[{},;]|[^{},;\s][^{},;]*", re.sub(r"//.*", "", text)):
        if piece not in "{},;":
            last = _RENAMED.sub("", piece).strip()
            continue
        if piece == "{":
            before.append(before[-1] + last)
        elif last:
            yield before[-1] + last
        if piece == "}" and len(before) > 1:
            before.pop()
        last = ""
    if last:
        yield before[-1] + last


def _depth(node: "Node") -> int:
    """Count the modules of the same file that a statement of Rust stands in."""
    depth, outer = 0, node.parent
    while outer is not None:
        depth += outer.type == "mod_item"
        outer = outer.parent
    return depth


def _from_file(path: str, depth: int) -> str:
    """What a path of Rust says from the file's own module when it is written some modules deeper."""
    parts = path.split("/")
    while depth and parts[0] == "super":
        parts.pop(0)
        depth -= 1
        if not parts or parts[0] != "super":
            parts.insert(0, "self")
    return "/".join(parts)
