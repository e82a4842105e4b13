"""What the test jobs of CI install."""

import pytest

WORKFLOW = """
jobs:
  test:
    steps:
      - run: python -m pip install -U pip "pytest-xdist>=2" 'pytest-timeout==1.*'
      - run: |
          pip install -r requirements.txt -e .[stats,docs] \\
            tensorflow
          pip install $EXTRA pytest-${{ matrix.plugin }} ./dist/pytest_own.whl && pytest
"""
SETUP = {
    "setup.cfg": "[options.extras_require]\nstats =\n  scipy>=1\n  old; python_version < '3'\ndocs = sphinx\n",
    "tests/test_a.py": "",
}


def _optional(recipe_of, files: dict[str, str]) -> dict[str, str]:
    return {line.value: line.source for line in recipe_of(SETUP | files).optional}


@pytest.mark.parametrize("file", [".github/workflows/test.yml", ".travis.yml", ".circleci/config.yml"])
def test_plugins_and_extras_that_ci_names_are_installed(recipe_of, file: str) -> None:
    found = _optional(recipe_of, {file: WORKFLOW})
    assert set(found) == {"pytest-xdist", "pytest-timeout", "scipy"}
    assert all(file in source for source in found.values())


@pytest.mark.parametrize(
    ("file", "text", "wanted"),
    [
        (".github/workflows/docs.yml", WORKFLOW, set()),
        ("README.md", WORKFLOW, set()),
        (".travis.yml", "run: 'pip install pytest-cov'\n", {"pytest-cov"}),
        (".travis.yml", "pip install", set()),
        (".travis.yml", "pip uninstall pytest-cov\necho pip\n", set()),
        (".travis.yml", "pip install -r $FILE pytest-cov -c pytest-x.txt --pytest-y\n", {"pytest-cov"}),
    ],
)
def test_only_installations_of_test_jobs_are_believed(recipe_of, file: str, text: str, wanted: set[str]) -> None:
    assert set(_optional(recipe_of, {file: text})) == wanted


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("pytest.ini", "[pytest]\nrequired_plugins = pytest-alpha>=1 pytest-beta\naddopts = -p pytest_gamma\n"),
        (
            "pytest.ini",
            "[pytest]\naddopts = -v -p pytest_gamma\nrequired_plugins =\n    pytest-alpha\n    pytest-beta\n",
        ),
        (
            "pyproject.toml",
            "[tool.pytest.ini_options]\nrequired_plugins = [\n  'pytest-alpha',\n  \"pytest-beta\",\n]\n"
            "addopts = ['-p=pytest_gamma']\ntestpaths = ['pytest-delta']\n",
        ),
    ],
)
def test_plugins_that_pytest_itself_is_told_of(recipe_of, file: str, text: str) -> None:
    assert set(_optional(recipe_of, {file: text})) == {"pytest-alpha", "pytest-beta", "pytest-gamma"}
