"""Encodings, byte order marks, line ends and missing final newlines survive an edit of another line."""

import pytest

from sweagent.edits import EditRefused, Replacement, SourceText, apply, create

KEPT = {
    "utf-8": "naïve = 1\nold\nend\n".encode(),
    "utf-8 with byte order mark": b"\xef\xbb\xbfa\nold\nend\n",
    "CRLF": b"a\r\nold\r\nend\r\n",
    "mixed line ends": b"a\r\nb\nold\r\nend\nlast\r\n",
    "no final newline": b"a\nold\nend",
    "latin-1": "caf\xe9 \xfc\nold\nend\n".encode("latin-1"),
    "latin-1 by its cookie": "# -*- coding: latin-1 -*-\ncaf\xe9\nold\nend\n".encode("latin-1"),
    "utf-16": b"\xff\xfe" + "a\nold\nend\n".encode("utf-16-le"),
    "one broken byte in utf-8": "ünï\n".encode() + b"\xff\nold\nend\n",
    "form feed and tabs": b"\x0ca\n\told\n\tend\n",
    "carriage return alone": b"a\rb\nold\nend\n",
}


@pytest.mark.parametrize("case", KEPT)
def test_only_the_edited_line_changes(case: str) -> None:
    data = KEPT[case]
    codec = "utf-16-le" if case == "utf-16" else "latin-1"
    expected = data.replace("old".encode(codec), "new".encode(codec))
    assert apply(data, [Replacement("old", "new")]).data == expected


def test_new_lines_get_the_line_end_of_those_around() -> None:
    assert apply(b"a\r\nold\r\nend\n", [Replacement("old", "x\ny")]).data == b"a\r\nx\r\ny\r\nend\n"
    assert apply(b"a\nold\r\nend\r\n", [Replacement("a\nold", "x\ny\nz")]).data == b"x\ny\nz\r\nend\r\n"


def test_an_edit_over_a_crlf_boundary_is_exact() -> None:
    assert apply(b"a\r\nb\r\nc", [Replacement("b\nc", "B\nC")]).data == b"a\r\nB\r\nC"
    assert apply(b"a\r\nb\r\nc", [Replacement("b\r\nc", "B\r\nC")]).data == b"a\r\nB\r\nC"


def test_a_whole_new_text_keeps_encoding_and_line_ends() -> None:
    assert create("x\ny\n", like=b"\xef\xbb\xbfa\r\nb\r\n") == b"\xef\xbb\xbfx\r\ny\r\n"
    assert create("x\ny\n") == b"x\ny\n"


def test_refuses_binary_and_characters_that_the_encoding_lacks() -> None:
    with pytest.raises(EditRefused, match="binary"):
        SourceText.of(b"a\0b")
    with pytest.raises(EditRefused, match="latin-1"):
        apply("caf\xe9 \xfc\xe4\nold\n".encode("latin-1"), [Replacement("old", "→")])
