"""The index of a commit: what it knows, what it reads again, and what it survives."""

import gc
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from sweagent import code
from sweagent.code import Index, LiveIndex, open_index
from sweagent.code.index import blobs
from sweagent.code.index.fact_store import FactStore
from sweagent.code.index.facts import FORMAT
from sweagent.git import GitError

Commit = Callable[[dict[str, str | None]], str]


def test_definitions_are_found_by_name(commit: Commit, shop: dict[str, str], git_dir: Path, tmp_path: Path) -> None:
    index = open_index(git_dir, commit(shop), tmp_path / "cache")  # type: ignore[arg-type]
    found = index.find("Cart.total")
    assert [(place.path, place.definition.qualified, place.definition.start) for place in found] == [
        ("shop/cart.py", "Cart.total", 20)
    ]
    assert {place.definition.qualified for place in index.find("total")} == {"Cart.total", "GiftCart.total"}
    assert [place.definition.name for place in index.subclasses["Cart"]] == ["GiftCart"]


def test_imports_are_followed_both_ways(commit: Commit, shop: dict[str, str], git_dir: Path, tmp_path: Path) -> None:
    index = open_index(git_dir, commit(shop), tmp_path / "cache")  # type: ignore[arg-type]
    assert index.importers("shop/money.py") == ("shop/cart.py", "shop/stock.py", "tests/test_money.py")
    assert set(index.graph.imported("shop/cart.py")) == {"shop/money.py", "shop/stock.py", "shop/__init__.py"}


@pytest.mark.parametrize(
    ("importer", "source", "target"),
    [
        ("web/app.js", 'import { a } from "./lib/util";\n', "web/lib/util.js"),
        ("web/app.ts", 'import { a } from "../core";\n', "core/index.ts"),
        ("src/main/java/org/App.java", "import org.util.Text;\n", "src/main/java/org/util/Text.java"),
        ("src/main.c", '#include "list/list.h"\n', "include/list/list.h"),
        ("pkg/sub/mod.py", "from ..other import thing\n", "pkg/other.py"),
        ("pkg/sub/mod.py", "from . import near\n", "pkg/sub/near.py"),
        ("tests/test_x.py", "from pkg.deep.er import y\n", "src/pkg/deep/er.py"),
    ],
)
def test_an_import_leads_to_its_file(
    importer: str, source: str, target: str, commit: Commit, git_dir: Path, tmp_path: Path
) -> None:
    index = open_index(git_dir, commit({importer: source, target: "\n"}), tmp_path / "cache")
    assert index.importers(target) == (importer,)


def test_imports_of_other_projects_lead_nowhere(commit: Commit, git_dir: Path, tmp_path: Path) -> None:
    files: dict[str, str | None] = {"app/main.py": "import json\nfrom email.utils import x\n", "app/json.py": "\n"}
    index = open_index(git_dir, commit(files), tmp_path / "cache")
    assert index.graph.imported("app/main.py") == ()


def test_a_second_commit_reads_only_what_changed(
    commit: Commit, shop: dict[str, str], git_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    original = blobs._read

    def counting(folder: Path, batch: list[blobs.Entry]) -> object:
        read.extend(entry.path for entry in batch)
        return original(folder, batch)

    monkeypatch.setattr(blobs, "_read", counting)
    first = commit(dict(shop))
    open_index(git_dir, first, tmp_path / "cache")
    assert len(read) == len([path for path in shop if path.endswith(".py")])
    read.clear()
    second = commit({"shop/money.py": "class Euro:\n    pass\n", "copy.py": shop["shop/cart.py"]})
    index = open_index(git_dir, second, tmp_path / "cache")
    assert read == ["shop/money.py"]
    assert index.find("Euro")
    assert {place.path for place in index.find("GiftCart")} == {"shop/cart.py", "copy.py"}
    assert not open_index(git_dir, first, tmp_path / "cache").find("Euro")


def test_nothing_of_a_later_commit_is_known(
    commit: Commit, shop: dict[str, str], git_dir: Path, tmp_path: Path
) -> None:
    base = commit(dict(shop))
    commit({"shop/fix.py": "def the_fix():\n    pass\n"})
    index = open_index(git_dir, base, tmp_path / "cache")
    assert "shop/fix.py" not in index.paths
    assert index.find("the_fix") == ()


def test_vendored_generated_huge_and_binary_files(commit: Commit, git_dir: Path, tmp_path: Path) -> None:
    files: dict[str, str | None] = {
        "node_modules/x/index.js": "function vendored() {}\n",
        "app/service_pb2.py": "def generated(): pass\n",
        "app/huge.py": "def huge(): pass\n" * 80_000,
        "app/dense.js": "function dense(){};" * 5_000,
        "app/binary.py": "def binary(): pass\n\0",
        "app/good.py": "def good(): pass\n",
    }
    index = open_index(git_dir, commit(files), tmp_path / "cache")
    assert {place.definition.name for place in index.definitions()} == {"good"}
    assert set(files) == set(index.paths)


def test_odd_names_of_files(commit: Commit, git_dir: Path, tmp_path: Path) -> None:
    files: dict[str, str | None] = {"a b/ü\n.py": "def odd(): pass\n", "-x.py": "def dash(): pass\n"}
    index = open_index(git_dir, commit(files), tmp_path / "cache")
    assert {place.path for place in index.definitions()} == set(files)
    assert index.text("a b/ü\n.py") == "def odd(): pass\n"


def test_a_missing_commit_is_an_error(commit: Commit, git_dir: Path, tmp_path: Path) -> None:
    commit({"a.py": ""})
    with pytest.raises(GitError):
        open_index(git_dir, "0" * 40, tmp_path / "cache")


def test_a_blob_that_is_not_there_is_left_out(commit: Commit, git_dir: Path, tmp_path: Path) -> None:
    base = commit({"here.py": "def here(): pass\n", "gone.py": "def gone(): pass\n"})
    listed = subprocess.run(
        ["git", "ls-tree", base, "gone.py"], cwd=git_dir, capture_output=True, text=True, check=True
    )
    blob = listed.stdout.split()[2]
    (git_dir / "objects" / blob[:2] / blob[2:]).unlink()
    index = open_index(git_dir, base, tmp_path / "cache")
    assert {place.definition.name for place in index.definitions()} == {"here"}


@pytest.fixture
def partial_clone(git_dir: Path, tmp_path: Path) -> Callable[..., Path]:
    """Clone the repository with some of its objects left out; returns the git directory."""

    def clone(*options: str) -> Path:
        subprocess.run(["git", "config", "uploadpack.allowFilter", "true"], cwd=git_dir, check=True)
        folder = tmp_path / "partial"
        subprocess.run(["git", "clone", "-q", *options, f"file://{git_dir}", folder], check=True)
        return folder / ".git"

    return clone


def test_a_partial_clone_gives_what_it_has(commit: Commit, partial_clone: Callable[..., Path], tmp_path: Path) -> None:
    base = commit({"same.py": "def same(): pass\n", "changed.py": "def before(): pass\n"})
    head = commit({"changed.py": "def after(): pass\n"})
    clone = partial_clone("--filter=blob:none")
    assert {place.definition.name for place in open_index(clone, head, tmp_path / "cache").definitions()} == {
        "same",
        "after",
    }
    index = open_index(clone, base, tmp_path / "cache")
    assert {place.definition.name for place in index.definitions()} == {"same"}
    assert index.text("same.py") == "def same(): pass\n"
    assert index.entries["same.py"].size == len("def same(): pass\n")


@pytest.mark.parametrize("filtered", ["blob:none", "tree:0", "tree:1"])
def test_a_partial_clone_without_the_sources_tells_the_way_out(
    filtered: str, commit: Commit, partial_clone: Callable[..., Path], tmp_path: Path
) -> None:
    base = commit({"pkg/a.py": "def a(): pass\n"})
    clone = partial_clone(f"--filter={filtered}", "--no-checkout")
    with pytest.raises(GitError, match="partial clone") as caught:
        open_index(clone, base, tmp_path / "cache")
    assert "`git fetch --refetch --no-filter`" in caught.value.hint
    subprocess.run(["git", "fetch", "-q", "--refetch", "--no-filter"], cwd=clone, check=True)
    assert open_index(clone, base, tmp_path / "cache").find("a")


@pytest.mark.parametrize("on", [True, False])
def test_the_garbage_collector_is_left_as_it_was(on: bool, commit: Commit, git_dir: Path, tmp_path: Path) -> None:
    base = commit({"a.py": "def a(): pass\n"})
    was_on = gc.isenabled()
    try:
        (gc.enable if on else gc.disable)()
        with pytest.raises(GitError):
            open_index(git_dir, "0" * 40, tmp_path / "cache")
        code.locate(open_index(git_dir, base, tmp_path / "cache"), "a fails")
        assert gc.isenabled() is on
    finally:
        (gc.enable if was_on else gc.disable)()


@pytest.mark.parametrize("garbage", [b"", b"not a database" * 100])
def test_a_damaged_cache_is_made_again(
    garbage: bytes, commit: Commit, shop: dict[str, str], git_dir: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / f"code-{FORMAT}.sqlite3").write_bytes(garbage)
    base = commit(dict(shop))
    assert open_index(git_dir, base, cache).find("Cart")
    assert open_index(git_dir, base, cache).find("Cart")


@pytest.mark.parametrize("page", [0, 1, 2, 3])
def test_a_cache_with_a_damaged_page_is_made_again(page: int, commit: Commit, git_dir: Path, tmp_path: Path) -> None:
    base = commit({f"m{number}.py": f"def f{number}(): pass\n" * 300 for number in range(150)})
    cache = tmp_path / "cache"
    open_index(git_dir, base, cache)
    stored = cache / f"code-{FORMAT}.sqlite3"
    content = stored.read_bytes()
    assert len(content) >= 6 * 4096
    stored.write_bytes(content[: page * 4096] + bytes(4096) + content[(page + 1) * 4096 :])
    assert open_index(git_dir, base, cache).find("f7")
    assert open_index(git_dir, base, cache).find("f7")
    with closing(sqlite3.connect(stored)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM facts").fetchone() == (150,)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE facts (name TEXT, content TEXT)",
        "CREATE TABLE facts (key TEXT, record TEXT, more TEXT)",
        "CREATE VIEW facts AS SELECT 'a' AS key, 'b' AS record",
    ],
)
def test_a_cache_of_another_shape_is_made_again(
    statement: str, commit: Commit, shop: dict[str, str], git_dir: Path, tmp_path: Path
) -> None:
    stored = tmp_path / "cache" / f"code-{FORMAT}.sqlite3"
    stored.parent.mkdir()
    with closing(sqlite3.connect(stored)) as connection:
        connection.execute(statement)
    base = commit(dict(shop))
    # What was read while the damage came to light may be lost, but not twice.
    assert open_index(git_dir, base, stored.parent).find("Cart")
    assert open_index(git_dir, base, stored.parent).find("Cart")
    with closing(sqlite3.connect(stored)) as connection:
        assert connection.execute("SELECT count(*) FROM facts").fetchone() == (7,)


def test_a_store_that_another_has_renewed_is_left_alone(tmp_path: Path) -> None:
    with FactStore(tmp_path) as first, FactStore(tmp_path) as second:
        with closing(sqlite3.connect(first.path)) as connection:
            connection.execute("DROP TABLE facts")
        assert list(first.load(["a"])) == []
        first.save([("a", b"x")])
        assert list(second.load(["a"])) == []
        assert list(second.load(["a"])) == [("a", b"x")]
        second.save([("b", b"y")])
        assert dict(first.load(["a", "b"])) == {"a": b"x", "b": b"y"}
    with FactStore(tmp_path) as again:
        assert dict(again.load(["a", "b"])) == {"a": b"x", "b": b"y"}


def test_a_lock_held_too_long_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, timeout: connect(path, timeout=0.1))
    with FactStore(tmp_path) as store:
        store.save([("a", b"x")])
        with closing(connect(store.path)) as other:
            other.execute("BEGIN IMMEDIATE")
            store.save([("b", b"y")])
        assert dict(store.load(["a", "b"])) == {"a": b"x"}


STARTER = """
import sys
from pathlib import Path
from sweagent.code.index.fact_store import FactStore
number = sys.argv[2]
sys.stdin.readline()
with FactStore(Path(sys.argv[1])) as store:
    for part in range(20):
        store.save([(f"{number}.{part}", b"x" * 2000)])
"""


def test_starters_that_find_the_same_damage_lose_nothing_of_each_other(tmp_path: Path) -> None:
    (tmp_path / f"code-{FORMAT}.sqlite3").write_bytes(b"not a database" * 100)
    command = [sys.executable, "-c", STARTER, str(tmp_path)]
    starters = [subprocess.Popen([*command, str(number)], stdin=subprocess.PIPE) for number in range(6)]
    for process in starters:
        assert process.stdin is not None
        process.stdin.close()
    assert [process.wait(60) for process in starters] == [0] * 6
    with FactStore(tmp_path) as store:
        keys = [f"{number}.{part}" for number in range(6) for part in range(20)]
        assert len(dict(store.load(keys))) == len(keys)


def test_a_damaged_record_is_read_again(commit: Commit, shop: dict[str, str], git_dir: Path, tmp_path: Path) -> None:
    base = commit(dict(shop))
    open_index(git_dir, base, tmp_path / "cache")
    connection = sqlite3.connect(tmp_path / "cache" / f"code-{FORMAT}.sqlite3")
    connection.execute("UPDATE facts SET record = x'00'")
    connection.commit()
    connection.close()
    assert open_index(git_dir, base, tmp_path / "cache").find("Cart")


def test_a_cache_that_cannot_be_written_is_done_without(
    commit: Commit, shop: dict[str, str], git_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    assert open_index(git_dir, commit(dict(shop)), tmp_path / "file" / "cache").find("Cart")


WRITER = """
import sys
from pathlib import Path
from sweagent.code.index.fact_store import FactStore
with FactStore(Path(sys.argv[1])) as store:
    for number in range(10**9):
        store.save([(f"{number}.{part}", b"x" * 2000) for part in range(50)])
        print(number, flush=True)
"""


def test_the_store_survives_a_kill_and_readers_beside_the_writer(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    for _ in range(5):
        done = int(process.stdout.readline())
        with FactStore(tmp_path) as reader:
            keys = [f"{number}.{part}" for number in range(done + 1) for part in range(50)]
            assert len(list(reader.load(keys))) == len(keys)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with FactStore(tmp_path) as store:
        assert dict(store.load(["4.49"])) == {"4.49": b"x" * 2000}
        # A batch is stored whole or not at all.
        last = [len(list(store.load([f"{number}.{part}" for part in range(50)]))) for number in range(done, done + 50)]
        assert set(last) <= {0, 50}
        store.save([("after", b"y")])
        assert dict(store.load(["after"])) == {"after": b"y"}


def test_changes_lie_over_the_commit(commit: Commit, shop: dict[str, str], git_dir: Path, tmp_path: Path) -> None:
    base = open_index(git_dir, commit(dict(shop)), tmp_path / "cache")
    changed = base.with_changes(
        {"shop/money.py": b"class Euro: pass\n", "shop/stock.py": None, "new.py": b"def new(): 1\n"}
    )
    assert changed.find("Euro")
    assert changed.find("new")
    assert not changed.find("Money")
    assert not changed.find("reserve")
    assert changed.text("shop/money.py") == "class Euro: pass\n"
    assert "shop/stock.py" not in changed.paths
    assert base.find("Money")
    assert base.find("reserve")


def test_the_live_index_follows_a_work_tree(
    commit: Commit, shop: dict[str, str], git_dir: Path, tmp_path: Path
) -> None:
    live = LiveIndex(git_dir, commit(dict(shop)), tmp_path / "cache")
    folder = git_dir.parent

    def current() -> Index:
        return live.current(
            lambda command: subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True).stdout,
            lambda path: (folder / path).read_bytes(),
        )

    assert current() is current()
    (folder / "shop" / "new.py").write_text("class Voucher:\n    pass\n")
    (folder / "shop" / "money.py").unlink()
    index = current()
    assert index.find("Voucher")
    assert not index.find("Money")
    (folder / "shop" / "new.py").write_text("class Coupon:\n    pass\n")
    assert current().find("Coupon")
    assert not current().find("Voucher")


def test_a_git_directory_may_be_given_by_a_relative_path(
    commit: Commit, shop: dict[str, str], git_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = commit(dict(shop))
    monkeypatch.chdir(git_dir.parent)
    with open_index(git_dir.name, made, tmp_path / "cache") as index:
        assert index.text("shop/money.py").startswith("class Money")
