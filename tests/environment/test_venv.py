"""A virtual environment beside the copy, on a machine without a registry."""

import subprocess
import sys

import pytest

from sweagent.environment import ensure_venv
from sweagent.environment import interpreters as interpreters_module
from sweagent.environment import venv as venv_module
from sweagent.environment.registry_settings import RegistrySettings
from sweagent.repository import open_repository

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, index) -> None:
    """The only index is on this machine."""
    settings = RegistrySettings(python_indexes=(f"{index.url}/simple",))
    monkeypatch.setattr(venv_module, "read_registry_settings", lambda: settings)


def _ensure(git_repository, tmp_path, files, requirements, **changes):
    from sweagent.environment import discover

    said = f"environment:\n  toolchain: '{MINOR}'\n  requirements: [{', '.join(requirements)}]\n"
    folder = git_repository(files | {".fix-issue.yaml": said, "setup.py": changes.get("setup", "")})
    repository = open_repository(str(folder))
    recipe = discover(repository.git_dir, repository.base_commit)
    place = tmp_path / "beside"
    place.mkdir()
    return ensure_venv(recipe, repository, place, log=lambda line: None)


def _python(venv, code: str, **more: str) -> str:
    variables = venv.environment | more
    done = subprocess.run(
        [f"{venv.environment['VIRTUAL_ENV']}/bin/python", "-c", code], env=variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_packages_come_as_of_the_commits_day(git_repository, tmp_path, index, offline) -> None:
    index.add("thing", "1.0", "2019-01-01")
    index.add("thing", "9.0", "2099-01-01")
    venv = _ensure(git_repository, tmp_path, {"a.py": ""}, ["thing"])
    assert _python(venv, "import thing; print(thing.version)") == "1.0"


def test_what_no_index_has_is_copied_from_this_machine(git_repository, tmp_path, offline) -> None:
    venv = _ensure(git_repository, tmp_path, {"a.py": ""}, ["pytest", "no-such-package"])
    assert _python(venv, "import pytest; print('ok')") == "ok"
    assert any("no-such-package" in step and "not on this machine" in step for step in venv.steps)


def test_the_source_folder_is_on_the_path(git_repository, tmp_path, offline) -> None:
    venv = _ensure(git_repository, tmp_path, {"src/thing/__init__.py": ""}, [])
    assert venv.environment["PYTHONPATH"].split(":") == ["/testbed/src", "/testbed"]


def test_nothing_of_the_repository_runs_on_the_host(git_repository, tmp_path, offline) -> None:
    canary = tmp_path / "canary"
    code = f"open({str(canary)!r}, 'w')\n"
    _ensure(git_repository, tmp_path, {"conftest.py": code, "sitecustomize.py": code}, ["pytest"], setup=code)
    assert not canary.exists()


def test_nothing_is_compiled_again_at_each_start(git_repository, tmp_path, index, offline) -> None:
    index.add("thing", "1.0", "2019-01-01")
    venv = _ensure(git_repository, tmp_path, {"a.py": ""}, ["thing", "pytest"])
    code = "import thing, pytest, json.tool, sys; print([n for n in ('thing', 'pytest', 'json.tool')"
    code += " if not __import__('os').path.exists(sys.modules[n].__cached__)])"
    assert _python(venv, code, PYTHONDONTWRITEBYTECODE="1") == "[]"
    command = [f"{venv.environment['VIRTUAL_ENV']}/bin/python", "-v", "-c", "import thing"]
    variables = venv.environment | {"PYTHONDONTWRITEBYTECODE": "1"}
    told = subprocess.run(command, env=variables, capture_output=True, text=True, check=True).stderr
    assert any("matches" in line and "thing.py" in line for line in told.splitlines())


def test_an_interpreter_of_a_home_folder_is_copied(git_repository, tmp_path, offline, monkeypatch) -> None:
    if not interpreters_module.host_interpreters():
        pytest.skip("this machine has no interpreter under a prefix of its own")
    found = interpreters_module.host_interpreters()[0]
    monkeypatch.setitem(globals(), "MINOR", found.minor)
    venv = _ensure(git_repository, tmp_path, {"a.py": ""}, [])
    assert _python(venv, "import sys, ssl; print(sys.version.split()[0])") == found.version
    assert _python(venv, "import sys; print(sys.base_prefix)").startswith(str(tmp_path))
