"""Texts stay within their bound, lose nothing in silence, and show what would hide."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweagent.tool_support.command_output import with_pipe_note
from sweagent.tool_support.text import bounded, cut_lines, first_lines, visible


def test_a_text_a_little_over_its_bound_is_left_whole() -> None:
    text = "line\n" * 210
    assert bounded(text, 1000) == (text, False)


def test_head_and_tail_are_cut_at_line_ends_and_what_is_left_out_is_counted() -> None:
    text = "\n".join(f"line {number}" for number in range(1000))
    cut, truncated = bounded(text, 200, whole="see the file")
    head, tail = cut.split("\n[…")[0], cut.split("…]\n")[1]
    assert truncated
    assert head.splitlines()[-1].startswith("line ")
    assert tail.splitlines()[0] in text.splitlines()
    assert tail.endswith("line 999")
    assert "characters left out; see the file …]" in cut


@given(st.text(alphabet="ab\n", max_size=3000), st.integers(10, 500))
def test_a_bounded_text_is_within_its_bound_and_keeps_both_ends(text: str, limit: int) -> None:
    cut, truncated = bounded(text, limit)
    assert len(cut) <= limit * 1.1 + 100
    assert truncated or cut == text
    if truncated:
        assert text.startswith(cut.split("\n[…")[0])
        assert text.endswith(cut.rsplit("…]\n", 1)[1])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x07", "link"),
        ("10%\r50%\r100%\nend", "100%\nend"),
        ("a\r\nb\r\n", "a\nb\n"),
        ("one character \x9b31m", "one character \\x9b31m"),
        ("bell\x07 null\x00", "bell\\x07 null\\x00"),
        ("if x \u202e{ evil", "if x \\u202e{ evil"),
        ("tab\tstays", "tab\tstays"),
        ("caf\udce9", "caf?"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_long_lines_say_how_much_is_missing() -> None:
    assert cut_lines("short\n" + "x" * 30, 10) == "short\nxxxxxxxxxx [… 20 characters more]"


def test_first_lines_always_give_one() -> None:
    assert first_lines("aaaa\nbbbb\ncccc", 10) == ("aaaa\nbbbb", 1)
    assert first_lines("aaaaaaaa\nb", 3) == ("aaaaaaaa", 1)


@pytest.mark.parametrize(
    ("command", "noted"),
    [
        ("make | tail", True),
        ("cd x\nmake 2>&1 | tee log", True),
        ("make || true", False),
        ("echo 'a | b'", False),
        ("cat <<X | wc\na\nX", False),
        ("make | tail &", False),
        ("make | tail 'unclosed", False),
        ("make >| log", False),
        ("make | tail; echo done", True),
    ],
)
def test_only_a_command_that_ends_in_a_pipe_is_asked_for_its_parts(command: str, noted: bool) -> None:
    assert (with_pipe_note(command) != command) is noted
