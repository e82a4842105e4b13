"""Patches composed from edits as text."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sweagent.patch.from_edits import patch_of_edits
from sweagent.repository import open_repository
from sweagent.task import Repository

FILES = {
    "area.py": "def area(a, b):\n    return a + b\n",
    "run.sh": "#!/bin/sh\necho area\n",
    "old.py": "x = 1\n",
    "tests/test_area.py": "def test_area():\n    pass\n",
}


@pytest.fixture
def repository(git_repository: Callable[..., Path]) -> Repository:
    made = git_repository(FILES, name="shapes")
    for command in (["update-index", "--chmod=+x", "run.sh"], ["commit", "-qm", "mode"]):
        subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@y", *command], cwd=made, check=True)
    return open_repository(str(made), base="HEAD")


def block(path: str, old: str, new: str) -> str:
    return f"{path}\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n"


UNIFIED = "--- a/area.py\n+++ b/area.py\n@@ -1,2 +1,2 @@\n def area(a, b):\n-    return a + b\n+    return a * b\n"
APPLY = "*** Begin Patch\n*** Update File: area.py\n@@\n-    return a + b\n+    return a * b\n*** End Patch\n"


@pytest.mark.parametrize("edits", [block("area.py", "    return a + b", "    return a * b"), UNIFIED, APPLY])
def test_each_format_gives_the_same_patch(edits: str, repository: Repository) -> None:
    patch = patch_of_edits(repository, edits)
    assert [(file.path, file.change, file.kept) for file in patch.files] == [("area.py", "modified", True)]
    assert "+    return a * b" in patch.text
    assert patch.blocked == ""


def test_files_are_made_moved_and_removed_and_keep_their_mode(repository: Repository) -> None:
    edits = (
        "*** Begin Patch\n*** Add File: new.py\n+y = 2\n*** Delete File: old.py\n"
        "*** Update File: run.sh\n*** Move to: bin/run.sh\n@@\n-echo area\n+echo shape\n*** End Patch\n"
    )
    patch = patch_of_edits(repository, edits)
    changes = {file.path: file.change for file in patch.kept}
    assert (changes["new.py"], changes["old.py"]) == ("added", "deleted")
    # Whether git takes it for a rename is git's own matter.
    assert changes["bin/run.sh"] in ("added", "renamed")
    assert "new file mode 100755" in patch.text or "rename to bin/run.sh" in patch.text


@pytest.mark.parametrize(
    ("edits", "why"),
    [
        ("I would change the sum.", "cannot be applied"),
        (block("area.py", "    return a - b", "    return a * b"), "area.py"),
        (block("none.py", "x", "y"), "there is no such file"),
        (block("area.py", "", "x"), "it is there already"),
        (block("../area.py", "", "x"), "leads out of the work tree"),
        (block(".git/config", "", "x"), "inside .git"),
        (
            "*** Begin Patch\n*** Update File: old.py\n*** Move to: area.py\n@@\n-x = 1\n+x = 2\n*** End Patch\n",
            "area.py",
        ),
    ],
)
def test_edits_that_cannot_be_applied_are_told(edits: str, why: str, repository: Repository) -> None:
    patch = patch_of_edits(repository, edits)
    assert not patch
    assert why in patch.blocked


def test_edits_of_tests_are_left_out(repository: Repository) -> None:
    edits = block("tests/test_area.py", "    pass", "    assert True")
    patch = patch_of_edits(repository, edits + block("area.py", "    return a + b", "    return a * b"))
    assert [file.path for file in patch.kept] == ["area.py"]
    assert [file.path for file in patch.dropped] == ["tests/test_area.py"]
