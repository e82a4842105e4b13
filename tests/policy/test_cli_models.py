"""`fix-issue models`."""

import json
from pathlib import Path

import pytest

from sweagent.cli.models import command


@pytest.fixture(autouse=True)
def no_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("FIX_ISSUE_MODELS", raising=False)


def test_a_known_model_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    command("anthropic/claude-sonnet-4-5")
    shown = capsys.readouterr().out
    assert "context window  200,000 tokens" in shown
    assert "cached input    $0.3 per million tokens" in shown
    assert "cache markers   sent" in shown


def test_a_part_of_a_name_lists_models(capsys: pytest.CaptureFixture[str]) -> None:
    command("claude-sonnet")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 3
    assert all("claude-sonnet" in line.lower() for line in lines[1:])


def test_an_unknown_model_says_how_to_give_its_price(capsys: pytest.CaptureFixture[str]) -> None:
    command("openai/my-own-model")
    shown = capsys.readouterr().out
    assert "Nothing is known of openai/my-own-model" in shown
    assert 'match: "openai/my-own-model"' in shown


def test_json_is_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    command("anthropic/claude-sonnet-4-5", as_json=True)
    assert json.loads(capsys.readouterr().out)["prices"]["input"] == pytest.approx(3e-6)
    command("openai/my-own-model", as_json=True)
    assert json.loads(capsys.readouterr().out) == {"name": "openai/my-own-model", "known": False, "similar": []}


def test_without_a_name_it_says_where_it_looks(capsys: pytest.CaptureFixture[str]) -> None:
    command()
    assert "models.yaml" in capsys.readouterr().out
