"""What a build can get through the proxy, and what it cannot."""

import json
import re
import socketserver
import threading
from collections.abc import Iterator
from datetime import date

import httpx
import pytest

from sweagent.environment.contacted_hosts import Contacts, contacts_among
from sweagent.environment.registry.dated_registry import HOST, npm_registry, python_index
from sweagent.environment.registry.proxy import serve_registry
from sweagent.environment.registry.settings import RegistrySettings, read_registry_settings


@pytest.fixture
def build(index) -> Iterator[httpx.Client]:
    """A client that sees what a build sees."""
    settings = RegistrySettings(python_indexes=(f"{index.url.replace('//', '//me:secret@')}/simple",))
    with (
        serve_registry("127.0.0.1", settings) as port,
        httpx.Client(proxy=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        yield client


def _offered(build: httpx.Client, name: str, until: date | None) -> list[str]:
    page = build.get(f"{python_index(until)}{name}/").text
    return re.findall(r">([^<]+)</a>", page)


def test_files_after_the_day_are_left_out(index, build) -> None:
    for version, day in (("1.0", "2019-01-01"), ("2.0", "2020-06-01"), ("3.0", "2024-01-01")):
        index.add("thing", version, day)
    assert _offered(build, "thing", date(2020, 6, 1)) == ["thing-1.0-py3-none-any.whl", "thing-2.0-py3-none-any.whl"]
    assert len(_offered(build, "thing", None)) == 3


def test_a_package_whose_old_files_were_removed_is_served_from_its_first_day(index, build) -> None:
    for version, day in (("2.0", "2022-07-08"), ("2.1", "2022-07-08"), ("3.0", "2022-07-09")):
        index.add("thing", version, day)
    assert _offered(build, "thing", date(2019, 6, 30)) == ["thing-2.0-py3-none-any.whl", "thing-2.1-py3-none-any.whl"]


def test_files_without_a_day_are_kept_only_when_no_day_is_known(index, build) -> None:
    index.add("silent", "1.0", "")
    index.add("mixed", "1.0", "2019-01-01")
    index.add("mixed", "2.0", "")
    assert _offered(build, "silent", date(2020, 1, 1)) == ["silent-1.0-py3-none-any.whl"]
    assert _offered(build, "mixed", date(2020, 1, 1)) == ["mixed-1.0-py3-none-any.whl"]


def test_a_file_of_a_page_can_be_fetched(index, build) -> None:
    index.add("thing", "1.0", "2019-01-01", b"the content")
    link = re.search(r'href="([^"#]+)#sha256=', build.get(f"{python_index(None)}thing/").text)
    assert link is not None
    assert build.get(f"http://{HOST}{link[1]}").content == b"the content"


def test_names_are_normalised(index, build) -> None:
    index.add("some-thing", "1.0", "2019-01-01")
    assert _offered(build, "Some_Thing", None)


def test_a_passing_fault_of_the_registry_is_tried_again(index, build) -> None:
    index.add("thing", "1.0", "2019-01-01")
    index.faults = [503, 502]
    assert _offered(build, "thing", None)


def test_an_unknown_project_is_not_found(build) -> None:
    assert build.get(f"{python_index(None)}nothing/").status_code == 404


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://example.org/upload?key=1",
        f"http://{HOST}/always/file/0123456789abcdef/x.whl",
        f"http://{HOST}/always/file/aHR0cDovL2V4YW1wbGUub3Jn/x.whl",
        f"http://{HOST}/../../etc/passwd",
        f"http://{HOST}/2020-13-45/python/simple/x/",
    ],
)
def test_nothing_else_can_be_reached(index, build, url: str) -> None:
    assert build.get(url).status_code in (403, 404, 502)
    assert index.asked == []


def test_nothing_can_be_sent(index, build) -> None:
    assert build.post(f"http://{HOST}/always/python/simple/x/", content=b"key").status_code == 501
    assert index.asked == []


def test_the_users_credentials_are_not_shown(index, build) -> None:
    index.add("thing", "1.0", "2019-01-01")
    answer = build.get(f"{python_index(None)}thing/")
    assert "secret" not in answer.text + str(answer.headers)


def test_crates_are_told_an_address_that_a_build_reaches(build) -> None:
    told = build.get(f"http://{HOST}/always/crates/config.json").json()
    assert told["dl"].startswith(f"http://{HOST}/")


def test_settings_come_from_pips_own_configuration(tmp_path) -> None:
    file = tmp_path / "pip.conf"
    file.write_text("[global]\nindex-url = https://mirror.example/simple/\ncert = /ca.pem\n")
    settings = read_registry_settings(
        {"PIP_CONFIG_FILE": str(file), "PIP_EXTRA_INDEX_URL": "https://b.example/s https://c.example/s", "HOME": "/n"}
    )
    assert settings.python_indexes == ("https://mirror.example/simple", "https://b.example/s", "https://c.example/s")
    assert settings.certificates == "/ca.pem"


def test_a_broken_pip_configuration_is_passed_over(tmp_path) -> None:
    file = tmp_path / "pip.conf"
    file.write_text("no section\n===")
    assert read_registry_settings({"PIP_CONFIG_FILE": str(file), "HOME": "/n"}).python_indexes


def test_settings_come_from_the_other_managers_files_too(tmp_path) -> None:
    for name, text in {
        ".npmrc": "save-exact=true\nregistry = https://npm.example/\n",
        ".m2/settings.xml": "<settings><mirrors><mirror><mirrorOf>other</mirrorOf><url>https://no.example</url></mirror>"
        "<mirror><id>a</id><url>\nhttps://maven.example/all </url><mirrorOf>external:*,!x</mirrorOf></mirror>"
        "</mirrors></settings>",
        ".cargo/config.toml": "[source.crates-io]\nreplace-with = 'ours'\n[source.ours]\n"
        "registry = 'sparse+https://c.example/i/'\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    settings = read_registry_settings({"HOME": str(tmp_path)})
    assert (settings.npm, settings.maven, settings.crates) == (
        "https://npm.example",
        "https://maven.example/all",
        "https://c.example/i",
    )


@pytest.mark.parametrize("files", ["", "{crate}/v/{version}"])
def test_crates_come_from_where_their_index_says(index, files: str) -> None:
    index.files["/config.json"] = json.dumps({"dl": f"{index.url}/{files}"}).encode()
    index.files["/thing/v/1.0.0-a" if files else "/thing/1.0.0-a/download"] = b"the crate"
    with (
        serve_registry("127.0.0.1", RegistrySettings(crates=index.url)) as port,
        httpx.Client(proxy=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        assert client.get(f"http://{HOST}/always/crates-files/thing/thing-1.0.0-a.crate").content == b"the crate"


@pytest.mark.parametrize(
    ("times", "offered"),
    [
        ({"1.0.0": "2019-01-01", "2.0.0": "2020-05-01", "3.0.0": "2024-01-01"}, {"1.0.0", "2.0.0"}),
        ({"1.0.0": "2024-03-01", "2.0.0": "2019-01-01", "3.0.0": "2024-01-01"}, {"1.0.0", "2.0.0", "3.0.0"}),
        ({"1.0.0": "2024-01-01", "2.0.0": "2024-01-02", "3.0.0": "2024-01-03"}, {"1.0.0", "2.0.0", "3.0.0"}),
        ({}, {"1.0.0", "2.0.0", "3.0.0"}),
    ],
)
def test_npm_versions_follow_the_day_unless_the_days_cannot_be_right(index, times, offered) -> None:
    dist = {"dist": {"tarball": f"{index.url}/files/thing.tgz"}}
    versions = dict.fromkeys(["1.0.0", "2.0.0", "3.0.0"], dist)
    page = {"name": "thing", "versions": versions, "time": times, "dist-tags": {"latest": "3.0.0"}}
    index.files["/thing"] = json.dumps(page).encode()
    index.files["/files/thing.tgz"] = b"the package"
    settings = RegistrySettings(npm=index.url)
    with (
        serve_registry("127.0.0.1", settings) as port,
        httpx.Client(proxy=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        told = client.get(f"{npm_registry(date(2020, 6, 1))}thing").json()
        assert set(told["versions"]) == offered
        assert told["dist-tags"]["latest"] in offered
        tarball = told["versions"]["1.0.0"]["dist"]["tarball"]
        assert client.get(tarball).content == b"the package"
        # npm puts the registry's path before the address when it is told to replace hosts.
        replaced = tarball.replace(f"http://{HOST}/", npm_registry(date(2020, 6, 1)))
        assert client.get(replaced).content == b"the package"


def test_each_host_that_was_reached_or_refused_is_told(index) -> None:
    contacts = Contacts()
    index.add("thing", "1.0", "2019-01-01")
    settings = RegistrySettings(python_indexes=(f"{index.url}/simple",), npm="http://127.0.0.1:1")
    with (
        serve_registry("127.0.0.1", settings, contacts) as port,
        httpx.Client(proxy=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client,
    ):
        client.get(f"{python_index(None)}thing/")
        client.get("http://evil.example.org/a")
        with pytest.raises(httpx.ProxyError, match="403"):
            client.get("https://files.example.org/")
        client.get(f"{npm_registry(None)}thing")
    lines = contacts.lines()
    assert lines[0].startswith("reached 127.0.0.1 for packages (")
    assert set(lines[1:]) == {
        "refused evil.example.org (1 request)",
        "refused files.example.org (1 request)",
        "127.0.0.1 did not answer (1 request)",
    }
    assert not contacts.complete
    assert contacts_among(["attempt 1: ok", *(f"{line}: ok" for line in lines)]) == lines


def test_a_proxy_that_refuses_is_asked_once_and_named_among_the_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Refusing(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            asked.append(self.rfile.readline().split()[:2])
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    contacts = Contacts()
    settings = RegistrySettings(python_indexes=("https://index.example/simple",))
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refusing) as proxy:
        threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True).start()
        address = f"http://127.0.0.1:{proxy.server_address[1]}"
        for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, address)
        with (
            serve_registry("127.0.0.1", settings, contacts) as port,
            httpx.Client(proxy=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client,
        ):
            client.get(f"{python_index(None)}thing/")
        proxy.shutdown()
    assert asked == [[b"CONNECT", b"index.example:443"]]
    line = f"index.example did not answer, as the proxy {address} answers 403 Forbidden (1 request)"
    assert contacts.lines() == (line,)
    assert contacts_among([f"{line}: ok"]) == (line,)


def test_the_proof_names_the_hosts() -> None:
    from sweagent.verdict import Verdict
    from sweagent.verify.proof import Proof
    from sweagent.verify.render import render_markdown

    proof = Proof(
        verdict=Verdict.UNVERIFIED,
        reason="none",
        task_id="t",
        repository="r",
        base_commit="c",
        patch_sha256="p",
        contacts=("refused evil.example.org (1 request)",),
    )
    assert "refused evil.example.org (1 request)" in render_markdown(proof)
