"""The view in the chat format that litellm translates."""

import json
from collections.abc import Sequence
from typing import Any

from sweagent.policy.base import Message, ToolSchema, View
from sweagent.policy.replies.tools_text import render_action
from sweagent.trajectory import Action

MAX_MARKERS = 4
"""Anthropic and Bedrock refuse a request with more cache markers."""

_MARKER = {"type": "ephemeral"}
_EMPTY = "(empty reply)"


def to_messages(
    view: View, *, native: bool, model: str, markers: bool, reasoning: bool = False
) -> list[dict[str, Any]]:
    """Translate a view.

    Args:
        view: what is shown.
        native: the provider has tool calls of its own; otherwise calls and results are written as text.
        model: who is called; thinking of another model is not carried back.
        markers: mark what the provider should cache.
        reasoning: the provider wants its `reasoning_content` back.
    """
    marked = _marked(view.messages) if markers else frozenset()
    shown: list[dict[str, Any]] = []
    for position, message in enumerate(view.messages):
        wire = _native(message, model, reasoning) if native else _as_text(message)
        if position in marked:
            _mark(wire)
        if shown and wire["role"] == "user" == shown[-1]["role"]:
            shown[-1]["content"] = _joined(shown[-1]["content"], wire["content"])
        else:
            shown.append(wire)
    return shown


def to_tools(tools: Sequence[ToolSchema]) -> list[dict[str, Any]]:
    """The tools in the shape of native calls."""
    return [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
        }
        for tool in tools
    ]


def size_of(messages: Sequence[dict[str, Any]]) -> int:
    """Bytes of text in messages; no tokeniser in use makes more tokens than that."""
    return sum(_size(message) for message in messages)


def _size(value: Any) -> int:
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode("utf-8", "replace"))
    if isinstance(value, dict):
        return 4 + sum(len(str(key)) + _size(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return 4 + sum(_size(item) for item in value)
    return 8


def _native(message: Message, model: str, reasoning: bool) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.action_id or "", "content": message.content}
    wire: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.role != "assistant":
        return wire
    fields = message.provider_fields if message.provider_fields.get("model") in (None, model) else {}
    if message.actions:
        signed = fields.get("call_fields", {})
        wire["tool_calls"] = [_call(action, signed.get(action.id)) for action in message.actions]
        wire["content"] = message.content or None
    else:
        wire["content"] = message.content or _EMPTY
    left_out = {"model", "call_fields"} if reasoning else {"model", "call_fields", "reasoning_content"}
    wire.update({name: value for name, value in fields.items() if name not in left_out})
    return wire


def _call(action: Action, fields: dict[str, Any] | None) -> dict[str, Any]:
    arguments = json.dumps(action.arguments, ensure_ascii=False)
    call = {"id": action.id, "type": "function", "function": {"name": action.tool, "arguments": arguments}}
    return {**call, **(fields or {})}


def _as_text(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "user", "content": f"Result:\n{message.content}"}
    parts = [message.content, *map(render_action, message.actions)] if message.actions else [message.content]
    content = "\n\n".join(part for part in parts if part)
    return {"role": message.role, "content": content or (_EMPTY if message.role == "assistant" else "")}


def _marked(messages: Sequence[Message]) -> frozenset[int]:
    """Choose the positions of the marks: the system prompt, the last two boundaries, and the end."""
    system = [position for position, message in enumerate(messages) if message.role == "system"][:1]
    boundaries = [position for position, message in enumerate(messages) if message.cache_boundary]
    chosen = [*system, *boundaries[-(MAX_MARKERS - len(system)) :]]
    return frozenset(position for position in chosen if messages[position].content)


def _mark(wire: dict[str, Any]) -> None:
    if wire["role"] == "tool":
        wire["cache_control"] = _MARKER
    elif isinstance(wire["content"], str) and wire["content"]:
        wire["content"] = [{"type": "text", "text": wire["content"], "cache_control": _MARKER}]


def _joined(first: Any, second: Any) -> Any:
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n\n{second}"
    return [*_blocks(first), *_blocks(second)]


def _blocks(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
