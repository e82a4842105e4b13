import pytest

from tablemark import TableError, read

TEXT = """
| name | size |
|------|-----:|
| a    | 1    |
| b    |
"""


def test_head_and_rows():
    table = read(TEXT)
    assert table.head == ["name", "size"]
    assert table.rows == [["a", "1"], ["b", ""]]


def test_alignment():
    assert read(TEXT).alignment == ["left", "right"]


def test_column():
    assert read(TEXT).column("size") == ["1", ""]


def test_too_wide():
    with pytest.raises(TableError, match="row 1 has 2 cells"):
        read("a\n---\nb | c\n")


def test_no_rule():
    with pytest.raises(TableError):
        read("a\nb\n")
