"""What a failing run shows moves the ranking, and does not upset it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sweagent.code import CoveredRun, Index, Localisation, locate, open_index, rerank

Commit = Callable[[dict[str, str | None]], str]
VAGUE = "Ordering is broken\n\nThe customer sees an error about the cart total"


@pytest.fixture
def index(commit: Commit, shop: dict[str, str], git_dir: Path, tmp_path: Path) -> Index:
    moved = {f"src/{path}" if path.startswith("shop/") else path: text for path, text in shop.items()}
    return open_index(git_dir, commit(moved), tmp_path / "cache")  # type: ignore[arg-type]


def _body(index: Index, path: str, name: str) -> frozenset[int]:
    definition = index.outline(path).find(name)[0]
    return frozenset(range(definition.header + 1, definition.end + 1))


def test_what_everything_runs_keeps_the_order_of_the_words(index: Index) -> None:
    before = locate(index, VAGUE, 50)
    lines = {path: frozenset(range(1, 80)) for path in index.sources}
    after = rerank(index, before, runs=[CoveredRun(failed=True, lines=lines)], limit=50)
    functions = [hit.name for hit in before.definitions if hit.kind != "class"]
    assert [hit.name for hit in after.definitions if hit.kind != "class"][: len(functions)] == functions
    assert not any(hit.path.startswith("tests/") for hit in after.definitions)


def test_what_runs_rises_above_what_reads_alike(index: Index) -> None:
    before = locate(index, VAGUE, 50)
    ran = CoveredRun(failed=True, lines={"src/shop/stock.py": _body(index, "src/shop/stock.py", "reserve")})
    ranks = [
        [hit.name for hit in found.definitions].index("reserve")
        for found in (before, rerank(index, before, runs=[ran]))
    ]
    assert ranks[1] < ranks[0]


@pytest.mark.parametrize(
    "path", ["/usr/lib/python3.12/site-packages/shop/stock.py", "shop/stock.py", "/x/src/shop/stock.py"]
)
def test_a_traceback_of_the_installed_package_is_read(path: str, index: Index) -> None:
    line = min(_body(index, "src/shop/stock.py", "reserve"))
    frame = f'\x1b[35mFile "{path}"\x1b[0m, line {line}, in reserve'
    log = "a line of a log\n" * 10_000
    output = f"{log}Traceback (most recent call last):\n  {frame}\n    …\nValueError: x\n"
    found = rerank(index, Localisation(), output=output)
    assert [(hit.path, hit.name, hit.reason) for hit in found.definitions] == [
        ("src/shop/stock.py", "reserve", "on the reproduction's traceback")
    ]


def test_the_failing_test_is_not_the_place(index: Index) -> None:
    output = '  File "/x/tests/test_money.py", line 9, in test_rounded\n    …\nAssertionError\n'
    lines = {"tests/test_money.py": frozenset(range(1, 30))}
    assert rerank(index, Localisation(), output=output, runs=[CoveredRun(failed=True, lines=lines)]) == Localisation()
