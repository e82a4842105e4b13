import pytest

from sweagent.printable import first_line, one_line, printable_text


def test_nothing_drives_the_terminal_and_lines_stay() -> None:
    assert printable_text("a\x1b[31m\tb\n\u202ec\r") == "a\tb\n\ufffdc\ufffd"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("\n  \n  says  it \nmore", "says  it"),
        ("a\x1b[2Jb", "ab"),
        ("x" * 20, "x" * 9 + "…"),
        ("half \udc80", "half \ufffd"),
    ],
)
def test_first_line_that_says_something(text: str, line: str) -> None:
    assert first_line(text, 10) == line


def test_all_on_one_line() -> None:
    assert one_line("a\n\n b\tc\x07", 80) == "a b c\ufffd"
    assert one_line("abcdef", 4) == "abc…"
