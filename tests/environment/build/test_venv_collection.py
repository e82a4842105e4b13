"""An environment without an engine, too, ends with a collection of its tests, heals, and says what it lacks."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sweagent.config import SandboxSettings
from sweagent.environment import Venv, collected_venv, discover
from sweagent.environment.build import venv as venv_module
from sweagent.environment.build import venv_install as install_module
from sweagent.environment.registry.settings import RegistrySettings
from sweagent.repository import open_repository, seed_archive
from sweagent.sandbox import open_sandbox, probe

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"
TEST = "import unittest\n\nimport {module}\n\n\nclass Case(unittest.TestCase):\n    def test_a(self):\n        pass\n"
Make = Callable[..., Venv]


@pytest.fixture(params=["bubblewrap", "local"])
def make(request, git_repository, tmp_path: Path, index, monkeypatch) -> Make:
    """Make the environment of a repository whose tests import some modules; `opened` counts the sandboxes."""
    if not probe(request.param).works:
        pytest.skip(probe(request.param).problem)
    settings = RegistrySettings(python_indexes=(f"{index.url}/simple",))
    for module in (venv_module, install_module):
        monkeypatch.setattr(module, "read_registry_settings", lambda: settings)

    def make(*modules: str) -> Venv:
        said = f"environment:\n  toolchain: '{MINOR}'\n  requirements: []\n  test_command: python -m unittest\n"
        files = {f"tests/test_{place}.py": TEST.format(module=name) for place, name in enumerate(modules)}
        made = tmp_path / "repo"
        made = (
            made
            if made.exists()
            else git_repository({".fix-issue.yaml": said, "setup.py": "", "tests/__init__.py": "", **files})
        )
        repository = open_repository(str(made))
        recipe = discover(repository.git_dir, repository.base_commit)

        def open_one(venv: Venv):
            make.opened += 1  # type: ignore[attr-defined]
            return open_sandbox(
                SandboxSettings(kind=request.param), workdir="/testbed", tree=seed_archive(repository),
                env=venv.environment, readable=(Path(venv.folder),),
            )  # fmt: skip

        return collected_venv(
            recipe, repository, tmp_path / "beside", open_one,
            log=make.said.append, shut=request.param == "bubblewrap", test_command=recipe.test_command.value,  # type: ignore[attr-defined]
        )  # fmt: skip

    make.opened, make.said = 0, []  # type: ignore[attr-defined]
    return make


def test_what_the_tests_lack_is_added_and_kept(make, index) -> None:
    index.add("nobodytyping", "1.0", "2019-01-01")
    venv = make("json", "nobodytyping")
    assert venv.lacks == ()
    assert venv.steps[-1] == "2 tests collected: ok"
    assert any("add nobodytyping" in line for line in make.said)
    opened, asked = make.opened, len(index.asked)
    again = make("json", "nobodytyping")
    assert (again.lacks, again.steps[-1]) == ((), venv.steps[-1])
    assert (make.opened, len(index.asked)) == (opened, asked)


def test_what_stays_missing_is_named(make) -> None:
    venv = make("json", "module_of_nobody")
    assert [str(lack) for lack in venv.lacks] == [
        "the module module_of_nobody is missing, so 1 test file cannot be collected"
    ]
    assert venv.steps[-1] == "1 test collected: failed"
    opened = make.opened
    assert make("json", "module_of_nobody").lacks == venv.lacks
    assert make.opened == opened
