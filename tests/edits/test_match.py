"""What an edit means in a file: found when it is certain, refused when it is not, and never a byte more changed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweagent.edits import EditRefused, Replacement, apply

FILE = """\
class Reader:
    def size(self):
        # the caller’s size – always positive
        return self.total

    def resized(self, factor):
        if factor:
            value = compute(self.total,   factor)
            return value
        return None


def helper():
    return None
"""


def edited(text: str, old: str, new: str, **options: object) -> str:
    return apply(text.encode(), [Replacement(old, new, **options)]).text  # type: ignore[arg-type]


LANDS = {
    "exact": ("        return self.total", "        return 1", "        return self.total", "        return 1"),
    "part of a line": ("self.total,   factor", "1, factor", "self.total,   factor", "1, factor"),
    "blanks at line ends": ("    def size(self):  \n", "    def size(self, x):\n", "size(self)", "size(self, x)"),
    "all dedented": (
        "def size(self):\n    # the caller’s size – always positive\n    return self.total",
        "def size(self):\n    # the caller’s size – always positive\n    if not self:\n"
        "        return 0\n    return self.total",
        "        return self.total",
        "        if not self:\n            return 0\n        return self.total",
    ),
    "look-alikes in a line that stays": (
        "        # the caller's size - always positive\n        return self.total",
        "        # the caller's size - always positive\n        return 2",
        "return self.total",
        "return 2",
    ),
    "blanks within a line": (
        "            value = compute(self.total, factor)\n            return value",
        "            value = compute(self.total, factor)\n            return value + 1",
        "return value",
        "return value + 1",
    ),
    "line numbers of a view": (
        "     4\t        return self.total",
        "     4\t        return 3",
        "        return self.total",
        "        return 3",
    ),
    "stale context": (
        "        if factor is not None:\n            value = compute(self.total,   factor)\n            return value\n"
        "        return None",
        "        if factor is not None:\n            value = compute(self.total,   factor)\n"
        "            return value * 2\n"
        "        return None",
        "return value",
        "return value * 2",
    ),
    "blank lines around": (
        "\n\n        return self.total\n\n",
        "\n\n        return 5\n\n",
        "return self.total",
        "return 5",
    ),
}


@pytest.mark.parametrize("case", LANDS)
def test_lands_where_it_was_meant_and_changes_nothing_else(case: str) -> None:
    old, new, was, becomes = LANDS[case]
    assert edited(FILE, old, new) == FILE.replace(was, becomes, 1)


REFUSED = {
    "not there": ("        return self.sum_of_all", "        return 1", "not in the file"),
    "twice": ("return None", "return 1", "2 times, at lines 10, 14"),
    "within a word": ("sized(self", "x(self", "only within longer words"),
    "empty": ("", "x", "empty"),
    "no change": ("return None", "return None", "the same"),
    "the changed line itself is stale": (
        "        if factor:\n            value = compute(self.sum, factor)\n            return value",
        "        if factor:\n            value = compute(self.count, factor)\n            return value",
        "most like it is",
    ),
    "indentation not in one way": (
        "if factor:\nvalue = compute(self.total, factor)\nreturn value",
        "if factor:\nreturn value",
        "not everywhere in the same way",
    ),
    "new lines whose indentation is unclear": (
        "value = compute(self.total,   factor)",
        "if self:\n    value = compute(self.total, factor)",
        "give whole lines",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses_what_is_not_certain_and_says_why(case: str) -> None:
    old, new, said = REFUSED[case]
    with pytest.raises(EditRefused, match=said):
        edited(FILE, old, new)


def test_refusal_of_an_ambiguous_edit_shows_the_numbered_candidates() -> None:
    with pytest.raises(EditRefused) as refused:
        edited(FILE, "return None", "return 1")
    assert "    10\t        return None" in str(refused.value)
    assert "    14\t    return None" in str(refused.value)


def test_a_line_number_decides_between_places() -> None:
    assert edited(FILE, "return None", "return 1", line=14) == FILE.replace("\n    return None", "\n    return 1")
    assert edited(FILE, "return None", "return 1", line=10) == FILE.replace("        return None", "        return 1")


def test_everywhere_replaces_each_occurrence() -> None:
    assert edited(FILE, "return None", "return 1", everywhere=True) == FILE.replace("return None", "return 1")


def test_spaces_become_the_tabs_of_the_file() -> None:
    text = "def f():\n\tif x:\n\t\treturn 1\n\treturn 2\n"
    old = "    if x:\n        return 1\n"
    new = "    if x:\n        while y:\n            z()\n        return 1\n"
    assert edited(text, old, new) == "def f():\n\tif x:\n\t\twhile y:\n\t\t\tz()\n\t\treturn 1\n\treturn 2\n"


def test_tabs_do_not_get_into_a_file_of_spaces() -> None:
    with pytest.raises(EditRefused, match="tabs"):
        edited("class A:\n    def f(self): pass\n\nx = 1\n", "x = 1", "class B:\n\tdef g(self): pass\n\nx = 1")
    assert edited("all:\n\tmake x\n", "make x", "make x\n\tmake y") == "all:\n\tmake x\n\tmake y\n"


def test_stale_context_with_an_indentation_that_cannot_be_derived_is_refused() -> None:
    text = "def f():\n    a = 1\n    b = 2\n    long_name = 3\n    c = 4\n    d = 5\n"
    old = "  a = 1\n  b = old\n  long_name = 3\n  c = 4\n  d = 5"
    new = "  a = 1\n  b = old\n  c = 4\n  d = 5\n    e = 6"
    with pytest.raises(EditRefused, match="not in the file"):
        edited(text, old, new)


def test_a_blank_line_that_the_edit_drops_vanishes() -> None:
    text = "def f():\n    a = 1\n\n    b = 2\n"
    assert edited(text, "  a = 1\n\n  b = 2", "  a = 1\n  b = 3").count("\n\n") == 0
    assert edited(text, "    a = 1  \n\n", "    a = 2") == "def f():\n    a = 2\n    b = 2\n"


def test_two_spaces_for_four_are_not_guessed() -> None:
    text = "def f():\n    if x:\n        return 1\n"
    with pytest.raises(EditRefused, match="indentation"):
        edited(text, "  if x:\n    return 1", "  if x:\n    while y:\n      z()\n    return 1")


def test_lines_that_go_leave_no_empty_line() -> None:
    assert edited("a1\nb1\nc1\n", "b1 ", "") == "a1\nc1\n"
    assert edited("a1\nb1\nc1", "c1 ", "") == "a1\nb1"


def test_insertions_go_after_their_line() -> None:
    assert edited("a\nb\n", "", "x", line=0) == "x\na\nb\n"
    assert edited("a\nb\n", "", "x\ny\n", line=1) == "a\nx\ny\nb\n"
    assert edited("a\nb", "", "x", line=2) == "a\nb\nx"
    with pytest.raises(EditRefused, match="no line 3"):
        edited("a\nb\n", "", "x", line=3)


def test_several_changes_are_applied_together_or_not_at_all() -> None:
    applied = apply(b"a = 1\nb = 2\nc = 3\n", [Replacement("c = 3", "c = 4\nd = 5"), Replacement("a = 1", "a = 0")])
    assert applied.text == "a = 0\nb = 2\nc = 4\nd = 5\n"
    assert [(hunk.first, hunk.last) for hunk in applied.hunks] == [(1, 1), (3, 4)]
    with pytest.raises(EditRefused, match="change 2 of 2"):
        apply(b"a = 1\n", [Replacement("a = 1", "a = 0"), Replacement("zzzz", "y")])
    with pytest.raises(EditRefused, match="overlap"):
        apply(b"a = 1\nb = 2\n", [Replacement("a = 1\nb", "x"), Replacement("b = 2", "y")])


LINES = st.lists(
    st.sampled_from(["a = 1", "    b = 2", "", "        c(3)", "    return d", "é – “x”"]), min_size=1, max_size=12
)


@settings(max_examples=200)
@given(LINES, LINES, LINES, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_an_exact_unique_text_is_replaced_and_every_other_byte_stays(
    before: list[str], after: list[str], new: list[str], newline: str, final: bool
) -> None:
    head, tail = newline.join([*before, "UNIQUE 1"]), newline.join(["UNIQUE 2", *after]) + (newline if final else "")
    data = f"{head}{newline}middle line{newline}{tail}".encode()
    replacement = "\n".join(["new first", *new])
    applied = apply(data, [Replacement("middle line", replacement)])
    assert applied.data == f"{head}{newline}{newline.join(['new first', *new])}{newline}{tail}".encode()


@settings(max_examples=300)
@given(st.text(max_size=80), st.text(max_size=30), st.text(max_size=30))
def test_any_text_is_replaced_once_or_refused(text: str, old: str, new: str) -> None:
    if "\0" in text:
        return
    try:
        applied = apply(text.encode(), [Replacement(old, new)])
    except EditRefused:
        return
    assert applied.data != text.encode() or new.replace("\r\n", "\n").strip() == old.replace("\r\n", "\n").strip()


SLIPS = {
    "none": lambda lines: lines,
    "blanks at line ends": lambda lines: [f"{line}  " for line in lines],
    "indented further": lambda lines: [f"    {line}" if line.strip() else line for line in lines],
    "dedented": lambda lines: [line.removeprefix("    ") for line in lines],
    "tabs": lambda lines: [line.replace("    ", "\t") for line in lines],
    "look-alikes": lambda lines: [line.replace("'", "’") for line in lines],
}


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from(["x = 'a'", "if y:", "", "return z", "call(1)"])),
        min_size=3,
        max_size=14,
    ),
    st.integers(0, 10),
    st.integers(1, 5),
    st.sampled_from(sorted(SLIPS)),
)
def test_a_slip_makes_an_edit_land_right_or_be_refused(
    shape: list[tuple[int, str]], start: int, height: int, slip: str
) -> None:
    lines = ["    " * level + code if code else "" for level, code in shape]
    start = min(start, len(lines) - 1)
    old = lines[start : start + height]
    changed = f"{old[0]}  # changed" if old[0].strip() else "    added = 1"
    text, expected = "\n".join([*lines, ""]), "\n".join([*lines[:start], changed, *lines[start + 1 :], ""])
    given_old, given_new = SLIPS[slip](old), SLIPS[slip]([changed, *old[1:]])
    bare, sought = ("\n".join(line.strip() for line in part) for part in (lines, old))
    twice = sum(bare.startswith(sought.strip("\n"), place) for place in range(len(bare))) > 1
    if twice or given_old[1:] != given_new[1:]:
        return  # apart from its indentation it is there twice: the slip makes it mean another place
    if not "".join(old[:1]).strip() and given_new[:1] != [changed]:
        return  # a blank line tells nothing of the indentation that the slip took from the line put in its place
    try:
        applied = edited(text, "\n".join(given_old), "\n".join(given_new))
    except EditRefused:
        return
    same = [line.rstrip() for line in applied.replace("’", "'").split("\n")]
    assert same == [line.rstrip() for line in expected.split("\n")]
