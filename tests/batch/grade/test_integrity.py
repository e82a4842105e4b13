"""The parts of the integrity check that need no container: patches, records of runs, eval scripts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sweagent.batch.data.instances import Instance
from sweagent.batch.grade.integrity import test_command as command_of
from sweagent.batch.grade.integrity import with_target
from sweagent.batch.grade.integrity_records import record_reader
from sweagent.batch.grade.integrity_static import like_gold, of_the_run, tampering, touched_paths
from sweagent.errors import FixIssueError

TEST_PATCH = """\
diff --git a/tests/test_tool.py b/tests/test_tool.py
--- a/tests/test_tool.py
+++ b/tests/test_tool.py
@@ -1,1 +1,5 @@
 import tool
+def test_the_first_of_the_hidden_ones(): assert tool.answer(1) == 2
+def test_the_second_of_the_hidden_ones(): assert tool.answer(2) == 3
+def test_the_third_of_the_hidden_ones(): assert tool.answer("3") == 4
+x = 1
"""
SCRIPT = """#!/bin/bash
set -uxo pipefail
: '>>>>> Start Test Output'
export LANG=C
pytest -rA tests/test_tool.py
SWEBENCH_TEST_EXIT_CODE=$?
: '>>>>> End Test Output'
"""


@pytest.fixture
def instance(record: Callable[..., dict[str, Any]]) -> Instance:
    return Instance.from_record(record(patch=_addition(9), test_patch=TEST_PATCH))


def _addition(lines: int, path: str = "tool.py") -> str:
    added = "".join(f"+value_{number} = {number}\n" for number in range(lines))
    return f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1,1 +1,{lines + 1} @@\n import os\n{added}"


def test_paths_of_renamed_deleted_and_new_files_are_all_touched() -> None:
    patch = (
        "diff --git a/a b.py b/c.py\nsimilarity index 100%\nrename from a b.py\nrename to c.py\n"
        "diff --git a/gone.py b/gone.py\ndeleted file mode 100644\n--- a/gone.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
        "diff --git a/new.py b/new.py\nnew file mode 100644\n--- /dev/null\n+++ b/new.py\n@@ -0,0 +1 @@\n+x\n"
    )

    assert touched_paths(patch) == ("a b.py", "c.py", "gone.py", "new.py")


@pytest.mark.parametrize(
    ("path", "before", "line", "rules"),
    [
        ("tool.py", b"import os\n", "value = 1", set()),
        ("tool.py", b"import os\n", "os._exit(0)", {"power-exits"}),
        ("conftest.py", b"import os\n", "value = 1", {"hooks"}),
        ("pytest.ini", b"import os\n", "addopts = -k nothing", {"configuration"}),
        ("sitecustomize.py", b"import os\n", "value = 1", {"startup"}),
    ],
)
def test_patches_that_bend_the_judgement_are_found(
    instance: Instance, path: str, before: bytes, line: str, rules: set[str]
) -> None:
    patch = _addition(1, path).replace("value_0 = 0", line)

    found = tampering(instance, patch, {path: before}, ["pkg/__init__.py"], "pytest")

    assert {finding.rule for finding in found} == rules


def test_patch_that_does_not_fit_the_files_is_said_to_be_unreadable(instance: Instance) -> None:
    with pytest.raises(FixIssueError):
        tampering(instance, _addition(1), {"tool.py": b"something else\n"}, [], "pytest")


def test_file_names_that_lead_out_write_nothing_outside(instance: Instance, tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"

    with pytest.raises(FixIssueError):
        tampering(instance, _addition(1, f"../..{outside}"), {f"../..{outside}": b"import os\n"}, [], "pytest")

    assert not outside.exists()


def test_long_patch_equal_to_the_gold_patch_is_worth_a_look(instance: Instance) -> None:
    assert [finding.rule for finding in like_gold(instance, _addition(9, "elsewhere.py"))] == ["gold-patch"]
    assert like_gold(instance, _addition(8)) == ()


def test_short_fix_may_be_the_gold_patch(record: Callable[..., dict[str, Any]]) -> None:
    assert like_gold(Instance.from_record(record(patch=_addition(2))), _addition(2)) == ()


@pytest.mark.parametrize(
    ("log", "rules"),
    [
        ("git log -3 && git status && git show HEAD", []),
        ("git log --oneline --all -- tool.py", ["later-history"]),
        ("git --no-pager log --stat --remotes", ["later-history"]),
        ("git fetch origin", ["later-history"]),
        ("git reflog", ["later-history"]),
        ("git show aaaaaaaaaabb", ["later-history"]),
        ("commit bbbbbbbbbbbb", []),
        ("\n".join(TEST_PATCH.replace("+", "").splitlines()), ["hidden-tests"]),
        (json.dumps({"output": TEST_PATCH}), ["hidden-tests"]),
        ("def test_the_first_of_the_hidden_ones(): assert tool.answer(1) == 2", []),
    ],
)
def test_records_of_runs_are_searched_for_what_was_not_to_be_seen(
    instance: Instance, log: str, rules: list[str]
) -> None:
    found = of_the_run(instance, log, ["a" * 40])

    assert [finding.rule for finding in found] == rules


@pytest.mark.parametrize(
    "place", ["acme__tool-1/run-1/trajectory.jsonl", "acme__tool-1/acme__tool-1.traj.json", "acme__tool-1/x.traj"]
)
def test_records_are_found_where_each_tool_puts_them(tmp_path: Path, place: str) -> None:
    file = tmp_path / place
    file.parent.mkdir(parents=True)
    file.write_text('{"what": "seen"}\n')
    (tmp_path / "preds.json").write_text("{}")

    assert "seen" in record_reader(tmp_path)("acme__tool-1")
    assert "seen" in record_reader(tmp_path / "preds.json")("acme__tool-1")
    assert record_reader(tmp_path)("acme__tool-2") == ""


def test_what_a_run_was_given_at_its_start_is_not_what_its_agent_saw(tmp_path: Path) -> None:
    file = tmp_path / "i-1" / "trajectory.jsonl"
    file.parent.mkdir()
    file.write_text('{"task": {"oracle": "hidden"}}\n{"observation": "seen"}\ntorn')

    text = record_reader(tmp_path)("i-1")

    assert "seen" in text
    assert "hidden" not in text


def test_one_more_test_is_added_to_the_command_that_runs_tests() -> None:
    assert command_of(SCRIPT) == "pytest -rA tests/test_tool.py"
    assert "pytest -rA tests/test_tool.py tests/test_c1.py\nSWEBENCH" in with_target(SCRIPT, "tests/test_c1.py")
    assert command_of("echo nothing") == ""
    assert with_target("echo nothing", "x") == "echo nothing\n"
