"""Which patches are the same when blanks, comments and docstrings do not count."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sweagent.patch.from_edits import patch_of_edits
from sweagent.patch.normal_form import normal_code, normal_forms
from sweagent.repository import open_repository

FILES = {
    "area.py": 'def area(a, b):\n    """Of a shape."""\n    # the sum\n    return a + b\n',
    "area.js": "// of a shape\nfunction area(a, b) {\n  return a + b\n}\n",
}


def block(path: str, old: str, new: str) -> str:
    return f"{path}\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n"


MENDS = block("area.py", "    return a + b", "    return a * b")


@pytest.mark.parametrize(
    ("edits", "same"),
    [
        (block("area.py", "    # the sum\n    return a + b", "    # the product\n\n    return (a * b)"), True),
        (block("area.py", '    """Of a shape."""\n    # the sum\n    return a + b', "    return a  *  b"), True),
        (block("area.py", "    return a + b", "    return b * a"), False),
        (MENDS + block("area.js", "// of a shape", "// of a rectangle"), True),
        (MENDS + block("area.js", "  return a + b", "  return a * b"), False),
        (MENDS + block("new.py", "", "x = 1"), False),
    ],
)
def test_patches_that_lead_to_the_same_code_have_one_form(
    edits: str, same: bool, git_repository: Callable[..., Path]
) -> None:
    repository = open_repository(str(git_repository(FILES, name="shapes")))
    patches = [patch_of_edits(repository, text) for text in (MENDS, edits)]
    assert all(patches), patches
    first, second = normal_forms(repository, patches)
    assert (first == second) is same


def test_a_patch_that_changes_no_code_has_an_empty_form(git_repository: Callable[..., Path]) -> None:
    repository = open_repository(str(git_repository(FILES, name="shapes")))
    comment = patch_of_edits(repository, block("area.py", "    # the sum", "    # what it is"))
    assert comment
    assert normal_forms(repository, [comment]) == [""]


@pytest.mark.parametrize(
    ("path", "one", "other", "same"),
    [
        ("a.py", b"x = 'a'\n", b'x = "a"  # b\n', True),
        ("a.py", b"x = 1\n", b"x = 01\n", False),
        ("a.py", b"def f(:\n  pass\n", b"def f(:\n\n  pass  \n", True),
        ("a.py", b"class A:\n    'doc'\n", b"class A:\n    pass\n", True),
        ("a.c", b"#include <a.h>\n", b"#include <b.h>\n", False),
        ("a.c", b"// one\nint a;\n", b"int a;\n", True),
        ("a.yaml", b"a:\n  b: 1\n", b"a:\nb: 1\n", False),
        ("a.png", b"\0\n\n", b"\0\n", False),
    ],
)
def test_the_normal_code_of_files(path: str, one: bytes, other: bytes, same: bool) -> None:
    assert (normal_code(path, one) == normal_code(path, other)) is same
