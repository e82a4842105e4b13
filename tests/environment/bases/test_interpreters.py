"""Interpreters of this machine are found where tools put them, and the nearest that a project allows is taken."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sweagent.environment.bases.interpreters import host_interpreters, system_minors
from sweagent.environment.discover.python_project import read_metadata
from sweagent.environment.discover.python_version import choose_python
from sweagent.environment.tree import Tree


@pytest.fixture(autouse=True)
def empty_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYENV_ROOT", "UV_PYTHON_INSTALL_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")


def install(prefix: Path, version: str, *, says: str | None = None) -> Path:
    """An interpreter as a tool installs it; it tells its version and prefix as Python would."""
    minor = ".".join(version.split(".")[:2])
    path = prefix / "bin" / f"python{minor}"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho {version} {says or prefix}\n")
    path.chmod(0o755)
    return path


def found() -> dict[str, str]:
    return {item.version: item.prefix for item in host_interpreters() if item.prefix.startswith("/tmp")}


def test_pyenv_is_asked_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    install(tmp_path / "pyenv/versions/3.9.18", "3.9.18")
    assert found() == {"3.9.18": str(tmp_path / "pyenv/versions/3.9.18")}


@pytest.mark.parametrize("by", ["variable", "program"])
def test_uv_is_asked_where_it_puts_interpreters(by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "uv-pythons"
    install(place / "cpython-3.12.4-linux-x86_64-gnu", "3.12.4")
    if by == "variable":
        monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(place))
    else:
        uv = tmp_path / "tools" / "uv"
        uv.parent.mkdir()
        uv.write_text(f'#!/bin/sh\n[ "$*" = "python dir" ] && echo {place}\n')
        uv.chmod(0o755)
        monkeypatch.setenv("PATH", f"{uv.parent}:/usr/bin:/bin")
    assert list(found()) == ["3.12.4"]


def test_path_is_searched_and_a_virtual_environment_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = install(tmp_path / "own", "3.10.2")
    shutil.copytree(tmp_path / "own", tmp_path / "venv")
    install(tmp_path / "lies", "3.8.1", says="/somewhere/else")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3.10").symlink_to(real)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{tmp_path}/venv/bin:{tmp_path}/lies/bin:relative:/usr/bin:/bin")
    assert found() == {"3.10.2": str(tmp_path / "own")}


def test_the_systems_own_are_known(tmp_path: Path) -> None:
    present = {path.name.removeprefix("python") for path in Path("/usr/bin").glob("python3.*[0-9]")}
    assert present <= system_minors()


@pytest.mark.parametrize(("asked", "tried"), [(">=3.6", True), (">=3.9", False)])
def test_the_systems_version_is_tried_where_the_project_allows_it(
    asked: str, tried: bool, tree_of: Callable[..., Tree]
) -> None:
    tree = tree_of({"pyproject.toml": f"[project]\nname='a'\nrequires-python='{asked}'\n"})
    metadata = read_metadata(tree)
    alone = choose_python(tree, metadata, frozenset())
    assert "3.6" not in (alone.value, *alone.alternatives)
    toolchain = choose_python(tree, metadata, frozenset(), frozenset({"3.6"}))
    assert ("3.6" in toolchain.alternatives) is tried
    assert toolchain.value == alone.value
