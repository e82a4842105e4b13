"""What follows from a failed build."""

import pytest

from sweagent.environment.build.remedies import next_recipe
from sweagent.environment.recipe import Line, Recipe, SystemPackage

TEST = {"tests/test_a.py": "import pytest\n"}
AT_REQUIREMENTS = "The command '/bin/sh -ec pip install -r /opt/fix-issue/requirements.txt' returned a non-zero code: 1"
SETUP = {
    "setup.py": "setup(install_requires=['lxml', 'six'], extras_require={'test': ['mock']}, python_requires='>=3')"
}


@pytest.fixture
def recipe(recipe_of) -> Recipe:
    return recipe_of(SETUP | TEST)


@pytest.mark.parametrize(
    ("error", "what"),
    [
        ("Error: Please make sure the libxml2 and libxslt development packages: xml2-config", "libxml2-dev"),
        ("fatal error: ffi.h: No such file or directory", "libffi-dev"),
        ("Error: pg_config executable not found.", "libpq-dev"),
        ("ERROR: No matching distribution found for lxml", "leave out lxml"),
        ("ERROR: Failed building wheel for six", "leave out six"),
        ("error in setup command: use_2to3 is invalid.", "setuptools<58"),
        ("Obtaining file:///testbed\nERROR: ResolutionImpossible: for help visit", "leave out the extras test"),
        (f"ERROR: ResolutionImpossible: for help\n{AT_REQUIREMENTS}", "one by one"),
        (f"error: anything else\n{AT_REQUIREMENTS}", "use version"),
        ("Obtaining file:/// error: Multiple top-level packages discovered in a flat-layout.", "sources on the path"),
        ("python setup.py egg_info ... No module named 'numpy'", "install numpy before"),
        ("Getting requirements to build wheel: ImportError: No module named Cython", "install cython before"),
        ("python setup.py egg_info ... No module named 'six'", "install six before"),
        ("python setup.py egg_info ... No module named 'nobody_knows'", "use version"),
        ("Could not find suitable distribution for Requirement.parse('jinja2>=2.7')", "install jinja2>=2.7 before"),
        ("ERROR: No matching distribution found for wheel", "leave out wheel"),
        ("npm error code ETARGET\nnpm error notarget No matching version found for a@^1.0.1.", "use version"),
        ("HTTP error 502 while getting http://x", "try again"),
        ('unable to find image "sha256:3fd5"', "try again"),
        ("sh: 1: cargo: not found", "add the system packages cargo"),
        ("error: could not compile `thing` (rustc 1.63)", "use version"),
        ("something else", "use version"),
    ],
)
def test_the_error_decides(recipe: Recipe, error: str, what: str) -> None:
    remedy = next_recipe(recipe, error)
    assert remedy is not None
    assert what in remedy.what


@pytest.mark.parametrize(
    "error", ["E: Unable to locate package libold-dev", "E: Package 'libold-dev' has no installation candidate"]
)
def test_a_package_that_the_distribution_lacks_is_left_out(recipe: Recipe, error: str) -> None:
    added = SystemPackage(value="libold-dev", source="Dockerfile")
    remedy = next_recipe(recipe.model_copy(update={"system": (*recipe.system, added)}), error)
    assert remedy is not None
    assert remedy.recipe == recipe


def test_the_changed_recipe_does_what_the_remedy_says(recipe: Recipe) -> None:
    left_out = next_recipe(recipe, "No matching distribution found for lxml")
    assert left_out is not None
    assert "lxml" not in [line.value for line in left_out.recipe.requirements]
    without = next_recipe(recipe, "ResolutionImpossible")
    assert without is not None
    assert without.recipe.extras == ()
    assert "[test]" not in without.recipe.install[0].value


@pytest.mark.parametrize("error", ["fatal error: ffi.h: No such file", "use_2to3 is invalid", "anything"])
def test_the_remedies_come_to_an_end(recipe: Recipe, error: str) -> None:
    tried = 0
    current: Recipe | None = recipe.model_copy(update={"requirements": (Line(value="six", source=""),)})
    while current is not None and tried < 20:
        remedy = next_recipe(current, error)
        assert remedy is None or remedy.recipe != current
        current = remedy.recipe if remedy else None
        tried += 1
    assert tried < 8


@pytest.mark.parametrize(
    ("more", "other"), [("", False), ("ERROR: Ignored the following versions that require a different python", True)]
)
def test_what_no_index_has_is_not_sought_for_other_interpreters(recipe: Recipe, more: str, other: bool) -> None:
    said = "ERROR: Could not find a version that satisfies the requirement gone (from versions: none)\n"
    error = f"{more}\n{said}ERROR: No matching distribution found for gone"
    current: Recipe | None = recipe
    tried = []
    while current is not None and (remedy := next_recipe(current, error)) is not None:
        tried.append(remedy.what)
        current = remedy.recipe
    assert any(what.startswith("use version") for what in tried) is other


def test_another_interpreter_gets_packages_that_know_it(recipe_of) -> None:
    old = recipe_of({"setup.py": "setup(python_requires='>=3.6')"} | TEST)
    newer = old.model_copy(update={"toolchain": old.toolchain.model_copy(update={"alternatives": ("3.12",)})})
    remedy = next_recipe(newer, "anything")
    assert remedy is not None
    assert remedy.recipe.cutoff is not None
    assert remedy.recipe.cutoff.year >= 2025


def test_a_project_that_asks_for_no_build_tools_is_built_where_they_are(recipe: Recipe) -> None:
    error = "Obtaining file:///testbed\nGetting requirements to build editable\nNo module named 'numpy'"
    remedy = next_recipe(recipe, error)
    assert remedy is not None
    assert [line.value for line in remedy.recipe.tools][-1] == "numpy"
    assert "--no-build-isolation --editable" in remedy.recipe.install[0].value
    again = next_recipe(remedy.recipe, error)
    assert again is not None
    assert "numpy" not in again.what


def test_packages_are_installed_one_by_one_when_no_interpreter_is_left(recipe: Recipe) -> None:
    last = recipe.model_copy(update={"toolchain": recipe.toolchain.model_copy(update={"alternatives": ()})})
    remedy = next_recipe(last, f"error: anything\n{AT_REQUIREMENTS}")
    assert remedy is not None
    assert remedy.recipe.requirements == ()
    assert {line.value for line in recipe.requirements} <= {line.value for line in remedy.recipe.optional}
    assert next_recipe(remedy.recipe, f"error: anything\n{AT_REQUIREMENTS}") is None


@pytest.mark.parametrize(
    ("error", "helps"), [("Cannot find its own version", True), ("gcc: error: no such file", False)]
)
def test_at_last_a_project_that_cannot_be_installed_is_put_on_the_path(recipe: Recipe, error: str, helps: bool) -> None:
    toolchain = recipe.toolchain.model_copy(update={"alternatives": ()})
    last = recipe.model_copy(update={"toolchain": toolchain, "extras": ()})
    remedy = next_recipe(last, f"Obtaining file:///testbed\n{error}")
    assert (remedy is not None) == helps
    if remedy is not None:
        (line,) = remedy.recipe.install
        assert "/testbed/src /testbed/lib /testbed " in line.value
        assert next_recipe(remedy.recipe, f"Obtaining file:///testbed\n{error}") is None


def test_packages_of_any_day_are_taken_where_npm_misses_one_of_its_own_choice(recipe_of) -> None:
    recipe = recipe_of({"package.json": '{"scripts": {"test": "mocha"}}'})
    assert recipe.cutoff is not None
    remedy = next_recipe(recipe, "npm error code ETARGET\nnpm error notarget No matching version found for a@^1.0.1.")
    assert remedy is not None
    assert remedy.recipe.cutoff is None
    assert str(recipe.cutoff) in remedy.what
