"""Localisation, hints, maps and re-ranking on a small shop."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sweagent.code import (
    CoveredRun,
    Index,
    count_tokens,
    file_outline,
    hints,
    locate,
    open_index,
    rerank,
    suspicion,
)
from sweagent.code.localise.file_signals import FileSignals
from sweagent.code.localise.issue_text import read_question
from sweagent.code.localise.localise import import_features
from sweagent.code.localise.related_words import akin
from sweagent.code.repo_map import repo_map

Commit = Callable[[dict[str, str | None]], str]


@pytest.fixture
def index(commit: Commit, shop: dict[str, str], git_dir: Path, tmp_path: Path) -> Index:
    return open_index(git_dir, commit(dict(shop)), tmp_path / "cache")


TRACEBACK = """Ordering fails

Traceback (most recent call last):
  File "/home/ann/order.py", line 3, in <module>
    cart.add_item(book)
  File "/usr/lib/python3/site-packages/shop/cart.py", line 17, in add_item
    stock.reserve(item, quantity)
  File "/usr/lib/python3/site-packages/shop/stock.py", line 9, in reserve
    raise LookupError("there is not enough left in the warehouse")
LookupError: there is not enough left in the warehouse
"""


@pytest.mark.parametrize(
    ("text", "path", "name"),
    [
        (TRACEBACK, "shop/stock.py", "reserve"),
        ("Rounding is wrong\n\n`Money.rounded` cuts digits off", "shop/money.py", "Money.rounded"),
        ('Odd message\n\nI get "the quantity of an item must be positive" for 1', "shop/cart.py", "Cart.add_item"),
        ("send_receipt hangs when the mail server is slow", "shop/mailer.py", "send_receipt"),
        ("Crash in shop/mailer.py when the address is empty", "shop/mailer.py", "send_receipt"),
        ("parse money: negative text amounts", "shop/money.py", "parse_money"),
    ],
)
def test_the_place_comes_first(text: str, path: str, name: str, index: Index) -> None:
    found = locate(index, text)
    assert found.files[0].path == path
    assert found.definitions[0].name == name
    place = index.find(name)[0].definition
    assert (found.definitions[0].start, found.definitions[0].end) == (place.start, place.end)


def test_a_method_named_with_its_class_goes_before_others_of_its_name(index: Index) -> None:
    found = locate(index, "Gifts\n\nGiftCart.total() should say what is saved")
    names = [hit.name for hit in found.definitions]
    assert set(names[:2]) == {"GiftCart", "GiftCart.total"}
    assert names.index("GiftCart.total") < names.index("Cart.total")


def test_tests_are_never_the_place(index: Index) -> None:
    found = locate(index, "test_rounded in tests/test_money.py fails: Money(1.005).rounded()", limit=50)
    assert found.files[0].path == "shop/money.py"
    assert not [hit for hit in (*found.files, *found.definitions) if hit.path.startswith("tests/")]  # type: ignore[attr-defined]


def test_the_reason_says_what_was_seen(index: Index) -> None:
    found = locate(index, TRACEBACK)
    assert "on the traceback" in found.definitions[0].reason
    assert "holds a quoted message" in found.definitions[0].reason


def test_a_method_written_beside_its_type_is_known_by_it(commit: Commit, git_dir: Path, tmp_path: Path) -> None:
    go = "package p\ntype Tree struct{}\nfunc (t *Tree) Add() {}\ntype List struct{}\nfunc (l *List) Add() {}\n"
    index = open_index(git_dir, commit({"p.go": go}), tmp_path / "other")
    found = locate(index, "List.Add() forgets what was there")
    assert found.definitions[0].name == "List.Add"
    assert "its class is named" in found.definitions[0].reason
    assert [
        place.definition.qualified for place in open_index(git_dir, "HEAD", tmp_path / "other").find("Tree.Add")
    ] == ["Tree.Add"]


def test_what_likely_files_import_is_likelier_and_less_so_when_many_import_it() -> None:
    first = {0: 3.0, 1: 0.0, 2: 0.0, 3: 0.0}
    alone = import_features(first, {0: frozenset({1}), 2: frozenset({3})})
    assert alone[1]["used"] > 0.8 > alone[3]["used"] > 0 == alone[0]["used"]
    among = import_features(first, {0: frozenset({1}), 2: frozenset({1}), 3: frozenset({1})})
    assert alone[1]["used"] > among[1]["used"] > alone[3]["used"]


def test_imports_of_tests_and_from_elsewhere_are_left_out(index: Index) -> None:
    cart = index.number["shop/cart.py"]
    imports = FileSignals(index, read_question("Prices")).imports([cart])
    assert {index.sources[n] for n in imports[cart]} == {"shop/__init__.py", "shop/money.py", "shop/stock.py"}


def test_as_many_files_are_listed_as_asked_for(commit: Commit, git_dir: Path, tmp_path: Path) -> None:
    files: dict[str, str | None] = {f"m{n}.py": f"def f{n}():\n    return {n}\n" for n in range(40)}
    index = open_index(git_dir, commit(files), tmp_path / "other")
    found = locate(index, "f7 is wrong", limit=30)
    assert len({hit.path for hit in found.files}) == 30
    assert found.files[0].path == "m7.py"
    assert [hit.score for hit in found.files] == sorted((hit.score for hit in found.files), reverse=True)


def test_the_ranking_is_deterministic_and_bounded(index: Index) -> None:
    first, second = locate(index, TRACEBACK, 2), locate(index, TRACEBACK, 2)
    assert first == second
    assert (len(first.files), len(first.definitions)) == (2, 2)
    assert sum(hit.score for hit in locate(index, TRACEBACK, 1000).definitions) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "```",
        "<!-- x -->",
        "\x00\x1b",
        "a" * 100_000,
        "((((" * 1000,
        "`" * 5000,
        "a." * 30_000,
        "<!--" * 15_000,
    ],
)
def test_odd_texts_are_survived(text: str, index: Index) -> None:
    locate(index, text)


@pytest.mark.parametrize("piece", ["`", "```", "`a", "~", "```a`b\n", "(`", "a."])
def test_a_long_line_is_read_in_the_time_of_its_length(piece: str) -> None:
    start = process_time()
    question = read_question(f"Title\n{piece * (60_000 // len(piece))}")
    assert "nothing" not in question.ticked
    assert process_time() - start < 2


def test_a_repository_without_source_gives_nothing(commit: Commit, git_dir: Path, tmp_path: Path) -> None:
    empty = open_index(git_dir, commit({"README.md": "x"}), tmp_path / "cache")
    assert locate(empty, TRACEBACK).files == ()
    assert hints(locate(empty, TRACEBACK)) == ""
    assert repo_map(empty, "x") == ""


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(budget=st.integers(0, 400), question=st.sampled_from(["", "cart total", TRACEBACK]))
def test_the_budget_is_never_exceeded(budget: int, question: str, index: Index) -> None:
    assert count_tokens(repo_map(index, question, budget)) <= budget
    assert count_tokens(hints(locate(index, question), budget)) <= budget
    assert count_tokens(file_outline(index, "shop/cart.py", budget)) <= budget


def test_a_map_for_a_question_starts_with_what_matters(index: Index) -> None:
    assert "def parse_money(text):" in repo_map(index, "parse_money fails", 30)
    whole = repo_map(index, "parse_money fails", 2000)
    assert "class Cart:" in whole
    assert "test_" not in whole


def test_a_map_without_a_question_starts_with_what_is_used(index: Index) -> None:
    assert "class Cart:" in repo_map(index, "", 40) or "class Money:" in repo_map(index, "", 40)


def test_the_map_knows_what_is_used_without_an_import(commit: Commit, git_dir: Path, tmp_path: Path) -> None:
    files = {f"p/{name}.go": f"package p\nfunc Run{name}(t *Tree) {{ value := 1 }}\n" for name in ("A", "B", "C")}
    files["p/zoo.go"] = "package p\ntype Tree struct{}\nfunc (t *Tree) Grow() {}\nfunc value() {}\n"
    index = open_index(git_dir, commit(files), tmp_path / "other")  # type: ignore[arg-type]
    shown = repo_map(index, "", 30).splitlines()
    assert shown[0] == "p/zoo.go:"
    assert "type Tree struct" in shown[1]


def test_the_map_looks_into_modules(commit: Commit, git_dir: Path, tmp_path: Path) -> None:
    files = {"lib/cart.rb": "module Shop\n class Cart\n end\nend\n", "lib/main.rb": "Shop::Cart.new\n"}
    shown = repo_map(open_index(git_dir, commit(files), tmp_path / "other"), "", 60)  # type: ignore[arg-type]
    assert "class Cart" in shown


def test_an_outline_keeps_the_outer_definitions_when_the_budget_is_short(index: Index) -> None:
    assert "class GiftCart(Cart):" in file_outline(index, "shop/cart.py", 40)
    assert "def price(line):" not in file_outline(index, "shop/cart.py", 40)
    assert "def price(line):" in file_outline(index, "shop/cart.py", 400)


RUNS = (
    CoveredRun(failed=True, lines={"shop/cart.py": frozenset({16, 18, 19}), "shop/stock.py": frozenset({7, 8, 9})}),
    CoveredRun(failed=False, lines={"shop/cart.py": frozenset({16, 18, 19}), "shop/stock.py": frozenset({7, 8, 10})}),
    CoveredRun(failed=False, lines={"shop/cart.py": frozenset({16, 18, 19})}),
)


@pytest.mark.parametrize(
    ("formula", "only_failing", "both"),
    [("ochiai", 1.0, 1 / 3**0.5), ("tarantula", 1.0, 0.5), ("dstar", 2.0, 0.5)],
)
def test_suspicion_follows_its_formula(formula: str, only_failing: float, both: float) -> None:
    found = suspicion(RUNS, formula)  # type: ignore[arg-type]
    assert found["shop/stock.py", 9] == pytest.approx(only_failing)
    assert found["shop/cart.py", 16] == pytest.approx(both)
    assert ("shop/stock.py", 10) not in found


def test_nothing_is_suspicious_without_a_failure() -> None:
    assert suspicion([run for run in RUNS if not run.failed]) == {}


def test_coverage_and_traceback_lift_a_place(index: Index) -> None:
    vague = "Ordering is broken\n\nThe customer sees an error about the cart total"
    before = locate(index, vague, 50)
    assert before.definitions[0].name != "reserve"
    by_both = rerank(index, before, output=TRACEBACK, runs=RUNS)
    assert by_both.definitions[0].name == "reserve"
    assert by_both.files[0].path == "shop/stock.py"
    assert "traceback" in by_both.definitions[0].reason
    assert rerank(index, before) == rerank(index, before)
    assert rerank(index, before).definitions[0].name == before.definitions[0].name


def test_a_question_is_taken_apart() -> None:
    question = read_question(
        "Wrong `Cart.total`\r\n\r\nSee shop/cart.py and https://forge.example/o/r/blob/main/shop/money.py#L7\n"
        "<!-- the template says: describe -->\n```python\nfrom shop.cart import Cart\nCart('x').add_item(1)\n```\n"
        "ValueError: must be positive\nUse snake_case here\n"
    )
    assert question.title == "Wrong `Cart.total`"
    assert question.links == (("shop/money.py", 7),)
    assert "shop/cart.py" in question.paths
    assert "Cart.total" in question.dotted
    assert question.imported == ("shop.cart.Cart",)
    assert question.errors == (("ValueError", "must be positive"),)
    assert {"Cart", "total", "snake_case"} <= question.code_names
    assert "add_item" in question.block_calls
    assert "template" not in question.all_terms


def test_lines_and_neighbouring_words_are_taken_from_a_question() -> None:
    question = read_question(
        "Order by fails\n```\nimport shop\n-->  7     left = LEVELS.get(item, 0)\n```\nTotals are wrong\n\n"
        'Traceback:\n  File "/home/ann/order.py", line 3, in add\n   stock.reserve(umlaut)\nValueError: odd\n'
    )
    assert {"left = LEVELS.get(item, 0)", "stock.reserve(umlaut)"} <= question.code_lines
    assert "import shop" not in question.code_lines
    assert question.pairs["order_by"] == question.pairs["orderby"] == 2.0
    assert question.pairs["totals_are"] == 1.0
    assert "umlaut" in question.all_terms
    assert "umlaut" not in question.told_terms


def test_the_lines_of_a_traceback_of_ipython_are_none_of_the_words() -> None:
    trace = (
        "KeyError   Traceback (most recent call last)\n~/umlaut/order.py in main(tilde)\n"
        "File ~/umlaut/cart.py:17, in add_item(self, cedilla='(x')\n"
    )
    question = read_question(f"Ordering fails\nIt says\n{trace}KeyError: 'book'\n")
    assert question.frames
    assert {"umlaut", "tilde", "cedilla", "traceback", "recent"}.isdisjoint(question.told_terms)


def test_a_traceback_of_rich_is_read_without_its_box_and_its_colours() -> None:
    question = read_question(
        "Crash\n```\n│ \x1b[33m/x/shop/stock.py\x1b[0m:9 in reserve   │\n│ ❱ 9 │   │   raise Odd(quantity)   │\n```\n"
    )
    assert [(frame.path, frame.line, frame.function) for frame in question.frames] == [
        ("/x/shop/stock.py", 9, "reserve")
    ]
    assert "raise Odd(quantity)" in question.code_lines


def test_the_coloured_traceback_of_a_run_lifts_a_place(index: Index) -> None:
    before = locate(index, "Ordering is broken", 50)
    coloured = TRACEBACK.replace('File "', 'File \x1b[35m"').replace('", line ', '"\x1b[0m, line \x1b[35m')
    assert "on the reproduction's traceback" in rerank(index, before, output=coloured).definitions[0].reason


@pytest.mark.parametrize(
    ("tail", "line"),
    [
        ("blob/abc/shop/cart.py#L7", 7),
        ("blob/abc/shop/cart.py?plain=1#L33-L40", 33),
        ("-/blame/v1/shop/cart.py#L12C3-L12C9), or", 12),
        ("raw/main/shop/cart.py.", 0),
        ("blob/main/shop/cart.py, or", 0),
    ],
)
def test_the_path_and_the_line_of_a_link_are_read(tail: str, line: int) -> None:
    assert read_question(f"Odd\n\nSee https://forge.example/o/r/{tail}\n").links == (("shop/cart.py", line),)


def test_a_link_to_raw_content_is_read() -> None:
    question = read_question("Odd\n\nhttps://raw.githubusercontent.com/o/r/main/shop/cart.py")
    assert question.links == (("shop/cart.py", 0),)


def test_a_link_to_a_line_lifts_its_place_but_less_than_a_traceback(index: Index) -> None:
    line = index.find("Money.rounded")[0].definition.end
    link = f"See https://forge.example/o/r/blob/main/shop/money.py#L{line}\n"
    whole_file = link.partition("#")[0]
    by_line, by_file = (
        [hit.name for hit in locate(index, f"It is odd\n\n{said}").definitions] for said in (link, whole_file)
    )
    assert by_line.index("Money.rounded") < by_file.index("Money.rounded")
    assert locate(index, f"{TRACEBACK}\n{link}").definitions[0].name == "reserve"
    assert [frame.function for frame in read_question(f"{TRACEBACK}\n{link}").frames][-1] == "reserve"


@pytest.mark.parametrize(
    ("body", "code", "prose"),
    [
        ("```python foo.py``` gives an error\n\nwords\n\n```\ncode()\n```\nafter\n", "code()", "words"),
        ("Code: ```python\ncode()\n```\nwords\n", "code()", "Code: \n\nwords"),
        ("> ```py\n> code()\n> ```\n> words\n", "> code()", "> words"),
        ("- ```\n  code()\n  ```\nwords\n", "  code()", "words"),
        ("~~~ a `b`\ncode()\n```\n~~~\nwords\n", "code()\n```", "words"),
        ("````\n```\ncode()\n```\n````\nwords\n", "```\ncode()\n```", "words"),
        ("```\ncode()\n", "code()", "Odd"),
    ],
)
def test_code_is_told_from_prose_by_its_fences(body: str, code: str, prose: str) -> None:
    question = read_question(f"Title\nOdd\n{body}")
    assert question.code.rstrip() == code
    assert prose in question.prose
    assert "code()" not in question.prose


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("ValueError: odd value", ("ValueError", "odd value")),
        ("E   shop.errors.Odd: odd value", ("shop.errors.Odd", "odd value")),
        ("Exception: odd value", ("Exception", "odd value")),
        ("Error: odd value", ("Error", "odd value")),
        ("io.UnsupportedOperation: not readable", ("io.UnsupportedOperation", "not readable")),
        ("error: cannot format x", ("error", "cannot format x")),
        ("error[E0308]: mismatched types", ("error[E0308]", "mismatched types")),
        ("fatal: not a repository", ("fatal", "not a repository")),
        ("shop/cart.py:12: DeprecationWarning: it is old", ("DeprecationWarning", "it is old")),
        ("`TypeError: odd value`", ("TypeError", "odd value")),
        ("I get `TypeError: odd value` for it", ("TypeError", "odd value")),
        ("- ValueError: odd value", ("ValueError", "odd value")),
        ("> ValueError: odd value", ("ValueError", "odd value")),
        ("ERROR root: ValueError: odd value", ("ValueError", "odd value")),
    ],
)
def test_an_error_is_read_with_its_message(line: str, error: tuple[str, str]) -> None:
    assert read_question(f"Title\nIt fails\n{line}\nwords").errors == (error,)


@pytest.mark.parametrize(
    "line", ["IllegalStateException: \n  at x(B.java:3)", "See: this", "An error: x", "a.b: c", "Shop: x"]
)
def test_what_is_no_message_is_none(line: str) -> None:
    assert read_question(f"Title\nIt fails\n{line}\nwords").errors == ()


def test_the_names_that_an_error_quotes_are_names_of_code() -> None:
    question = read_question("It fails\n```\nAttributeError: type object 'File' has no attribute 'a.read'\n```\n")
    assert {"File", "a", "read"} <= question.code_names
    assert "has" not in question.code_names


@pytest.mark.parametrize(
    "path",
    [
        "shop/cart.py",
        "./shop/cart.py",
        "../shop/cart.py",
        ".github/x.yml",
        "...shop/cart.py",
        "/home/ann/src/shop/cart.py",
        "~/src/shop/cart.py",
        "/usr/lib/python3.10/site-packages/shop/cart.py",
        "/cart.py",
    ],
)
@pytest.mark.parametrize("around", ["In {} it is", "`{}`", "({}:12)", '"{}"'])
def test_a_path_is_read_from_its_beginning(path: str, around: str) -> None:
    assert read_question(f"Odd\n\n{around.format(path)} odd").paths == (path,)


def test_the_address_of_a_script_is_read_as_a_place() -> None:
    question = read_question("Odd\n\nadd@http://localhost/src/x.js:1:2\n    at f (http://localhost/src/y.js:3:4)\n")
    assert {(frame.path, frame.function) for frame in question.frames} == {
        ("http://localhost/src/x.js", "add"),
        ("http://localhost/src/y.js", "f"),
    }


def test_code_that_the_issue_shows_leads_to_its_place(index: Index) -> None:
    found = locate(index, "Wrong\n\nThe culprit is\n```\n    LEVELS[item] = left - quantity\n```\n")
    assert found.definitions[0].name == "reserve"
    assert "holds lines that the issue shows" in found.definitions[0].reason


def test_a_method_is_found_by_the_name_of_its_class(commit: Commit, git_dir: Path, tmp_path: Path) -> None:
    method = "class {}:\n    def as_sql(self, left, right):\n        return left + right + self.tail\n\n\n"
    head = commit({"lookups.py": "".join(method.format(name) for name in ("Exact", "IsNull", "Range"))})
    with open_index(git_dir, head, tmp_path / "cache") as index:
        names = [hit.name for hit in locate(index, "isnull accepts anything").definitions]
    assert set(names[:2]) == {"IsNull", "IsNull.as_sql"}


def test_a_name_that_means_what_the_title_says_is_found(commit: Commit, git_dir: Path, tmp_path: Path) -> None:
    bodies = ("render_page", "dump_state", "open_socket", "encode_text", "delete_user")
    source = "".join(f"def {name}(self, given):\n    return self.run(given)\n\n\n" for name in bodies)
    index = open_index(git_dir, commit({"lib/things.py": source}), tmp_path / "cache")
    for title, name in (
        ("Serializing is too slow", "dump_state"),
        ("HTML is not displayed", "render_page"),
        ("Unicode is lost when it is decoded", "encode_text"),
    ):
        first = locate(index, title).definitions[0]
        assert (first.name, "near words of the title" in first.reason) == (name, True)


def test_near_words_are_known_by_how_near_they_are() -> None:
    near = akin("serializ")
    assert 0 < near["json"] < near["deserializ"] <= 1
    assert "socket" not in near
    assert akin("no such word") == {}


def test_what_is_listed_of_the_system_is_not_read() -> None:
    expected = "### Expected behavior\nNo crash.\n\n"
    versions = "### Python version\n3.11 overflow\n\n**Environment info**\n- OS: x\n"
    question = read_question(f"Title\nIt fails.\n\n{expected}{versions}")
    assert "No crash" in question.prose
    assert "overflow" not in question.whole
    assert "OS" not in question.whole


def test_a_text_of_nothing_but_versions_is_read() -> None:
    assert "3.11" in read_question("Title\n## Versions\n3.11 breaks\n").prose


def test_a_file_whose_content_is_gone_is_still_ranked(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "contents", lambda paths: {})
    assert locate(index, "The total of a `Cart` is wrong").files


def test_the_ranking_does_not_depend_on_the_seed_of_hashes(
    commit: Commit, shop: dict[str, str], git_dir: Path, tmp_path: Path
) -> None:
    head = commit({**shop})
    program = (
        "import sys; from sweagent.code import locate, open_index\n"
        "index = open_index(*sys.argv[1:4])\n"
        "print(locate(index, 'Cart.total and add_item and `price` of `Money` lose parse_money').model_dump_json())"
    )
    arguments = [sys.executable, "-c", program, str(git_dir), head, str(tmp_path / "cache")]
    shown = {
        subprocess.run(
            arguments, env={**os.environ, "PYTHONHASHSEED": seed}, check=True, capture_output=True, text=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(shown) == 1


def test_hints_below_a_share_are_left_out(index: Index) -> None:
    found = locate(index, TRACEBACK)
    whole = hints(found).splitlines()
    least = found.definitions[0].score
    left = hints(found, least=least).splitlines()
    assert left[0] == whole[0]
    assert f" {least:.0%} " in left[0]
    assert len(left) < len(whole)
    assert all(hit.score >= least for hit in found.definitions[: len([line for line in left if ":" in line])])
