"""Test dependencies of tox's configuration."""

import configparser
import re
from collections.abc import Iterable
from typing import Any

from sweagent.environment.discover.nox_sessions import Installed
from sweagent.environment.discover.python_metadata import lines_of
from sweagent.environment.recipe import Line
from sweagent.environment.tree import Tree, read_toml, table_of

_NOT_FOR_TESTS = re.compile(r"doc|lint|typ(?:e|ing)|style|release|build")
_INCLUDED = re.compile(r"(?:-r|--requirement)[ =]*(\S+)")
_ROOT = re.compile(r"\{(?:toxinidir|tox_root)\}/*")


def read_tox(tree: Tree) -> Installed:
    """Read the environment that the others are made from: packages, requirement files, extras and groups.

    Lines that hold only in some of the environments (`django42: …`), and those that tox would fill in, are left out.
    """
    inside = table_of(read_toml(tree, "pyproject.toml"), "tool", "tox")
    for text, source in (
        (tree.read("tox.ini"), "tox.ini"),
        (str(inside.get("legacy_tox_ini", "")), "pyproject.toml [tool.tox]"),
        (tree.read("setup.cfg"), "setup.cfg"),
    ):
        found = _from_ini(text, source)
        if found is not None:
            return found
    for table, source in ((read_toml(tree, "tox.toml"), "tox.toml"), (inside, "pyproject.toml [tool.tox]")):
        base = table_of(table, "env_run_base")
        if base:
            return _installed(base.get("deps"), base.get("extras"), base.get("dependency_groups"), source)
    return Installed()


def _from_ini(text: str, source: str) -> Installed | None:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return None
    section = next((name for name in ("testenv", "tox:testenv") if parser.has_section(name)), None)
    if section is None:
        return None

    def said(key: str) -> str:
        return parser.get(section, key, fallback="")

    extras, groups = (re.split(r"[\n,]", said(key)) for key in ("extras", "dependency_groups"))
    return _installed(said("deps").splitlines(), extras, groups, source)


def _installed(packages: Any, extras: Any, groups: Any, source: str) -> Installed:
    lines: list[Line] = []
    files: list[str] = []
    for line in lines_of(packages, source):
        included = _INCLUDED.match(line.value)
        if included:
            files.append(_ROOT.sub("", included[1]))
        elif re.match(r"[A-Za-z0-9][^:{}]*$", line.value):
            lines.append(line)
    return Installed(
        requirements=tuple(lines),
        files=tuple(name for name in files if "{" not in name),
        extras=_names(extras),
        groups=_names(groups),
    )


def _names(values: Any) -> tuple[str, ...]:
    items: Iterable[object] = values if isinstance(values, list) else ()
    texts = (item.strip() for item in items if isinstance(item, str))
    return tuple(
        text for text in texts if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text) and not _NOT_FOR_TESTS.search(text)
    )
