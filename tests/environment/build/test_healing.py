"""What the tests of an environment lack becomes packages, each tried once."""

from collections.abc import Callable

import pytest

from sweagent.environment.build.healing import heal
from sweagent.environment.build.test_collection import Collection
from sweagent.environment.discover.python_tests import is_own
from sweagent.environment.missing import Lack, LackKind
from sweagent.environment.recipe import Recipe
from sweagent.environment.tree import GitTree

RecipeOf = Callable[..., Recipe]
FILES = {"setup.py": "from setuptools import setup\nsetup(name='thing')\n", "tests/test_a.py": "def test_a(): pass\n"}


def _lacking(*lacks: tuple[LackKind, str], collected: int = 0) -> Collection:
    found = tuple(Lack(kind=kind, name=name, files=1) for kind, name in lacks)
    return Collection(asked=True, collected=collected, lacks=found)


@pytest.mark.parametrize(
    ("kind", "name", "package"),
    [
        (LackKind.MODULE, "typing_extensions", "typing-extensions"),
        (LackKind.MODULE, "yaml", "pyyaml"),
        (LackKind.MODULE, "bson", "pymongo"),
        (LackKind.MODULE, "google.protobuf", "protobuf"),
        (LackKind.MODULE, "nowhere_listed", "nowhere-listed"),
        (LackKind.MODULE, "h2", "h2>=3,<5"),
        (LackKind.PLUGIN, "pytest-mpl>=0.1", "pytest-mpl>=0.1"),
        (LackKind.PLUGIN, "--cov --cov-report=xml", "pytest-cov"),
        (LackKind.PLUGIN, "the marker asyncio", "pytest-asyncio"),
    ],
)
def test_a_lack_gives_a_package(recipe_of: RecipeOf, kind: LackKind, name: str, package: str) -> None:
    remedy = heal(recipe_of(FILES), _lacking((kind, name), collected=3), {"h2": "h2>=3,<5"})
    assert remedy is not None
    assert [line.value for line in remedy.recipe.added] == [package]
    assert name in remedy.recipe.added[0].source


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (LackKind.OWN_MODULE, "thing._fast"),
        (LackKind.OTHER, "SyntaxError: invalid syntax"),
        (LackKind.PLUGIN, "--nobody-knows-this"),
        (LackKind.PROGRAM, "tsc"),
        (LackKind.MODULE, "imp"),
    ],
)
def test_what_no_package_gives_stays(recipe_of: RecipeOf, kind: LackKind, name: str) -> None:
    assert heal(recipe_of(FILES), _lacking((kind, name), collected=3), {}) is None


def test_each_package_is_tried_once(recipe_of: RecipeOf) -> None:
    lacking = _lacking((LackKind.MODULE, "attr"), (LackKind.MODULE, "yaml"))
    first = heal(recipe_of(FILES), lacking, {})
    assert first is not None
    assert heal(first.recipe, lacking, {}) is None
    more = heal(first.recipe, _lacking((LackKind.MODULE, "yaml"), (LackKind.MODULE, "six")), {})
    assert more is not None
    assert [line.value for line in more.recipe.added] == ["attrs", "pyyaml", "six"]


def test_a_module_that_python_no_longer_has_gives_an_older_python(recipe_of: RecipeOf) -> None:
    recipe = recipe_of(FILES)
    toolchain = recipe.toolchain.model_copy(update={"value": "3.12", "alternatives": ("3.11",)})
    remedy = heal(recipe.model_copy(update={"toolchain": toolchain}), _lacking((LackKind.MODULE, "asyncore")), {})
    assert remedy is not None
    assert remedy.recipe.toolchain.value == "3.11"
    assert "asyncore is gone from Python 3.12" in remedy.what


def test_a_recipe_from_a_lock_file_is_not_changed(recipe_of: RecipeOf) -> None:
    recipe = recipe_of(FILES).model_copy(update={"locked": True})
    assert heal(recipe, _lacking((LackKind.MODULE, "six")), {}) is None


@pytest.mark.parametrize(
    ("module", "own"),
    [
        ("thing", True),
        ("helpers", True),
        ("fixtures_of_tests", True),
        ("yaml", False),
        ("of_nobody", False),
    ],
)
def test_no_package_is_sought_for_a_module_of_the_repository(
    tree_of: Callable[[dict[str, str]], GitTree], module: str, own: bool
) -> None:
    files = {
        "src/thing/__init__.py": "",
        "tests/helpers/a.py": "",
        "tests/fixtures_of_tests.py": "",
        "docs/yaml/a.py": "",
    }
    assert is_own(tree_of(files | {"docs/yaml/a.py": ""}), module) is own


def test_a_package_that_node_lacks_is_installed_beside_the_others(recipe_of: RecipeOf) -> None:
    recipe = recipe_of({"package.json": '{"scripts": {"test": "mocha"}}'})
    first = heal(recipe, _lacking((LackKind.MODULE, "chai"), (LackKind.OWN_MODULE, "./gone")), {})
    assert [line.value for line in first.recipe.finish] == ["npm install --no-save --no-audit --no-fund chai"]
    assert heal(first.recipe, _lacking((LackKind.MODULE, "chai")), {}) is None
    second = heal(first.recipe, _lacking((LackKind.MODULE, "@types/node")), {})
    assert [line.value for line in second.recipe.finish] == [
        "npm install --no-save --no-audit --no-fund chai @types/node"
    ]


def test_what_another_package_manager_installed_is_left_alone(recipe_of: RecipeOf) -> None:
    recipe = recipe_of({"package.json": "{}", "pnpm-lock.yaml": "lockfileVersion: '9.0'\n"})
    assert heal(recipe, _lacking((LackKind.MODULE, "chai")), {}) is None
