"""A virtual environment beside the copy, on a machine without a registry."""

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from sweagent.environment import ensure_venv
from sweagent.environment.bases import interpreters as interpreters_module
from sweagent.environment.build import venv as venv_module
from sweagent.environment.build import venv_install as install_module
from sweagent.environment.registry.settings import RegistrySettings
from sweagent.repository import open_repository
from sweagent.sandbox import probe
from tests.environment.conftest import wheel

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, index) -> None:
    """The only index is on this machine."""
    settings = RegistrySettings(python_indexes=(f"{index.url}/simple",))
    for module in (venv_module, install_module):
        monkeypatch.setattr(module, "read_registry_settings", lambda: settings)


@pytest.fixture(params=[True, False], ids=["bubblewrap", "local"])
def shut(request: pytest.FixtureRequest) -> bool:
    if request.param and not probe("bubblewrap").works:
        pytest.skip(probe("bubblewrap").problem)
    return request.param


def _ensure(git_repository, tmp_path, files, requirements, **changes):
    from sweagent.environment import discover

    said = f"environment:\n  toolchain: '{MINOR}'\n  requirements: [{', '.join(requirements)}]\n"
    name = changes.get("name", "repo")
    folder = git_repository(files | {".fix-issue.yaml": said, "setup.py": changes.get("setup", "")}, name)
    repository = open_repository(str(folder))
    recipe = discover(repository.git_dir, repository.base_commit)
    place = tmp_path / f"beside{len(list(tmp_path.glob('beside*')))}"
    place.mkdir()
    return ensure_venv(recipe, repository, place, log=lambda line: None, shut=changes.get("shut", False))


def _python(venv, code: str, **more: str) -> str:
    variables = venv.environment | more
    done = subprocess.run(
        [f"{venv.environment['VIRTUAL_ENV']}/bin/python", "-c", code], env=variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_packages_come_as_of_the_commits_day(git_repository, tmp_path, index, offline, shut) -> None:
    index.add("thing", "1.0", "2019-01-01")
    index.add("thing", "9.0", "2099-01-01")
    venv = _ensure(git_repository, tmp_path, {"a.py": ""}, ["thing"], shut=shut)
    assert _python(venv, "import thing; print(thing.version)") == "1.0"
    assert any("reached 127.0.0.1 for packages" in step for step in venv.steps)


def test_what_no_index_has_is_copied_from_this_machine(git_repository, tmp_path, offline) -> None:
    venv = _ensure(git_repository, tmp_path, {"a.py": ""}, ["pytest", "no-such-package"])
    assert _python(venv, "import pytest; print('ok')") == "ok"
    assert any("no-such-package" in step and "not on this machine" in step for step in venv.steps)


def test_the_source_folder_is_on_the_path(git_repository, tmp_path, offline) -> None:
    venv = _ensure(git_repository, tmp_path, {"src/thing/__init__.py": ""}, [])
    assert venv.environment["PYTHONPATH"].split(":") == ["/testbed/src", "/testbed"]


def test_nothing_of_the_repository_runs_on_the_host(git_repository, tmp_path, offline, shut) -> None:
    canary = tmp_path / "canary"
    code = f"open({str(canary)!r}, 'w')\n"
    files = {"conftest.py": code, "sitecustomize.py": code}
    _ensure(git_repository, tmp_path, files, ["pytest"], setup=code, shut=shut)
    assert not canary.exists()


def _source_archive(folder: Path, canary: Path) -> Path:
    """A source distribution whose own build backend, which needs no other package, writes the canary."""
    archive = folder / "evil-1.0.tar.gz"
    code = f"open({str(canary)!r}, 'w').write('ran')\nfrom setuptools import setup\nsetup(name='evil', version='1.0')\n"
    own = "[build-system]\nrequires = []\nbuild-backend = 'setup'\nbackend-path = ['.']\n"
    with tarfile.open(archive, "w:gz") as packed:
        for name, text in (("setup.py", code), ("pyproject.toml", own)):
            member = tarfile.TarInfo(f"evil-1.0/{name}")
            member.size = len(text)
            packed.addfile(member, io.BytesIO(text.encode()))
    return archive


LEADING = (
    "evil @ file://{archive}",
    "{archive}",
    "file://{archive}",
    "--no-binary=:all:",
    "--find-links={folder}",
    "-r {folder}/requirements.txt",
    "-e{folder}",
    "evil @ https://example.org/evil-1.0.tar.gz",
    "git+https://example.org/evil.git",
    "evil @ git+file://{folder}",
    "./evil-1.0.tar.gz",
    "evil-1.0.tar.gz",
    "evil-1.0-py3-none-any.whl",
)


def test_a_requirement_that_leads_to_code_is_refused_by_name(git_repository, tmp_path, offline) -> None:
    canary = tmp_path / "canary"
    archive = _source_archive(tmp_path, canary)
    (tmp_path / "requirements.txt").write_text(str(archive))
    lines = [line.format(archive=archive, folder=tmp_path) for line in LEADING]
    venv = _ensure(git_repository, tmp_path, {"a.py": ""}, [json.dumps(line) for line in lines])
    assert not canary.exists()
    assert [line for line in lines if not any(step.startswith(f"{line}: refused") for step in venv.steps)] == []


def test_a_package_that_leads_to_code_cannot_have_it_run(git_repository, tmp_path, index, offline, shut) -> None:
    """A wheel of a registry may require an address; pip goes there for it, whatever it was told of binaries."""
    canary = tmp_path / "canary"
    archive = _source_archive(tmp_path, canary)
    index.add("guile", "1.0", "2019-01-01", wheel("guile", "1.0", requires=f"evil @ file://{archive}"))
    venv = _ensure(git_repository, tmp_path, {"a.py": ""}, ["guile"], shut=shut)
    assert not canary.exists()
    assert any(step.startswith("guile: cannot be installed") for step in venv.steps)


def test_what_was_made_is_found_again_by_all_that_it_holds(git_repository, tmp_path, index, offline, shut) -> None:
    index.add("thing", "1.0", "2019-01-01")
    first = _ensure(git_repository, tmp_path, {"a.py": ""}, ["thing"], shut=shut)
    asked = len(index.asked)
    second = _ensure(git_repository, tmp_path, {"a.py": "changed = 1\n"}, ["thing"], shut=shut, name="second")
    assert len(index.asked) == asked
    assert "made before: ok" in second.steps
    assert _python(second, "import thing; print(thing.version)") == "1.0"
    assert (first.folder == second.folder) is shut
    third = _ensure(git_repository, tmp_path, {"a.py": ""}, ["thing==1.0"], shut=shut, name="third")
    assert "made before: ok" not in third.steps


def test_what_a_registry_did_not_give_is_asked_for_again(git_repository, tmp_path, index, offline, shut) -> None:
    index.faults = [503] * 100
    first = _ensure(git_repository, tmp_path, {"a.py": ""}, ["thing"], shut=shut)
    assert any("did not answer" in step for step in first.steps)
    index.faults = []
    index.add("thing", "1.0", "2019-01-01")
    second = _ensure(git_repository, tmp_path, {"a.py": ""}, ["thing"], shut=shut, name="second")
    assert _python(second, "import thing; print(thing.version)") == "1.0"


def test_nothing_is_compiled_again_at_each_start(git_repository, tmp_path, index, offline, shut) -> None:
    index.add("thing", "1.0", "2019-01-01")
    venv = _ensure(git_repository, tmp_path, {"a.py": ""}, ["thing", "pytest"], shut=shut)
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
    venv = _ensure(git_repository, tmp_path, {"a.py": ""}, [], shut=True)
    assert _python(venv, "import sys, ssl; print(sys.version.split()[0])") == found.version
    assert _python(venv, "import sys; print(sys.base_prefix)").startswith(venv.folder)
