"""The programs for other interpreters, run as the programs that they are."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sweagent.programs import program_source, with_finder, with_values

PACKAGE = Path(__file__).parents[2] / "sweagent"
PROGRAMS = sorted(
    file
    for folder in ("programs", "verify/monitors", "environment/build/collectors")
    for file in (PACKAGE / folder).glob("[a-z]*.py")
)


@pytest.mark.parametrize("file", PROGRAMS, ids=lambda file: file.name)
def test_no_program_has_syntax_that_old_interpreters_lack(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 7))
    newer = (ast.JoinedStr, ast.AnnAssign, ast.AsyncFunctionDef)
    assert [node.lineno for node in ast.walk(tree) if isinstance(node, newer)] == []


def test_constants_become_the_values_and_leading_comments_go() -> None:
    source = program_source("tracer.py", RECORD="/r'\\n", ROOT="/w/")
    assert source.startswith("import atexit\n")
    assert '\nRECORD = "/r\'\\\\n"\n' in source
    with pytest.raises(ValueError, match="assigns NONE 0 times"):
        with_values("A = 1\n", NONE=2)


def run(folder: Path, start: str, program: str) -> str:
    """Run a program with a start-up module."""
    (folder / "start").mkdir()
    (folder / "start" / "sitecustomize.py").write_text(start)
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(folder / "start")}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=True).stdout


def test_the_tracer_notes_the_functions_that_were_run_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "lib.py").write_text("def used():\n    return 1\n\n\ndef unused():\n    return 2\n")
    record = tmp_path / "record"
    start = program_source("tracer.py", RECORD=str(record), ROOT=f"{tmp_path.resolve()}/work/")
    run(tmp_path, start, "import sys; sys.path.insert(0, 'work'); import lib; lib.used()")
    (lines,) = map(json.loads, record.read_text().splitlines())
    assert set(lines) == {"lib.py"}
    assert 2 in lines["lib.py"]
    assert 6 not in lines["lib.py"]


def test_the_finder_changes_a_module_whoever_imports_it_and_survives_one_that_it_does_not_know(tmp_path: Path) -> None:
    start = with_finder(
        "import sys\nfrom import_finder import Finder\n"
        "def change(module):\n    module.loads = lambda text: 'changed'\n"
        "def odd(module):\n    module.no_such_thing.at_all\n"
        "sys.meta_path.insert(0, Finder({'json': change, 'csv': odd}, lambda: print('after')))\n"
    )
    said = run(tmp_path, start, "import json, csv; print(json.loads('1'), csv.__name__)")
    assert said.splitlines() == ["after", "after", "changed csv"]


def test_the_canary_fails_and_names_what_was_replaced_by_code_of_the_work_tree(tmp_path: Path) -> None:
    (tmp_path / "lib.py").write_text(
        "import unittest\ndef ours(self, test):\n    pass\nunittest.TestResult.addFailure = ours\n"
    )
    (tmp_path / "canary.py").write_text(program_source("canary_function.py"))
    program = "import sys; sys.path.insert(0, '.'); import lib, canary\ntry:\n    canary.test_TOKEN()\n"
    program += "except AssertionError as error:\n    print(error)"
    said = run(tmp_path, "", program)
    assert said.split() == ["TOKEN", "unittest.result.addFailure"]
