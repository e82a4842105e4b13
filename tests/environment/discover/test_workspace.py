"""Every project that a workspace lists is installed from its folder, not from the index."""

from collections.abc import Callable

import pytest

from sweagent.environment.build.remedies import next_recipe
from sweagent.environment.recipe import Recipe

RecipeOf = Callable[..., Recipe]

CORE = "[project]\nname = 'thing-core'\ndependencies = ['attrs', 'thing']\n[dependency-groups]\ntest = ['hypothesis']\n"
CORE += "[build-system]\nrequires = ['hatchling']\nbuild-backend = 'hatchling.build'\n"
ROOT = "[project]\nname = 'thing'\ndependencies = ['thing-core>=1', 'click']\n"
UV = "[tool.uv.sources]\nthing-core = {workspace = true}\n[tool.uv.workspace]\n"
FILES = {"tests/test_a.py": "def test_a(): pass\n", "packages/core/pyproject.toml": CORE}


def _installation(recipe: Recipe) -> str:
    return next(line.value for line in recipe.install if "pip install" in line.value)


@pytest.mark.parametrize(
    "table",
    [
        UV + "members = ['packages/*']\n",
        UV + "members = ['./packages/core/']\n",
        UV + "members = ['packages/**']\n",
        "[tool.hatch.envs.default.workspace]\nmembers = ['packages/core']\n",
        "[tool.uv.sources]\nthing-core = {path = 'packages/core', editable = true}\n",
        "[tool.poetry.group.dev.dependencies]\nthing-core = {path = 'packages/core', develop = true}\n",
    ],
)
def test_a_member_is_installed_editable_with_what_it_and_its_tests_need(recipe_of: RecipeOf, table: str) -> None:
    recipe = recipe_of(FILES | {"pyproject.toml": ROOT + table}, name="acme/thing")
    assert _installation(recipe).endswith(" --editable . --editable ./packages/core")
    assert [line.value for line in recipe.requirements] == ["click", "attrs", "hypothesis", "pytest"]


def test_what_is_excluded_or_no_package_is_not_installed(recipe_of: RecipeOf) -> None:
    tool = "[project]\nname = 'tool'\n[tool.uv]\npackage = false\n"
    table = UV + "members = ['packages/*']\nexclude = ['packages/old']\n"
    others = {"packages/old/pyproject.toml": CORE, "packages/tool/pyproject.toml": tool, "else/pyproject.toml": CORE}
    recipe = recipe_of(FILES | others | {"pyproject.toml": ROOT + table})
    assert _installation(recipe).endswith(" --editable . --editable ./packages/core")


def test_a_root_that_is_no_project_leaves_the_members(recipe_of: RecipeOf) -> None:
    recipe = recipe_of(FILES | {"pyproject.toml": "[tool.uv.workspace]\nmembers = ['packages/*']\n"})
    assert _installation(recipe).endswith("--no-cache-dir --editable ./packages/core")


def test_a_folder_whose_name_is_a_command_is_left_out(recipe_of: RecipeOf) -> None:
    table = UV + "members = ['packages/*']\n"
    recipe = recipe_of(FILES | {"pyproject.toml": ROOT + table, "packages/a;reboot/pyproject.toml": CORE})
    assert "reboot" not in _installation(recipe)


def test_where_a_member_cannot_be_installed_the_root_is_alone(recipe_of: RecipeOf) -> None:
    recipe = recipe_of(FILES | {"pyproject.toml": ROOT + UV + "members = ['packages/*']\n"})
    recipe = recipe.model_copy(update={"toolchain": recipe.toolchain.model_copy(update={"alternatives": ()})})
    error = f"Obtaining file:///testbed/packages/core\nThe command '{_installation(recipe)}' returned 1"
    remedy = next_recipe(recipe, error)
    assert remedy is not None
    assert _installation(remedy.recipe).endswith("--no-cache-dir --editable .")
