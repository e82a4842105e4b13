"""What an edit and a submission say of what may have to follow a change."""

import subprocess
from typing import Any

import pytest

from sweagent.tool_support.impact import broken_signatures, replaced_lines
from sweagent.tool_support.unknown_names import new_names

LONG = "    result = [item.value for item in items if item.value is not None]\n"


@pytest.fixture
def committed(desk: Any) -> Any:
    """The desk with two files of like code, committed and indexed."""
    (desk.tree / "pkg/one.py").write_text(f"def values(items):\n{LONG}    return result\n")
    (desk.tree / "pkg/two.py").write_text(
        f"from pkg.core import double\n\n\ndef others(items):\n{LONG}    return double(result)\n"
    )
    git = ["git", "-C", desk.tree, "-c", "user.name=a", "-c", "user.email=a@b.example"]
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "base"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    desk.context.git_dir, desk.context.base_commit = desk.tree / ".git", head
    return desk


def replace(desk: Any, path: str, old: str, new: str) -> str:
    return str(desk("edit", command="str_replace", path=path, old=old, new=new).text)


def test_callers_of_a_changed_signature_are_named_once(committed: Any) -> None:
    said = replace(committed, "pkg/core.py", "def double(x):", "def double(x, times):")
    assert "[double takes (x, times) now; called at pkg/two.py:6 [others]]" in said
    assert "called at" not in replace(committed, "pkg/core.py", "return x + 1", "return x * times")
    assert committed("submit").submitted


def test_the_same_lines_elsewhere_are_named(committed: Any) -> None:
    said = replace(committed, "pkg/one.py", LONG, LONG.replace("is not None", "is not UNSET"))
    assert "[lines that you replaced also stand at pkg/two.py:5; do these need the same?]" in said


def test_what_the_shell_changed_is_said_once_at_submit(committed: Any) -> None:
    committed("bash", command="sed -i 's/def double(x)/def double(x, times)/' pkg/core.py")
    seen = committed("submit", summary="Done.")
    assert not seen.submitted
    assert seen.text.startswith("not submitted yet;")
    assert "- double takes (x, times) now; called at pkg/two.py:6 [others]" in seen.text
    assert committed("submit").submitted


def test_names_that_exist_nowhere_are_said(committed: Any) -> None:
    said = replace(committed, "pkg/core.py", "return x + 1", "return x.frobnicate_all() + x.removeprefix_of_x()")
    assert "[no such name in the repository or its environment: frobnicate_all, removeprefix_of_x]" in said
    said = replace(committed, "pkg/core.py", "return 1", "return 'a'.casefold() + subprocess_of(self).value")
    assert "not defined" not in said
    assert "no such name" not in said


def test_a_name_that_a_later_edit_defines_is_not_missed(committed: Any) -> None:
    replace(committed, "pkg/core.py", "return x + 1", "return helper(x)")
    replace(committed, "pkg/core.py", "return 1", "return unheard_of")
    replace(committed, "pkg/core.py", "class Box:", "def helper(x):\n    return x\n\n\nclass Box:")
    seen = committed("submit")
    assert not seen.submitted
    assert "- not defined in pkg/core.py: unheard_of\n" in seen.text
    assert committed("submit").submitted


@pytest.mark.parametrize(
    ("old", "new", "broken"),
    [
        ("a", "a, b", True),
        ("a", "a, b=1", False),
        ("a, b=1", "a", True),
        ("a, b=1", "a, b", True),
        ("a, b", "b, a", True),
        ("a", "a, *rest", False),
        ("a, *rest", "a", True),
        ("a", "a, *, key=None", False),
        ("a", "a, *, key", True),
        ("a, *, key=None", "a, *, key", True),
        ("a, *, key", "a, *, key=None", False),
        ("a, *, key=1", "a, key=1", False),
        ("a, *, key=1", "a", True),
        ("a, *, key=1", "a, **rest", False),
        ("a: int", "a: str", False),
    ],
)
def test_a_signature_breaks_its_callers_or_not(old: str, new: str, broken: bool) -> None:
    before, after = (f"class C:\n    def f({parameters}):\n        pass\n" for parameters in (old, new))
    assert broken_signatures("a.py", before, after) == ([("C.f", new)] if broken else [])
    assert broken_signatures("a.js", before, after) == []


def test_only_distinctive_lines_are_looked_for() -> None:
    long = "value = compute_the_value_of_it(first, second, third)"
    before = f"x = 1\n{long}\nreturn compute_the_value_of_it(first, second, third)\n# {long}\n"
    assert replaced_lines(before, "x = 1\ny = 2\n") == [long]
    assert replaced_lines(before, before.replace("x = 1", "x = 2")) == []
    assert replaced_lines(long, f"if x:\n    {long}") == []


def test_names_are_known_however_they_are_bound() -> None:
    after = (
        "import os.path as p\nfrom a import b as c\n"
        "def f(d, *e, g=1, **h):\n    global i\n    for j in k: pass\n    with l as m: pass\n"
        "    try: pass\n    except E as n: print(n)\n    (o := 1)\n    q = [r for r in s]\n"
        "    match q:\n        case {'x': t, **u}: pass\n        case [v, *w]: pass\n"
        "    return p, c, d, e, g, h, i, j, m, o, q, r, t, u, v, w, len, __name__, missing, d.attribute\n"
    )
    assert new_names("k, l, E, s", after) == (["missing"], ["b", "attribute"])
    # That a word stands in the file, in a text or as another name, defines nothing.
    before = "from a import Late as L\n'Late'\n"
    assert new_names(before, f"{before}raise Late\n") == (["Late"], [])
    assert new_names("", "from a import *\nprint(unknown)\n") == ([], [])
