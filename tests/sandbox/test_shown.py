"""What bubblewrap shows of this machine: programs, and no place where keys and tokens lie."""

from pathlib import Path

import pytest

from sweagent.config import SandboxSettings
from sweagent.sandbox import bubblewrap, open_sandbox, probe


def test_of_the_machines_settings_only_what_programs_need_is_there() -> None:
    if not probe("bubblewrap").works:
        pytest.skip(probe("bubblewrap").problem)
    places = "pip.conf xdg/pip npmrc netrc apt gitconfig fstab machine-id mysql letsencrypt subuid maven/settings.xml"
    with open_sandbox(SandboxSettings(kind="bubblewrap"), run_id="tests") as sandbox:
        files = " ".join(f"/etc/{name}" for name in places.split())
        assert sandbox.run(f"ls -d {files} 2>/dev/null").output == ""
        assert sandbox.run("cat /etc/pip.conf /usr/etc/npmrc /usr/local/etc/npmrc 2>/dev/null").output == ""
        assert sandbox.run("head -n 1 /etc/passwd; cat /etc/nsswitch.conf | head -n 1").exit_code == 0


def test_a_home_on_the_search_path_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    bubblewrap._homes.cache_clear()
    on_the_path = ("bin", ".local/bin", ".cargo/bin", ".nvm/versions/v1/bin", "work/secret/bin", "work/tools/bin")
    for name in (*on_the_path, ".local/share", ".nvm/versions/v1/lib", "work/secret/.git", "work/secret/keys"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "work/tools/.env").write_text("TOKEN=1")
    search = ":".join(f"{tmp_path}/{name}" for name in on_the_path)
    shown = {str(path.relative_to(tmp_path)) for path in bubblewrap._readable(search) if tmp_path in path.parents}
    bubblewrap._homes.cache_clear()
    found = {*on_the_path, ".nvm/versions/v1/lib"}
    assert shown == found
    assert tmp_path not in set(bubblewrap._readable(search))


def test_tokens_of_registries_beside_programs_are_hidden(tmp_path: Path) -> None:
    """The folder of a Node or a Rust that somebody put anywhere: npm and cargo keep their settings and tokens there."""
    hidden = {"etc/npmrc", "etc/pip.conf", "credentials.toml", ".condarc", ".env", "lib/node_modules/npm/npmrc"}
    for name in (*hidden, "etc/passwd", "README"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    found = {str(path.relative_to(tmp_path)) for path in bubblewrap._secrets([tmp_path]) if tmp_path in path.parents}
    assert found == hidden
