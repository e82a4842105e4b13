"""Finding calls that are written between tags or control tokens."""

import re
from dataclasses import dataclass
from typing import Any

from sweagent.policy.replies.lenient_json import LenientJsonError, parse_json
from sweagent.policy.replies.provider_messages import RawCall

BARE = ""
"""The name of the one argument of a call that gives a bare text instead of named arguments."""

NAME_KEYS = ("name", "tool", "tool_name", "function", "function_name", "action", "recipient_name")
ARGUMENT_KEYS = ("arguments", "parameters", "args", "input", "tool_input", "action_input", "params", "kwargs")


class AmbiguousCallError(ValueError):
    """There is something like a call that has no reading or more than one; the message is for the model."""


@dataclass(frozen=True)
class Found:
    """A call and where it stands in the text."""

    start: int
    end: int
    call: RawCall


_OPEN = re.compile(
    r"<(?:antml:)?(?P<tag>function|invoke|tool)(?:\s*=\s*[\"']?(?P<a>[\w.:-]+)[\"']?|\s+name\s*=\s*[\"'](?P<b>[\w.:-]+)[\"'])\s*(?P<self>/?)>"
)
_PARAMETER = re.compile(
    r"\s*<(?:antml:)?(?:parameter|param|arg)(?:\s*=\s*[\"']?(?P<a>[\w-]+)[\"']?|\s+name\s*=\s*[\"'](?P<b>[\w-]+)[\"'])[^<>]*>"
)
_PARAMETER_END = re.compile(r"</(?:antml:)?(?:parameter|param|arg)>")
_WRAPPED = re.compile(
    r"<\|?(?P<tag>tool_call|function_call|tool_calls|toolcall)\|?>(?P<body>.*?)(?:</?\|?/?(?P=tag)\|?>|(?P<open>\Z))",
    re.S,
)
_GLM = re.compile(r"<arg_key>\s*(?P<key>[\w-]+)\s*</arg_key>\s*<arg_value>(?P<value>.*?)</arg_value>", re.S)
_TOKENS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(
            r"<\|tool_call_begin\|>\s*(?P<name>[\w.:-]+)\s*<\|tool_call_argument_begin\|>(?P<args>.*?)<\|tool_call_end\|>",
            re.S,
        ),
        "control tokens of the model in text",
    ),
    (
        re.compile(
            r"<｜tool▁call▁begin｜>(?:function<｜tool▁sep｜>)?(?P<name>[\w.:-]+)(?:<｜tool▁sep｜>|\s*\n)\s*(?P<args>.*?)<｜tool▁call▁end｜>",
            re.S,
        ),
        "control tokens of the model in text",
    ),
    (
        re.compile(
            r"<\|channel\|>commentary to=(?P<name>[\w.:-]+)[^{]*?<\|message\|>(?P<args>.*?)(?:<\|call\|>|<\|end\|>|\Z)",
            re.S,
        ),
        "control tokens of the model in text",
    ),
    (
        re.compile(
            r"\[TOOL_CALLS\]\s*(?P<name>[\w.:-]+)(?:\[CALL_ID\]\w+)?\[ARGS\](?P<args>.*?)(?=\[TOOL_CALLS\]|\Z)", re.S
        ),
        "control tokens of the model in text",
    ),
)
_LISTS = re.compile(
    r"(?:\[TOOL_CALLS\]|<\|python_tag\|>|<\|tool_call\|>|\[TOOL_REQUEST\])\s*(?P<body>[\[{].*?)(?:\[END_TOOL_REQUEST\]|<\|eom_id\|>|<\|eot_id\|>|</s>|\Z)",
    re.S,
)


def find_tagged(text: str, tools: frozenset[str]) -> list[Found]:
    """Find calls between tags or control tokens, in the order in which they stand.

    Args:
        text: the reply without its thinking.
        tools: names that also count as tags (`<bash>…</bash>`).

    Raises:
        AmbiguousCallError: something like a call has no reading or more than one.
    """
    for finder in (_function_tags, _wrapped, _control_tokens, _lists):
        found = finder(text)
        if found:
            return found
    return _named_tags(text, tools)


def calls_of_json(value: Any, repairs: tuple[str, ...]) -> list[RawCall]:
    """The calls that a JSON value stands for: an object with a name and arguments, or a list of such objects."""
    if isinstance(value, list):
        calls = [call for item in value for call in calls_of_json(item, repairs)]
        return calls if len(calls) >= len(value) else []
    if not isinstance(value, dict):
        return []
    if isinstance(value.get("tool_uses"), list):
        return calls_of_json(value["tool_uses"], repairs)
    if isinstance(value.get("function"), dict):
        return calls_of_json(value["function"], repairs)
    name_key = next((key for key in NAME_KEYS if isinstance(value.get(key), str)), None)
    argument_key = next((key for key in ARGUMENT_KEYS if key in value), None)
    extra = set(value) - {name_key, argument_key, "id", "type", "thought", "reasoning"}
    if name_key is None or extra:
        return []
    return [RawCall(value[name_key], value.get(argument_key) if argument_key else {}, repairs=repairs)]


def _function_tags(text: str) -> list[Found]:
    found: list[Found] = []
    position = 0
    while opening := _OPEN.search(text, position):
        name = opening["a"] or opening["b"]
        if opening["self"]:
            found.append(Found(opening.start(), opening.end(), RawCall(name, {}, typed=False)))
            position = opening.end()
            continue
        arguments, end, repairs = _body(text, opening.end(), opening["tag"], name)
        typed = not isinstance(arguments, dict)
        found.append(Found(opening.start(), end, RawCall(name, arguments, typed=typed, repairs=repairs)))
        position = end
    if found and re.search(r"</(?:antml:)?(?:parameter|function|invoke)>", text[position:]):
        raise AmbiguousCallError(
            "after the last call there are closing tags without an opening one, so it is not clear where a value ends; "
            "write the call again so that its values do not contain the closing tags of the format"
        )
    return found


def _body(text: str, start: int, tag: str, name: str) -> tuple[Any, int, tuple[str, ...]]:
    """The arguments of one call, where it ends, and what was mended."""
    closing = re.compile(rf"\s*</(?:antml:)?{tag}>")
    arguments: dict[str, str] = {}
    repairs: list[str] = []
    position = start
    while opening := _PARAMETER.match(text, position):
        key = opening["a"] or opening["b"]
        value, position, mended = _value(text, opening.end(), closing, name, key)
        if key in arguments:
            raise AmbiguousCallError(f"the call of {name} gives the parameter {key} twice")
        arguments[key] = value
        repairs += mended
    end = closing.match(text, position)
    if end:
        return arguments, end.end(), tuple(repairs)
    if arguments:
        rest = text[position:]
        if not rest.strip() or _OPEN.match(rest.lstrip()) or re.match(r"\s*</\w", rest):
            return arguments, position, (*repairs, "missing closing tag")
        raise AmbiguousCallError(f"the call of {name} contains text outside of its parameters: {rest.strip()[:80]!r}")
    return _unnamed_body(text, start, closing, name)


def _value(text: str, start: int, closing: re.Pattern[str], name: str, key: str) -> tuple[str, int, list[str]]:
    """A parameter's value: it ends at the first closing tag after which the call goes on or ends."""
    for end in _PARAMETER_END.finditer(text, start):
        rest = end.end()
        if (
            closing.match(text, rest)
            or _PARAMETER.match(text, rest)
            or not text[rest:].strip()
            or re.match(r"\s*(?:</tool_call>|<(?:antml:)?(?:function|invoke)\b)", text[rest:])
        ):
            value = text[start : end.start()]
            if _PARAMETER.search(value):
                raise AmbiguousCallError(f"a closing tag is missing in or near the parameter {key} of {name}")
            return _trim(value), rest, []
    ends = list(closing.finditer(text, start))
    if len(ends) == 1 and not _PARAMETER_END.search(text, start) and not _PARAMETER.search(text, start):
        return _trim(text[start : ends[0].start()]), ends[0].start(), ["missing closing tag of a parameter"]
    raise AmbiguousCallError(f"the parameter {key} of {name} has no closing tag, so it may be cut short; send it whole")


def _unnamed_body(text: str, start: int, closing: re.Pattern[str], name: str) -> tuple[Any, int, tuple[str, ...]]:
    """A body without parameter tags: JSON, tags named like parameters, or nothing."""
    end = closing.search(text, start)
    body = text[start : end.start() if end else len(text)]
    if not body.strip() and end:
        return {}, end.end(), ()
    position = end.end() if end else len(text)
    repairs = () if end else ("missing closing tag",)
    if body.lstrip().startswith("{"):
        return body, position, repairs
    children = _children(body)
    if children is not None and end:
        return children, position, (*repairs, "parameters as tags of their own")
    raise AmbiguousCallError(f"the call of {name} has no `<parameter=…>` that could be read")


def _children(body: str) -> dict[str, str] | None:
    """`<path>a</path><content>b</content>` as a mapping; None when the body is anything else."""
    values: dict[str, str] = {}
    position = 0
    while opening := re.compile(r"\s*<([A-Za-z_]\w*)>").match(body, position):
        key = opening[1]
        ends = [found.start() for found in re.finditer(rf"</{key}>", body[opening.end() :])]
        if len(ends) != 1 or key in values:
            return None
        values[key] = _trim(body[opening.end() : opening.end() + ends[0]])
        position = opening.end() + ends[0] + len(f"</{key}>")
    return values if values and not body[position:].strip() else None


def _wrapped(text: str) -> list[Found]:
    found = []
    for match in _WRAPPED.finditer(text):
        body, tag = match["body"], match["tag"]
        mended = ("missing closing tag",) if match["open"] is not None else ()
        if not body.strip():
            continue
        glm = list(_GLM.finditer(body))
        if glm:
            name = body[: glm[0].start()].strip()
            arguments = {item["key"]: _trim(item["value"]) for item in glm}
            if mended and body[glm[-1].end() :].strip():
                raise AmbiguousCallError(f"the `<{tag}>` at the end is cut short; send it whole")
            found.append(Found(match.start(), match.end(), RawCall(name, arguments, typed=False, repairs=mended)))
            continue
        found += [Found(match.start(), match.end(), call) for call in _json_calls(body, f"`<{tag}>`", mended)]
    return found


def _json_calls(body: str, place: str, mended: tuple[str, ...]) -> list[RawCall]:
    parsed = _parse_or_complain(body, place)
    calls = calls_of_json(parsed.value, (*mended, *parsed.repairs))
    if not calls:
        raise AmbiguousCallError(f'{place} must hold an object {{"name": …, "arguments": {{…}}}}')
    return calls


def _parse_or_complain(body: str, place: str) -> Any:
    try:
        return parse_json(body)
    except LenientJsonError as error:
        lines = [line for line in body.splitlines() if line.strip()]
        if len(lines) > 1 and all(line.strip().startswith("{") and line.strip().endswith("}") for line in lines):
            return parse_json("[" + ",".join(lines) + "]")
        raise AmbiguousCallError(f"the JSON in {place} cannot be read: {error}") from error


def _control_tokens(text: str) -> list[Found]:
    found = []
    for pattern, repair in _TOKENS:
        for match in pattern.finditer(text):
            call = RawCall(match["name"], match["args"].strip(), repairs=(repair,))
            found.append(Found(match.start(), match.end(), call))
    return sorted(found, key=lambda item: item.start)


def _lists(text: str) -> list[Found]:
    found = []
    for match in _LISTS.finditer(text):
        repair = ("control tokens of the model in text",)
        found += [Found(match.start(), match.end(), call) for call in _json_calls(match["body"], "the call", repair)]
    return found


def _named_tags(text: str, tools: frozenset[str]) -> list[Found]:
    """`<bash>ls</bash>` and `<edit><path>…</path>…</edit>`: the tool's name, or CodeAct's, as the tag."""
    names = "|".join(sorted((re.escape(name) for name in tools | {"execute_bash"}), key=len, reverse=True))
    found = []
    position = 0
    for opening in re.finditer(rf"^[ \t]*<({names})>", text, re.M):
        if opening.start() < position:
            continue
        tag = opening[1]
        ends = [end.start() for end in re.finditer(rf"</{tag}>", text[opening.end() :])]
        following = re.search(rf"^[ \t]*<{tag}>", text[opening.end() :], re.M)
        ends = [end for end in ends if not following or end < following.start()]
        if len(ends) != 1:
            raise AmbiguousCallError(f"`<{tag}>` must be closed once by `</{tag}>`")
        body = text[opening.end() : opening.end() + ends[0]]
        children = _children(body)
        position = opening.end() + ends[0] + len(tag) + 3
        arguments = children if children is not None else {BARE: _trim(body)}
        repairs = ("the tool's name as a tag",)
        found.append(Found(opening.start(), position, RawCall(tag, arguments, typed=False, repairs=repairs)))
    return found


def _trim(value: str) -> str:
    """Drop the line break after the opening tag and the one before the closing tag."""
    value = value[2:] if value.startswith("\r\n") else value.removeprefix("\n")
    return value[:-2] if value.endswith("\r\n") else value.removesuffix("\n")
