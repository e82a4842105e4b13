"""Programs that print what an issue's JavaScript snippets evaluate."""

import json
import re
from collections.abc import Iterable, Iterator

from sweagent.verify.static.source_tree import parse, places, text

_LANGUAGES = ("js", "javascript", "mjs", "cjs", "node")
_UNSAFE = re.compile(r"\.\.\.\s*(\n|$)|\bchild_process\b|\breadline\b|\bprocess\.stdin\b|\blisten\(")
_NAME = "fix_issue_snippet"
_SHOW = (
    "const { inspect: _inspect } = {loading};\n"
    "const _show = (value) => value !== undefined && console.log(_inspect(value, {{ depth: 6 }}));\n"
)


def node_programs(blocks: Iterable[tuple[str, str]], package: bytes) -> Iterator[tuple[str, str]]:
    """Programs that print each expression of the snippets that load something, with a file's name for each.

    Args:
        blocks: language and code.
        package: the base's `package.json`, whose name leads to the project's entry, because nobody has installed it.
    """
    for language, body in blocks:
        source = body.encode()
        if language not in _LANGUAGES or _UNSAFE.search(body):
            continue
        root = parse("javascript", source)
        kinds = {place.node.type for place in places(root)}
        if "ERROR" in kinds or "call_expression" not in kinds:
            continue
        is_module = any(node.type in ("import_statement", "export_statement") for node in root.children)
        if not is_module and "require(" not in body:
            continue
        parts, end = [], 0
        for node in root.children:
            expression = node.named_children[0] if node.type == "expression_statement" else None
            if expression is not None and expression.type not in ("assignment_expression", "string"):
                parts += [source[end : node.start_byte].decode(), f"_show({text(expression)});"]
                end = node.end_byte
        if parts:
            code = "".join([*parts, source[end:].decode()])
            loading = "await import('node:util')" if is_module else "require('util')"
            show = _SHOW.replace("{loading}", loading).replace("{{", "{").replace("}}", "}")
            yield f"{_NAME}.{'mjs' if is_module else 'cjs'}", show + _with_entry(code, package)


def _with_entry(code: str, package: bytes) -> str:
    """The code with the project's entry in the place of its name."""
    try:
        data = json.loads(package or b"{}")
        name, exports = str(data.get("name", "")), data.get("exports")
    except (ValueError, AttributeError):
        return code
    # With `exports` a package may import itself by its name.
    if not name or exports:
        return code
    entry = f"./{str(data.get('main') or 'index.js').removeprefix('./')}"
    return re.sub(rf"(['\"]){re.escape(name)}\1", lambda found: f"{found[1]}{entry}{found[1]}", code)
