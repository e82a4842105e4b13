"""Where a repository may come from, and what is said when it cannot be used."""

import base64
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sweagent.errors import ExitCode, ForgeError, UsageError
from sweagent.repository import local_work_tree, open_repository
from sweagent.repository.source import LocalSource, RemoteSource, parse_source

FILES = {"pkg/a.py": "one\n", "README": "r\n"}
Git = Callable[..., str]


@pytest.fixture
def user(git_repository: Callable[..., Path]) -> Path:
    return git_repository(FILES)


def test_subfolder_stands_for_the_whole_repository(user: Path, git_command: Git) -> None:
    repository = open_repository(str(user / "pkg"))

    assert repository.source == str(user)
    assert repository.base_commit == git_command("rev-parse", "HEAD", cwd=user)
    assert repository.name == "repo"
    assert local_work_tree(repository) == user


def test_relative_path_still_means_the_same_repository_elsewhere(
    user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(user.parent)
    repository = open_repository("repo")
    monkeypatch.chdir("/")

    assert local_work_tree(repository) == user


def test_linked_work_tree_stands_at_its_own_head(user: Path, git_command: Git, tmp_path: Path) -> None:
    git_command("worktree", "add", "-q", "-b", "side", str(tmp_path / "side"), cwd=user)
    (tmp_path / "side/new.py").write_text("n\n")
    git_command("add", "-A", cwd=tmp_path / "side")
    git_command("commit", "-q", "-m", "side", cwd=tmp_path / "side")
    (tmp_path / "side/new.py").write_text("changed\n")

    repository = open_repository(str(tmp_path / "side"), include_dirty=True)

    assert repository.base_commit == git_command("rev-parse", "side", cwd=user)
    assert "+changed" in repository.dirty_patch
    assert local_work_tree(repository) == tmp_path / "side"


@pytest.mark.parametrize("name", ["HEAD~1", "main~1", "v1", "short"])
def test_base_may_be_any_name_of_a_commit(name: str, user: Path, git_command: Git) -> None:
    first = git_command("rev-parse", "HEAD", cwd=user)
    git_command("tag", "-a", "v1", "-m", "annotated", cwd=user)
    git_command("commit", "-q", "--allow-empty", "-m", "second", cwd=user)

    assert open_repository(str(user), base=first[:10] if name == "short" else name).base_commit == first


def test_uncommitted_changes_come_along_only_when_asked_for(user: Path, git_command: Git) -> None:
    (user / "pkg/a.py").write_text("edited\n")
    (user / "new name.py").write_text("new\n")
    (user / "staged.py").write_text("staged\n")
    git_command("add", "staged.py", cwd=user)
    (user / ".gitignore").write_text("ignored\n")
    (user / "ignored").write_text("x\n")
    (user / ".git/info").mkdir(exist_ok=True)
    (user / ".git/info/exclude").write_text("private\n")
    (user / "private").write_text("x\n")
    (user / "README").unlink()

    dirty = open_repository(str(user), include_dirty=True).dirty_patch

    assert open_repository(str(user)).dirty_patch == ""
    changed = [line.split(" b/", 1)[1] for line in dirty.splitlines() if line.startswith("diff --git")]
    assert changed == [".gitignore", "README", "new name.py", "pkg/a.py", "staged.py"]


def test_clean_work_tree_has_no_changes_to_include(user: Path) -> None:
    assert open_repository(str(user), include_dirty=True).dirty_patch == ""


def test_uncommitted_changes_with_another_base_are_refused(user: Path, git_command: Git) -> None:
    git_command("commit", "-q", "--allow-empty", "-m", "second", cwd=user)

    with pytest.raises(UsageError, match="include-dirty"):
        open_repository(str(user), base="HEAD~1", include_dirty=True)


def test_folder_without_a_repository_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not in a git repository") as caught:
        open_repository(str(tmp_path))

    assert "git init" in caught.value.hint
    assert caught.value.exit_code == ExitCode.USAGE


def test_repository_without_a_commit_is_told(tmp_path: Path, git_command: Git) -> None:
    git_command("init", "-q", cwd=tmp_path)

    with pytest.raises(UsageError, match="no commit"):
        open_repository(str(tmp_path))


def test_base_that_a_shallow_clone_lacks_is_told_with_the_way_out(user: Path, git_command: Git, tmp_path: Path) -> None:
    first = git_command("rev-parse", "HEAD", cwd=user)
    git_command("commit", "-q", "--allow-empty", "-m", "second", cwd=user)
    git_command("clone", "-q", "--depth=1", f"file://{user}", str(tmp_path / "shallow"), cwd=tmp_path)

    with pytest.raises(UsageError, match="no commit") as caught:
        open_repository(str(tmp_path / "shallow"), base=first)

    assert "--unshallow" in caught.value.hint


@pytest.mark.parametrize("base", [None, "HEAD"])
def test_commit_without_its_files_is_told_with_the_way_out(
    base: str | None, user: Path, git_command: Git, tmp_path: Path
) -> None:
    git_command("config", "uploadpack.allowFilter", "true", cwd=user)
    clone = ("clone", "-q", "--no-checkout", "--filter=tree:0", f"file://{user}", str(tmp_path / "partial"))
    git_command(*clone, cwd=tmp_path)

    with pytest.raises(UsageError, match="the files of the commit") as caught:
        open_repository(str(tmp_path / "partial"), base=base)

    assert "--refetch" in caught.value.hint


def test_bare_repository_works_but_has_no_work_tree(user: Path, git_command: Git, tmp_path: Path) -> None:
    git_command("clone", "-q", "--bare", str(user), str(tmp_path / "bare.git"), cwd=tmp_path)
    repository = open_repository(str(tmp_path / "bare.git"))

    assert repository.base_commit == git_command("rev-parse", "HEAD", cwd=user)
    with pytest.raises(UsageError, match="work tree"):
        local_work_tree(repository)


def test_name_comes_from_the_remote_when_there_is_one(user: Path, git_command: Git) -> None:
    git_command("remote", "add", "origin", "git@github.com:psf/requests.git", cwd=user)

    assert open_repository(str(user)).name == "psf/requests"


def test_remote_is_cached_and_brought_up_to_date(user: Path, git_command: Git, tmp_path: Path) -> None:
    first = open_repository(f"file://{user}", cache_dir=tmp_path / "cache")
    git_command("commit", "-q", "--allow-empty", "-m", "second", cwd=user)
    git_command("tag", "v2", cwd=user)
    git_command("branch", "other", "HEAD~1", cwd=user)
    second = open_repository(f"file://{user}", cache_dir=tmp_path / "cache")

    assert first.git_dir == second.git_dir
    assert second.base_commit == git_command("rev-parse", "HEAD", cwd=user) != first.base_commit
    for base in ("v2", "other", "main", first.base_commit):
        found = open_repository(f"file://{user}", base=base, cache_dir=tmp_path / "cache")
        assert found.base_commit == git_command("rev-parse", base, cwd=user)


def test_known_commit_of_a_remote_needs_no_network(user: Path, tmp_path: Path) -> None:
    known = open_repository(f"file://{user}", cache_dir=tmp_path / "cache").base_commit
    shutil.rmtree(user)

    assert open_repository(f"file://{user}", base=known, cache_dir=tmp_path / "cache").base_commit == known


def test_remote_without_a_commit_or_such_a_base_is_told(user: Path, git_command: Git, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    git_command("init", "-q", cwd=tmp_path / "empty")

    with pytest.raises(UsageError, match="no commit"):
        open_repository(f"file://{tmp_path}/empty", cache_dir=tmp_path / "cache")
    for base in ("nope", "0" * 40):
        with pytest.raises(UsageError, match="no commit"):
            open_repository(f"file://{user}", base=base, cache_dir=tmp_path / "cache")


def test_remote_that_is_missing_is_a_forge_error(tmp_path: Path) -> None:
    with pytest.raises(ForgeError) as caught:
        open_repository(f"file://{tmp_path}/missing.git", cache_dir=tmp_path / "cache")

    assert caught.value.hint


class _Guarded(SimpleHTTPRequestHandler):
    """Serves files to those who know the token."""

    def do_GET(self) -> None:
        token = base64.b64encode(b"x-access-token:s3cret-canary").decode()
        if self.headers.get("Authorization") == f"Basic {token}":
            super().do_GET()
        else:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()

    def log_message(self, *args: object) -> None:
        return


@pytest.fixture
def server(user: Path, git_command: Git, tmp_path: Path) -> Iterator[str]:
    """The base URL of a forge that has `owner/name`."""
    bare = tmp_path / "served/owner/name.git"
    git_command("clone", "-q", "--bare", str(user), str(bare), cwd=tmp_path)
    git_command("update-server-info", cwd=bare)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Guarded, directory=str(tmp_path / "served"))) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


@pytest.fixture
def spied_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Record the arguments of every git that is started."""
    real, log = shutil.which("git"), tmp_path / "arguments"
    script = tmp_path / "bin/git"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec {real} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:/usr/bin:/bin")
    return log


def test_token_opens_a_private_repository_and_is_nowhere_to_be_seen(
    server: str, spied_git: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"

    repository = open_repository("owner/name", cache_dir=cache, server=server, token="s3cret-canary")

    assert repository.name == "owner/name"
    assert "fetch" in spied_git.read_text()
    assert "s3cret-canary" not in spied_git.read_text() + repository.model_dump_json()
    found = subprocess.run(["grep", "-r", "s3cret-canary", cache], capture_output=True, check=False)
    assert found.returncode == 1


def test_password_in_the_url_is_used_and_forgotten(server: str, spied_git: Path, tmp_path: Path) -> None:
    url = server.replace("http://", "http://x-access-token:s3cret-canary@") + "/owner/name.git"

    repository = open_repository(url, cache_dir=tmp_path / "cache")

    assert repository.source == f"{server}/owner/name.git"
    assert "s3cret-canary" not in spied_git.read_text() + repository.model_dump_json()


@pytest.mark.parametrize("token", [None, "wrong"])
def test_refused_access_is_told_without_the_token(token: str | None, server: str, tmp_path: Path) -> None:
    with pytest.raises(ForgeError, match="refused") as caught:
        open_repository("owner/name", cache_dir=tmp_path / "cache", server=server, token=token)

    assert "token" in caught.value.hint
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("psf/requests", RemoteSource("https://git.example/psf/requests.git", "https", "psf/requests")),
        ("psf/requests.git", RemoteSource("https://git.example/psf/requests.git", "https", "psf/requests")),
        ("https://h/o/n.git", RemoteSource("https://h/o/n.git", "https", "o/n")),
        ("https://tok@h/o/n", RemoteSource("https://h/o/n", "https", "o/n", "x-access-token", "tok")),
        ("https://u:p%40@h:8443/o/n", RemoteSource("https://h:8443/o/n", "https", "o/n", "u", "p@")),
        ("ssh://git@h:22/o/n.git", RemoteSource("ssh://git@h:22/o/n.git", "ssh", "o/n", "git")),
        ("git@h:o/n.git", RemoteSource("git@h:o/n.git", "ssh", "o/n")),
        ("./o", LocalSource(Path("o"))),
        ("/o", LocalSource(Path("/o"))),
    ],
)
def test_sources_are_told_apart(source: str, expected: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert parse_source(source, server="https://git.example/") == expected
