"""What is kept of a file survives the store, and words are counted as they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweagent.code.index.facts import Facts, decode, encode, extract
from sweagent.code.index.own_text import own_text, own_texts
from sweagent.code.index.words import IDENTIFIER, identifiers

SOURCES = [
    "",
    "x\n",
    "class A(B, metaclass=C):\n    def f(self):\n        return größe + f2 + 0x1F + _y\n\nimport os.path\n",
    "def f():\n    def g(): pass\n    return g\n\n@f\nasync def h(): pass\n",
    "namen = 'ä\u2028b'\n",
]


@pytest.mark.parametrize("source", SOURCES)
def test_facts_come_back_from_the_store_as_they_were(source: str) -> None:
    facts = extract("a.py", source.encode())
    assert decode(encode(facts)) == facts


def test_a_method_written_beside_its_type_comes_back() -> None:
    facts = extract("a.go", b"package p\nfunc (t *T) M() {}\nfunc F() {}\n")
    assert [(d.name, d.qualified) for d in decode(encode(facts)).definitions] == [("M", "T.M"), ("F", "F")]


@given(
    st.text(alphabet="def class():\n\t#'\"abcß_0 ,.", max_size=300), st.sampled_from(["a.py", "a.js", "a.rb", "a.go"])
)
def test_any_facts_come_back(source: str, path: str) -> None:
    facts = extract(path, source.encode())
    assert decode(encode(facts)) == facts


@pytest.mark.parametrize("record", [b"", b"junk", encode(Facts(lines=3))[:-3]])
def test_a_record_that_is_not_whole_is_refused(record: bytes) -> None:
    with pytest.raises(ValueError, match="not whole"):
        decode(record)


@given(st.text(alphabet="abz_Z09 \n.-+\x1c\x0bé", max_size=80))
def test_words_are_counted_as_a_search_finds_them(text: str) -> None:
    text = text.replace("0", "")
    searched = [word for word in IDENTIFIER.findall(text) if f"9{word}" not in text]
    assert {word: identifiers(text)[word] for word in searched} == {word: searched.count(word) for word in searched}


def test_the_own_text_of_a_definition_leaves_out_what_is_within_it() -> None:
    content = b"class A:\n    x = one\n    def f(self):\n        return two\n    y = three\n"
    outer, inner = own_texts(extract("a.py", content).definitions, content)
    assert "two" not in outer.words
    assert outer.words["one"] == outer.words["three"] == 1
    assert inner.text.splitlines() == ["    def f(self):", "        return two"]


def test_documentation_is_known_from_the_rest() -> None:
    own = own_text('def f(x):\n    """Tell the total.\n\n    Of x.\n    """\n    return warn("no total", x)\n')
    assert own.told == {"Tell": 1, "the": 1, "total": 1, "Of": 1, "x": 1}
    assert own.words["total"] == 2
