"""From a repository at a commit to the recipe of its environment."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from sweagent.environment.recipe import Recipe
from sweagent.environment.tree import GitTree, Tree
from sweagent.errors import UsageError

OVERRIDES = ".fix-issue.yaml"
"""The file of the repository whose `environment:` overrides any part of the recipe."""

_FIXED = frozenset({"name", "commit", "committed"})
"""Parts of a recipe that are not chosen."""

_MARKS = (
    ("python", ("pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "requirements.txt")),
    ("node", ("package.json",)),
    ("go", ("go.mod",)),
    ("rust", ("Cargo.toml",)),
    ("java", ("pom.xml", "build.gradle", "build.gradle.kts")),
)


def discover(git_dir: str | Path, commit: str, *, name: str = "") -> Recipe:
    """Read a repository's files at a commit and say how to build its environment. Nothing of it is run.

    Overrides in a checkout need not be committed: they count at its HEAD, and at commits that have none of their own.

    Args:
        git_dir: a git directory, or a checkout.
        commit: any name of a commit.
        name: the repository's short name; empty takes the folder's.

    Raises:
        UsageError: there is no such commit, the ecosystem is not known, or the overrides are wrong.
    """
    tree = GitTree(git_dir, commit)
    folder = Path(git_dir).resolve()
    text = tree.read(OVERRIDES)
    if not text or tree.is_head:
        text = _of_checkout(folder.parent if folder.name == ".git" else folder) or text
    return discover_tree(tree, name or folder.name.removesuffix(".git"), text)


def _of_checkout(folder: Path) -> str:
    file = folder / OVERRIDES
    try:
        return file.read_text(encoding="utf-8") if file.is_file() and not file.is_symlink() else ""
    except (OSError, UnicodeDecodeError):
        return ""


def discover_tree(tree: Tree, name: str, said: str | None = None) -> Recipe:
    """As `discover`, of a tree that is already open.

    Args:
        tree: the tree.
        name: the repository's short name.
        said: the text of the overrides; None reads that of the tree.
    """
    overrides = _overrides(tree.read(OVERRIDES) if said is None else said)
    found = [name for name, marks in _MARKS if any(mark in tree.names for mark in marks)]
    if not found and any(file.endswith(".py") for file in tree.names):
        found = ["python"]
    ecosystem = str(overrides.get("ecosystem") or next(iter(found), ""))
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
    from sweagent.environment.node_recipe import node_recipe
    from sweagent.environment.other_recipes import go_recipe, java_recipe, rust_recipe
    from sweagent.environment.python_recipe import python_recipe

    known = {"python": python_recipe, "node": node_recipe, "go": go_recipe, "rust": rust_recipe, "java": java_recipe}
    if ecosystem not in known:
        raise UsageError(f"{ecosystem!r} is not an ecosystem", f"the ecosystems are: {', '.join(sorted(known))}")
    return known[ecosystem]


def _overrides(text: str) -> dict[str, Any]:
    try:
        data = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise UsageError(f"{OVERRIDES} of the repository is not YAML: {error}", "correct it") from error
    section = data.get("environment") if isinstance(data, dict) else None
    return section if isinstance(section, dict) else {}


def _overridden(recipe: Recipe, overrides: dict[str, Any]) -> Recipe:
    """The recipe with the parts that the repository's own file says, each marked as read there."""
    values = recipe.model_dump()
    for key, said in overrides.items():
        if key not in values or key in _FIXED:
            known = ", ".join(sorted(values.keys() - _FIXED))
            raise UsageError(f"`environment.{key}` in {OVERRIDES} is not known", f"known are: {known}")
        values[key] = _with_source(values[key], said, key)
    try:
        changed = Recipe.model_validate(values)
    except ValidationError as error:
        item = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in item["loc"])
        raise UsageError(f"`environment.{place}` in {OVERRIDES} cannot be used: {item['msg']}", "correct it") from error
    if "extras" not in overrides or "install" in overrides:
        return changed
    from sweagent.environment.python_recipe import with_extras

    return with_extras(changed, changed.extras)


def _with_source(old: Any, said: Any, key: str) -> Any:
    source = f"{OVERRIDES} environment.{key}"
    if key in ("test_command", "toolchain"):
        return {"value": str(said), "source": source}
    if key in ("system", "tools", "requirements", "optional", "prepare", "install", "finish") and isinstance(
        said, list
    ):
        return [{"value": item, "source": source} for item in said]
    return said
