"""Each benchmark asks the product and the tests only for what they have."""

import ast
import functools
import importlib
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "benchmarks"
BENCHMARKS = sorted([*FOLDER.glob("*.py"), *FOLDER.glob("selection/*.py")])
STAND_INS = [FOLDER, ROOT / "tests" / "support", ROOT / "tests" / "forge"]
"""Folders that benchmarks put on their path."""


@pytest.mark.parametrize("file", BENCHMARKS, ids=lambda file: file.name)
def test_what_a_benchmark_imports_of_the_product_is_there(file: Path) -> None:
    missing = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("sweagent"):
            missing += [f"{node.module}.{alias.name}" for alias in node.names if not _is_there(node.module, alias.name)]
    assert missing == []


def _is_there(module: str, name: str) -> bool:
    if hasattr(importlib.import_module(module), name):
        return True
    return importlib.util.find_spec(f"{module}.{name}") is not None


@pytest.mark.parametrize("file", BENCHMARKS, ids=lambda file: file.name)
def test_what_a_benchmark_takes_from_its_neighbours_and_the_tests_is_there(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    missing = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            homes = [home for folder in STAND_INS if (home := folder / f"{node.module}.py").is_file()]
            missing += [
                f"{node.module}.{alias.name}" for alias in node.names if homes and alias.name not in names(homes[0])
            ]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            parts = path_of(node)
            if parts[:1] == ["tests"] and not ROOT.joinpath(*parts).exists():
                missing.append("/".join(parts))
    assert missing == []


@functools.cache
def names(file: Path) -> set[str]:
    """The names that a module's statements bind."""
    bound = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            bound.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.alias):
            bound.add(node.asname or node.name)
    return bound


def path_of(node: ast.expr) -> list[str]:
    """The words of a path that is put together by `/`; a name such as TESTS stands for the folder."""
    if isinstance(node, ast.BinOp):
        return [*path_of(node.left), *path_of(node.right)]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    return ["tests"] if isinstance(node, ast.Name) and node.id == "TESTS" else []
