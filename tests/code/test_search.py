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
