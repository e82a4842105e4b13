"""What a Python project says of itself, read without running any of its code."""

import ast
import configparser
import re
import tomllib
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from sweagent.environment.recipe import Line
from sweagent.environment.tree import Tree
from sweagent.model import Frozen

_FOR_TESTS = frozenset({"test", "tests", "testing", "all_test", "test_all", "pytest"})
_FOR_DEVELOPERS = frozenset({"dev", "develop", "development", "check", "ci"})


class Metadata(Frozen):
    """The parts of a project's metadata that decide on its environment."""

    requires_python: Line | None = None
    classified: tuple[str, ...] = ()
    """Minor versions of Python that the classifiers name."""
    dependencies: tuple[Line, ...] = ()
    extras: dict[str, tuple[Line, ...]] = {}
    groups: dict[str, tuple[Line, ...]] = {}
    """Dependency groups (PEP 735, poetry's), which are no extras."""
    build_requires: tuple[Line, ...] = ()
    tests_require: tuple[Line, ...] = ()
    backend: str = ""
    installable: bool = False

    def for_tests(self) -> tuple[str, ...]:
        """The extras that the tests need, by their names."""
        return self._chosen(self.extras)

    def group_for_tests(self) -> tuple[Line, ...]:
        """The packages of the groups that the tests need."""
        return tuple(line for name in self._chosen(self.groups) for line in self.groups[name])

    def _chosen(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those that are named for tests; where no extra and no group is, those for developers."""
        said = {name.lower().replace("-", "_") for name in (*self.extras, *self.groups)}
        wanted = said & _FOR_TESTS or said & _FOR_DEVELOPERS
        return tuple(name for name in names if name.lower().replace("-", "_") in wanted)


def read_metadata(tree: Tree) -> Metadata:
    """Read pyproject.toml, setup.cfg and setup.py, the earlier ones first in rank."""
    pyproject = _pyproject(tree)
    found = [_from_pyproject(pyproject), _from_setup_cfg(tree), _from_setup_py(tree)]
    return Metadata(
        requires_python=next((item.requires_python for item in found if item.requires_python), None),
        classified=next((item.classified for item in found if item.classified), ()),
        dependencies=next((item.dependencies for item in found if item.dependencies), ()),
        extras={name: lines for item in reversed(found) for name, lines in item.extras.items()},
        groups=found[0].groups,
        build_requires=found[0].build_requires,
        tests_require=tuple(line for item in found for line in item.tests_require),
        backend=found[0].backend,
        installable=bool(tree.names & {"setup.py", "setup.cfg"} & {"setup.py"}) or any(i.installable for i in found),
    )


def lines_of(values: object, source: str) -> tuple[Line, ...]:
    """Requirements as lines; what is no text, or could not be one line, is left out."""
    items = values.splitlines() if isinstance(values, str) else values
    lines = []
    for item in items if isinstance(items, list | tuple) else ():
        text = re.sub(r"(^|\s)#.*", "", item).strip() if isinstance(item, str) else ""
        if text:
            try:
                lines.append(Line(value=text, source=source))
            except ValidationError:
                continue
    return tuple(lines)


def _pyproject(tree: Tree) -> dict[str, Any]:
    try:
        return tomllib.loads(tree.read("pyproject.toml"))
    except tomllib.TOMLDecodeError:
        return {}


def _from_pyproject(data: dict[str, Any]) -> Metadata:
    project, tool, build = (_table(data, name) for name in ("project", "tool", "build-system"))
    poetry = _table(tool, "poetry")
    flit = _table(_table(tool, "flit"), "metadata")
    where = "pyproject.toml"
    requires = project.get("requires-python") or flit.get("requires-python")
    extras = _table(project, "optional-dependencies") or _table(flit, "requires-extra")
    groups = {
        name: lines_of(_group(data, name), f"{where} [dependency-groups]") for name in _table(data, "dependency-groups")
    }
    dependencies = lines_of(project.get("dependencies") or flit.get("requires"), f"{where} [project]")
    if poetry:
        poetry_python = _table(poetry, "dependencies").get("python")
        requires = requires or (_poetry_range(poetry_python) if isinstance(poetry_python, str) else None)
        dependencies = dependencies or _poetry_lines(_table(poetry, "dependencies"), "[tool.poetry.dependencies]")
        groups |= {
            name: _poetry_lines(_table(group, "dependencies"), f"[tool.poetry.group.{name}]")
            for name, group in _table(poetry, "group").items()
        }
        groups |= {"dev": groups.get("dev", ()) + _poetry_lines(_table(poetry, "dev-dependencies"), "[tool.poetry]")}
    return Metadata(
        requires_python=Line(value=requires, source=where) if isinstance(requires, str) and requires.strip() else None,
        classified=_classified(project.get("classifiers") or flit.get("classifiers") or poetry.get("classifiers")),
        dependencies=dependencies,
        extras={name: lines_of(values, f"{where} extra {name}") for name, values in extras.items()},
        groups=groups,
        build_requires=lines_of(build.get("requires"), f"{where} [build-system]"),
        backend=str(build.get("build-backend", "")),
        installable=bool(project or poetry or flit or build.get("build-backend")),
    )


def _from_setup_cfg(tree: Tree) -> Metadata:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(tree.read("setup.cfg"))
    except configparser.Error:
        return Metadata()
    where = "setup.cfg"
    options = dict(parser.items("options")) if parser.has_section("options") else {}
    metadata = dict(parser.items("metadata")) if parser.has_section("metadata") else {}
    extras = dict(parser.items("options.extras_require")) if parser.has_section("options.extras_require") else {}
    requires = options.get("python_requires")
    return Metadata(
        requires_python=Line(value=requires, source=where) if requires else None,
        classified=_classified(metadata.get("classifiers", metadata.get("classifier", "")).splitlines()),
        dependencies=lines_of(options.get("install_requires", "").replace(";\n", "\n"), where),
        extras={name: lines_of(value, f"{where} extra {name}") for name, value in extras.items()},
        tests_require=lines_of(options.get("tests_require", ""), where),
        installable=bool(options) and bool(metadata.get("name")),
    )


def _from_setup_py(tree: Tree) -> Metadata:
    try:
        module = ast.parse(tree.read("setup.py"))
    except (SyntaxError, ValueError, RecursionError):
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
    for key in ("install_requires", "python_requires", "extras_require", "tests_require", "classifiers"):
        if values.get(key) is None and key in names:
            values[key] = _literal(names[key], names)
    extras = values.get("extras_require")
    requires = values.get("python_requires")
    where = "setup.py"
    return Metadata(
        requires_python=Line(value=requires, source=where) if isinstance(requires, str) and requires else None,
        classified=_classified(values.get("classifiers"))
        or _classified(re.findall(r"Programming[^'\"]+", tree.read(where))),
        dependencies=lines_of(values.get("install_requires"), where),
        extras={
            name: lines_of(lines, f"{where} extra {name}")
            for name, lines in (extras if isinstance(extras, dict) else {}).items()
            if isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name)
        },
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


def _classified(values: object) -> tuple[str, ...]:
    found = []
    for value in values if isinstance(values, list | tuple) else ():
        match = (
            re.search(r"Programming Language :: Python :: (\d+\.\d+)\s*$", value) if isinstance(value, str) else None
        )
        if match:
            found.append(match[1])
    return tuple(dict.fromkeys(found))


def _table(data: dict[str, Any], name: str) -> dict[str, Any]:
    value = data.get(name)
    return value if isinstance(value, dict) else {}


def _group(data: dict[str, Any], name: str, seen: frozenset[str] = frozenset()) -> list[str]:
    items = _table(data, "dependency-groups").get(name)
    found: list[str] = []
    for item in items if isinstance(items, list) and name not in seen else ():
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, dict) and isinstance(item.get("include-group"), str):
            found += _group(data, item["include-group"], seen | {name})
    return found


def _poetry_lines(table: dict[str, Any], where: str) -> tuple[Line, ...]:
    found = []
    for name, wanted in table.items():
        version = wanted.get("version", "*") if isinstance(wanted, dict) else wanted
        if name == "python" or not isinstance(version, str) or (isinstance(wanted, dict) and "path" in wanted):
            continue
        marker = f"; python_version{wanted['python']}" if isinstance(wanted, dict) and _is_marker(wanted) else ""
        found.append(f"{name}{_poetry_range(version)}{marker}")
    return lines_of(found, f"pyproject.toml {where}")


def _is_marker(wanted: dict[str, Any]) -> bool:
    return isinstance(wanted.get("python"), str) and bool(re.fullmatch(r"[<>=]=? ?'?[\d.]+'?", wanted["python"]))


def _poetry_range(version: str) -> str:
    """Poetry's caret and tilde as the ranges of PEP 440."""
    parts = []
    for part in version.split("||")[0].split(","):
        text = part.strip()
        match = re.fullmatch(r"([\^~])\s*(\d+(?:\.\d+)*)\S*", text)
        if match is None:
            parts.append("" if text == "*" else text if text[:1] in "<>=!" else f"=={text}")
            continue
        numbers = [int(number) for number in match[2].split(".")]
        place = (
            next((i for i, number in enumerate(numbers) if number), 0) if match[1] == "^" else min(1, len(numbers) - 1)
        )
        upper = [*numbers[:place], numbers[place] + 1]
        parts.append(f">={match[2]},<{'.'.join(map(str, upper))}")
    return ",".join(part for part in parts if part)
