"""Usage blocks as providers send them, against sums made by hand."""

from typing import Any

import pytest

from sweagent.policy.money.usage import Prices, Tier, read_usage, reported_cost
from sweagent.trajectory import Usage

# Dollars per million: input 3, output 15, cached 0.3, cache write 3.75.
PRICES = Prices(input=3e-6, output=15e-6, cached=0.3e-6, cache_write=3.75e-6)

BLOCKS: dict[str, tuple[dict[str, Any], Usage, float]] = {
    "OpenAI chat": (
        {
            "prompt_tokens": 2_006,
            "completion_tokens": 300,
            "total_tokens": 2_306,
            "prompt_tokens_details": {"cached_tokens": 1_920, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 192, "accepted_prediction_tokens": 0},
        },
        Usage(prompt_tokens=2_006, cached_tokens=1_920, completion_tokens=300, reasoning_tokens=192),
        (86 * 3 + 1_920 * 0.3 + 300 * 15) / 1e6,
    ),
    "OpenAI responses": (
        {
            "input_tokens": 1_000,
            "input_tokens_details": {"cached_tokens": 600},
            "output_tokens": 50,
            "output_tokens_details": {"reasoning_tokens": 20},
            "total_tokens": 1_050,
        },
        Usage(prompt_tokens=1_000, cached_tokens=600, completion_tokens=50, reasoning_tokens=20),
        (400 * 3 + 600 * 0.3 + 50 * 15) / 1e6,
    ),
    "Anthropic": (
        {
            "input_tokens": 12,
            "cache_creation_input_tokens": 1_500,
            "cache_read_input_tokens": 20_000,
            "output_tokens": 400,
        },
        Usage(prompt_tokens=21_512, cached_tokens=20_000, cache_write_tokens=1_500, completion_tokens=400),
        (12 * 3 + 1_500 * 3.75 + 20_000 * 0.3 + 400 * 15) / 1e6,
    ),
    "Anthropic through litellm": (
        {
            "prompt_tokens": 21_512,
            "completion_tokens": 400,
            "total_tokens": 21_912,
            "prompt_tokens_details": {"cached_tokens": 20_000, "cache_creation_tokens": 1_500},
            "cache_creation_input_tokens": 1_500,
            "cache_read_input_tokens": 20_000,
        },
        Usage(prompt_tokens=21_512, cached_tokens=20_000, cache_write_tokens=1_500, completion_tokens=400),
        (12 * 3 + 1_500 * 3.75 + 20_000 * 0.3 + 400 * 15) / 1e6,
    ),
    "Gemini": (
        {
            "promptTokenCount": 5_000,
            "cachedContentTokenCount": 4_000,
            "candidatesTokenCount": 100,
            "thoughtsTokenCount": 250,
            "totalTokenCount": 5_350,
        },
        Usage(prompt_tokens=5_000, cached_tokens=4_000, completion_tokens=350, reasoning_tokens=250),
        (1_000 * 3 + 4_000 * 0.3 + 350 * 15) / 1e6,
    ),
    "Bedrock": (
        {
            "inputTokens": 30,
            "outputTokens": 70,
            "totalTokens": 1_100,
            "cacheReadInputTokens": 800,
            "cacheWriteInputTokens": 200,
        },
        Usage(prompt_tokens=1_030, cached_tokens=800, cache_write_tokens=200, completion_tokens=70),
        (30 * 3 + 800 * 0.3 + 200 * 3.75 + 70 * 15) / 1e6,
    ),
    "DeepSeek": (
        {
            "prompt_tokens": 900,
            "completion_tokens": 90,
            "total_tokens": 990,
            "prompt_cache_hit_tokens": 640,
            "prompt_cache_miss_tokens": 260,
        },
        Usage(prompt_tokens=900, cached_tokens=640, completion_tokens=90),
        (260 * 3 + 640 * 0.3 + 90 * 15) / 1e6,
    ),
    "Moonshot": (
        {"prompt_tokens": 700, "completion_tokens": 80, "total_tokens": 780, "cached_tokens": 512},
        Usage(prompt_tokens=700, cached_tokens=512, completion_tokens=80),
        (188 * 3 + 512 * 0.3 + 80 * 15) / 1e6,
    ),
    "xAI, thinking beside the completion": (
        {
            "prompt_tokens": 100,
            "completion_tokens": 20,
            "total_tokens": 420,
            "prompt_tokens_details": {"cached_tokens": 40},
            "completion_tokens_details": {"reasoning_tokens": 300},
        },
        Usage(prompt_tokens=100, cached_tokens=40, completion_tokens=320, reasoning_tokens=300),
        (60 * 3 + 40 * 0.3 + 320 * 15) / 1e6,
    ),
    "Cohere": (
        {"billed_units": {"input_tokens": 50}, "tokens": {"input_tokens": 60, "output_tokens": 9}},
        Usage(prompt_tokens=60, completion_tokens=9),
        (60 * 3 + 9 * 15) / 1e6,
    ),
    "Ollama": (
        {"prompt_eval_count": 26, "eval_count": 298, "eval_duration": 10**9},
        Usage(prompt_tokens=26, completion_tokens=298),
        (26 * 3 + 298 * 15) / 1e6,
    ),
    "vLLM without details": (
        {"prompt_tokens": 11, "completion_tokens": 4, "total_tokens": 15, "prompt_tokens_details": None},
        Usage(prompt_tokens=11, completion_tokens=4),
        (11 * 3 + 4 * 15) / 1e6,
    ),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks_of_providers_against_sums_by_hand(name: str) -> None:
    block, usage, dollars = BLOCKS[name]
    assert read_usage(block) == usage
    assert PRICES.cost(usage) == pytest.approx(dollars, rel=1e-3)


@pytest.mark.parametrize("block", [None, {}, {"total_tokens": 9}, "no", {"prompt_tokens": None}])
def test_a_block_without_counts_is_not_zero(block: Any) -> None:
    assert read_usage(block) is None


@pytest.mark.parametrize("bad", [-5, "12", True, None, [1]])
def test_counts_that_are_none_are_not_believed(bad: Any) -> None:
    usage = read_usage({"prompt_tokens": 10, "completion_tokens": bad, "prompt_tokens_details": {"cached_tokens": bad}})
    assert usage == Usage(prompt_tokens=10)


def test_the_providers_own_figure_is_read() -> None:
    assert reported_cost({"prompt_tokens": 1, "cost": 0.0125}) == 0.0125
    assert reported_cost({"cost_in_usd_ticks": 25_000_000}) == pytest.approx(0.0025)
    assert reported_cost({"cost": 0}) is None
    assert reported_cost({"cost": True}) is None


def test_long_prompts_cost_their_tier() -> None:
    tier = Tier(above=200_000, input=6e-6, output=22e-6, cached=0.6e-6, cache_write=7.5e-6)
    prices = PRICES.model_copy(update={"tiers": (tier,)})
    short, long = Usage(prompt_tokens=200_000), Usage(prompt_tokens=200_001, completion_tokens=10)
    assert prices.cost(short) == pytest.approx(0.6)
    assert prices.cost(long) == pytest.approx(200_001 * 6e-6 + 10 * 22e-6)
    assert prices.worst(200_001, 10) == pytest.approx(200_001 * 7.5e-6 + 10 * 22e-6)
