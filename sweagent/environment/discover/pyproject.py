"""Metadata of pyproject.toml: standard, poetry, flit, pdm, uv."""

import re
from typing import Any

from sweagent.environment.discover.python_metadata import Metadata, lines_of, minor_versions, range_of
from sweagent.environment.recipe import Line
from sweagent.environment.tree import table_of


def metadata_of_pyproject(data: dict[str, Any]) -> Metadata:
    """The metadata that the tables of pyproject.toml hold."""
    project, tool, build = (table_of(data, name) for name in ("project", "tool", "build-system"))
    poetry = table_of(tool, "poetry")
    flit = table_of(tool, "flit", "metadata")
    where = "pyproject.toml"
    requires = project.get("requires-python") or flit.get("requires-python")
    extras = table_of(project, "optional-dependencies") or table_of(flit, "requires-extra")
    groups = {
        name: lines_of(_group(data, name), f"{where} [dependency-groups]")
        for name in table_of(data, "dependency-groups")
    }
    for group, listed in table_of(tool, "pdm", "dev-dependencies").items():
        groups[group] = lines_of(listed, f"{where} [tool.pdm.dev-dependencies]")
    for_developers = lines_of(table_of(tool, "uv").get("dev-dependencies"), f"{where} [tool.uv]")
    if for_developers:
        groups["dev"] = groups.get("dev", ()) + for_developers
    dependencies = lines_of(project.get("dependencies") or flit.get("requires"), f"{where} [project]")
    if poetry:
        poetry_python = table_of(poetry, "dependencies").get("python")
        requires = requires or (poetry_range(poetry_python) if isinstance(poetry_python, str) else None)
        dependencies = dependencies or _poetry_lines(table_of(poetry, "dependencies"), "[tool.poetry.dependencies]")
        groups |= {
            name: _poetry_lines(table_of(group, "dependencies"), f"[tool.poetry.group.{name}]")
            for name, group in table_of(poetry, "group").items()
        }
        groups |= {"dev": groups.get("dev", ()) + _poetry_lines(table_of(poetry, "dev-dependencies"), "[tool.poetry]")}
    name = project.get("name") or poetry.get("name") or flit.get("dist-name") or flit.get("module")
    packaged = poetry.get("package-mode", True) and table_of(tool, "uv").get("package", True)
    return Metadata(
        name=name if isinstance(name, str) else "",
        requires_python=range_of(requires, where),
        classified=minor_versions(project.get("classifiers") or flit.get("classifiers") or poetry.get("classifiers")),
        dependencies=dependencies,
        extras={name: lines_of(values, f"{where} extra {name}") for name, values in extras.items()},
        groups=groups,
        build_requires=lines_of(build.get("requires"), f"{where} [build-system]"),
        backend=str(build.get("build-backend", "")),
        installable=bool(packaged and (project or poetry or flit or build.get("build-backend"))),
    )


def _group(data: dict[str, Any], name: str, seen: frozenset[str] = frozenset()) -> list[str]:
    items = table_of(data, "dependency-groups").get(name)
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
        found.append(f"{name}{poetry_range(version)}{marker}")
    return lines_of(found, f"pyproject.toml {where}")


def _is_marker(wanted: dict[str, Any]) -> bool:
    return isinstance(wanted.get("python"), str) and bool(re.fullmatch(r"[<>=]=? ?'?[\d.]+'?", wanted["python"]))


def poetry_range(version: str) -> str:
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
