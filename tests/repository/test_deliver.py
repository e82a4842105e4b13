"""Patches reach the user's repository whole, or not at all."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sweagent.errors import UsageError
from sweagent.repository import apply_to_worktree, commit_to_branch, open_repository

Git = Callable[..., str]

TEN = "".join(f"{number}\n" for number in range(10))
PATCH = b"""diff --git a/new.py b/new.py
new file mode 100755
index 0000000000000000000000000000000000000000..3e757656cf36eca53338e520d134963a44f793f8
--- /dev/null
+++ b/new.py
@@ -0,0 +1 @@
+new
diff --git a/ten b/ten
index %s..%s 100644
--- a/ten
+++ b/ten
@@ -1,4 +1,4 @@
-0
+zero
 1
 2
 3
"""


@pytest.fixture
def user(git_repository: Callable[..., Path]) -> Path:
    return git_repository({"ten": TEN, "sub/x": "x\n"})


@pytest.fixture
def patch(user: Path, git_command: Git) -> bytes:
    old = git_command("rev-parse", "HEAD:ten", cwd=user).encode()
    return PATCH % (old, b"f" * 40)


def test_patch_is_applied_to_the_work_tree_and_nothing_else(user: Path, patch: bytes, git_command: Git) -> None:
    apply_to_worktree(patch, open_repository(str(user / "sub")))

    assert (user / "ten").read_text().startswith("zero\n1\n")
    assert (user / "new.py").stat().st_mode & 0o111
    assert git_command("diff", "--cached", "--name-only", cwd=user) == ""
    assert git_command("log", "--oneline", "--all", cwd=user).count("\n") == 0


def test_own_changes_elsewhere_in_the_file_are_kept(user: Path, patch: bytes) -> None:
    (user / "ten").write_text(TEN + "mine\n")
    (user / "untracked").write_text("u\n")

    apply_to_worktree(patch, open_repository(str(user)))

    assert (user / "ten").read_text() == TEN.replace("0\n", "zero\n", 1) + "mine\n"
    assert (user / "untracked").read_text() == "u\n"


def test_own_changes_in_the_context_are_merged(user: Path, patch: bytes) -> None:
    (user / "ten").write_text(TEN.replace("3\n", "three\n"))

    apply_to_worktree(patch, open_repository(str(user)))

    assert (user / "ten").read_text() == TEN.replace("3\n", "three\n").replace("0\n", "zero\n", 1)
    assert (user / "new.py").exists()


@pytest.mark.parametrize("name", ["ten", "new.py"])
def test_conflict_changes_nothing_and_is_told(name: str, user: Path, patch: bytes) -> None:
    (user / name).write_text("mine\n")

    with pytest.raises(UsageError, match="conflict") as caught:
        apply_to_worktree(patch, open_repository(str(user)))

    assert "git apply --3way" in caught.value.hint
    assert (user / name).read_text() == "mine\n"
    other = user / ("new.py" if name == "ten" else "ten")
    assert (other.read_text() == TEN) if other.name == "ten" else not other.exists()


def test_branch_gets_one_commit_and_the_work_tree_stays(user: Path, patch: bytes, git_command: Git) -> None:
    git_command("config", "user.name", "The User", cwd=user)
    (user / "ten").write_text("dirty\n")
    status = git_command("status", "--porcelain=v2", "--branch", cwd=user)

    commit = commit_to_branch(patch, open_repository(str(user)), "fix/issue-7", message="Fix: x\n\nBody é")

    assert git_command("rev-parse", "fix/issue-7", cwd=user) == commit
    assert git_command("rev-list", "--count", "main..fix/issue-7", cwd=user) == "1"
    assert git_command("log", "-1", "--format=%an|%B", commit, cwd=user) == "The User|Fix: x\n\nBody é"
    assert git_command("diff", "--name-only", "main", "fix/issue-7", cwd=user) == "new.py\nten"
    assert git_command("status", "--porcelain=v2", "--branch", cwd=user) == status
    assert (user / "ten").read_text() == "dirty\n"
    assert not (user / "new.py").exists()


def test_author_is_whom_the_users_own_settings_name(
    user: Path, patch: bytes, git_command: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n")
    monkeypatch.setenv("HOME", str(tmp_path))

    commit_to_branch(patch, open_repository(str(user)), "fix", message="m")

    assert git_command("log", "-1", "--format=%an <%ae> %cn", "fix", cwd=user) == "Ada <ada@example.org> Ada"


@pytest.mark.parametrize("branch", ["main", "-x", "a..b", "a b", "@{-1}", "", "x.lock", "main/below"])
def test_branch_that_exists_or_has_no_such_name_is_refused(
    branch: str, user: Path, patch: bytes, git_command: Git
) -> None:
    with pytest.raises(UsageError):
        commit_to_branch(patch, open_repository(str(user)), branch, message="m")

    assert git_command("for-each-ref", "--format=%(refname)", cwd=user) == "refs/heads/main"


def test_patch_on_uncommitted_changes_is_refused_for_a_branch(user: Path, git_command: Git) -> None:
    (user / "ten").write_text("mine\n")
    patch = b"diff --git a/ten b/ten\n--- a/ten\n+++ b/ten\n@@ -1 +1 @@\n-mine\n+fixed\n"

    with pytest.raises(UsageError, match="does not apply") as caught:
        commit_to_branch(patch, open_repository(str(user), include_dirty=True), "fix", message="m")

    assert "--apply" in caught.value.hint
    assert git_command("branch", "--list", "fix", cwd=user) == ""


def test_remote_repository_has_nothing_to_deliver_into(user: Path, patch: bytes, tmp_path: Path) -> None:
    repository = open_repository(f"file://{user}", cache_dir=tmp_path / "cache")

    with pytest.raises(UsageError, match="not a local"):
        apply_to_worktree(patch, repository)
    with pytest.raises(UsageError, match="not a local"):
        commit_to_branch(patch, repository, "fix", message="m")
