"""Workspaces of uv and Hatch, and dependencies by path."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from sweagent.environment.discover.pyproject import metadata_of_pyproject
from sweagent.environment.discover.python_metadata import Metadata
from sweagent.environment.recipe import Line
from sweagent.environment.tree import Tree, read_toml, table_of
from sweagent.frozen import Frozen

_FOLDER = re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*")
_FILE = "pyproject.toml"


class Member(Frozen):
    """A project in a folder of the repository."""

    folder: str
    metadata: Metadata

    @property
    def wanted(self) -> tuple[Line, ...]:
        """What it needs, with what its tests need."""
        extras = (line for name in self.metadata.for_tests() for line in self.metadata.extras[name])
        return (*self.metadata.dependencies, *extras, *self.metadata.group_for_tests())


def workspace_members(tree: Tree) -> tuple[Member, ...]:
    """The other projects of the repository that the root's pyproject.toml lists, sorted by folder.

    Where they are not installed from their folders, the package manager takes their released versions instead, and
    tests judge those.

    Args:
        tree: the repository.
    """
    root = read_toml(tree, _FILE)
    folders = sorted(name.removesuffix(f"/{_FILE}") for name in tree.names if name.endswith(f"/{_FILE}"))
    by_path = {_normal(path) for path in _paths(root)}
    members = []
    for folder in folders:
        if not _FOLDER.fullmatch(folder) or not (folder in by_path or _is_listed(root, folder)):
            continue
        metadata = metadata_of_pyproject(read_toml(tree, f"{folder}/{_FILE}"))
        if metadata.installable and metadata.name:
            members.append(Member(folder=folder, metadata=metadata))
    return tuple(members)


def _is_listed(root: dict[str, Any], folder: str) -> bool:
    uv = table_of(root, "tool", "uv", "workspace")
    environments = table_of(root, "tool", "hatch", "envs").values()
    hatch = [table_of(table, "workspace") for table in environments if isinstance(table, dict)]
    excluded = any(_matches(folder, pattern) for pattern in _texts(uv.get("exclude")))
    patterns = [pattern for table in (uv, *hatch) for pattern in _texts(table.get("members"))]
    return not excluded and any(_matches(folder, pattern) for pattern in patterns)


def _paths(root: dict[str, Any]) -> Iterator[str]:
    """The folders that the root's dependencies name."""
    poetry = table_of(root, "tool", "poetry")
    groups = [group for group in table_of(poetry, "group").values() if isinstance(group, dict)]
    tables = [table_of(root, "tool", "uv", "sources"), table_of(poetry, "dev-dependencies")]
    for table in (*tables, *(table_of(holder, "dependencies") for holder in (poetry, *groups))):
        for said in table.values():
            if isinstance(said, dict) and isinstance(said.get("path"), str):
                yield said["path"]


def _matches(folder: str, pattern: str) -> bool:
    """Whether a glob names a folder; a star never stands for a slash."""
    wanted, parts = _normal(pattern).split("/"), folder.split("/")
    if "**" in wanted:
        return fnmatchcase(folder, "/".join(wanted).replace("**/", "*").replace("**", "*"))
    return len(wanted) == len(parts) and all(map(fnmatchcase, parts, wanted))


def _normal(path: str) -> str:
    return path.removeprefix("./").rstrip("/")


def _texts(values: object) -> list[str]:
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []
