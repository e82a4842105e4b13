"""Test dependencies of Hatch's environments."""

import re
from typing import Any

from sweagent.environment.discover.nox_sessions import Installed
from sweagent.environment.discover.python_metadata import lines_of
from sweagent.environment.recipe import Line
from sweagent.environment.tree import Tree, read_toml, table_of

_FOR_TESTS = re.compile(r"(?:hatch-)?(?:test|tests|testing|unit|cov)")
_OWN = "hatch-test"
"""The environment of `hatch test`, which installs more than its table says."""

_OF_OWN = ("pytest", "pytest-mock", "pytest-rerunfailures", "pytest-xdist", "coverage")
_COMMON = "default"
"""The environment from which the others inherit; small projects have no other."""


def read_hatch(tree: Tree) -> Installed:
    """Read the environments that are named for tests, or the common one where that alone installs pytest."""
    for name, place in (("hatch.toml", ("envs",)), ("pyproject.toml", ("tool", "hatch", "envs"))):
        table = table_of(read_toml(tree, name), *place)
        chosen = [key for key in table if _FOR_TESTS.fullmatch(key)]
        common = table.get(_COMMON)
        if isinstance(common, dict) and (chosen or "pytest" in str(common)):
            chosen.append(_COMMON)
        environments = [(key, table[key]) for key in chosen if isinstance(table[key], dict)]
        if environments:
            lines = [
                line
                for key, environment in environments
                for listed in ("dependencies", "extra-dependencies")
                for line in lines_of(environment.get(listed), f"{name} environment {key}")
                if re.match(r"[A-Za-z0-9][^{}]*$", line.value)
            ]
            if _OWN in dict(environments) and "dependencies" not in table[_OWN]:
                lines += [Line(value=package, source=f"the environment {_OWN} has it") for package in _OF_OWN]
            return Installed(
                requirements=tuple(lines),
                extras=_texts(environments, "features"),
                groups=_texts(environments, "dependency-groups"),
            )
    return Installed()


def _texts(environments: list[tuple[str, dict[str, Any]]], key: str) -> tuple[str, ...]:
    listed = [environment.get(key) for _, environment in environments]
    items = [item for values in listed if isinstance(values, list) for item in values if isinstance(item, str)]
    return tuple(dict.fromkeys(items))
