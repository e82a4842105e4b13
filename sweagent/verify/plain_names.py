"""Source code in which a module goes by its own name, however it was imported."""

import ast

_IMPORTERS = frozenset({"__import__", "import_module"})


def with_plain_names(module: ast.Module) -> ast.Module:
    """The module with `sys.x` for `s.x` after `import sys as s`, and for `y` after `from sys import x as y`.

    Names that are bound again in other ways are not followed: this is for finding what is written in passing, not for
    finding what is hidden with care.
    """
    known: dict[str, str] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            known.update({alias.asname: alias.name for alias in node.names if alias.asname})
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            known.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    plain: ast.Module = _Plain(known).visit(module)
    return ast.fix_missing_locations(plain)


class _Plain(ast.NodeTransformer):
    def __init__(self, known: dict[str, str]) -> None:
        self._known = known

    def visit_Name(self, node: ast.Name) -> ast.expr:
        full = self._known.get(node.id)
        return _dotted(full, node) if full and isinstance(node.ctx, ast.Load) else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        name = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
        if called in _IMPORTERS and isinstance(name, str) and all(part.isidentifier() for part in name.split(".")):
            return _dotted(name, node)
        return node


def _dotted(name: str, place: ast.expr) -> ast.expr:
    first, *rest = name.split(".")
    made: ast.expr = ast.copy_location(ast.Name(first, ast.Load()), place)
    for part in rest:
        made = ast.copy_location(ast.Attribute(made, part, ast.Load()), place)
    return made
