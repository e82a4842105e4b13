import io
import tarfile

import pytest

from sweagent.errors import UsageError
from sweagent.verify.trees import open_trees


def test_a_patched_tree_differs_by_what_the_patch_changes(project):
    made = project({"a.py": "1\n", "b c.py": "2\n", "gone.py": "3\n"})
    patch = made.patch({"a.py": "one\n", "naïve.py": "4\n", "gone.py": None})
    with open_trees(made.repository) as trees:
        patched = trees.apply(patch.text)
        changes = {
            change.path: (change.old is None, change.new is None) for change in trees.changes(trees.base, patched)
        }
        assert changes == {"a.py": (False, False), "naïve.py": (True, False), "gone.py": (False, True)}
        assert trees.read(patched, "a.py") == b"one\n"
        assert trees.read(trees.base, "a.py") == b"1\n"
        assert trees.read(patched, "gone.py") is None


def test_the_archive_holds_the_new_side_only(project):
    made = project({"a.py": "1\n", "gone.py": "3\n"})
    patch = made.patch({"a.py": "one\n", "gone.py": None, "sub/new.py": ""})
    with open_trees(made.repository) as trees:
        changes = trees.changes(trees.base, trees.apply(patch.text))
        with tarfile.open(fileobj=io.BytesIO(trees.archive(changes))) as archive:
            assert sorted(archive.getnames()) == ["a.py", "sub/new.py"]
            assert archive.extractfile("a.py").read() == b"one\n"


def test_the_repository_gets_no_objects_and_keeps_its_files(project):
    made = project({"a.py": "1\n"})
    patch = made.patch({"a.py": "a content that is nowhere else\n"})
    before = sorted(path for path in (made.path / ".git").rglob("*"))
    with open_trees(made.repository) as trees:
        trees.apply(patch.text)
    assert sorted(path for path in (made.path / ".git").rglob("*")) == before
    assert (made.path / "a.py").read_text() == "1\n"


@pytest.mark.parametrize(
    "text",
    [
        "not a diff at all\n",
        "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-something else\n+2\n",
        "--- /dev/null\n+++ b/../outside.py\n@@ -0,0 +1 @@\n+2\n",
        "diff --git a/.git/hooks/x b/.git/hooks/x\nnew file mode 100755\n"
        "--- /dev/null\n+++ b/.git/hooks/x\n@@ -0,0 +1 @@\n+2\n",
    ],
)
def test_what_git_refuses_is_an_error_that_says_so(project, text):
    made = project({"a.py": "1\n"})
    with open_trees(made.repository) as trees, pytest.raises(UsageError, match="does not apply"):
        trees.apply(text)
