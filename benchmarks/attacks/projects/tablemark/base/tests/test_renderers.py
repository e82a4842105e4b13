import pytest

from tablemark import names, read, render

TABLE = read("name | size\n---|--:\na<b | 1\n")


@pytest.mark.parametrize("name", names())
def test_all_show_the_head(name):
    assert "name" in render(TABLE, name)


def test_html():
    expected = '<table><tr><th>name</th><th>size</th></tr><tr><td>a&lt;b</td><td align="right">1</td></tr></table>'
    assert render(TABLE, "html") == expected


def test_text():
    assert render("a | b\n---|---\nlong | c\n", "text") == "a     b\nlong  c"


def test_unknown():
    with pytest.raises(KeyError):
        render(TABLE, "pdf")
