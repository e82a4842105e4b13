"""Secrets are found however they are written."""

import base64
import json
from urllib.parse import quote

import pytest

from sweagent.forge.text.redaction import MASK, Redactor

SECRET = "s3cr3t/canary+value=42"


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        f"https://x:{quote(SECRET, safe='')}@host/",
        SECRET.encode().hex(),
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(b"a" + SECRET.encode() + b"tail").decode(),
        base64.b64encode(b"ab" + SECRET.encode() + b"t").decode(),
        base64.urlsafe_b64encode(b"user:" + SECRET.encode()).decode(),
        json.dumps({"key": SECRET}),
    ],
)
def test_every_form_of_a_known_secret(written):
    redactor = Redactor.from_environment({"MY_API_KEY": SECRET, "PATH": "/usr/bin"})
    text = f"before {written} after"
    assert redactor.find(text)[0] == "secret of this machine's environment"
    shown = redactor.redact(text)
    assert MASK in shown
    assert not redactor.find(shown)
    assert shown.startswith("before ")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("GitHub token", "ghp_" + "a1B2" * 9),
        ("GitHub token", "github_pat_" + "a1B2" * 15),
        ("API key of a model provider", "sk-ant-api03-" + "aB3_" * 10),
        ("API key of a model provider", "sk-proj-" + "aB3-" * 10),
        ("AWS access key", "AKIA" + "Q3ZB" * 4),
        ("Google API key", "AIza" + "aB3-x" * 7),
        ("Slack token", "xoxb-" + "123456789012-abcdef"),
        ("private key", "-----BEGIN RSA PRIVATE KEY-----"),
        ("private key", "-----BEGIN PRIVATE KEY-----"),
        ("password in a URL", "postgres://admin:hunter22@db.example/x"),
        ("JSON web token", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefghijk"),
    ],
)
def test_published_formats(kind, text):
    assert Redactor().find(f"x = '{text}'") == [kind]
    assert text not in Redactor().redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "https://user@host/path",
        "https://user:${PASSWORD}@host",
        "git@github.com:acme/calc.git",
        "a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4e5f6a1b2",
        "class sk_learn: pass",
        "-----BEGIN CERTIFICATE-----",
    ],
)
def test_what_is_no_secret(text):
    assert Redactor().find(text) == []


def test_short_values_do_not_mask_ordinary_words():
    variables = {"KEYBOARD": "standard", "TOKEN": "abc", "GIT_AUTHOR_NAME": "Ann Example", "PATH": "/usr/bin:/bin"}
    text = "standard abc Ann Example /usr/bin:/bin"
    assert Redactor.from_environment(variables).redact(text) == text


@pytest.mark.parametrize(
    "name", ["ANTHROPIC_API_KEY", "GITHUB_TOKEN", "DB_PASSWORD", "apikey", "AWS_SECRET_ACCESS_KEY", "MY_PAT", "KEY_2"]
)
def test_variables_that_are_secrets_by_their_names(name):
    assert Redactor.from_environment({name: SECRET}).redact(SECRET) == MASK
