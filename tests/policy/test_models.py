"""What is known of a model, and the user's own file on top of it."""

from pathlib import Path
from typing import Any

import pytest

from sweagent.config import ModelSettings, Settings
from sweagent.errors import UsageError
from sweagent.policy import LitellmPolicy, effective_window, make_policy, model_info, with_token_limit
from sweagent.policy.composite import FallbackPolicy, RoulettePolicy
from sweagent.policy.money.budget import Budget


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "models.yaml"
    monkeypatch.setenv("FIX_ISSUE_MODELS", str(path))
    path.write_text("models: []\n")
    return path


def test_the_price_list_is_read_without_importing_litellm(own: Path) -> None:
    info = model_info("anthropic/claude-sonnet-4-5")
    assert info.prices is not None
    assert 0 < info.prices.cached < info.prices.input < info.prices.cache_write < info.prices.output
    assert info.cache_markers
    assert info.native_tools
    assert info.context_window is not None
    assert info.context_window >= 100_000


def test_what_is_unknown_stays_unknown(own: Path) -> None:
    info = model_info("nobody/no-such-model")
    assert (info.prices, info.context_window, info.sources) == (None, None, ())
    assert model_info("azure/claude-sonnet-4-5").prices is None


def test_tiers_of_long_prompts_are_read(own: Path) -> None:
    prices = model_info("gemini/gemini-2.5-pro").prices
    assert prices is not None
    assert [tier.above for tier in prices.tiers] == [200_000]
    assert prices.tiers[0].input > prices.input


def test_the_users_file_wins(own: Path) -> None:
    own.write_text(
        "models:\n"
        "  - match: 'openai/mine*'\n"
        "    prices: {input: 2, output: 8, cached: 0.5}\n"
        "    context_window: 9000\n"
        "  - match: 'openai/mine-text'\n"
        "    native_tools: false\n"
    )
    info = model_info("openai/Mine-Text")
    assert info.prices is not None
    assert (info.prices.input, info.prices.cached, info.prices.cache_write) == (2e-6, 0.5e-6, 2e-6)
    assert (info.context_window, info.native_tools) == (9000, False)
    assert info.sources[-2:] == ("models.yaml (openai/mine*)", "models.yaml (openai/mine-text)")
    policy = make_policy(ModelSettings(name="openai/mine-text", api_base="http://127.0.0.1:9"), Budget())
    assert isinstance(policy, LitellmPolicy)
    assert policy.uses_text_format


@pytest.mark.parametrize(
    "text",
    ["models: [{match: x, price: 1}]", "models: [1]", "- x", "models: {", "models: [{match: x, prices: {input: -1}}]"],
)
def test_a_broken_file_is_refused_with_its_name(own: Path, text: str) -> None:
    own.write_text(text)
    with pytest.raises(UsageError, match=r"models\.yaml"):
        model_info("x")


def test_a_missing_file_is_refused(own: Path) -> None:
    own.unlink()
    with pytest.raises(UsageError, match="there is no file"):
        model_info("x")


def test_fallbacks_and_mixes_come_from_the_file(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    own.write_text(
        "models:\n  - {match: openai/a, fallbacks: [openai/b, openai/c]}\n"
        "  - {match: mix, roulette: [openai/a, openai/b]}\n"
    )
    assert isinstance(make_policy(ModelSettings(name="openai/a"), Budget()), FallbackPolicy)
    mix = make_policy(ModelSettings(name="mix"), Budget())
    assert isinstance(mix, RoulettePolicy)
    assert mix.name == "mix"


def test_the_window_leaves_room_for_the_answer_and_the_smallest_counts(own: Path) -> None:
    own.write_text(
        "models:\n"
        "  - {match: big, context_window: 100000, max_output: 4000}\n"
        "  - {match: small, context_window: 10000, max_output: 4000}\n"
        "  - {match: mix, roulette: [big, small]}\n"
    )
    assert effective_window(ModelSettings(name="big")) == 96_000
    assert effective_window(ModelSettings(name="mix", max_output_tokens=4_000)) == 6_000
    assert effective_window(ModelSettings(name="small", max_output_tokens=9_000)) == 6_000
    assert effective_window(ModelSettings(name="unknown")) is None
    assert effective_window(ModelSettings(name="unknown", context_window=8_000, max_output_tokens=1_000)) == 7_000


@pytest.mark.parametrize(
    ("model", "limits", "tokens"),
    [
        ("dear", {}, None),
        ("unknown", {}, 5_000_000),
        ("unknown", {"unpriced_tokens": 7}, 7),
        ("unknown", {"tokens": 9}, 9),
        ("unknown", {"cost": 3.0}, None),
        ("unknown", {"cost": None}, None),
        ("mix", {}, 5_000_000),
        ("", {}, None),
    ],
)
def test_tokens_are_limited_where_dollars_cannot_be(
    own: Path, model: str, limits: dict[str, Any], tokens: int | None
) -> None:
    own.write_text(
        "models:\n  - {match: dear, prices: {input: 0, output: 0}}\n  - {match: mix, roulette: [dear, unknown]}\n"
    )
    settings = Settings.model_validate({"model": {"name": model}, "limits": limits})
    assert with_token_limit(settings).limits.tokens == tokens
    assert with_token_limit(settings).limits.cost == limits.get("cost", 3.0)


def test_no_model_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no model is named"):
        make_policy(ModelSettings(), Budget())
