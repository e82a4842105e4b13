"""A task's workplace: what the user's own setup command does to it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sweagent import sandbox_factory
from sweagent.config import Settings
from sweagent.environment import Recipe
from sweagent.errors import SandboxError, UsageError
from sweagent.repository import open_repository
from sweagent.settings_sources import read_sources
from sweagent.task import Issue, Task

FILES = {"setup.py": "from setuptools import setup\nsetup(name='calc', py_modules=['calc'])\n", "calc.py": "x = 1\n"}


@pytest.fixture
def task(git_repository: Callable[..., Path]) -> Callable[[str], Task]:
    repository = open_repository(str(git_repository(FILES, name="calc")))
    return lambda setup: Task(id="calc", repository=repository, issue=Issue(title="x"), setup_command=setup)


def local(**sandbox: str) -> Settings:
    return read_sources({"sandbox": {"kind": "local", **sandbox}}).settings()


def test_each_fresh_sandbox_beside_the_copy_is_set_up(task: Callable[[str], Task]) -> None:
    setup = "mkdir -p build\necho made > build/value\n# a remark\n"
    with sandbox_factory.prepare(task(setup), local(), "r", lambda text: None) as place:
        for _ in range(2):
            with place.open() as sandbox:
                assert sandbox.run("cat build/value").output == "made\n"


def test_a_setup_that_fails_says_what_it_said(task: Callable[[str], Task]) -> None:
    preparing = sandbox_factory.prepare(task("echo no such thing\nfalse\ntrue"), local(), "r", lambda text: None)
    with pytest.raises(SandboxError, match="the setup command failed: no such thing"), preparing as place:
        place.open()


@pytest.mark.docker
def test_an_image_of_the_users_is_set_up(task: Callable[[str], Task], offline_image: str) -> None:
    settings = read_sources({"sandbox": {"kind": "docker", "image": offline_image, "memory": "256m"}}).settings()
    preparing = sandbox_factory.prepare(task("echo made > /tmp/value"), settings, "r", lambda text: None)
    with preparing as place, place.open() as sandbox:
        assert sandbox.run("cat /tmp/value").output == "made\n"


@pytest.mark.docker
def test_an_image_of_the_users_is_enough_for_a_project_of_no_known_kind(
    git_repository: Callable[..., Path], offline_image: str
) -> None:
    repository = open_repository(str(git_repository({"notes.txt": "here\n"}, name="notes")))
    settings = read_sources({"sandbox": {"kind": "docker", "image": offline_image, "memory": "256m"}}).settings()
    task = Task(id="notes", repository=repository, issue=Issue(title="x"))
    with sandbox_factory.prepare(task, settings, "r", lambda text: None) as place, place.open() as sandbox:
        assert sandbox.run("cat notes.txt").output == "here\n"
    assert place.test_command == ""


class NothingIsBuiltError(Exception):
    """Ends the preparation before the engine is asked."""


def test_an_image_that_is_built_runs_the_setup_last_and_once(
    task: Callable[[str], Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipes: list[Recipe] = []

    def keep(recipe: Recipe, *rest: object, **options: object) -> None:
        recipes.append(recipe)
        raise NothingIsBuiltError

    monkeypatch.setattr(sandbox_factory, "ensure_image", keep)
    settings = read_sources({"sandbox": {"kind": "docker"}}).settings()
    for setup in ("", "make data\n\n  make more  \n"):
        with pytest.raises(NothingIsBuiltError), sandbox_factory.prepare(task(setup), settings, "r", lambda text: None):
            pass
    without, with_setup = recipes
    assert [line.value for line in with_setup.finish] == [
        *(line.value for line in without.finish),
        "make data",
        "make more",
    ]
    assert without.key() != with_setup.key()


def test_a_line_that_is_too_long_is_refused(task: Callable[[str], Task]) -> None:
    settings = read_sources({"sandbox": {"kind": "docker"}}).settings()
    preparing = sandbox_factory.prepare(task("x" * 3000), settings, "r", lambda text: None)
    with pytest.raises(UsageError, match="too long"), preparing:
        pass
