"""Metadata of setup.cfg and setup.py, read without running them."""

import ast
import configparser
import re
from typing import Any

from sweagent.environment.discover.python_metadata import Metadata, lines_of, minor_versions, range_of
from sweagent.environment.tree import Tree


def metadata_of_setup_cfg(tree: Tree) -> Metadata:
    """The metadata that setup.cfg holds."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(tree.read("setup.cfg"))
    except configparser.Error:
        return Metadata()
    where = "setup.cfg"
    options = dict(parser.items("options")) if parser.has_section("options") else {}
    metadata = dict(parser.items("metadata")) if parser.has_section("metadata") else {}
    extras = dict(parser.items("options.extras_require")) if parser.has_section("options.extras_require") else {}
    requires = options.get("python_requires", options.get("python-requires"))
    return Metadata(
        name=metadata.get("name", ""),
        requires_python=range_of(requires, where),
        classified=minor_versions(metadata.get("classifiers", metadata.get("classifier", "")).splitlines()),
        dependencies=lines_of(options.get("install_requires", "").replace(";\n", "\n"), where),
        extras={name: lines_of(value, f"{where} extra {name}") for name, value in extras.items()},
        setup_requires=lines_of(options.get("setup_requires", ""), where),
        tests_require=lines_of(options.get("tests_require", ""), where),
        installable=bool(options) and bool(metadata.get("name")),
    )


def metadata_of_setup_py(tree: Tree) -> Metadata:
    """The metadata that the call of `setup` is given, as far as it is written as constants."""
    try:
        module = ast.parse(tree.read("setup.py"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Metadata(installable="setup.py" in tree.names)
    names = {
        target.id: node.value
        for node in ast.walk(module)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    values: dict[str, Any] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and _called(node) == "setup":
            values |= {key.arg: _literal(key.value, names) for key in node.keywords if key.arg}
        if isinstance(node, ast.keyword) and node.arg is None:
            values |= _literal(node.value, names) or {}
    for key in ("name", "install_requires", "python_requires", "extras_require", "tests_require", "classifiers"):
        if values.get(key) is None and key in names:
            values[key] = _literal(names[key], names)
    extras = values.get("extras_require")
    name = values.get("name")
    requires = values.get("python_requires")
    where = "setup.py"
    return Metadata(
        name=name if isinstance(name, str) else "",
        requires_python=range_of(requires, where),
        classified=minor_versions(values.get("classifiers"))
        or minor_versions(re.findall(r"Programming[^'\"]+", tree.read(where))),
        dependencies=lines_of(values.get("install_requires"), where),
        extras={
            name: lines_of(lines, f"{where} extra {name}")
            for name, lines in (extras if isinstance(extras, dict) else {}).items()
            if isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name)
        },
        setup_requires=lines_of(values.get("setup_requires"), where),
        tests_require=lines_of(values.get("tests_require"), where),
        installable="setup.py" in tree.names,
    )


def _literal(node: ast.expr, names: dict[str, ast.expr], depth: int = 0) -> Any:
    """The value of an expression of constants, lists, sums and plain names; None for what cannot be told."""
    if depth > 8:
        return None
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        items = [_literal(item, names, depth + 1) for item in node.elts]
        return [item for item in items if item is not None]
    if isinstance(node, ast.Dict):
        pairs = [
            (_literal(key, names, depth + 1) if key else None, value)
            for key, value in zip(node.keys, node.values, strict=True)
        ]
        return {key: _literal(value, names, depth + 1) for key, value in pairs if isinstance(key, str)}
    if isinstance(node, ast.Name) and node.id in names:
        return _literal(names[node.id], names, depth + 1)
    if isinstance(node, ast.Call) and _called(node) == "dict":
        return {key.arg: _literal(key.value, names, depth + 1) for key in node.keywords if key.arg}
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        left, right = (_literal(side, names, depth + 1) for side in (node.left, node.right))
        if isinstance(node.op, ast.Mod):
            return re.sub("%s", right, left) if isinstance(left, str) and isinstance(right, str) else None
        return left + right if type(left) is type(right) and isinstance(left, list | str) else left or right
    return None


def _called(node: ast.Call) -> str:
    function = node.func
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )
