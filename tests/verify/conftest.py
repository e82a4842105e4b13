"""A project whose patches can be judged."""

import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def _support() -> ModuleType:
    path = Path(__file__).parent.parent / "support" / "judged_project.py"
    spec = importlib.util.spec_from_file_location("tests_support_judged_project", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def project(tmp_path: Path) -> Callable[[Mapping[str, str]], Any]:
    """Make a project whose patches can be judged."""
    make_project = _support().make_project
    return lambda files: make_project(tmp_path, files)
