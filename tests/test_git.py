"""git on the host runs without anybody's settings, and says what went wrong."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sweagent.errors import ExitCode
from sweagent.git import GitError, git, hardened_environment


def test_variables_of_the_caller_do_not_reach_git(monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = {
        "GIT_DIR": "/elsewhere",
        "GIT_WORK_TREE": "/elsewhere",
        "GIT_INDEX_FILE": "/elsewhere",
        "GIT_EXTERNAL_DIFF": "touch x",
        "GIT_SSH_COMMAND": "touch x",
        "GIT_CONFIG_PARAMETERS": "'core.pager=x'",
        "GIT_ALLOW_PROTOCOL": "ext",
        "FIX_ISSUE_TOKEN": "canary",
        "OPENAI_API_KEY": "canary",
        "LD_PRELOAD": "/x.so",
    }
    for name, value in hostile.items():
        monkeypatch.setenv(name, value)

    variables = hardened_environment()

    assert not [name for name, value in hostile.items() if variables.get(name) == value]
    assert "canary" not in variables.values()


def test_users_settings_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".gitconfig").write_text("[user]\n\tname = Ada\n[alias]\n\tstatus = !touch /tmp/x\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    assert git("config", "--get", "user.name", allowed=(0, 1)).text == ""


@pytest.mark.parametrize("transports", [(), ("https",)])
def test_transport_that_is_not_allowed_is_refused(
    transports: tuple[str, ...], git_repository: Callable[..., Path]
) -> None:
    with pytest.raises(GitError, match="not allowed"):
        git("ls-remote", f"file://{git_repository({'a': 'x'})}", transports=transports)


def test_transport_helpers_cannot_be_allowed_by_a_repository(
    git_repository: Callable[..., Path], git_command: Callable[..., str], tmp_path: Path
) -> None:
    user = git_repository({"a": "x"})
    git_command("config", "protocol.ext.allow", "always", cwd=user)

    with pytest.raises(GitError, match="not allowed"):
        git("ls-remote", f"ext::touch {tmp_path}/canary", git_dir=user / ".git")

    assert not (tmp_path / "canary").exists()


def test_replace_refs_do_not_change_what_is_read(
    git_repository: Callable[..., Path], git_command: Callable[..., str]
) -> None:
    user = git_repository({"a": "real\n", "b": "forged\n"})
    blobs = [git_command("rev-parse", f"HEAD:{name}", cwd=user) for name in "ab"]
    git_command("replace", *blobs, cwd=user)

    assert git("cat-file", "blob", blobs[0], git_dir=user / ".git").text == "real"


def test_grafts_do_not_bring_in_what_came_later(
    git_repository: Callable[..., Path], git_command: Callable[..., str]
) -> None:
    user = git_repository({"a": "x"})
    base = git_command("rev-parse", "HEAD", cwd=user)
    git_command("commit", "-q", "--allow-empty", "-m", "the fix", cwd=user)
    later = git_command("rev-parse", "HEAD", cwd=user)
    git_command("checkout", "-q", "--orphan", "other", cwd=user)
    git_command("commit", "-q", "--allow-empty", "-m", "not related", cwd=user)
    (user / ".git/info").mkdir(exist_ok=True)
    (user / ".git/info/grafts").write_text(f"{base} {git_command('rev-parse', 'HEAD', cwd=user)}\n")

    said = git("log", "--format=%s", later, git_dir=user / ".git")

    assert said.text.split("\n") == ["the fix", "base"]
    assert said.stderr == ""


def test_failure_says_what_git_said() -> None:
    with pytest.raises(GitError, match="git cat-file") as caught:
        git("cat-file", "-t", "HEAD", git_dir="/nonexistent")

    assert "not a git repository" in caught.value.stderr
    assert caught.value.status == 128
    assert caught.value.exit_code == ExitCode.FORGE


def test_failure_tells_what_git_said_before_its_last_line(git_repository: Callable[..., Path]) -> None:
    user = git_repository({"a": "x"})
    patch = b"diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-y\n+z\n"

    with pytest.raises(GitError, match="patch does not apply") as caught:
        git("apply", "-", git_dir=user / ".git", work_tree=user, stdin=patch)

    assert "patch failed: a:1" in caught.value.hint


def test_missing_git_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")

    with pytest.raises(GitError, match="could not be started") as caught:
        git("version")

    assert "install git" in caught.value.hint


def test_command_that_takes_too_long_is_ended(git_repository: Callable[..., Path]) -> None:
    user = git_repository({"a": "x"})
    os.mkfifo(user / "pipe")

    with pytest.raises(GitError, match=r"more than 0\.2 s"):
        git("hash-object", "pipe", git_dir=user / ".git", work_tree=user, timeout=0.2)
