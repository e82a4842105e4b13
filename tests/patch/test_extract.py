"""What a patch holds and leaves out, by example; tests/patch/test_property.py has the general law."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sweagent.errors import SandboxError
from sweagent.patch import FileKind, Patch, extract_patch, untracked_files
from sweagent.repository import apply_to_worktree, make_seed, open_repository

sys.path.append(str(Path(__file__).parents[1] / "support"))

from patches import apply_patch, check_applies

BASE = {
    "pkg/a.py": "one\ntwo\nthree\n",
    "pkg/b.py": "b\n",
    "tests/test_a.py": "t\n",
    ".gitignore": "*.log2\nignored/\n",
}


@pytest.fixture
def shop(workshop: Callable[..., Any]) -> Any:
    return workshop(BASE)


def _extract(shop: Any, **options: Any) -> Patch:
    return extract_patch(shop.tree, shop.repository, cache_dir=shop.cache, **options)


def test_untouched_work_tree_gives_an_empty_patch(shop: Any) -> None:
    patch = _extract(shop)

    assert not patch
    assert patch.files == ()


def test_edit_is_a_readable_diff_with_counts(shop: Any) -> None:
    (shop.path / "pkg/a.py").write_text("one\n2\nthree\nfour\n")

    patch = _extract(shop)

    assert "-two\n+2\n three\n+four\n" in patch.text
    (file,) = patch.files
    assert (file.path, file.change, file.kind, file.added, file.removed) == ("pkg/a.py", "modified", "source", 2, 1)


def test_rename_and_mode_change_are_told_as_such(shop: Any) -> None:
    (shop.path / "pkg/a.py").rename(shop.path / "pkg/new name.py")
    (shop.path / "pkg/b.py").chmod(0o755)

    patch = _extract(shop)

    assert {(file.change, file.old_path, file.path) for file in patch.kept} == {
        ("renamed", "pkg/a.py", "pkg/new name.py"),
        ("mode", None, "pkg/b.py"),
    }
    assert "rename from pkg/a.py" in patch.text
    assert "new mode 100755" in patch.text


def test_a_file_that_cannot_be_read_in_time_is_not_left_out(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (shop.path / "pkg/a.py").write_text("changed\n")
    read = shop.tree.read

    def late(path: str, **options: Any) -> bytes:
        if path.endswith("a.py"):
            raise TimeoutError(path)
        return bytes(read(path, **options))

    monkeypatch.setattr(shop.tree, "read", late)
    with pytest.raises(SandboxError, match=r"pkg/a\.py"):
        _extract(shop)


def test_same_size_and_time_do_not_hide_an_edit(shop: Any) -> None:
    path = shop.path / "pkg/a.py"
    before = path.stat()
    path.write_text("one\nTWO\nthree\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert "+TWO" in _extract(shop).text


def test_ignored_files_are_left_out_without_a_word(shop: Any) -> None:
    (shop.path / "x.log2").write_text("x")
    (shop.path / "ignored").mkdir()
    (shop.path / "ignored/y.py").write_text("y")

    assert _extract(shop).files == ()


def test_ignore_rules_that_the_agent_adds_count(shop: Any) -> None:
    (shop.path / ".gitignore").write_text("*.log2\n*.gen\n")
    (shop.path / "pkg/.gitignore").write_text("local.py\n")
    for name in ("x.gen", "pkg/local.py", "pkg/real.py"):
        (shop.path / name).write_text("x\n")

    assert {file.path for file in _extract(shop).files} == {".gitignore", "pkg/.gitignore", "pkg/real.py"}


def test_tracked_file_that_matches_an_ignore_rule_is_in_the_patch(workshop: Callable[..., Any]) -> None:
    shop = workshop({".gitignore": "*.cfg\n", "kept.cfg": "1\n"})
    (shop.path / "kept.cfg").write_text("2\n")

    assert [file.path for file in _extract(shop).kept] == ["kept.cfg"]


def test_products_of_the_build_that_were_there_before_are_no_change(shop: Any) -> None:
    (shop.path / "pkg/_version.py").write_text("1\n")
    (shop.path / "pkg/latest").symlink_to("a.py")
    before = untracked_files(shop.tree, shop.repository, cache_dir=shop.cache)
    (shop.path / "pkg/_version.py").write_text("2\n")
    (shop.path / "pkg/mine.py").write_text("m\n")

    assert before == {"pkg/_version.py", "pkg/latest"}
    assert [file.path for file in _extract(shop, existing=before).files] == ["pkg/mine.py"]


def test_repository_with_sha256_hashes_works(git_command: Callable[..., str], workshop: Callable[..., Any]) -> None:
    def start_anew(user: Path) -> None:
        shutil.rmtree(user / ".git")
        git_command("init", "-q", "--object-format=sha256", cwd=user)
        git_command("add", "-A", cwd=user)
        git_command("commit", "-q", "-m", "base", cwd=user)

    shop = workshop(BASE, start_anew)
    (shop.path / "pkg/a.py").write_text("fixed\n")

    patch = _extract(shop)

    assert len(patch.base_commit) == 64
    apply_to_worktree(patch.data, shop.repository)
    assert (shop.user / "pkg/a.py").read_text() == "fixed\n"


def test_edits_to_tests_are_reported_and_withheld_until_allowed(shop: Any) -> None:
    (shop.path / "pkg/a.py").write_text("fixed\n")
    (shop.path / "tests/test_a.py").write_text("weakened\n")

    patch, with_tests = _extract(shop), _extract(shop, allow_tests=True)

    assert [file.path for file in patch.kept] == ["pkg/a.py"]
    assert [(file.path, file.kind) for file in patch.dropped] == [("tests/test_a.py", FileKind.TEST)]
    assert "weakened" not in patch.text
    assert "+weakened" in patch.withheld
    assert "fixed" not in patch.withheld
    assert "+weakened" in with_tests.text


def test_reproduction_and_scratch_and_caches_are_left_out(shop: Any) -> None:
    for name in ("shows_it.py", "repro.py", "pkg/a.py.orig", "nohup.out", "pkg/__pycache__/a.pyc", ".coverage"):
        (shop.path / name).parent.mkdir(exist_ok=True)
        (shop.path / name).write_text("x\n")

    patch = _extract(shop, reproduction_paths=["shows_it.py"])

    assert not patch
    kinds = {file.path: file.kind for file in patch.dropped}
    assert kinds == {
        "shows_it.py": FileKind.SCRATCH,
        "repro.py": FileKind.SCRATCH,
        "pkg/a.py.orig": FileKind.SCRATCH,
        "nohup.out": FileKind.CACHE,
        ".coverage": FileKind.CACHE,
        "pkg/__pycache__": FileKind.CACHE,
    }
    assert all(file.reason for file in patch.dropped)


def test_folder_that_tools_fill_is_looked_into_when_the_repository_has_files_there(
    workshop: Callable[..., Any],
) -> None:
    shop = workshop({"node_modules/own/index.js": "1\n"})
    (shop.path / "node_modules/own/index.js").write_text("2\n")

    assert [file.path for file in _extract(shop).kept] == ["node_modules/own/index.js"]


def test_binary_file_is_left_out_until_allowed_and_then_applies(shop: Any) -> None:
    (shop.path / "logo.bin").write_bytes(bytes(range(256)) * 10)

    assert not _extract(shop)
    patch = _extract(shop, allow_binaries=True)
    assert "GIT binary patch" in patch.text
    check_applies(patch, shop.repository, shop.path.parent / "index")


def test_text_that_is_not_utf8_does_not_break_the_diff_of_others(shop: Any) -> None:
    (shop.path / "pkg/a.py").write_text("one\n2\nthree\n")
    (shop.path / "pkg/latin #1 [x]*.py").write_bytes(b"caf\xe9\n")

    patch = _extract(shop)

    assert patch.data.decode("utf-8") == patch.text
    assert "+2\n" in patch.text
    clean = shop.path.parent / "clean"
    shutil.copytree(shop.user, clean)
    apply_patch(patch, clean)
    assert (clean / "pkg/latin #1 [x]*.py").read_bytes() == b"caf\xe9\n"


def test_line_ends_that_git_changes_by_attributes_are_no_change(workshop: Callable[..., Any]) -> None:
    shop = workshop({".gitattributes": "*.bat text eol=crlf\n", "run.bat": "a\r\nb\r\n", "plain.txt": "x\r\n"})
    assert (shop.path / "run.bat").read_bytes() == b"a\r\nb\r\n"
    assert _extract(shop).files == ()

    (shop.path / "run.bat").write_bytes(b"a\r\nB\r\n")

    patch = _extract(shop)
    assert (patch.files[0].added, patch.files[0].removed) == (1, 1)
    apply_patch(patch, shop.user)
    assert (shop.user / "run.bat").read_bytes() == b"a\r\nB\r\n"


def test_content_tells_what_is_text_not_the_repository(workshop: Callable[..., Any]) -> None:
    shop = workshop({".gitattributes": "*.py -diff\n*.js binary\n", "a.py": "1\n", "b.js": "1\n"})
    for name in ("a.py", "b.js"):
        (shop.path / name).write_text("2\n")

    patch = _extract(shop)

    assert [(file.path, file.kind, file.added) for file in patch.kept] == [("a.py", "source", 1), ("b.js", "source", 1)]
    assert patch.text.count("-1\n+2\n") == 2


def test_carriage_returns_survive_the_way_through_text(shop: Any) -> None:
    (shop.path / "pkg/a.py").write_bytes(b"one\r\ntwo\r\nthree\r\n")

    patch = Patch.model_validate_json(_extract(shop).model_dump_json())

    apply_patch(patch, shop.user)
    assert (shop.user / "pkg/a.py").read_bytes() == b"one\r\ntwo\r\nthree\r\n"


def test_names_that_are_not_utf8_are_shown_and_can_be_stored(shop: Any) -> None:
    (shop.path / "pkg/caf\udce9.py").write_text("x\n")

    patch = Patch.model_validate_json(_extract(shop).model_dump_json())

    assert [file.path for file in patch.kept] == [r"pkg/caf\xe9.py"]
    apply_patch(patch, shop.user)
    assert (shop.user / "pkg/caf\udce9.py").read_text() == "x\n"


def test_too_many_files_block_the_patch_and_keep_it_as_an_artifact(shop: Any) -> None:
    for number in range(6):
        (shop.path / f"pkg/m{number}.py").write_text("x\n")

    patch = _extract(shop, max_files=5)

    assert not patch
    assert "changed files: 6" in patch.blocked
    assert not patch.kept
    assert patch.withheld.count("diff --git") == 5


def test_too_many_bytes_block_the_patch(shop: Any) -> None:
    (shop.path / "pkg/a.py").write_text("small\n")
    (shop.path / "pkg/z.py").write_text("x\n" * 5_000)

    patch = _extract(shop, max_bytes=5_000)

    assert not patch
    assert "5000 bytes" in patch.blocked
    assert "+small" in patch.withheld


def test_nested_repository_is_reported_and_tracked_files_below_it_are_not_lost(shop: Any) -> None:
    (shop.path / "vendored/.git").mkdir(parents=True)
    (shop.path / "vendored/x.py").write_text("x\n")
    (shop.path / "pkg/.git").write_text("gitdir: elsewhere\n")
    (shop.path / "pkg/a.py").write_text("fixed\n")

    patch = _extract(shop)

    assert [file.path for file in patch.kept] == ["pkg/a.py"]
    assert {(file.path, file.kind) for file in patch.dropped} == {
        ("vendored", FileKind.REFUSED),
        ("pkg", FileKind.REFUSED),
    }


def test_submodule_stays_as_it_is(workshop: Callable[..., Any], git_command: Callable[..., str]) -> None:
    def add_submodule(user: Path) -> None:
        commit = git_command("rev-parse", "HEAD", cwd=user)
        git_command("update-index", "--add", "--cacheinfo", f"160000,{commit},sub", cwd=user)
        git_command("commit", "-q", "-m", "submodule", cwd=user)

    shop = workshop(BASE, add_submodule)
    assert make_seed(shop.repository, cache_dir=shop.cache).submodules == ("sub",)
    (shop.path / "sub").mkdir(exist_ok=True)
    (shop.path / "sub/x.py").write_text("x\n")

    assert _extract(shop).files == ()
    (shop.path / "sub/x.py").unlink()
    (shop.path / "sub").rmdir()
    assert _extract(shop).files == ()


def test_patch_is_relative_to_included_uncommitted_changes(shop: Any) -> None:
    (shop.user / "pkg/a.py").write_text("one\ntwo\nthree\nmine\n")
    repository = open_repository(str(shop.user), include_dirty=True)
    (shop.path / "pkg/a.py").write_text("ONE\ntwo\nthree\nmine\n")

    patch = extract_patch(shop.tree, repository, cache_dir=shop.cache)

    assert "mine" not in "".join(line for line in patch.text.splitlines() if line.startswith(("+", "-")))
    apply_patch(patch, shop.user)
    assert (shop.user / "pkg/a.py").read_text() == "ONE\ntwo\nthree\nmine\n"
