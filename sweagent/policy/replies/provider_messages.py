"""Read a provider's message into text and raw calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sweagent.policy.money.usage import as_mapping

_CARRIED = ("thinking_blocks", "reasoning_content", "reasoning_details", "reasoning_items")


@dataclass(frozen=True)
class RawCall:
    """A call as the provider reported it or as it was found in text.

    Attributes:
        name: of the tool, unchecked.
        arguments: a mapping, or text that should be JSON.
        id: the provider's, if any.
        typed: False when all values are text (XML forms) and the schema says what they should become.
        repairs: what had to be mended to find it.
        fields: what the provider wants back with this call (Gemini's signatures).
    """

    name: str
    arguments: Any
    id: str | None = None
    typed: bool = True
    repairs: tuple[str, ...] = ()
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RawReply:
    """A message, independent of the provider's shape."""

    text: str = ""
    calls: tuple[RawCall, ...] = ()
    finish_reason: str | None = None
    refusal: str | None = None
    provider_fields: dict[str, Any] = field(default_factory=dict)


def read_message(raw: Any, finish_reason: str | None = None) -> RawReply:
    """Read one message in the chat shape, to which litellm brings every provider's; its content may be blocks.

    Args:
        raw: the message (not the whole response), a mapping, an object or a string; None for an empty reply.
        finish_reason: as the provider said it.
    """
    if isinstance(raw, str):
        return RawReply(text=raw, finish_reason=finish_reason)
    message = as_mapping(raw)
    return _chat(message, finish_reason or _text(message.get("stop_reason") or message.get("finish_reason")) or None)


def _chat(message: Mapping[str, Any], reason: str | None) -> RawReply:
    text, calls, thinking = _content(message.get("content"))
    for item in _items(message.get("tool_calls")):
        function = as_mapping(item.get("function")) or as_mapping(item.get("custom")) or item
        arguments = function.get("arguments", function.get("input"))
        calls.append(RawCall(_text(function.get("name")), arguments, _id(item.get("id")), fields=_signatures(item)))
    legacy = as_mapping(message.get("function_call"))
    if legacy and not calls:
        calls.append(RawCall(_text(legacy.get("name")), legacy.get("arguments")))
    carried = {name: message[name] for name in _CARRIED if message.get(name)}
    if thinking and "thinking_blocks" not in carried:
        carried["thinking_blocks"] = thinking
    carried.update(_signatures(message))
    refusal = message.get("refusal")
    return RawReply(text, tuple(calls), reason, _text(refusal) or None, carried)


def _signatures(item: Mapping[str, Any]) -> dict[str, Any]:
    """Gemini's signatures of its thoughts; other fields that litellm adds would be refused by strict servers."""
    specific = as_mapping(item.get("provider_specific_fields"))
    signed = {name: specific[name] for name in ("thought_signature", "thought_signatures") if specific.get(name)}
    fields: dict[str, Any] = {"provider_specific_fields": signed} if signed else {}
    if as_mapping(as_mapping(item.get("extra_content")).get("google")).get("thought_signature"):
        fields["extra_content"] = item["extra_content"]
    return fields


def _content(content: Any) -> tuple[str, list[RawCall], list[dict[str, Any]]]:
    """Text, calls and thinking blocks of a content field: a string, or blocks in Anthropic's or OpenAI's form."""
    if isinstance(content, str):
        return content, [], []
    texts: list[str] = []
    calls: list[RawCall] = []
    thinking: list[dict[str, Any]] = []
    for block in _items(content):
        kind = block.get("type")
        if kind == "tool_use":
            calls.append(RawCall(_text(block.get("name")), block.get("input"), _id(block.get("id"))))
        elif kind in ("thinking", "redacted_thinking"):
            thinking.append(dict(block))
        elif kind in ("text", "output_text", None):
            texts.append(_text(block.get("text")))
    return "\n".join(text for text in texts if text), calls, thinking


def _items(value: Any) -> list[Mapping[str, Any]]:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        return []
    return [item for item in map(as_mapping, value) if item]


def _id(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
