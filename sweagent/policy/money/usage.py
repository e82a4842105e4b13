"""Tokens and money of one call, read from what providers report."""

from collections.abc import Mapping
from typing import Any

from sweagent.frozen import Frozen
from sweagent.trajectory import Usage


class Tier(Frozen):
    """Prices that hold once the prompt is longer than a threshold. US dollars per token."""

    above: int
    """Tokens of the prompt."""
    input: float
    output: float
    cached: float
    cache_write: float


class Prices(Frozen):
    """US dollars per token."""

    input: float
    output: float
    cached: float
    """Of a prompt token that the provider read from its cache."""
    cache_write: float
    """Of a prompt token that the provider wrote to its cache."""
    tiers: tuple[Tier, ...] = ()

    def cost(self, usage: Usage) -> float:
        """What a call cost. Thinking tokens are billed as completion tokens."""
        rate = self._rate(usage.prompt_tokens)
        plain = max(0, usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens)
        return (
            plain * rate.input
            + usage.cached_tokens * rate.cached
            + usage.cache_write_tokens * rate.cache_write
            + usage.completion_tokens * rate.output
        )

    def worst(self, prompt_tokens: int, completion_tokens: int) -> float:
        """The most that a call with so many tokens can cost."""
        rate = self._rate(prompt_tokens)
        dearest = max(rate.input, rate.cached, rate.cache_write)
        return prompt_tokens * dearest + completion_tokens * rate.output

    def _rate(self, prompt_tokens: int) -> "Tier | Prices":
        reached = [tier for tier in self.tiers if prompt_tokens > tier.above]
        return max(reached, key=lambda tier: tier.above) if reached else self


def read_usage(raw: Any) -> Usage | None:
    """Read a provider's usage block, whichever its shape.

    Known are the blocks of OpenAI (chat and responses), Anthropic, Gemini, Bedrock, DeepSeek, Moonshot, OpenRouter,
    xAI, Cohere, Ollama and what litellm makes of them.

    Args:
        raw: the block, a mapping or an object with attributes.

    Returns:
        None when there is nothing that can be counted: the caller must not take that for zero.
    """
    block = as_mapping(raw)
    for wrapper in ("usageMetadata", "usage_metadata", "tokens"):
        block = as_mapping(block.get(wrapper)) or block
    if not block:
        return None
    if "promptTokenCount" in block or "prompt_token_count" in block:
        return _gemini(block)
    details = as_mapping(_first(block, "prompt_tokens_details", "input_tokens_details"))
    cached = _count(
        details.get("cached_tokens"),
        *(block.get(name) for name in ("cache_read_input_tokens", "cacheReadInputTokens", "cacheReadInputTokenCount")),
        *(block.get(name) for name in ("prompt_cache_hit_tokens", "cached_tokens")),
    )
    written = _count(
        *(details.get(name) for name in ("cache_creation_tokens", "cache_write_tokens")),
        *(block.get(name) for name in ("cache_creation_input_tokens", "cacheWriteInputTokens")),
        block.get("cacheWriteInputTokenCount"),
    )
    prompt = _first(block, "prompt_tokens", "input_tokens", "inputTokens", "prompt_eval_count")
    completion = _first(block, "completion_tokens", "output_tokens", "outputTokens", "eval_count")
    if prompt is None and completion is None:
        return None
    prompt_tokens = _count(prompt)
    if "prompt_tokens" not in block and "input_tokens_details" not in block:
        # Anthropic and Bedrock count what was read from or written to the cache apart from the input.
        prompt_tokens += cached + written
    out = as_mapping(_first(block, "completion_tokens_details", "output_tokens_details"))
    return Usage(
        prompt_tokens=max(prompt_tokens, cached + written),
        cached_tokens=cached,
        cache_write_tokens=written,
        completion_tokens=_completion(block, _count(completion), _count(out.get("reasoning_tokens"))),
        reasoning_tokens=_count(out.get("reasoning_tokens")),
    )


def _completion(block: Mapping[str, Any], completion: int, reasoning: int) -> int:
    """xAI leaves thinking tokens out of the completion's; only the total tells."""
    total = _count(block.get("total_tokens"))
    missing = total - _count(block.get("prompt_tokens")) - completion
    return completion + reasoning if reasoning and missing == reasoning else completion


def reported_cost(raw: Any) -> float | None:
    """The provider's own figure for the call in US dollars, if it gives one (OpenRouter, xAI, litellm's proxy)."""
    block = as_mapping(raw)
    for name, scale in (("cost", 1.0), ("total_cost", 1.0), ("cost_in_usd_ticks", 1e-10)):
        value = block.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return float(value) * scale
    return None


def as_mapping(raw: Any) -> Mapping[str, Any]:
    """A mapping of a mapping, of a pydantic model or of an object; empty for anything else."""
    if isinstance(raw, Mapping):
        return raw
    dump = getattr(raw, "model_dump", None)
    if callable(dump):
        dumped = dump()
        return dumped if isinstance(dumped, Mapping) else {}
    return getattr(raw, "__dict__", {})


def _gemini(block: Mapping[str, Any]) -> Usage:
    thoughts = _count(_first(block, "thoughtsTokenCount", "thoughts_token_count"))
    tool_use = _count(_first(block, "toolUsePromptTokenCount", "tool_use_prompt_token_count"))
    return Usage(
        prompt_tokens=_count(_first(block, "promptTokenCount", "prompt_token_count")) + tool_use,
        cached_tokens=_count(_first(block, "cachedContentTokenCount", "cached_content_token_count")),
        completion_tokens=_count(_first(block, "candidatesTokenCount", "candidates_token_count")) + thoughts,
        reasoning_tokens=thoughts,
    )


def _first(block: Mapping[str, Any], *names: str) -> Any:
    return next((block[name] for name in names if block.get(name) is not None), None)


def _count(*values: Any) -> int:
    """The first positive number."""
    for value in values:
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return int(value)
    return 0
