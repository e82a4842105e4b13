"""The seed: the base commit with a past and no future, the same every time."""

import os
import subprocess
import tarfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sweagent.errors import UsageError
from sweagent.repository import make_seed, open_repository, seed_archive
from sweagent.repository import seed as seed_module
from sweagent.task import Repository

Git = Callable[..., str]


@pytest.fixture
def user(git_repository: Callable[..., Path], git_command: Git) -> Path:
    """Three commits, the work to be done at the second; what comes after it, and beside it, is the future."""
    user = git_repository({"a.py": "one\n", "run.sh": "x\n", "lf.bin": "\0"})
    (user / "run.sh").chmod(0o755)
    (user / "link").symlink_to("a.py")
    (user / "caf\udce9").write_text("x\n")
    git_command("add", "-A", cwd=user)
    git_command("commit", "-q", "-m", "second", cwd=user)
    git_command("tag", "base", cwd=user)
    git_command("branch", "maintenance", cwd=user)
    (user / "a.py").write_text("the fix\n")
    git_command("commit", "-q", "-am", "third: the fix", cwd=user)
    git_command("tag", "v9", cwd=user)
    git_command("checkout", "-q", "maintenance", cwd=user)
    git_command("commit", "-q", "--allow-empty", "-m", "backport of the fix", cwd=user)
    git_command("checkout", "-q", "main", cwd=user)
    git_command("remote", "add", "origin", "https://example.org/x.git", cwd=user)
    return user


def _unpack(repository: Repository, tmp_path: Path, **options: int | None) -> Path:
    tree = tmp_path / "tree"
    with tarfile.open(make_seed(repository, cache_dir=tmp_path / "cache", **options).archive) as archive:
        archive.extractall(tree, filter="tar")
    return tree


def test_seed_has_the_files_and_a_past_but_no_future(user: Path, git_command: Git, tmp_path: Path) -> None:
    tree = _unpack(open_repository(str(user), base="base"), tmp_path)

    assert git_command("status", "--porcelain", "--branch", cwd=tree) == "## main"
    assert git_command("log", "--format=%s", "--all", "--reflog", cwd=tree).split("\n") == ["second", "base"]
    assert git_command("for-each-ref", "--format=%(refname)", cwd=tree) == "refs/heads/main"
    assert git_command("remote", cwd=tree) == ""
    assert "fix" not in git_command("cat-file", "--batch-all-objects", "--batch", cwd=tree)
    assert git_command("rev-parse", "HEAD", cwd=tree) == git_command("rev-parse", "base", cwd=user)
    assert (tree / "a.py").read_text() == "one\n"
    assert (tree / "link").readlink() == Path("a.py")
    assert (tree / "run.sh").stat().st_mode & 0o777 == 0o755
    assert (tree / "caf\udce9").read_text() == "x\n"


def test_agent_can_commit_in_the_seed_without_any_settings(user: Path, tmp_path: Path) -> None:
    tree = _unpack(open_repository(str(user)), tmp_path)
    (tree / "a.py").write_text("x\n")

    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", "commit", "-qam", "mine"], cwd=tree, env=env, check=True)


@pytest.mark.parametrize(("history", "subjects"), [(1, ["second"]), (None, ["second", "base"])])
def test_history_is_as_long_as_asked_for(
    history: int | None, subjects: list[str], user: Path, git_command: Git, tmp_path: Path
) -> None:
    tree = _unpack(open_repository(str(user), base="base"), tmp_path, history=history)

    assert git_command("log", "--format=%s", cwd=tree).split("\n") == subjects


def test_archive_is_owned_by_nobody_in_particular(user: Path, tmp_path: Path) -> None:
    with tarfile.open(make_seed(open_repository(str(user)), cache_dir=tmp_path).archive) as archive:
        members = archive.getmembers()

    assert {(member.uid, member.gid, member.uname) for member in members} == {(0, 0, "")}
    assert not [member.name for member in members if "hooks" in member.name or member.name.endswith("FETCH_HEAD")]


def test_included_changes_are_one_commit_so_that_the_tree_is_clean(
    user: Path, git_command: Git, tmp_path: Path
) -> None:
    (user / "a.py").write_text("mine\n")
    (user / "new").write_bytes(b"\0\xff")

    tree = _unpack(open_repository(str(user), include_dirty=True), tmp_path)

    assert git_command("status", "--porcelain", cwd=tree) == ""
    assert (tree / "a.py").read_text() == "mine\n"
    assert (tree / "new").read_bytes() == b"\0\xff"
    assert git_command("rev-parse", "HEAD~1", cwd=tree) == git_command("rev-parse", "HEAD", cwd=user)


def test_second_time_needs_the_repository_no_more(user: Path, tmp_path: Path) -> None:
    repository = open_repository(str(user))
    first = seed_archive(repository, cache_dir=tmp_path / "cache")
    user.rename(tmp_path / "moved")

    assert seed_archive(repository, cache_dir=tmp_path / "cache") == first


def test_work_trees_of_two_bases_do_not_get_mixed_up(user: Path, tmp_path: Path) -> None:
    old = make_seed(open_repository(str(user), base="base"), cache_dir=tmp_path)
    new = make_seed(open_repository(str(user)), cache_dir=tmp_path)

    assert old.files["a.py"] != new.files["a.py"]
    assert old.files["link"] == new.files["link"]


def test_seeds_made_at_once_by_several_runs_are_one(user: Path, tmp_path: Path) -> None:
    repository = open_repository(str(user))

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: make_seed(repository, cache_dir=tmp_path), range(4)))

    assert len({seed.archive for seed in made}) == 1
    assert len({len(seed.files) for seed in made}) == 1
    assert {path.suffix for path in (tmp_path / "seeds").iterdir()} == {".tar", ".json", ".lock"}


def test_seed_that_a_killed_process_left_half_made_is_removed(user: Path, tmp_path: Path) -> None:
    for name, age in (("building-old", 90_000), ("building-new", 60)):
        folder = tmp_path / "seeds" / name
        folder.mkdir(parents=True)
        os.utime(folder, (time.time() - age, time.time() - age))

    make_seed(open_repository(str(user)), cache_dir=tmp_path)

    assert [path.name for path in (tmp_path / "seeds").glob("building-*")] == ["building-new"]


def test_cache_forgets_the_seeds_that_were_not_used_for_longest(
    user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = make_seed(open_repository(str(user), base="base"), cache_dir=tmp_path)
    monkeypatch.setattr(seed_module, "CACHE_BYTES", 1)

    new = make_seed(open_repository(str(user)), cache_dir=tmp_path)

    assert not old.archive.exists()
    assert new.archive.exists()


def test_shallow_clone_gives_a_seed(user: Path, git_command: Git, tmp_path: Path) -> None:
    git_command("clone", "-q", "--depth=1", f"file://{user}", str(tmp_path / "shallow"), cwd=tmp_path)

    for history in (50, None):
        seed = make_seed(open_repository(str(tmp_path / "shallow")), cache_dir=tmp_path / "cache", history=history)
        assert "a.py" in seed.files


@pytest.mark.parametrize("graft", ["{base} {parent} {later}", "{base}"], ids=["one parent more", "no parent"])
def test_grafts_neither_bring_the_future_nor_hide_the_past(
    graft: str, user: Path, git_command: Git, tmp_path: Path
) -> None:
    git_command("checkout", "-q", "--orphan", "unrelated", cwd=user)
    git_command("commit", "-q", "-m", "the fix again", cwd=user)
    names = {"base": "base", "parent": "base~1", "later": "unrelated"}
    commits = {name: git_command("rev-parse", revision, cwd=user) for name, revision in names.items()}
    (user / ".git/info").mkdir(exist_ok=True)
    (user / ".git/info/grafts").write_text(graft.format(**commits) + "\n")

    tree = _unpack(open_repository(str(user), base="base"), tmp_path)

    assert git_command("log", "--format=%s", cwd=tree).split("\n") == ["second", "base"]
    assert "fix" not in git_command("cat-file", "--batch-all-objects", "--batch", cwd=tree)


def test_base_that_is_gone_is_told(user: Path, tmp_path: Path) -> None:
    repository = open_repository(str(user)).model_copy(update={"base_commit": "0" * 40})

    with pytest.raises(UsageError, match="cannot be copied"):
        make_seed(repository, cache_dir=tmp_path)

    assert list((tmp_path / "seeds").glob("*.tar")) == []
