"""Hostile repositories and work trees: the patch is right or cleanly none, and nothing of them runs on the host."""

import hashlib
import os
import shutil
import socket
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sweagent.errors import UsageError
from sweagent.patch import FileKind, extract_patch
from sweagent.repository import (
    apply_to_worktree,
    commit_to_branch,
    local_work_tree,
    make_seed,
    open_repository,
)

BASE = {"pkg/a.py": "one\n", "pkg/b.py": "b\n", "README": "r\n"}


@pytest.fixture
def shop(workshop: Callable[..., Any]) -> Any:
    return workshop(BASE)


def _shell(script: str, folder: Path) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": str(folder.parent), "EMAIL": "agent@example.org"}
    subprocess.run(["sh", "-ec", script], cwd=folder, env=env, check=True, capture_output=True)


@pytest.mark.parametrize(
    "attack",
    [
        "rm -rf .git",
        "rm -rf .git; echo 'gitdir: /nonexistent' > .git",
        "rm -rf .git; ln -s /etc .git",
        "git add -A; git commit -qm 'my own commit'",
        "git checkout -q --orphan other; git commit -qam rewritten; git branch -D main",
        "git tag v9; git tag main; git update-ref HEAD $(git commit-tree -m x HEAD^{tree})",
        "git config core.worktree /tmp; git config core.bare true",
        "git update-index --assume-unchanged pkg/a.py; git update-index --skip-worktree pkg/a.py",
        "git stash -q; git stash apply -q",
        "printf garbage > .git/index; printf garbage > .git/HEAD; chmod 000 .git",
        "rm -rf .git; git init -q; git add -A; git commit -qm 'a new beginning'",
        "git replace -f HEAD:pkg/a.py $(git hash-object -w pkg/a.py)",
    ],
)
def test_patch_is_right_whatever_happened_to_git(attack: str, shop: Any) -> None:
    (shop.path / "pkg/a.py").write_text("fixed\n")

    _shell(attack, shop.path)
    patch = extract_patch(shop.tree, shop.repository, cache_dir=shop.cache)

    assert [(file.path, file.change) for file in patch.files] == [("pkg/a.py", "modified")]
    assert "-one\n+fixed\n" in patch.text


def test_nothing_that_the_agent_configured_runs_on_the_host(shop: Any, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    trap = f"sh -c 'touch {canary}; cat'"
    _shell(
        f"""
        git config filter.trap.clean "{trap}"
        git config filter.trap.smudge "{trap}"
        git config filter.trap.process "{trap}"
        git config diff.trap.textconv "{trap}"
        git config diff.trap.command "{trap}"
        git config merge.trap.driver "{trap}"
        git config core.fsmonitor "{trap}"
        git config core.pager "{trap}"
        git config core.sshCommand "{trap}"
        mkdir -p .git/hooks
        for hook in pre-commit post-checkout post-index-change reference-transaction pre-applypatch; do
          printf '#!/bin/sh\\ntouch {canary}\\n' > .git/hooks/$hook; chmod +x .git/hooks/$hook
        done
        echo '* filter=trap diff=trap merge=trap' > pkg/.gitattributes
        echo fixed > pkg/a.py
        """,
        shop.path,
    )

    patch = extract_patch(shop.tree, shop.repository, allow_protected=True, cache_dir=shop.cache)
    apply_to_worktree(patch.data, shop.repository)

    assert (shop.user / "pkg/a.py").read_text() == "fixed\n"
    assert not canary.exists()


def test_nothing_that_the_users_repository_configures_runs(
    git_repository: Callable[..., Path], git_command: Callable[..., str], tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    trap = f"sh -c 'touch {canary}; cat'"
    user = git_repository({**BASE, ".gitattributes": "*.py filter=trap diff=trap\n*.bin filter=lfs\n"})
    for key in ("filter.trap.clean", "filter.trap.smudge", "diff.trap.textconv", "core.fsmonitor", "core.pager"):
        git_command("config", key, trap, cwd=user)
    git_command("config", "uploadpack.packObjectsHook", trap, cwd=user)
    for hook in ("reference-transaction", "post-index-change", "pre-commit", "post-commit", "post-checkout"):
        path = user / ".git/hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ntouch {canary}\n")
        path.chmod(0o755)
    (user / "pkg/a.py").write_text("dirty\n")
    (user / "data.bin").write_text("version https://git-lfs.github.com/spec/v1\n")

    repository = open_repository(str(user), include_dirty=True)
    make_seed(repository, cache_dir=tmp_path / "cache")
    commit_to_branch(repository.dirty_patch.encode(), open_repository(str(user)), "fix", message="m")

    assert "+dirty" in repository.dirty_patch
    assert not canary.exists()


def _state(folder: Path) -> dict[str, tuple[str, int, str]]:
    """Mode, time of change and content of everything below a folder, `.git` too.

    Without the times of objects: git marks one as used when another repository needs it.
    """
    state = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        plain = path.is_file() and not path.is_symlink()
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if plain else ""
        changed = 0 if "/.git/objects/" in str(path) else status.st_mtime_ns
        state[str(path.relative_to(folder))] = (stat.filemode(status.st_mode), changed, digest)
    return state


def test_users_checkout_is_never_modified(shop: Any) -> None:
    (shop.user / "pkg/a.py").write_text("dirty\n")
    (shop.user / "new.py").write_text("new\n")
    os.utime(shop.user / "README")
    before = _state(shop.user)

    repository = open_repository(str(shop.user / "pkg"), include_dirty=True)
    make_seed(repository, cache_dir=shop.cache)
    (shop.path / "pkg/b.py").write_text("fixed\n")
    extract_patch(shop.tree, repository, cache_dir=shop.cache)
    with pytest.raises(UsageError):
        apply_to_worktree(b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n", repository)

    assert _state(shop.user) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a folder to somebody else takes root")
def test_repository_of_another_owner_works_and_the_users_settings_stay(
    git_repository: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    user = git_repository(BASE)
    for path in (user, *user.rglob("*")):
        os.chown(path, 12345, 12345)
    (user / "pkg/a.py").write_text("dirty\n")

    repository = open_repository(str(user), include_dirty=True)
    seed = make_seed(repository, cache_dir=tmp_path / "cache")

    assert "+dirty" in repository.dirty_patch
    assert seed.archive.stat().st_size > 0
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("--upload-pack=touch /tmp/x", "option"),
        ("-u", "option"),
        ("ext::sh -c 'touch /tmp/x'", "transport helper"),
        ("fd::17", "transport helper"),
        ("owner/name\n--upload-pack=x", "control"),
        ("https://example.org/a\nb", "control"),
        ("", "empty"),
        ("   ", "empty"),
        ("ftp://example.org/x.git", "scheme"),
        ("javascript://x", "scheme"),
        ("ssh://-oProxyCommand=touch/x", "host"),
        ("ssh://-x@host/x", "host"),
        ("-oProxyCommand=x:path", "option"),
        ("https:///nohost", "host"),
        ("https://host:port/x", "URL"),
        ("owner/name/more", "neither"),
        ("no-such-folder", "neither"),
        ("../no-such-folder-here", "no folder"),
    ],
)
def test_repo_argument_that_is_no_repository_is_a_usage_error(source: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        open_repository(source, cache_dir=tmp_path)

    assert caught.value.hint


@pytest.mark.parametrize("base", ["--all", "-x", "", "a b", "HEAD\n", "HEAD~9", "main:README", "HEAD^{tree}", "v1.0"])
def test_base_that_is_no_commit_is_a_usage_error(base: str, git_repository: Callable[..., Path]) -> None:
    user = git_repository(BASE)

    with pytest.raises(UsageError):
        open_repository(str(user), base=base)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        ("ln -s /etc/passwd out", "leads out"),
        ("ln -s ../../x pkg/out", "leads out"),
        ("ln -s .git/config out", "into .git"),
        ("mkdir .GIT; echo x > .GIT/config", "inside .git"),
        ("mkdir -p pkg/.Git/hooks; echo x > pkg/.Git/hooks/pre-commit", "inside .git"),
        ("mkdir 'git~1'; echo x > 'git~1/config'", "inside .git"),
        ("mkdir '.git '; echo x > '.git /config'", "inside .git"),
        ("mkdir .git.; echo x > .git./config", "inside .git"),
        ("mkdir $(printf '.g\\342\\200\\214it'); echo x > $(printf '.g\\342\\200\\214it')/config", "inside .git"),
        ("mkfifo pipe", "device, pipe"),
    ],
)
def test_paths_that_must_not_be_in_a_patch_are_refused(make: str, reason: str, shop: Any) -> None:
    (shop.path / "pkg/a.py").write_text("fixed\n")

    _shell(make, shop.path)
    patch = extract_patch(shop.tree, shop.repository, cache_dir=shop.cache)

    assert [file.path for file in patch.kept] == ["pkg/a.py"]
    (refused,) = patch.dropped
    assert refused.kind is FileKind.REFUSED
    assert reason in refused.reason


def test_tracked_file_that_became_a_pipe_or_a_link_to_a_secret_is_left_as_it_was(shop: Any) -> None:
    secret = shop.path.parent / "secret"
    secret.write_text("canary\n")
    _shell(f"rm pkg/a.py pkg/b.py; mkfifo pkg/a.py; ln -s {secret} pkg/b.py; echo new > README", shop.path)

    patch = extract_patch(shop.tree, shop.repository, cache_dir=shop.cache)

    assert [file.path for file in patch.kept] == ["README"]
    assert "canary" not in patch.text + patch.withheld


def test_folder_replaced_by_a_link_elsewhere_brings_nothing_from_there(shop: Any) -> None:
    other = shop.path.parent / "other"
    other.mkdir()
    (other / "a.py").write_text("canary\n")
    _shell(f"rm -r pkg; ln -s {other} pkg", shop.path)

    patch = extract_patch(shop.tree, shop.repository, cache_dir=shop.cache)

    assert {file.change for file in patch.kept} == {"deleted"}
    assert "canary" not in patch.text + patch.withheld


def test_sockets_and_unreadable_files_do_not_stop_the_rest(shop: Any) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.open(shop.path, os.O_PATH)
        try:
            listener.bind(f"/proc/self/fd/{here}/sock")
        finally:
            os.close(here)
        (shop.path / "pkg/a.py").write_text("fixed\n")
        patch = extract_patch(shop.tree, shop.repository, cache_dir=shop.cache)

    assert [file.path for file in patch.kept] == ["pkg/a.py"]
    assert [file.path for file in patch.dropped] == ["sock"]


def test_path_too_long_for_the_host_is_told_and_does_not_stop_the_rest(shop: Any) -> None:
    (shop.path / "pkg/a.py").write_text("fixed\n")
    _shell("for i in $(seq 17); do d=$(printf %0238d 7); mkdir $d; cd -P $d; done; echo x > deep.py", shop.path)

    patch = extract_patch(shop.tree, shop.repository, cache_dir=shop.cache)

    assert [file.path for file in patch.kept] == ["pkg/a.py"]
    assert [file.kind for file in patch.dropped] == [FileKind.REFUSED]


def test_test_folder_that_replaced_a_file_leaves_the_file_as_it_was(workshop: Callable[..., Any]) -> None:
    shop = workshop({"tests": "a file\n", "README": "r\n"})
    _shell("rm tests; mkdir tests; echo x > tests/test_x.py; echo new > README", shop.path)

    patch = extract_patch(shop.tree, shop.repository, cache_dir=shop.cache)

    assert "README" in [file.path for file in patch.kept]
    subprocess.run(["git", "apply", "-"], cwd=shop.user, input=patch.text.encode(), check=True)


def test_work_tree_that_is_gone_gives_no_patch_and_says_so(shop: Any) -> None:
    shutil.rmtree(shop.path)

    patch = extract_patch(shop.tree, shop.repository, cache_dir=shop.cache)

    assert not patch
    assert "gone" in patch.blocked


_MODE = "new file mode 100644\n--- /dev/null\n"


@pytest.mark.parametrize(
    "text",
    [
        f"diff --git a/../out b/../out\n{_MODE}+++ b/../out\n@@ -0,0 +1 @@\n+x\n",
        f"diff --git a//abs/out b//abs/out\n{_MODE}+++ b//abs/out\n@@ -0,0 +1 @@\n+x\n",
        f"diff --git a/.git/hooks/x b/.git/hooks/x\n{_MODE}+++ b/.git/hooks/x\n@@ -0,0 +1 @@\n+x\n",
        f"diff --git a/.GIT/hooks/x b/.GIT/hooks/x\n{_MODE}+++ b/.GIT/hooks/x\n@@ -0,0 +1 @@\n+x\n",
        f"diff --git a/pkg/.git/x b/pkg/.git/x\n{_MODE}+++ b/pkg/.git/x\n@@ -0,0 +1 @@\n+x\n",
        "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+..\n"
        "\\ No newline at end of file\n"
        f"diff --git a/l/out b/l/out\n{_MODE}+++ b/l/out\n@@ -0,0 +1 @@\n+x\n",
    ],
    ids=["parent", "absolute", "git", "GIT", "nested-git", "symlink-then-file"],
)
def test_patches_that_lead_out_of_the_tree_are_refused(text: str, shop: Any) -> None:
    before = _state(shop.path.parent)

    with pytest.raises(UsageError):
        apply_to_worktree(text.encode(), shop.repository)
    with pytest.raises(UsageError):
        commit_to_branch(text.encode(), shop.repository, "out", message="m")

    assert _state(shop.path.parent) == before


def test_patch_does_not_write_through_a_link_of_the_users_tree(shop: Any) -> None:
    elsewhere = shop.user.parent / "elsewhere"
    elsewhere.mkdir()
    (shop.user / "linked").symlink_to(elsewhere)
    text = f"diff --git a/linked/x b/linked/x\n{_MODE}+++ b/linked/x\n@@ -0,0 +1 @@\n+x\n"

    with pytest.raises(UsageError, match="symbolic link"):
        apply_to_worktree(text.encode(), shop.repository)

    assert list(elsewhere.iterdir()) == []
    assert local_work_tree(shop.repository) == shop.user
