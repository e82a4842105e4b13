"""Plays an instance's gold patch as a competent engineer would: look, reproduce, edit, test, submit.

The steps go through the agent-computer interface like those of any policy, so what they show is whether the scaffold
loses a correct fix on the way. Nothing here is used by the product itself.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from unidiff import PatchedFile, PatchSet

from sweagent.git import git


@dataclass(frozen=True)
class Instance:
    """One record of a data set in SWE-bench's format."""

    instance_id: str
    repo: str
    base_commit: str
    problem_statement: str
    patch: str
    test_patch: str
    fail_to_pass: tuple[str, ...]
    pass_to_pass: tuple[str, ...]

    @classmethod
    def read(cls, record: dict[str, Any]) -> "Instance":
        """Read one record."""

        def tests(value: Any) -> tuple[str, ...]:
            return tuple(json.loads(value) if isinstance(value, str) else value)

        names = ("instance_id", "repo", "base_commit", "problem_statement", "patch", "test_patch")
        return cls(
            **{name: record[name] for name in names},
            fail_to_pass=tests(record["FAIL_TO_PASS"]),
            pass_to_pass=tests(record["PASS_TO_PASS"]),
        )


def steps(instance: Instance, git_dir: str, *, reproduction: tuple[str, str, str]) -> list[dict[str, Any]]:
    """The recorded replies, each with a thought and calls of tools.

    Args:
        instance: what to play.
        git_dir: has the base commit.
        reproduction: path, content and command of a test that shows the issue.
    """
    files = [file for file in PatchSet(instance.patch) if not file.is_removed_file]
    path, content, command = reproduction
    look = [
        {"tool": "view", "arguments": {"path": file.path, **_window(file)}} for file in files if not file.is_added_file
    ]
    edits = [call for file in files for call in _edits(file, git_dir, instance.base_commit)]
    return [
        {
            "thought": "I look at the places that the report points to.",
            "actions": look or [{"tool": "view", "arguments": {"path": "."}}],
        },
        {
            "thought": "A test shows the issue before I change anything.",
            "actions": [{"tool": "reproduce", "arguments": {"path": path, "content": content, "command": command}}],
        },
        {"thought": "It fails as reported. This is the change.", "actions": edits},
        {"thought": "I run the test again.", "actions": [{"tool": "bash", "arguments": {"command": command}}]},
        {
            "thought": "It passes.",
            "actions": [{"tool": "submit", "arguments": {"summary": "The cause is mended at its place."}}],
        },
    ]


def reproduction_of(instance: Instance, git_dir: str) -> tuple[str, str, str]:
    """A pytest file made of the test patch: its changed test file under a new name, and the tests that must pass.

    Raises:
        ValueError: the instance's tests are not pytest's.
    """
    wanted = [test for test in instance.fail_to_pass if "::" in test]
    if not wanted:
        raise ValueError(f"{instance.instance_id}: FAIL_TO_PASS does not name tests of pytest")
    test_path = wanted[0].split("::")[0]
    file = next(item for item in PatchSet(instance.test_patch) if item.path == test_path)
    folder, _, name = test_path.rpartition("/")
    path = f"{folder}/test_issue_{name.removeprefix('test_')}".lstrip("/")
    content = patched(_base_text(git_dir, instance.base_commit, file), file)
    names = sorted({re.sub(r"\[.*", "", test.partition("::")[2]).split("::")[-1] for test in wanted})
    return path, content, f"python -m pytest -p no:cacheprovider {path} -k '{' or '.join(names)}'"


def patched(text: str, file: PatchedFile) -> str:
    """The text with one file's hunks applied."""
    lines = text.splitlines(keepends=True)
    result, position = [], 0
    for hunk in file:
        start = max(0, hunk.source_start - 1) if hunk.source_length else hunk.source_start
        result += lines[position:start]
        result += [line.value for line in hunk if line.is_added or line.is_context]
        position = start + hunk.source_length
    return "".join(result + lines[position:])


def _base_text(git_dir: str, commit: str, file: PatchedFile) -> str:
    if file.is_added_file:
        return ""
    path = file.source_file.removeprefix("a/")
    return git("show", f"{commit}:{path}", git_dir=git_dir).stdout.decode("utf-8")


def _window(file: PatchedFile) -> dict[str, int]:
    last = file[-1].source_start + file[-1].source_length
    return {"start": max(1, file[0].source_start - 20), "end": last + 20}


def _edits(file: PatchedFile, git_dir: str, commit: str) -> list[dict[str, Any]]:
    """The file's change as exact replacements, each with as many lines around it as make it unique."""
    before = _base_text(git_dir, commit, file)
    if file.is_added_file:
        return [{"tool": "edit", "arguments": {"command": "create", "path": file.path, "new": patched("", file)}}]
    calls, text = [], before
    for hunk in file:
        old = "".join(line.value for line in hunk if line.is_removed or line.is_context)
        new = "".join(line.value for line in hunk if line.is_added or line.is_context)
        if text.count(old) != 1:
            raise ValueError(f"{file.path}: a hunk of the gold patch is not unique")
        calls.append(
            {"tool": "edit", "arguments": {"command": "str_replace", "path": file.path, "old": old, "new": new}}
        )
        text = text.replace(old, new)
    return calls
