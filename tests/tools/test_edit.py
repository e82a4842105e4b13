"""Edits through the sandbox: the answer, the syntax check, the undo, and what is never touched."""

import sys
from typing import Any

import pytest

CORE = "def double(x):\n    return x + 1\n\n\nclass Box:\n    def size(self):\n        return 1\n"


def test_replace_answers_with_numbered_lines(desk: Any) -> None:
    seen = desk(
        "edit", command="str_replace", path="pkg/core.py", old="    return x + 1", new="    y = x\n    return y * 2"
    )
    assert seen.status == "ok"
    assert seen.text.splitlines()[0] == "pkg/core.py: changed"
    assert "     2\t    y = x\n     3\t    return y * 2" in seen.text
    assert (desk.tree / "pkg/core.py").read_text() == CORE.replace("return x + 1", "y = x\n    return y * 2")


def test_a_syntax_error_that_the_edit_brought_is_reported(desk: Any) -> None:
    seen = desk("edit", command="str_replace", path="pkg/core.py", old="return x + 1", new="return (x")
    assert seen.status == "error"
    assert "[syntax errors that this change brought: line 2" in seen.text
    again = desk("edit", command="insert", path="pkg/core.py", line=0, new="import os")
    assert again.status == "ok"


def test_undo_goes_back_one_change_at_a_time(desk: Any) -> None:
    desk("edit", command="str_replace", path="pkg/core.py", old="x + 1", new="x + 2")
    desk("edit", command="create", path="pkg/new.py", new="a = 1\n")
    desk("edit", command="str_replace", path="pkg/core.py", old="x + 2", new="x + 3")
    for expected in ("x + 2", "x + 1"):
        assert desk("edit", command="undo", path="pkg/core.py").status == "ok"
        assert expected in (desk.tree / "pkg/core.py").read_text()
    assert desk("edit", command="undo", path="pkg/core.py").status == "refused"
    assert desk("edit", command="undo", path="pkg/new.py").status == "ok"
    assert not (desk.tree / "pkg/new.py").exists()


def test_create_makes_folders_and_keeps_an_old_files_line_ends(desk: Any) -> None:
    desk("edit", command="create", path="a/b/c.txt", new="x\n")
    assert (desk.tree / "a/b/c.txt").read_text() == "x\n"
    (desk.tree / "win.txt").write_bytes(b"a\r\nb\r\n")
    desk("edit", command="create", path="win.txt", new="c\nd\n")
    assert (desk.tree / "win.txt").read_bytes() == b"c\r\nd\r\n"


def test_permission_bits_stay(desk: Any) -> None:
    script = desk.tree / "run.sh"
    script.write_text("echo 1\n")
    script.chmod(0o755)
    desk("edit", command="str_replace", path="run.sh", old="echo 1", new="echo 2")
    assert script.stat().st_mode & 0o777 == 0o755


def test_an_absolute_path_and_a_link_within_the_repository_are_followed(desk: Any) -> None:
    (desk.tree / "link.py").symlink_to("pkg/core.py")
    assert desk("edit", command="str_replace", path="link.py", old="x + 1", new="x * 2").status == "ok"
    assert (desk.tree / "link.py").is_symlink()
    assert "x * 2" in (desk.tree / "pkg/core.py").read_text()
    path = str(desk.tree / "pkg/core.py")
    assert desk("edit", command="str_replace", path=path, old="x * 2", new="x * 3").status == "ok"


@pytest.mark.parametrize(
    "path",
    [
        "../outside.txt",
        "/etc/passwd",
        "escape",
        "away/x.txt",
        ".git/config",
        ".git/hooks/x",
        "pkg",
        "fifo",
        "a\nb",
        "",
        "gone",
    ],
)
def test_what_is_not_a_file_of_the_work_tree_is_never_written(desk: Any, path: str) -> None:
    outside = desk.tree.parent / "outside.txt"
    outside.write_text("keep\n")
    (desk.tree / "escape").symlink_to(outside)
    (desk.tree / "away").symlink_to(desk.tree.parent)
    (desk.tree / "gone").symlink_to("/nonexistent/x")
    desk("bash", command="mkfifo fifo")
    for arguments in ({"command": "create", "new": "x"}, {"command": "str_replace", "old": "keep", "new": "x"}):
        seen = desk("edit", path=path, **arguments)
        assert seen.status == "refused"
        assert seen.text.startswith("nothing was changed: ")
    assert outside.read_text() == "keep\n"
    assert not (desk.tree.parent / "x.txt").exists()


def test_a_binary_file_is_refused_and_a_missing_one_named(desk: Any) -> None:
    (desk.tree / "data.bin").write_bytes(b"a\0b")
    assert "binary" in desk("edit", command="str_replace", path="data.bin", old="a", new="b").text
    assert "nope.py does not exist" in desk("edit", command="str_replace", path="nope.py", old="a", new="b").text


FORMATS = {
    "edit_blocks": {
        "blocks": "pkg/core.py\n<<<<<<< SEARCH\n    return x + 1\n=======\n    return x * 2\n>>>>>>> REPLACE\n"
        "n.py\n<<<<<<< SEARCH\n=======\na = 1\n>>>>>>> REPLACE\n"
    },
    "apply_diff": {
        "diff": "--- a/pkg/core.py\n+++ b/pkg/core.py\n@@ -1,2 +1,2 @@\n def double(x):\n-    return x + 1\n"
        "+    return x * 2\n--- /dev/null\n+++ b/n.py\n@@ -0,0 +1 @@\n+a = 1\n"
    },
    "apply_patch": {
        "patch": "*** Begin Patch\n*** Update File: pkg/core.py\n@@\n-    return x + 1\n+    return x * 2\n"
        "*** Add File: n.py\n+a = 1\n*** End Patch"
    },
}


@pytest.mark.parametrize("tool", FORMATS)
def test_other_formats_change_several_files(desk: Any, tool: str) -> None:
    seen = desk(tool, **FORMATS[tool])
    assert seen.status == "ok"
    assert "     2\t    return x * 2" in seen.text
    assert (desk.tree / "pkg/core.py").read_text() == CORE.replace("x + 1", "x * 2")
    assert (desk.tree / "n.py").read_text() == "a = 1\n"


@pytest.mark.parametrize("tool", FORMATS)
def test_other_formats_change_all_or_nothing(desk: Any, tool: str) -> None:
    (desk.tree / "n.py").write_text("there already\n")
    seen = desk(tool, **FORMATS[tool])
    assert seen.status == "refused"
    assert "n.py" in seen.text
    assert (desk.tree / "pkg/core.py").read_text() == CORE


def test_a_patch_deletes_and_moves(desk: Any) -> None:
    patch = (
        "*** Begin Patch\n*** Delete File: conftest.py\n*** Update File: pkg/core.py\n*** Move to: pkg/base.py\n"
        "@@\n-    return x + 1\n+    return x * 2\n*** End Patch"
    )
    assert desk("apply_patch", patch=patch).status == "ok"
    assert not (desk.tree / "conftest.py").exists()
    assert not (desk.tree / "pkg/core.py").exists()
    assert "x * 2" in (desk.tree / "pkg/base.py").read_text()


def test_write_replaces_a_whole_file(desk: Any) -> None:
    assert "(20 lines)" in desk("write", path="pkg/core.py", content="a = 1\n" * 20).text
    assert (desk.tree / "pkg/core.py").read_text() == "a = 1\n" * 20
    assert desk("write", path="../x", content="x").status == "refused"


def test_a_change_that_was_made_is_not_told_as_a_failure(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The grammars cannot be loaded, as in a broken installation: the check fails, and the file is written."""
    monkeypatch.setitem(sys.modules, "tree_sitter_language_pack", None)

    seen = desk("edit", command="create", path="pkg/new.lua", new="return 1\n")

    assert seen.status == "ok"
    assert seen.text.startswith("pkg/new.lua: created")
    assert "the change is made; its syntax could not be checked" in seen.text
    assert (desk.tree / "pkg/new.lua").read_text() == "return 1\n"
