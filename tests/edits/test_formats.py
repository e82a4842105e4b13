"""The formats of edits, as models write them: with prose, wrong numbers and missing marks."""

import pytest

from sweagent.edits import EditRefused, apply
from sweagent.edits.formats import parse_apply_patch, parse_blocks, parse_unified

FILE = b"def f():\n    a = 1\n\n    return a\n\n\ndef g():\n    a = 1\n\n    return a\n"

BLOCKS = """I will change it.

**src/a.py**
```python
<<<<<<< SEARCH
def g():
    a = 1
=======
def g():
    a = 2
>>>>>>> REPLACE
```
new/b.py
<<<<<<< SEARCH
=======
x = 1
>>>>>>> REPLACE
"""

DIFF = """diff --git a/src/a.py b/src/a.py
index 123..456 100644
--- a/src/a.py
+++ b/src/a.py
@@ -7,99 +7,1 @@ def g():
 def g():
-    a = 1
+    a = 2

     return a
--- /dev/null
+++ b/new/b.py
@@ -0,0 +1 @@
+x = 1
"""

PATCH = """*** Begin Patch
*** Update File: src/a.py
@@ def g():
-    a = 1
+    a = 2

     return a
*** Add File: new/b.py
+x = 1
*** End Patch"""


@pytest.mark.parametrize(
    ("parse", "text"),
    [(parse_blocks, BLOCKS), (parse_unified, DIFF), (parse_apply_patch, PATCH)],
    ids=["blocks", "diff", "patch"],
)
def test_the_same_change_in_each_format(parse, text: str) -> None:
    update, created = parse(text)
    assert (update.path, update.action) == ("src/a.py", "update")
    assert apply(FILE, list(update.replacements)).data == FILE[:39] + FILE[39:].replace(b"a = 1", b"a = 2")
    assert (created.path, created.action, created.text) == ("new/b.py", "create", "x = 1\n")


def test_line_numbers_of_a_diff_decide_only_between_equal_places() -> None:
    (change,) = parse_unified("--- a/a\n+++ b/a\n@@ -8,3 +8,3 @@\n-    a = 1\n+    a = 2\n \n     return a\n")
    assert apply(FILE, list(change.replacements)).text.endswith("def g():\n    a = 2\n\n    return a\n")
    (change,) = parse_unified("--- a/a\n+++ b/a\n@@ -5,3 +5,3 @@\n-    a = 1\n+    a = 2\n \n     return a\n")
    with pytest.raises(EditRefused, match="2 times"):
        apply(FILE, list(change.replacements))


def test_deletion_and_move() -> None:
    (gone,) = parse_unified("--- a/x.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x = 1\n")
    assert (gone.path, gone.action) == ("x.py", "delete")
    moved, dropped = parse_apply_patch(
        "*** Begin Patch\n*** Update File: a.py\n*** Move to: b.py\n@@\n-x = 1\n+x = 2\n"
        "*** Delete File: c.py\n*** End Patch"
    )
    assert (moved.target, dropped.action, dropped.path) == ("b.py", "delete", "c.py")


@pytest.mark.parametrize(
    ("parse", "text", "said"),
    [
        (parse_blocks, "nothing", "no block"),
        (parse_blocks, "<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE", "no path"),
        (parse_blocks, "a.py\n<<<<<<< SEARCH\na\n=======\nb\n", "not complete"),
        (parse_blocks, "a.py\n<<<<<<< SEARCH\na\n<<<<<<< SEARCH\n=======\nb\n>>>>>>> REPLACE", "another one"),
        (parse_unified, "nothing", "not a unified diff"),
        (parse_unified, "--- a/a\n+++ b/a\n", "no hunk"),
        (parse_unified, "--- a/a\n+++ b/a\n@@\n+x\n", "lines of context"),
        (parse_apply_patch, "*** Begin Patch\n*** End Patch", "no section"),
        (parse_apply_patch, "*** Begin Patch\n*** Update File: a\n*** End Patch", "changes nothing"),
    ],
)
def test_refuses_what_is_not_complete(parse, text: str, said: str) -> None:
    with pytest.raises(EditRefused, match=said):
        parse(text)
