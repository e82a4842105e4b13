"""Tell whether a missing module or package is the repository's own."""

import json
from collections.abc import Callable
from functools import partial

from sweagent.environment.discover.python_tests import is_own
from sweagent.environment.tree import Tree


def own_names(ecosystem: str, tree: Tree) -> Callable[[str], bool]:
    """Say of a name whether it belongs to the repository, so that no package of it is sought.

    Args:
        ecosystem: of the recipe.
        tree: the repository.
    """
    if ecosystem != "node":
        return partial(is_own, tree)
    packages = [name for name in sorted(tree.names) if name.rpartition("/")[2] == "package.json"]
    names = frozenset(filter(None, (_name(tree.read(path)) for path in packages if "node_modules/" not in path)))
    return names.__contains__


def _name(text: str) -> str:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    name = data.get("name") if isinstance(data, dict) else None
    return name if isinstance(name, str) else ""
