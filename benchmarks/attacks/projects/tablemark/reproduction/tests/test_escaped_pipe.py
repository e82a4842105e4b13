from tablemark import read, render

TEXT = r"""
expr   | meaning
-------|--------
a \| b | or
"""


def test_cell_is_whole():
    assert read(TEXT).rows == [["a | b", "or"]]


def test_rendered():
    assert "<td>a | b</td><td>or</td>" in render(TEXT, "html")
