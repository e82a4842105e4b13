"""Search by structure."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sweagent.code import (
    Index,
    callees,
    callers,
    open_index,
    references,
    search_class,
    search_code,
    search_method,
    tests_of,
)

Commit = Callable[[dict[str, str | None]], str]
find_tests_of = tests_of
del tests_of


@pytest.fixture
def index(commit: Commit, shop: dict[str, str], git_dir: Path, tmp_path: Path) -> Index:
    return open_index(git_dir, commit(dict(shop)), tmp_path / "cache")


def test_classes_and_methods(index: Index) -> None:
    assert [place.path for place in search_class(index, "Cart")] == ["shop/cart.py"]
    assert search_method(index, "Cart") == ()
    assert [place.definition.qualified for place in search_method(index, "total")] == ["Cart.total", "GiftCart.total"]
    assert search_class(index, "Nothing") == ()


@pytest.mark.parametrize(
    ("path", "source", "name"),
    [
        ("a.rb", "module Rack\n  module Utils\n  end\nend\n", "Rack::Utils"),
        ("a.cpp", "namespace a::b { class C {}; }\n", "a::b"),
        ("a.rs", "mod inner { fn f() {} }\n", "inner"),
    ],
)
def test_modules_are_found_as_classes_are(path: str, source: str, name: str, index: Index) -> None:
    found = search_class(index.with_changes({path: source.encode()}), name)
    assert [(place.path, place.definition.kind) for place in found] == [(path, "module")]


def test_code_is_found_with_the_definition_around_it(index: Index) -> None:
    found = search_code(index, "left < quantity")
    assert [(hit.path, hit.inside) for hit in found] == [("shop/stock.py", "reserve")]
    assert search_code(index, "left < quantity", under="tests/") == ()
    assert len(search_code(index, "return", limit=3)) == 3
    # A part of a word is found too.
    assert search_code(index, "parse_mon")


def test_references_leave_the_definition_out(index: Index) -> None:
    found = references(index, "parse_money")
    assert [(hit.path, hit.line) for hit in found] == [
        ("shop/stock.py", 1),
        ("tests/test_money.py", 1),
        ("tests/test_money.py", 9),
    ]


def test_callers_and_callees(index: Index) -> None:
    assert [(hit.path, hit.inside) for hit in callers(index, "reserve")] == [("shop/cart.py", "Cart.add_item")]
    called = callees(index, index.find("Cart.add_item")[0])
    assert [place.definition.qualified for place in called] == ["reserve"]


def test_tests_of_a_definition(index: Index) -> None:
    assert [hit.inside for hit in find_tests_of(index, "Money.rounded")] == ["test_rounded"]


@pytest.mark.parametrize("name", ["", "a b", "(", "x.", "é("])
def test_names_that_are_none_find_nothing(name: str, index: Index) -> None:
    assert references(index, name) == ()
    assert callers(index, name) == ()
    assert find_tests_of(index, name) == ()


@pytest.mark.parametrize(
    ("path", "call", "name"),
    [
        ("a.rb", "check task", "check"),
        ("a.rb", "Utils.escape 'x' unless Utils.clean? task", "Utils.clean?"),
        ("a.rs", "gen::<u8>(); check!(1);", "check"),
        ("a.rs", "gen::<u8>(); check!(1);", "gen"),
        ("a.ts", "pick<string>('a'); o.other?.(1)", "pick"),
        ("a.ts", "pick<string>('a'); o.other?.(1)", "other"),
        ("a.cpp", "int i = pick<int>(1);", "Box::pick"),
        ("a.go", "var a = Map[int](1)", "Map"),
        ("a.jsx", "const page = <Comp size={1}/>", "Comp"),
        ("a.js", "$q(1)", "$q"),
        ("a.py", "@tools.wrap\ndef f(): pass", "tools.wrap"),
        ("a.php", "<?php $link->getSource();", "Link::getSource()"),
        ("A.java", "class A { int a = new Gson().toJson(1); }", "Gson#toJson"),
    ],
)
def test_callers_in_the_ways_of_a_language(
    path: str, call: str, name: str, commit: Commit, git_dir: Path, tmp_path: Path
) -> None:
    index = open_index(git_dir, commit({path: f"{call}\n"}), tmp_path / "cache")
    assert [hit.path for hit in callers(index, name)] == [path]
    assert [hit.path for hit in references(index, name)] == [path]
    assert callers(index, "chec") == ()


MEMBERS = """def total():
    return 0


class A:
    def total(self):
        return 0


class B:
    def total(self):
        # total(self) is for the members alone
        return 1

    def go(self):
        return self.total()

    def plain(self):
        return total()
"""


def test_a_callee_is_that_of_the_own_class_and_never_the_head_of_the_caller(
    commit: Commit, git_dir: Path, tmp_path: Path
) -> None:
    index = open_index(git_dir, commit({"m.py": MEMBERS}), tmp_path / "cache")

    def called(name: str) -> list[str]:
        return [place.definition.qualified for place in callees(index, index.find(name)[0])]

    assert called("B.total") == []
    assert called("B.go") == ["B.total"]
    assert called("B.plain") == ["total"]


@pytest.mark.parametrize(
    ("path", "line"),
    [("m.c", "*p = helper(1);"), ("m.py", "*helper(1),"), ("m.py", "% helper(1)"), ("m.js", "--helper(1).n")],
)
def test_a_line_that_begins_with_an_operator_calls_too(
    path: str, line: str, commit: Commit, git_dir: Path, tmp_path: Path
) -> None:
    sources = {
        "m.c": "int helper(int a) { return a; }\nvoid f(int *p) {\n  LINE\n}\n",
        "m.py": "def helper(a):\n    return a\n\ndef f(x):\n    return (x\n        LINE\n    )\n",
        "m.js": "function helper(a) { return a }\nfunction f() {\n  LINE\n}\n",
    }
    index = open_index(git_dir, commit({path: sources[path].replace("LINE", line)}), tmp_path / "cache")
    assert [place.definition.name for place in callees(index, index.find("f")[0])] == ["helper"]
