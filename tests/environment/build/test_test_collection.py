"""What a real collection says of an environment: counted, and what is missing named."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sweagent.environment.build.test_collection import Collection, collecting_command, read_collection
from sweagent.environment.missing import Lack, LackKind

Collect = Callable[..., Collection]
GOOD = {"tests/test_good.py": "import pytest\n\n@pytest.mark.parametrize('n', [1, 2])\ndef test_good(n): pass\n"}


@pytest.fixture
def collect(tmp_path: Path) -> Collect:
    """Collect the tests of some files as the end of a build does."""

    def make(files: dict[str, str], own: tuple[str, ...] = (), command: str = "") -> Collection:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        told = collecting_command(command or f"{sys.executable} -m pytest")
        environment = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", "LANG": "C.UTF-8"}
        done = subprocess.run(["sh", "-c", told], cwd=tmp_path, env=environment, capture_output=True, text=True)
        return read_collection(done.stdout + done.stderr, lambda module: module in own)

    return make


@pytest.mark.parametrize("configuration", ["", "addopts = -q\n", "addopts = -qq --no-header\n"])
def test_the_tests_are_counted_however_quiet_the_project_is(collect: Collect, configuration: str) -> None:
    found = collect(GOOD | {"pytest.ini": f"[pytest]\n{configuration}"})
    assert (found.collected, found.lacks, found.usable) == (2, (), True)


def test_a_class_of_unittest_is_no_test_of_its_own(collect: Collect) -> None:
    case = "import unittest\n\nclass Case(unittest.TestCase):\n    def test_a(self): pass\n    def test_b(self): pass\n"
    assert collect({"tests/test_case.py": case}).collected == 2


def test_a_missing_module_is_named_once_with_the_files_that_it_costs(collect: Collect) -> None:
    files = {f"tests/test_{name}.py": "import typing_of_nobody\n" for name in "abc"}
    found = collect(GOOD | files | {"tests/test_d.py": "import os.nothing\n"})
    assert found.lacks == (
        Lack(kind=LackKind.MODULE, name="typing_of_nobody", files=3),
        Lack(kind=LackKind.MODULE, name="os.nothing", files=1),
    )
    assert (found.collected, found.usable) == (2, True)
    assert "typing_of_nobody is missing, so 3 test files cannot" in str(found.lacks[0])


def test_a_package_that_lacks_a_module_itself_leaves_nothing_to_collect(collect: Collect) -> None:
    package = {"thing/__init__.py": "from . import core\n", "thing/core.py": "import typing_of_nobody\n"}
    found = collect(package | {"tests/test_a.py": "import thing\n"}, own=("thing",))
    assert (found.collected, found.usable) == (0, False)
    assert [(lack.kind, lack.name) for lack in found.lacks] == [(LackKind.MODULE, "typing_of_nobody")]


def test_a_conftest_that_cannot_be_imported_keeps_the_runner_from_starting(collect: Collect) -> None:
    found = collect(GOOD | {"tests/conftest.py": "import typing_of_nobody\n"})
    assert found.lacks == (Lack(kind=LackKind.MODULE, name="typing_of_nobody"),)
    assert not found.usable
    assert "so no test can be collected" in str(found.lacks[0])


@pytest.mark.parametrize(
    ("configuration", "name"),
    [
        ("addopts = --strange-option\n", "--strange-option"),
        ("required_plugins = pytest-of-nobody>=1\n", "pytest-of-nobody>=1"),
    ],
)
def test_what_only_a_plugin_knows_is_named(collect: Collect, configuration: str, name: str) -> None:
    found = collect(GOOD | {"pytest.ini": f"[pytest]\n{configuration}"})
    assert found.lacks == (Lack(kind=LackKind.PLUGIN, name=name),)
    assert not found.usable


def test_a_marker_of_a_plugin_is_named_where_markers_are_strict(collect: Collect) -> None:
    marked = "import pytest\n\n@pytest.mark.asyncio\ndef test_a(): pass\n"
    found = collect(GOOD | {"pytest.ini": "[pytest]\naddopts = --strict-markers\n", "tests/test_a.py": marked})
    assert found.lacks == (Lack(kind=LackKind.PLUGIN, name="the marker asyncio", files=1),)


def test_a_fault_of_the_code_itself_does_not_make_the_environment_unusable(collect: Collect) -> None:
    found = collect({"thing.py": "def broken(:\n", "tests/test_a.py": "import thing\n"}, own=("thing",))
    assert (found.collected, found.usable) == (0, True)
    assert [lack.kind for lack in found.lacks] == [LackKind.OTHER]
    assert "SyntaxError" in found.lacks[0].name


def test_a_module_of_the_repository_that_was_not_built_is_its_own(collect: Collect) -> None:
    found = collect({"thing/__init__.py": "", "tests/test_a.py": "import thing._fast\n"}, own=("thing",))
    assert [(lack.kind, lack.name) for lack in found.lacks] == [(LackKind.OWN_MODULE, "thing._fast")]
    assert found.usable


def test_a_runner_that_is_not_installed_is_a_missing_module(collect: Collect) -> None:
    found = collect(GOOD, command=f"{sys.executable} -S -m pytest")
    assert found.lacks == (Lack(kind=LackKind.MODULE, name="pytest"),)


def test_a_repository_without_tests_lacks_nothing(collect: Collect) -> None:
    found = collect({"thing.py": ""})
    assert (found.asked, found.collected, found.lacks, found.usable) == (True, 0, (), True)


@pytest.mark.parametrize("command", ["", "make test", "cd tests; pytest", "cargo test", "npm run lint"])
def test_a_runner_that_cannot_be_asked_is_not(command: str) -> None:
    assert not collecting_command(command)
