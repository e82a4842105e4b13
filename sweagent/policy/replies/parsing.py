"""Parse replies of any shape into actions or one complaint.

What is safe to mend is mended and recorded. What has no reading, or more than one, is not executed: the model is told
what was wrong and sends it again.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sweagent.policy.base import ToolSchema
from sweagent.policy.replies.lenient_json import LenientJsonError, parse_json
from sweagent.policy.replies.provider_messages import RawCall, RawReply, read_message
from sweagent.policy.replies.tagged_calls import ARGUMENT_KEYS, BARE
from sweagent.policy.replies.text_calls import find_calls
from sweagent.trajectory import Action, Reply

MAX_CALLS = 32
"""A reply with more calls than this is taken for a degenerate one."""

_PARAMETER_ALIASES = {
    "command": ("cmd", "script", "code", "commands"),
    "path": ("file_path", "filepath", "file", "filename", "file_name", "target_file"),
    "old": ("old_str", "old_string", "old_text", "search"),
    "new": ("new_str", "new_string", "new_text", "replace"),
    "pattern": ("query", "regex"),
    "content": ("file_text", "contents", "text"),
}
_CUT = ("length", "max_tokens", "max_output_tokens", "MAX_TOKENS", "model_length", "model_context_window_exceeded")
_FILTERED = ("content_filter", "safety", "SAFETY", "RECITATION", "PROHIBITED_CONTENT", "refusal", "blocked")
_NO_CALL = (
    "nothing was run: the reply holds no tool call. Call a tool; when the work is done, call the tool that submits it"
)


class _RefusedError(ValueError):
    """A call that is not executed; the message is for the model."""


def parse_reply(
    message: Any,
    tools: Sequence[ToolSchema],
    *,
    finish_reason: str | None = None,
    mode: Literal["native", "text"] = "native",
    id_prefix: str = "call_",
) -> Reply:
    """Turn a provider's message into a reply.

    Args:
        message: the message in the chat shape, or plain text; None for an empty one.
        tools: what may be called.
        finish_reason: why the provider stopped.
        mode: how the model was told to call tools. Text is searched for calls in both, since models mix them up; a
            fenced shell block counts only in `text`.
        id_prefix: of the ids that calls without one get.

    Returns:
        A reply whose `problem` is set when nothing may be executed; usage and cost are left for the caller.
    """
    raw = read_message(message, finish_reason)
    thought, calls, problem = raw.text.strip(), raw.calls, _stopped(raw)
    repairs: tuple[str, ...] = ()
    if not calls:
        shell = next((tool.name for tool in tools if tool.shell), "")
        found = find_calls(raw.text, frozenset(tool.name for tool in tools), shell=shell if mode == "text" else "")
        thought, calls, repairs = found.thought, found.calls, found.repairs
        problem = problem or found.problem or (None if calls else _empty(raw))
    else:
        thought = _without_thinking(thought)
    if problem is None and len(calls) > MAX_CALLS:
        problem = f"nothing was run: the reply holds {len(calls)} calls; send at most {MAX_CALLS}"
    actions: list[Action] = []
    if problem is None:
        try:
            actions, repairs = _actions(calls, tools, repairs, id_prefix)
        except _RefusedError as error:
            problem = f"nothing was run: {error}"
    return Reply(
        thought=thought,
        actions=tuple(actions),
        problem=problem,
        repairs=tuple(dict.fromkeys(repairs)),
        finish_reason=raw.finish_reason,
        provider_fields=_carried(raw, actions) if problem is None else {},
    )


def _stopped(raw: RawReply) -> str | None:
    """A complaint for a reply that the provider did not let come to its end."""
    reason = raw.finish_reason or ""
    if raw.refusal or reason in _FILTERED:
        said = f": {raw.refusal[:200]}" if raw.refusal else ""
        return f"nothing was run: the reply was withheld by the provider's filter{said}. Go on in another way"
    if reason in ("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "tool_use_failed"):
        return "nothing was run: the provider could not read the call; send it again as the tool's schema says"
    # The end of a native call is not marked, so one that was cut can look whole; tags in text show their end.
    if reason in _CUT and (raw.calls or not _ends_with_tag(raw.text)):
        return (
            "nothing was run: the reply was cut at the limit of its length. Send it again, shorter: "
            "write large files in several steps and keep the thinking brief"
        )
    return None


def _ends_with_tag(text: str) -> bool:
    return text.rstrip().endswith(("</function>", "</invoke>", "</tool_call>", "</function_calls>"))


def _empty(raw: RawReply) -> str:
    if raw.finish_reason in ("tool_calls", "tool_use", "function_call"):
        return "nothing was run: the reply announces a tool call and holds none; send the call again"
    if not raw.text.strip():
        return "nothing was run: the reply was empty. Call a tool; when the work is done, call the tool that submits it"
    return _NO_CALL


def _actions(
    calls: Sequence[RawCall], tools: Sequence[ToolSchema], repairs: tuple[str, ...], id_prefix: str
) -> tuple[list[Action], tuple[str, ...]]:
    """Check all calls; one that is refused refuses the whole reply."""
    actions: list[Action] = []
    seen: set[str] = set()
    for call in _expanded(calls):
        action, mended = _action(call, tools)
        repairs = (*repairs, *call.repairs, *mended)
        if actions and actions[-1].tool == action.tool and actions[-1].arguments == action.arguments:
            repairs = (*repairs, "left out the same call twice in a row")
            continue
        identity = call.id if call.id and call.id not in seen else f"{id_prefix}{len(actions) + 1}"
        seen.add(identity)
        actions.append(action.model_copy(update={"id": identity}))
    return actions, repairs


def _expanded(calls: Sequence[RawCall]) -> list[RawCall]:
    """OpenAI's models sometimes invent a tool that holds several calls."""
    expanded: list[RawCall] = []
    for call in calls:
        uses = None
        if call.name.startswith("multi_tool_use"):
            uses = _parsed(call)[0].get("tool_uses")
        if not isinstance(uses, list):
            expanded.append(call)
            continue
        for use in uses:
            name = use.get("recipient_name") or use.get("name") if isinstance(use, dict) else None
            if not isinstance(name, str):
                raise _RefusedError(f"{call.name} is not a tool; make the calls one by one")
            expanded.append(RawCall(name, use.get("parameters", {}), repairs=("calls wrapped in one",)))
    return expanded


def _action(call: RawCall, tools: Sequence[ToolSchema]) -> tuple[Action, list[str]]:
    tool, repairs = _tool(call.name, tools)
    arguments, mended = _parsed(call)
    repairs += mended
    properties = tool.parameters.get("properties", {})
    required = list(tool.parameters.get("required", []))
    arguments = _named(tool, arguments, required, properties, repairs)
    arguments = _unwrapped(tool, arguments, properties, repairs)
    _rename(arguments, properties, required, repairs)
    arguments = {key: value for key, value in arguments.items() if value is not None or key in required}
    unknown = [key for key in arguments if key not in properties]
    if unknown and properties and tool.parameters.get("additionalProperties") is not True:
        raise _RefusedError(
            f"{tool.name} has no parameter {', '.join(map(repr, unknown))}; it has: {', '.join(properties)}"
        )
    missing = [key for key in required if key not in arguments]
    if missing:
        raise _RefusedError(f"{tool.name} needs the parameter {', '.join(map(repr, missing))}")
    if not call.typed:
        for key in arguments:
            arguments[key] = _typed(tool.name, key, arguments[key], properties.get(key, {}))
    return Action(id="", tool=tool.name, arguments=arguments), repairs


def _tool(name: str, tools: Sequence[ToolSchema]) -> tuple[ToolSchema, list[str]]:
    """The tool that a name means: itself, or one that it obviously stands for."""
    by_name = {tool.name: tool for tool in tools}
    if name in by_name:
        return by_name[name], []
    plain = re.split(r"<\||:\d+$", name.strip().strip("\"'`"))[0]
    plain = re.sub(r"\A(?:functions?|tools?|default_api|repo_browser|assistant|mcp__\w+?_)[._:/]+", "", plain)
    plain = re.sub(r"(?:_tool|Tool|\(\))\Z", "", plain).replace("-", "_").lower()
    candidates = [plain, *(tool.name for tool in tools if plain in tool.aliases)]
    chosen = next((candidate for candidate in candidates if candidate in by_name), None)
    if chosen is None:
        known = ", ".join(by_name) or "none"
        raise _RefusedError(f"there is no tool {name[:60]!r}; the tools are: {known}")
    return by_name[chosen], [f"tool name {name[:60]!r} read as {chosen}"]


def _parsed(call: RawCall) -> tuple[dict[str, Any], list[str]]:
    arguments = call.arguments
    if isinstance(arguments, Mapping):
        return dict(arguments), []
    if arguments is None or (isinstance(arguments, str) and not arguments.strip()):
        return {}, []
    if not isinstance(arguments, str):
        raise _RefusedError(f"the arguments of {call.name} must be a JSON object, not {_kind(arguments)}")
    try:
        parsed = parse_json(arguments)
    except LenientJsonError as error:
        raise _RefusedError(f"the arguments of {call.name} are not JSON: {error}") from error
    if not isinstance(parsed.value, dict):
        raise _RefusedError(f"the arguments of {call.name} must be a JSON object, not {_kind(parsed.value)}")
    return parsed.value, list(parsed.repairs)


def _named(
    tool: ToolSchema, arguments: dict[str, Any], required: list[str], properties: Mapping[str, Any], repairs: list[str]
) -> dict[str, Any]:
    """A bare text becomes the argument it must be, when the tool needs exactly one text."""
    if BARE not in arguments:
        return arguments
    text = [key for key in required if properties.get(key, {}).get("type") == "string"]
    if len(arguments) == 1 and not str(arguments[BARE]).strip():
        return {}
    if len(arguments) != 1 or len(required) != 1 or not text:
        raise _RefusedError(f"the arguments of {tool.name} must be named: {', '.join(properties) or 'it has none'}")
    repairs.append(f"bare text read as {text[0]}")
    return {text[0]: arguments[BARE]}


def _unwrapped(
    tool: ToolSchema, arguments: dict[str, Any], properties: Mapping[str, Any], repairs: list[str]
) -> dict[str, Any]:
    """`{"arguments": {…}}` and `{"bash": {…}}` hold the arguments one level deeper."""
    if len(arguments) != 1:
        return arguments
    [(key, value)] = arguments.items()
    if key in properties or key not in (*ARGUMENT_KEYS, tool.name):
        return arguments
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = parse_json(value).value
        except LenientJsonError:
            return arguments
    if not isinstance(value, dict):
        return arguments
    repairs.append(f"arguments wrapped in {key!r}")
    return dict(value)


def _rename(arguments: dict[str, Any], properties: Mapping[str, Any], required: list[str], repairs: list[str]) -> None:
    for target in required:
        if target in arguments:
            continue
        others = [key for key in arguments if key not in properties and key in _PARAMETER_ALIASES.get(target, ())]
        if len(others) == 1:
            arguments[target] = arguments.pop(others[0])
            repairs.append(f"parameter {others[0]!r} read as {target}")


def _typed(tool: str, key: str, value: Any, schema: Mapping[str, Any]) -> Any:
    """Text from a tag as what the schema wants."""
    kinds = {schema.get("type"), *(option.get("type") for option in schema.get("anyOf", ()))} - {None}
    if not isinstance(value, str) or not kinds or "string" in kinds:
        return value
    try:
        typed = json.loads(value.strip().lower() if kinds & {"boolean"} else value)
    except ValueError as error:
        raise _RefusedError(f"{tool}: {key} must be {' or '.join(sorted(kinds))}, not {value[:40]!r}") from error
    return typed


def _kind(value: Any) -> str:
    return {list: "a list", str: "text", bool: "a truth value", int: "a number", float: "a number"}.get(
        type(value), type(value).__name__
    )


def _without_thinking(text: str) -> str:
    return re.sub(r"<(think|thinking)>.*?</\1>", "", text, flags=re.S).strip()


def _carried(raw: RawReply, actions: Sequence[Action]) -> dict[str, Any]:
    """What goes back to the provider with this message: thinking, and signatures by the call they belong to."""
    fields = dict(raw.provider_fields)
    signed = {
        action.id: call.fields for action in actions for call in raw.calls if call.fields and call.id == action.id
    }
    if signed:
        fields["call_fields"] = signed
    return fields
