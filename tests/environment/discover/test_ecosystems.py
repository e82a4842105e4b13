"""What is read from a repository's files, and that nothing of it is run."""

import json
import os
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from sweagent.environment.bases.base_image import registry_images
from sweagent.environment.bases.interpreters import Interpreter
from sweagent.environment.build.recipe_text import as_text
from sweagent.environment.discover import python_recipe as python_recipe_module
from sweagent.environment.discover.ecosystems import discover, discover_tree
from sweagent.environment.discover.pyproject import poetry_range
from sweagent.environment.discover.python_project import read_metadata
from sweagent.errors import UsageError

TEST = {"tests/test_a.py": "def test_a(): pass\n"}


@pytest.fixture(autouse=True)
def interpreters(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine has the interpreters 2.7 and 3.6 to 3.13, whichever it has."""
    minors = ["2.7", *(f"3.{minor}" for minor in range(6, 14))]
    found = [Interpreter(version=f"{minor}.1", prefix="/nowhere") for minor in minors]
    monkeypatch.setattr(python_recipe_module, "host_interpreters", lambda: found)
    monkeypatch.setattr(python_recipe_module, "system_minors", frozenset)


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({"pyproject.toml": "[project]\nname='a'\nrequires-python='>=3.6'\n"}, "3.8"),
        ({"pyproject.toml": "[project]\nname='a'\nrequires-python='>=3.6,<3.8'\n"}, "3.7"),
        ({"setup.cfg": "[options]\npython_requires = ~=3.6.1\n"}, "3.6"),
        ({"setup.cfg": "[options]\npython_requires =\n  >=3.5,\n  <3.8\n"}, "3.7"),
        ({"setup.py": "from setuptools import setup\nsetup(python_requires='>=3.5, !=3.8.*')\n"}, "3.7"),
        ({"setup.py": "setup(classifiers=['Programming Language :: Python :: 3.6'])\n"}, "3.6"),
        ({"setup.py": "setup(classifiers=['Programming Language :: Python :: 2.7'])\n"}, "2.7"),
        ({"setup.py": "setup(classifiers=['Programming Language :: Python :: 3.3'])\n"}, "3.8"),
        ({"setup.py": "setup()\n", ".travis.yml": "python:\n  - '3.6'\n  - '3.7'\n"}, "3.7"),
        ({"setup.py": "setup()\n", "tox.ini": "[tox]\nenvlist = py36,py{37},lint\n[testenv]\n"}, "3.7"),
        ({"setup.py": "", ".github/workflows/ci.yml": "python-version: ['3.6', 3.7, '3.10']\n"}, "3.7"),
        ({"setup.py": "setup()\n", ".python-version": "3.9.1\n"}, "3.9"),
        ({"setup.py": "setup()\n"}, "3.8"),
        ({"pyproject.toml": "[project]\nrequires-python='>=3.99'\n"}, "3.8"),
        ({"pyproject.toml": "[project]\nrequires-python='nonsense'\n"}, "3.8"),
    ],
)
def test_the_interpreter_follows_from_the_evidence(recipe_of, files: dict[str, str], version: str) -> None:
    assert recipe_of(files).toolchain.value == version


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({"pyproject.toml": "[project]\nname='a'\ndependencies=['six>=1']\n"}, {"six>=1"}),
        (
            {"pyproject.toml": "[project]\nname='a'\n[project.optional-dependencies]\ntest=['mock']\ndocs=['furo']\n"},
            {"mock"},
        ),
        ({"pyproject.toml": "[dependency-groups]\ndev=['mock',{include-group='x'}]\nx=['nose']\n"}, {"mock", "nose"}),
        (
            {
                "pyproject.toml": "[tool.poetry.dependencies]\npython='^3.6'\nsix='^1.2'\n"
                "[tool.poetry.dev-dependencies]\nmock='*'\n"
            },
            {"six>=1.2,<2", "mock"},
        ),
        (
            {"setup.cfg": "[metadata]\nname = a\n[options]\ninstall_requires =\n  six\n  attrs>=1 # why\n"},
            {"six", "attrs>=1"},
        ),
        (
            {"setup.py": "R = ['six']\nsetup(install_requires=R + ['attrs'], tests_require=('mock',))\n"},
            {"six", "attrs", "mock"},
        ),
        ({"setup.py": "D = dict(install_requires=['six'])\nsetup(**D)\n"}, {"six"}),
        (
            {
                "pyproject.toml": "[project]\nname='Own.Name'\n[project.optional-dependencies]"
                "\nx=['mock', 'own-name[y]']\ny=['nose', 'own_name[x]']\ntest=['own-name[x]']\n"
            },
            {"mock", "nose"},
        ),
        ({"pyproject.toml": "[tool.pdm.dev-dependencies]\ntest=['mock']\ndocs=['furo']\n"}, {"mock"}),
        ({"pyproject.toml": "[tool.uv]\ndev-dependencies=['mock']\n"}, {"mock"}),
        (
            {"setup.py": "", "tox.ini": "[testenv]\ndeps =\n  mock\n  -r{toxinidir}/some.txt\n", "some.txt": "nose"},
            {"mock", "nose"},
        ),
        ({"setup.py": "", "tox.ini": "[testenv]\ndeps =\n  {[base]deps}\n  old: mock\n  pkg @ https://x\n"}, set()),
        (
            {
                "pyproject.toml": "[project]\nname='a'\n[project.optional-dependencies]\nfast=['mock']\ndocs=['furo']\n"
                "[dependency-groups]\nchecks=['nose']\n[tool.tox.env_run_base]\nextras=['fast', 'docs']\n"
                "dependency_groups=['checks']\ndeps=['six']\n"
            },
            {"mock", "nose", "six"},
        ),
        (
            {"setup.py": "", "tox.toml": "[env_run_base]\ndeps=['mock', '-r some.txt']\n", "some.txt": "nose"},
            {"mock", "nose"},
        ),
        (
            {
                "pyproject.toml": "[project]\nname='a'\n",
                "hatch.toml": "[envs.test]\ndependencies=['mock', 'b @ {root:uri}/b']\n"
                "[envs.docs]\ndependencies=['furo']\n",
            },
            {"mock"},
        ),
        ({"pyproject.toml": "[tool.hatch.envs.default]\ndependencies=['pytest', 'mock']\n"}, {"mock"}),
        ({"pyproject.toml": "[tool.hatch.envs.default]\ndependencies=['furo']\n"}, set()),
        ({"setup.py": "", "tests/words.txt": "nose\n", "tests/requirements.txt": "mock\n"}, {"mock"}),
        (
            {"setup.py": "", "tests/requirements/py3.txt": "mock\n", "tests/requirements/mysql.txt": "mysqlclient\n"},
            {"mock"},
        ),
        ({"setup.py": "V = '1.0'\nsetup(install_requires=['six>=%s' % V])\n"}, {"six>=1.0"}),
        ({"setup.py": "setup(install_requires=open('r').read().split())\n"}, set()),
        (
            {
                "setup.py": "setup()",
                "requirements-test.txt": "-r more.txt\n--index-url x\nmock\n",
                "more.txt": "nose\n",
            },
            {"mock", "nose"},
        ),
        (
            {"setup.py": "setup()", "requirements/test.txt": "-r base.txt\nmock\n", "requirements/base.txt": "six\n"},
            {"six", "mock"},
        ),
        ({"setup.py": "setup()", "requirements/pytest.txt": "mock", "requirements/dev.txt": "nose"}, {"mock"}),
        ({"setup.py": "setup()", "requirements-docs.txt": "sphinx\n"}, set()),
        (
            {"setup.py": "setup()", "tox.ini": "[testenv]\ndeps =\n  mock\n  -rr.txt\n  tox: x\n", "r.txt": "six"},
            {"mock", "six"},
        ),
        ({"requirements.txt": "six==1.10\n"}, {"six==1.10"}),
    ],
)
def test_the_packages_that_the_tests_need(recipe_of, files: dict[str, str], wanted: set[str]) -> None:
    found = {line.value for line in recipe_of(files | TEST).requirements} - {"pytest"}
    assert found == wanted


CHOICE = "[project.optional-dependencies]\nmore=['brotli>=1']\n[dependency-groups]\ndev=['mock']\n"


@pytest.mark.parametrize(
    ("pyproject", "wanted"),
    [
        (CHOICE, {"mock"}),
        (CHOICE + "test=['nose']\n", {"nose"}),
        (CHOICE + "Testing=['nose']\npytest=['ddt']\n", {"nose", "ddt"}),
        (CHOICE.replace("more", "test"), {"brotli>=1"}),
    ],
)
def test_what_is_for_developers_is_taken_where_nothing_is_for_tests(
    recipe_of, pyproject: str, wanted: set[str]
) -> None:
    recipe = recipe_of({"pyproject.toml": "[project]\nname='a'\n" + pyproject} | TEST)
    assert {line.value for line in recipe.requirements} - {"pytest"} == wanted


def test_an_extra_that_the_tests_import_is_installed_as_the_project_wants_it(recipe_of) -> None:
    files = {
        "pyproject.toml": "[project]\nname='a'\n" + CHOICE,
        "tests/test_a.py": "import brotli\nimport unheard_of\n",
    }
    (line,) = recipe_of(files).optional
    assert line.value == "brotli>=1"
    assert "import brotli" in line.source


def test_pins_are_dropped_when_the_interpreter_is_newer_than_the_code(git_repository, monkeypatch, tree_of) -> None:
    newest = [Interpreter(version="3.13.0", prefix="/nowhere")]
    monkeypatch.setattr(python_recipe_module, "host_interpreters", lambda: newest)
    recipe = discover_tree(tree_of({"requirements.txt": "six==1.10\n"} | TEST), "a")
    assert "six" in [line.value for line in recipe.requirements]
    assert recipe.cutoff is not None
    assert recipe.cutoff.year >= 2026


def test_packages_are_sought_until_the_end_of_the_commits_month(recipe_of) -> None:
    assert str(recipe_of({"setup.py": "setup(python_requires='==3.7.*')"}).cutoff) == "2020-09-30"


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"setup.py": "", "pytest.ini": ""}, "python -m pytest"),
        ({"setup.py": "", "django/__init__.py": "", "tests/runtests.py": ""}, "python tests/runtests.py"),
        ({"setup.py": "", "bin/test": "", "sympy/utilities/pytest.py": ""}, "python bin/test"),
        ({"bin/test": "", "sympy/utilities/pytest.py": "", "sympy/testing/pytest.py": ""}, "python -m pytest"),
        ({"manage.py": "", "requirements.txt": "django"}, "python manage.py test"),
        (
            {
                "setup.py": "",
                "tox.ini": "[testenv]\ncommands =\n  coverage run -m django test {posargs} -v 2 --settings a.b x\n",
            },
            "django-admin test --pythonpath=. --settings=a.b x",
        ),
        (
            {
                "setup.py": "",
                "Makefile": "test:\n\tDJANGO_SETTINGS_MODULE=t.s django-admin test \\\n  --parallel && echo\n",
            },
            "django-admin test --pythonpath=. --settings=t.s",
        ),
        (
            {"setup.py": "", "t/manage.py": "", "noxfile.py": "session.run('python', 't/manage.py', 'test', 'core')"},
            "python t/manage.py test core",
        ),
        ({"setup.py": "", "Makefile": "test:\n\tpython gone/manage.py test\n"}, "python -m pytest"),
        ({"setup.py": "", "Makefile": "test:\n\tdjango-admin test\n"}, "python -m pytest"),
        ({"package.json": '{"scripts": {"test": "mocha"}}'}, "npm test"),
        ({"go.mod": "module a\n\ngo 1.19\n"}, "go test ./..."),
        ({"Cargo.toml": "[package]\nname='a'\n"}, "cargo test --offline"),
        ({"pom.xml": "<project/>"}, "mvn -B -o test"),
        ({"build.gradle": "", "gradlew": ""}, "gradle --no-daemon --offline test"),
    ],
)
def test_the_test_command(recipe_of, files: dict[str, str], command: str) -> None:
    assert recipe_of(files).test_command.value == command


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({"package.json": "{}"}, "12"),
        ({"package.json": "{}", ".nvmrc": "v16.1.0\n"}, "16"),
        ({"package.json": '{"engines": {"node": ">=18"}}'}, "18"),
        ({"package.json": "not json"}, "12"),
        ({"go.mod": "module a\n\ngo 1.19\n"}, "1.19"),
        ({"Cargo.toml": "[package]", "rust-toolchain": "1.70.0\n"}, "1.70.0"),
        ({"pom.xml": "<maven.compiler.source>1.8</maven.compiler.source>"}, "8"),
        ({"build.gradle": "sourceCompatibility = 16"}, "17"),
    ],
)
def test_the_version_of_other_toolchains(recipe_of, files: dict[str, str], version: str) -> None:
    assert recipe_of(files).toolchain.value == version


WRAPPER = "distributionUrl=https\\://services.gradle.org/distributions/gradle-7.6.1-bin.zip\n"


@pytest.mark.parametrize(
    ("files", "image"),
    [
        ({"pom.xml": ""}, "maven:3-eclipse-temurin-17"),
        ({"build.gradle": ""}, "gradle:jdk17"),
        ({"build.gradle.kts": "", "gradle/wrapper/gradle-wrapper.properties": WRAPPER}, "gradle:7.6.1-jdk17"),
        ({"Cargo.toml": "", "rust-toolchain": "1.70\n"}, "rust:1.70-bookworm"),
        ({"go.mod": "module a\n"}, "golang:bookworm"),
    ],
)
def test_the_image_of_the_registry(recipe_of, files: dict[str, str], image: str) -> None:
    assert registry_images(recipe_of(files))[0] == image


@pytest.mark.parametrize(
    ("lock", "text", "command"),
    [
        ("package-lock.json", "{}", "npm ci"),
        ("npm-shrinkwrap.json", "{}", "npm ci"),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n", "pnpm@9 install --frozen"),
        ("pnpm-lock.yaml", "lockfileVersion: '6.0'\n", "pnpm@8 install --frozen"),
        ("pnpm-lock.yaml", "lockfileVersion: 5.4\n", "pnpm@7 install --frozen"),
        ("yarn.lock", "# yarn lockfile v1\n", "yarn@1 install --frozen"),
        ("yarn.lock", "__metadata:\n  version: 6\n", "@yarnpkg/cli-dist@4 yarn install --immutable"),
    ],
)
def test_the_lock_file_tells_the_package_manager(recipe_of, lock: str, text: str, command: str) -> None:
    recipe = recipe_of({"package.json": "{}", lock: text})
    assert command in recipe.install[0].value
    assert recipe.install[0].source == lock


@pytest.mark.parametrize(
    ("manager", "lock", "text", "command"),
    [
        ("yarn@3.6.1", "yarn.lock", "__metadata:\n", "cli-dist@3.6.1 "),
        ("yarn@1.22.0", "yarn.lock", "", "yarn@1 "),
        ("pnpm@8.6.0+sha256.abc", "pnpm-lock.yaml", "lockfileVersion: '9.0'\n", "pnpm@8.6.0 "),
        ("pnpm@8; rm x", "pnpm-lock.yaml", "", "pnpm@9 "),
        ("npm@10.0.0", "pnpm-lock.yaml", "", "pnpm@9 "),
    ],
)
def test_package_json_tells_its_version(recipe_of, manager: str, lock: str, text: str, command: str) -> None:
    recipe = recipe_of({"package.json": json.dumps({"packageManager": manager}), lock: text})
    assert command in recipe.install[0].value


def test_the_addresses_of_a_yarn_lock_become_those_of_the_build(recipe_of, tmp_path) -> None:
    recipe = recipe_of({"package.json": "{}", "yarn.lock": ""})
    entry = 'resolved "https://registry.{}/ms/-/ms-2.1.3.tgz#1"\n'
    (tmp_path / "yarn.lock").write_text(entry.format("yarnpkg.com") + entry.format("npmjs.org"))
    (tmp_path / "npx").write_text("#!/bin/sh\n")
    (tmp_path / "npx").chmod(0o755)
    variables = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "npm_config_registry": "http://inner/2020-01-31/npm/"}
    subprocess.run(["sh", "-ec", recipe.install[0].value], cwd=tmp_path, env=variables, check=True)
    wanted = 'resolved "http://inner/2020-01-31/npm/ms/-/ms-2.1.3.tgz#1"\n'
    assert (tmp_path / "yarn.lock").read_text() == wanted * 2


def test_nothing_of_the_repository_runs(recipe_of, tmp_path) -> None:
    canary = tmp_path / "ran"
    code = f"open({str(canary)!r}, 'w')\nfrom setuptools import setup\nsetup(install_requires=['six'])\n"
    recipe = recipe_of({"setup.py": code, "conftest.py": code, "sitecustomize.py": code})
    assert "six" in [line.value for line in recipe.requirements]
    assert not canary.exists()


def test_the_repositorys_own_file_overrides_any_part(recipe_of) -> None:
    said = (
        "environment:\n  toolchain: '3.10'\n  system: [libpq-dev]\n  requirements: [six]\n  test_command: make check\n"
        "  environment: {MODE: test}\n  base: debian:12\n  cutoff: 2019-01-31\n"
    )
    recipe = recipe_of({"setup.py": "setup(install_requires=['attrs'])", ".fix-issue.yaml": said})
    assert recipe.toolchain.value == "3.10"
    assert [package.value for package in recipe.system] == ["libpq-dev"]
    assert [line.value for line in recipe.requirements] == ["six"]
    assert recipe.test_command.value == "make check"
    assert ".fix-issue.yaml" in recipe.test_command.source
    assert (recipe.environment, recipe.base) == ({"MODE": "test"}, "debian:12")
    assert str(recipe.cutoff) == "2019-01-31"


@pytest.mark.parametrize(
    "said",
    [
        "system: ['git; curl x | sh']",
        "system: ['-o=APT::x']",
        "toolchain: '3.9 && id'",
        "base: \"x\\nRUN id\"",
        "base: '--evil'",
        "requirements: [\"six\\nRUN id\"]",
        "environment: {'A B': x}",
        "environment: {A: \"x\\ny\"}",
        "test_command: \"a\\nb\"",
        "name: other",
        "nonsense: 1",
        "ecosystem: cobol",
        "system: 3",
    ],
)  # fmt: skip
def test_overrides_that_cannot_be_used_are_refused(recipe_of, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        recipe_of({"setup.py": "", ".fix-issue.yaml": f"environment:\n  {said}\n"})
    assert caught.value.hint


def test_an_unknown_kind_of_project_is_an_error_with_a_way_out(recipe_of) -> None:
    with pytest.raises(UsageError) as caught:
        recipe_of({"README": "hello"})
    assert "--image" in caught.value.hint


@pytest.mark.parametrize(
    ("said", "taken", "told"),
    [({}, "python", "node"), ({".fix-issue.yaml": "environment:\n  ecosystem: node\n"}, "node", "python")],
)
def test_a_second_language_is_told(recipe_of, said: dict[str, str], taken: str, told: str) -> None:
    recipe = recipe_of({"setup.py": "setup()", "package.json": "{}"} | said)
    assert recipe.ecosystem == taken
    assert f"there is a {told} project too" in as_text(recipe)


@pytest.mark.parametrize(("said", "what"), [("[more, test]", "'.[more,test]'"), ("[]", ".")])
def test_extras_of_the_repositorys_own_file_are_installed(recipe_of, said: str, what: str) -> None:
    files = {"setup.py": "setup(extras_require={'test': ['mock']})"} | TEST
    recipe = recipe_of(files | {".fix-issue.yaml": f"environment:\n  extras: {said}\n"})
    assert recipe.install[0].value.endswith(f"--editable {what}")


def test_the_recipe_is_shown_with_its_sources(recipe_of) -> None:
    shown = as_text(recipe_of({"setup.py": "setup(install_requires=['attrs'])"} | TEST))
    line = next(line for line in shown.splitlines() if "attrs" in line)
    assert "setup.py" in line


def test_two_commits_that_need_the_same_have_different_keys_but_the_same_packages(recipe_of, git_command) -> None:
    first = recipe_of({"setup.py": "setup(install_requires=['attrs'])"})
    assert first.key() == first.model_copy(update={"notes": ("x",)}).key()
    assert first.key() != first.model_copy(update={"commit": "0" * 40}).key()


class _Files:
    """A tree of given files."""

    def __init__(self, files: dict[str, str]) -> None:
        self._files = files
        self.names = frozenset(files)

    def read(self, path: str) -> str:
        return self._files.get(path, "")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["pyproject.toml", "setup.cfg", "setup.py"]), st.text(max_size=300), min_size=1))
def test_any_text_can_stand_in_the_metadata(files: dict[str, str]) -> None:
    read_metadata(_Files(files))  # type: ignore[arg-type]


@given(st.sampled_from("^~"), st.lists(st.integers(0, 30), min_size=1, max_size=4))
def test_poetrys_ranges_hold_the_version_they_name(sign: str, numbers: list[int]) -> None:
    version = ".".join(map(str, numbers))
    assert version in SpecifierSet(poetry_range(sign + version))


@pytest.mark.parametrize(("file", "added"), [("thing/__init__.py", True), ("src/thing/__init__.py", False)])
def test_packages_in_the_root_are_on_the_path(recipe_of, file: str, added: bool) -> None:
    recipe = recipe_of({"setup.py": "setup()", file: ""})
    assert recipe.install[0].value.startswith("pip install")
    assert any("/testbed.pth" in line.value for line in recipe.install[1:]) is added


def test_a_relative_path_is_that_of_the_callers_folder(git_repository, monkeypatch) -> None:
    folder = git_repository({"setup.py": ""}, name="near")
    monkeypatch.chdir(folder.parent)
    assert discover("near", "HEAD").name == "near"


def test_helpers_of_a_submodule_come_from_the_index(recipe_of) -> None:
    files = {"setup.py": "setup()", "ah_bootstrap.py": "", ".gitmodules": '[submodule "astropy_helpers"]\n'}
    (step,) = recipe_of(files).prepare
    assert "astropy-helpers" in step.value
    assert step.source == ".gitmodules"


@pytest.mark.parametrize(("more", "command"), [({"go.sum": ""}, "go mod download"), ({}, "go mod tidy")])
def test_a_go_module_without_sums_gets_them(recipe_of, more: dict[str, str], command: str) -> None:
    recipe = recipe_of({"go.mod": "module x\n\ngo 1.20\n"} | more)
    assert recipe.install[0].value.startswith(command)


def test_of_an_old_version_the_images_of_older_systems_are_tried_too(recipe_of) -> None:
    images = registry_images(recipe_of({"setup.py": "setup(python_requires='==3.6.*')\n"}))
    assert images[:2] == ("python:3.6-bookworm", "python:3.6-bullseye")


def test_of_a_checkout_only_the_commit_says_what_the_environment_is(git_repository) -> None:
    repository = git_repository({"setup.py": "", ".fix-issue.yaml": "environment:\n  test_command: make check\n"})
    (repository / ".fix-issue.yaml").write_text("environment:\n  test_command: make other\n")
    assert discover(repository, "HEAD").test_command.value == "make check"
    assert discover(repository / ".git", "HEAD").test_command.value == "make check"


def test_the_users_settings_win_over_the_repository(git_repository) -> None:
    said = "environment:\n  test_command: make check\n  extras: [a]\n"
    repository = git_repository({"setup.py": "", ".fix-issue.yaml": said})
    recipe = discover(repository, "HEAD", overrides={"test_command": "make mine"})
    assert recipe.test_command.value == "make mine"
    assert "your settings" in recipe.test_command.source
    assert recipe.extras == ("a",)
    with pytest.raises(UsageError, match="your settings is not known"):
        discover(repository, "HEAD", overrides={"nonsense": 1})


def test_a_few_lines_that_stand_for_gigabytes_are_refused(git_repository) -> None:
    bomb = "environment:\n  base: &a0 [x, x]\n" + "".join(
        f"  test_command{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
    )
    with pytest.raises(UsageError, match="aliases"):
        discover(git_repository({"setup.py": "", ".fix-issue.yaml": bomb}), "HEAD")


@pytest.mark.parametrize(
    "text",
    [
        "[tool.hatch.envs.test]\ndependencies=7\nfeatures=true\n",
        "[tool.hatch.envs]\nhatch-test=1\ntest={}\n",
        "[tool.tox.env_run_base]\ndeps=1\nextras='x'\ndependency_groups=[1, {}]\n",
        "[tool.tox]\nlegacy_tox_ini=['[testenv]']\n",
        "[tool.pdm]\ndev-dependencies=[1]\n[tool.uv]\ndev-dependencies=1\n",
        "[project]\nname=1\n[project.optional-dependencies]\ntest=['1[', 'a[']\n",
    ],
)
def test_tables_of_the_wrong_kind_are_passed_over(recipe_of, text: str) -> None:
    assert [line.value for line in recipe_of({"pyproject.toml": text} | TEST).requirements] == ["pytest"]
