"""A private REPO is read with the token by every command; a forge that is not used is not asked for."""

import base64
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sweagent.cli.app import run
from sweagent.errors import UsageError
from sweagent.forge.api.address import parse_remote_url, place_of, remote_options
from sweagent.forge.api.github import GitHub
from sweagent.forge.issues import forge_for
from sweagent.repository.source import RemoteSource, parse_source

TOKEN = "s3cret-canary"


class _Guarded(SimpleHTTPRequestHandler):
    """Serves files to those who know the token."""

    def do_GET(self) -> None:
        known = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
        if self.headers.get("Authorization") == f"Basic {known}":
            super().do_GET()
        else:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()

    def log_message(self, *args: object) -> None:
        return


@pytest.fixture
def private(git_repository: Callable[..., Path], git_command: Callable[..., str], tmp_path: Path) -> Iterator[str]:
    """The base URL of a forge that has the private `owner/name`."""
    user = git_repository({"setup.py": "", "shapes.py": "def area():\n    return 1\n"})
    bare = tmp_path / "served/owner/name.git"
    git_command("clone", "-q", "--bare", str(user), str(bare), cwd=tmp_path)
    git_command("update-server-info", cwd=bare)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Guarded, directory=str(tmp_path / "served"))) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "arguments",
    [
        ("map", "owner/name"),
        ("locate", "owner/name", "area() is wrong"),
        ("env", "show", "owner/name"),
        ("verify", "owner/name", "empty.diff", "-q"),
    ],
)
def test_the_token_opens_a_private_repository(
    arguments: tuple[str, ...], private: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("CONFIG", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    monkeypatch.setenv("FIX_ISSUE_TOKEN", TOKEN)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.diff").write_text("")

    code = run([*arguments, "--api-url", f"{private}/api/v3"])

    assert code == (6 if arguments[0] == "verify" else 0)


@pytest.mark.parametrize("host", ["gitlab.com", "codeberg.org", "bitbucket.org"])
def test_another_forge_does_with_the_issue_as_text(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIX_ISSUE_TOKEN", TOKEN)

    options = remote_options(f"https://{host}/owner/name.git", None)

    assert options.get("token") is None
    with pytest.raises(UsageError, match="does not have GitHub's API"):
        forge_for(f"https://{host}/owner/name.git", "owner/name")
    with pytest.raises(UsageError) as caught:
        GitHub(place_of("owner/name", web_url=f"https://{host}"), None)
    assert "give the issue as a file or as text" in caught.value.hint


@pytest.mark.parametrize(
    "url", ["https://git.corp.example/group/sub/project.git", "git@git.corp.example:group/sub/project.git"]
)
def test_groups_in_groups_keep_their_name_and_get_no_token(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIX_ISSUE_TOKEN", TOKEN)

    source = parse_source(url, server="https://github.com")

    assert isinstance(source, RemoteSource)
    assert source.name == "group/sub/project"
    assert parse_remote_url(url) is None
    assert remote_options(url, None) == {}


def test_the_address_of_an_api_tells_which_parts_are_the_forges_own() -> None:
    place = parse_remote_url("https://host.example/forge/o/r.git", "https://host.example/forge/api/v3")

    assert place is not None
    assert (place.name, place.web_url) == ("o/r", "https://host.example/forge")
