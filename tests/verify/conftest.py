"""A project whose patches can be judged."""

import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def _support(name: str = "judged_project") -> ModuleType:
    path = Path(__file__).parent.parent / "support" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"tests_support_{name}", path)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def project(tmp_path: Path) -> Callable[[Mapping[str, str]], Any]:
    """Make a project whose patches can be judged."""
    make_project = _support().make_project
    return lambda files: make_project(tmp_path, files)


@pytest.fixture
def old_environment() -> Callable[..., str]:
    """Give the Python of an environment with chosen versions, or skip the test where it cannot be had."""
    environment: Callable[..., str] = _support("old_pythons").environment
    return environment


@pytest.fixture
def node_packages() -> Callable[..., Path]:
    """Give the folder `node_modules` that holds chosen packages of npm's, or skip the test."""
    packages: Callable[..., Path] = _support("node_packages").packages
    return packages


@pytest.fixture(scope="module")
def releases() -> ModuleType:
    """Real releases with a bug planted."""
    return _support("releases")


@pytest.fixture(scope="module")
def old_pythons() -> ModuleType:
    """Environments of old Pythons."""
    return _support("old_pythons")


@pytest.fixture(scope="module")
def make_project() -> Callable[..., Any]:
    """Make a project in a folder, from its files."""
    maker: Callable[..., Any] = _support().make_project
    return maker
