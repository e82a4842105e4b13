"""Discover the recipe of a repository's environment at a commit."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sweagent.environment.recipe import Recipe
from sweagent.environment.tree import GitTree, Tree
from sweagent.errors import UsageError
from sweagent.project_file import PROJECT_FILE, read_mapping

OVERRIDES = PROJECT_FILE
"""The file of the repository whose `environment:` overrides any part of the recipe."""

_OWN = "your settings"

_FIXED = frozenset({"name", "commit", "committed"})
"""Parts of a recipe that are not chosen."""

_MARKS = (
    ("python", ("pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "requirements.txt")),
    ("node", ("package.json",)),
    ("go", ("go.mod",)),
    ("rust", ("Cargo.toml",)),
    ("java", ("pom.xml", "build.gradle", "build.gradle.kts")),
)


def discover(git_dir: str | Path, commit: str, *, name: str = "", overrides: Mapping[str, Any] = {}) -> Recipe:
    """Read a repository's files at a commit and say how to build its environment. Nothing of it is run.

    Of a checkout only the commit counts: its work tree may have been written by anybody's program.

    Args:
        git_dir: a git directory, or a checkout.
        commit: any name of a commit.
        name: the repository's short name; empty takes the folder's.
        overrides: parts of the recipe that the user's settings say (`environment:`); they win.

    Raises:
        UsageError: there is no such commit, the ecosystem is not known, or the overrides are wrong.
    """
    tree = GitTree(git_dir, commit)
    folder = Path(git_dir).resolve()
    return discover_tree(tree, name or folder.name.removesuffix(".git"), overrides)


def discover_tree(tree: Tree, name: str, own: Mapping[str, Any] = {}) -> Recipe:
    """Discover the recipe of a tree that is already open; see `discover`.

    Args:
        tree: the tree.
        name: the repository's short name.
        own: the overrides of the user's settings.
    """
    overrides = {key: (said, OVERRIDES) for key, said in _overrides(tree.read(OVERRIDES)).items()}
    overrides |= {key: (said, _OWN) for key, said in own.items()}
    found = [name for name, marks in _MARKS if any(mark in tree.names for mark in marks)]
    if not found and any(file.endswith(".py") for file in tree.names):
        found = ["python"]
    ecosystem = str(overrides.get("ecosystem", ("", ""))[0] or next(iter(found), ""))
    if not ecosystem:
        raise UsageError(
            "no known kind of project was found in the repository's root",
            f"name an image with --image, or say how to build it under `environment:` in {OVERRIDES}",
        )
    recipe = _discoverer(ecosystem)(tree, name)
    others = tuple(
        f"there is a {other} project too; `ecosystem: {other}` under `environment:` in {OVERRIDES} takes that instead"
        for other in found
        if other != ecosystem
    )
    return _overridden(recipe.model_copy(update={"notes": recipe.notes + others}), overrides)


def _discoverer(ecosystem: str) -> Callable[[Tree, str], Recipe]:
    from sweagent.environment.discover.node_recipe import node_recipe
    from sweagent.environment.discover.other_recipes import go_recipe, java_recipe, rust_recipe
    from sweagent.environment.discover.python_recipe import python_recipe

    known = {"python": python_recipe, "node": node_recipe, "go": go_recipe, "rust": rust_recipe, "java": java_recipe}
    if ecosystem not in known:
        raise UsageError(f"{ecosystem!r} is not an ecosystem", f"the ecosystems are: {', '.join(sorted(known))}")
    return known[ecosystem]


def _overrides(text: str) -> dict[str, Any]:
    try:
        data = read_mapping(text)
    except ValueError as error:
        raise UsageError(f"{OVERRIDES} of the repository cannot be used: {error}", "correct it") from error
    section = data.get("environment")
    return section if isinstance(section, dict) else {}


def _overridden(recipe: Recipe, overrides: Mapping[str, tuple[Any, str]]) -> Recipe:
    """The recipe with what the repository's own file or the user's settings say, each part marked as read there."""
    values = recipe.model_dump()
    for key, (said, place) in overrides.items():
        if key not in values or key in _FIXED:
            known = ", ".join(sorted(values.keys() - _FIXED))
            raise UsageError(f"`environment.{key}` in {place} is not known", f"known are: {known}")
        values[key] = _with_source(said, key, f"{place} environment.{key}")
    try:
        changed = Recipe.model_validate(values)
    except ValidationError as error:
        item = error.errors(include_url=False)[0]
        part = ".".join(str(part) for part in item["loc"])
        place = overrides.get(str(item["loc"][0]), ("", OVERRIDES))[1]
        raise UsageError(f"`environment.{part}` in {place} cannot be used: {item['msg']}", "correct it") from error
    if "extras" not in overrides or "install" in overrides:
        return changed
    from sweagent.environment.discover.python_recipe import with_extras

    return with_extras(changed, changed.extras)


def _with_source(said: Any, key: str, source: str) -> Any:
    if key in ("test_command", "toolchain"):
        return {"value": str(said), "source": source}
    if key in ("system", "tools", "requirements", "optional", "prepare", "install", "finish") and isinstance(
        said, list
    ):
        return [{"value": item, "source": source} for item in said]
    return said
