"""The tools of the code room on a work tree that the agent edits."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sweagent.config import SandboxSettings
from sweagent.sandbox import open_sandbox
from sweagent.tool_api import ToolContext, execute, load_tools
from sweagent.trajectory import Action, Observation

Commit = Callable[[dict[str, str | None]], str]
Use = Callable[..., Observation]


@pytest.fixture
def use(
    commit: Commit, shop: dict[str, str], git_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Use]:
    """Run a tool: `use("symbols", name=…)`; `use.sandbox` is where it works."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    base = commit(dict(shop))
    tools = load_tools(["locate", "map", "symbols", "references"])
    with open_sandbox(SandboxSettings(kind="local")) as sandbox:
        # As the harness does it: the work tree has a history of its own that ends with the base commit.
        subprocess.run(["git", "clone", "-q", str(git_dir.parent), sandbox.workdir], check=True)
        context = ToolContext(
            sandbox, git_dir=git_dir, base_commit=base, issue_text="Rounding\n\n`Money.rounded` cuts digits off"
        )

        def run(tool: str, **arguments: Any) -> Observation:
            return execute(tools, context, Action(id="1", tool=tool, arguments=arguments))

        run.context = context  # type: ignore[attr-defined]
        yield run


def test_symbols_shows_the_code_of_a_method(use: Use) -> None:
    shown = use("symbols", name="Money.rounded").text
    assert shown.startswith("shop/money.py:5-6 method Money.rounded")
    assert "     6\t        return round(self.amount, digits)" in shown


def test_symbols_follows_edits(use: Use) -> None:
    sandbox = use.context.sandbox  # type: ignore[attr-defined]
    assert use("symbols", name="Voucher").exit_code == 1
    sandbox.write("shop/voucher.py", b"class Voucher:\n    pass\n")
    sandbox.run("rm shop/stock.py")
    assert use("symbols", name="Voucher").text.startswith("shop/voucher.py:1-2 class Voucher")
    assert use("symbols", name="reserve").exit_code == 1


def test_symbols_shows_a_module(use: Use) -> None:
    use.context.sandbox.write("lib/utils.rb", b"module Rack\n  module Utils\n  end\nend\n")  # type: ignore[attr-defined]
    assert use("symbols", name="Rack::Utils").text.startswith("lib/utils.rb:2-3 module Rack.Utils")


def test_symbols_says_what_resembles_a_name_that_is_missing(use: Use) -> None:
    found = use("symbols", name="GiftCard")
    assert (found.exit_code, "GiftCart" in found.text) == (1, True)


def test_symbols_lists_the_subclasses_of_a_class(use: Use) -> None:
    assert use("symbols", name="Cart").text.endswith("subclasses:\nshop/cart.py:29-31 class GiftCart")


def test_symbols_can_be_narrowed(use: Use) -> None:
    assert use("symbols", name="Cart", kind="method").exit_code == 1
    assert use("symbols", name="Cart", path="tests/").exit_code == 1
    assert "class Cart" in use("symbols", name="Cart", kind="class", path="./shop").text


@pytest.mark.parametrize(
    ("what", "name", "expected"),
    [
        ("references", "parse_money", "shop/stock.py:1 from .money import parse_money"),
        ("callers", "reserve", "shop/cart.py:17 [Cart.add_item] stock.reserve(item, quantity)"),
        ("callees", "Cart.add_item", "  shop/stock.py:6 reserve"),
        ("tests", "Money.rounded", "tests/test_money.py:5 [test_rounded] assert Money(1.005).rounded() == 1.0"),
        ("code", "left < quantity", "shop/stock.py:8 [reserve] if left < quantity:"),
    ],
)
def test_references(what: str, name: str, expected: str, use: Use) -> None:
    assert expected in use("references", name=name, what=what).text.splitlines()


def test_locate_takes_the_issue_or_a_text(use: Use) -> None:
    assert use("locate").text.startswith("shop/money.py:5-6 Money.rounded")
    assert use("locate", text="the mail with the receipt: send_receipt").text.startswith("shop/mailer.py")


def test_map_of_the_repository_and_of_a_file(use: Use) -> None:
    assert "class Cart:" in use("map", question="cart").text
    assert "def price(line):" in use("map", path="./shop/cart.py").text
    assert use("map", path="shop/missing.py").status == "refused"


def test_without_an_index_the_tools_say_what_to_do(use: Use) -> None:
    use.context.git_dir = None  # type: ignore[attr-defined]
    for tool, arguments in (("symbols", {"name": "x"}), ("references", {"name": "x"}), ("map", {}), ("locate", {})):
        found = use(tool, **arguments)
        assert (found.status, "use search or bash" in found.text) == ("refused", True)
