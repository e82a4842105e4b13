"""What requirement files install for the tests, also where one file is for everything."""

from collections.abc import Callable

from sweagent.environment.recipe import Recipe

RecipeOf = Callable[..., Recipe]
PROJECT = "[project]\nname = 'thing'\ndependencies = ['idna']\n[project.optional-dependencies]\nfull = ['httpx>=0.2']\n"
PROJECT += "docs = ['mkdocs']\n"
FILES = {"pyproject.toml": PROJECT, "tests/test_a.py": "def test_a(): pass\n"}


def _values(recipe: Recipe) -> list[str]:
    return [line.value for line in recipe.requirements]


def test_one_file_for_everything_is_for_the_tests_where_it_names_their_runner(recipe_of: RecipeOf) -> None:
    recipe = recipe_of(FILES | {"requirements.txt": "-e .[full]\n# Testing\npytest==8.0\ntrio==0.2\nmkdocs==1\n"})
    assert recipe.extras == ("full",)
    assert {"idna", "httpx>=0.2", "pytest==8.0", "trio==0.2"} <= set(_values(recipe))


def test_a_file_of_an_application_stays_what_it_is(recipe_of: RecipeOf) -> None:
    recipe = recipe_of(FILES | {"requirements.txt": "-e .[full]\ngunicorn==20\n"})
    assert recipe.extras == ()
    assert "gunicorn==20" not in _values(recipe)


def test_a_file_for_tests_goes_before_the_one_for_everything(recipe_of: RecipeOf) -> None:
    files = {"requirements.txt": "pytest==8.0\ntrio==0.2\n", "requirements/tests.txt": "-e .[full]\nattrs==21\n"}
    recipe = recipe_of(FILES | files)
    assert recipe.extras == ("full",)
    assert "attrs==21" in _values(recipe)
    assert "trio==0.2" not in _values(recipe)
