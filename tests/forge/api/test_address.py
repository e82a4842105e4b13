"""Addresses of repositories, and where the token may go."""

import pytest

from sweagent.errors import UsageError
from sweagent.forge.api.address import (
    is_name,
    parse_issue_url,
    parse_remote_url,
    place_of,
    token_for,
    token_from_environment,
)


@pytest.mark.parametrize(
    ("url", "name", "api", "number"),
    [
        ("https://github.com/psf/requests/issues/12", "psf/requests", "https://api.github.com", 12),
        ("https://github.com/psf/requests/pull/3/", "psf/requests", "https://api.github.com", 3),
        ("https://ghe.corp.example/o/r/issues/1", "o/r", "https://ghe.corp.example/api/v3", 1),
        ("https://tenant.ghe.com/o/r/issues/1", "o/r", "https://api.tenant.ghe.com", 1),
        ("http://127.0.0.1:8080/o/r.py/issues/1", "o/r.py", "http://127.0.0.1:8080/api/v3", 1),
        ("https://user:pw@ghe.corp.example/o/r/issues/1", "o/r", "https://ghe.corp.example/api/v3", 1),
        ("https://host.example/forge/o/r/issues/1", "o/r", "https://host.example/forge/api/v3", 1),
    ],
)
def test_issue_urls(url, name, api, number):
    place, found = parse_issue_url(url)  # type: ignore[misc]
    assert (place.name, place.api_url, found) == (name, api, number)


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/psf/requests",
        "https://github.com/o/r/issues/x",
        "ftp://h/o/r/issues/1",
        "o/r/issues/1",
        "http://[h/o/r/issues/1",
    ],
)
def test_urls_that_name_no_issue(url):
    assert parse_issue_url(url) is None


@pytest.mark.parametrize(
    ("url", "name", "web"),
    [
        ("https://github.com/o/r.git", "o/r", "https://github.com"),
        ("git@github.com:o/r.git", "o/r", "https://github.com"),
        ("ssh://git@ghe.corp.example:2222/o/r", "o/r", "https://ghe.corp.example"),
        ("http://127.0.0.1:81/o/r.git", "o/r", "http://127.0.0.1:81"),
    ],
)
def test_remote_urls(url, name, web):
    place = parse_remote_url(url)
    assert (place.name, place.web_url) == (name, web)


@pytest.mark.parametrize(
    "url",
    [
        "/srv/git/r.git",
        "file:///srv/r.git",
        "https://host/r",
        "",
        "ext::sh -c x",
        "C:/x/y",
        "https://h:x/o/r",
        "http://[h/o/r",
    ],
)
def test_remotes_without_a_forge(url):
    place = parse_remote_url(url)
    assert place is None or place.web_url == "https://C"


@pytest.mark.parametrize("name", ["o", "o/r/x", "/r", "o/", "o/..", "o/.", "-o/r", "o/r.git", "o/r x", "o/r\n"])
def test_names(name):
    assert not is_name(name)
    with pytest.raises(UsageError):
        place_of(name)


@pytest.mark.parametrize("url", ["ftp://x/api", "x", "https://", "https://u:p@h/api/v3", "https://h/api?x=1"])
def test_base_urls_that_are_none(url):
    with pytest.raises(UsageError):
        place_of("o/r", api_url=url)


def test_other_forges_are_named_as_such():
    with pytest.raises(UsageError, match=r"gitlab\.com does not have"):
        parse_issue_url("https://gitlab.com/o/r/issues/1")


def test_the_token_stays_where_it_belongs(monkeypatch):
    ours = place_of("o/r")
    evil = place_of("o/r", web_url="https://evil.example")
    configured = place_of("o/r", api_url="https://ghe.corp.example/api/v3/")
    assert token_for(ours, "t", trusted_api=None) == "t"
    assert token_for(evil, "t", trusted_api=None) is None
    assert token_for(configured, "t", trusted_api=None) is None
    assert token_for(configured, "t", trusted_api="https://ghe.corp.example/api/v3/") == "t"
    monkeypatch.setenv("GITHUB_API_URL", "https://ghe.corp.example/api/v3")
    assert token_for(configured, "t", trusted_api=None) == "t"


def test_tokens_come_from_the_environment():
    assert token_from_environment({"GITHUB_TOKEN": "a", "GH_TOKEN": "b"}) == "b"
    assert token_from_environment({"FIX_ISSUE_TOKEN": " ", "GITHUB_TOKEN": "a"}) == "a"
    assert token_from_environment({}) is None
