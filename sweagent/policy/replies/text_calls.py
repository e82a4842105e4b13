"""Find tool calls in the text of a reply."""

import ast
import re
from dataclasses import dataclass, replace
from typing import Any

from sweagent.policy.replies.lenient_json import LenientJsonError, parse_json
from sweagent.policy.replies.provider_messages import RawCall
from sweagent.policy.replies.tagged_calls import BARE, AmbiguousCallError, Found, calls_of_json, find_tagged

_THINKING = re.compile(r"<(think|thinking|reasoning|thought)>.*?</\1>", re.S | re.I)
_THINKING_END = re.compile(r"\A(?:(?!<think).)*?</think(?:ing)?>", re.S | re.I)
_THINKING_OPEN = re.compile(r"<(?:think|thinking|reasoning)>", re.I)
_INVENTED = re.compile(
    r"^[ \t]*(?:observation:|<tool_response>|<function_results?>|<result>|<observation>|\[TOOL_RESULTS?\]"
    r"|result of call|tool result:|<\|observation\|>|output:\s*$)",
    re.I | re.M,
)
_FENCE = re.compile(
    r"^(?P<fence>```+|~~~+)[ \t]*(?P<language>[\w+-]*)[^\n`]*\n(?P<body>.*?)^(?P=fence)[ \t]*$", re.S | re.M
)
_FENCE_LINE = re.compile(r"^(?:```|~~~)", re.M)
_SHELL = frozenset({"bash", "sh", "shell", "zsh", "console", "terminal"})
_PYTHON = frozenset({"python", "py", "tool_code", "python3"})
_JSON = frozenset({"json", "json5", "jsonc", "tool_call", "tool", "tool_calls", ""})
_REACT = re.compile(
    r"^[ \t*]*Action:[ \t*]*(?P<name>[\w.-]+)[ \t]*\n[ \t*]*Action Input:[ \t*]*(?P<input>.*?)"
    r"(?=^[ \t*]*(?:Observation|Action|Thought):|\Z)",
    re.S | re.M | re.I,
)
_LOOKS_LIKE_CALL = re.compile(
    r"<(?:function|invoke|parameter)\b|<tool_call|tool_calls|\[TOOL_CALLS\]|^Action:|<\|tool_call|<｜tool", re.M
)
_TRAILING_PROSE = 240
"""Characters that may stand after a shell block, for a closing remark."""


@dataclass(frozen=True)
class TextCalls:
    """What was found.

    Attributes:
        thought: the text without the calls.
        calls: in the order in which they stand.
        repairs: what was mended beside what the calls say themselves.
        problem: why nothing may be executed, for the model.
    """

    thought: str
    calls: tuple[RawCall, ...] = ()
    repairs: tuple[str, ...] = ()
    problem: str | None = None


def find_calls(text: str, tools: frozenset[str], *, shell: str) -> TextCalls:
    """Find the calls in a reply's text.

    Thinking is left out: what a model only considers is not executed. What stands after a result that the model made
    up is left out too.

    Args:
        text: of the reply.
        tools: the names of the tools there are.
        shell: a single fenced shell block counts as a call of `bash`. Only for models that were told to write text:
            where a model has native calls, such a block may as well be an example.
    """
    spoken = _THINKING.sub("", text)
    spoken = _THINKING_END.sub("", spoken)
    open_thinking = _THINKING_OPEN.search(spoken)
    if open_thinking:
        before = spoken[: open_thinking.start()].strip()
        return TextCalls(before or text.strip(), problem="the reply ended within its thinking; nothing was run")
    try:
        found = find_tagged(spoken, tools)
        if found:
            _refuse_examples(spoken, found)
        else:
            found = _fenced(spoken, tools, shell) or _react(spoken) or _bare(spoken, tools)
    except AmbiguousCallError as error:
        return TextCalls(spoken.strip(), problem=f"nothing was run: {error}")
    if not found:
        hint = _LOOKS_LIKE_CALL.search(spoken)
        problem = f"nothing was run: {hint[0]!r} looks like the start of a call that is not whole" if hint else None
        return TextCalls(spoken.strip(), problem=problem)
    return _without_invented(spoken, found)


def _without_invented(text: str, found: list[Found]) -> TextCalls:
    first, cut = found[0].end, len(text)
    for marker in _INVENTED.finditer(text, first):
        if not any(item.start < marker.start() < item.end for item in found):
            cut = marker.start()
            break
    kept = [item for item in found if item.start < cut]
    repairs = ("left out a result that the model made up, and what follows it",) if cut < len(text) else ()
    pieces, position = [], 0
    for item in kept:
        pieces.append(text[position : item.start])
        position = max(position, item.end)
    pieces.append(text[position:cut] if position < cut else "")
    thought = re.sub(r"</?(?:tool_calls?|function_calls|antml:function_calls|minimax:tool_call)>", "", "".join(pieces))
    return TextCalls(thought.strip(), tuple(item.call for item in kept), repairs)


def _refuse_examples(text: str, found: list[Found]) -> None:
    """A call inside a code fence is executed only when the fence is the end of the reply; else it may be an example."""
    before = len(_FENCE_LINE.findall(text[: found[0].start]))
    if before % 2 == 0:
        return
    rest = text[found[-1].end :]
    if re.sub(r"</?[\w:]+>|```|~~~|\s", "", rest):
        raise AmbiguousCallError(
            "the call stands inside a code fence with text after it, so it may be an example; "
            "write it without the fence"
        )


def _fenced(text: str, tools: frozenset[str], shell: str) -> list[Found]:
    blocks = list(_FENCE.finditer(text))
    if not blocks:
        return []
    found = [
        Found(block.start(), block.end(), replace(call, repairs=(*call.repairs, "call in a code fence")))
        for block in blocks
        for call in _block_calls(block, tools)
    ]
    if found:
        if len({item.start for item in found}) != len(blocks) or text[found[-1].end :].strip():
            raise AmbiguousCallError(
                "a call stands in a code fence among other text; write only the call, as the format says"
            )
        return found
    if not shell:
        return []
    shells = [block for block in blocks if block["language"].lower() in _SHELL or block["language"].startswith("mswea")]
    if not shells:
        return []
    if len(shells) > 1:
        raise AmbiguousCallError(f"there are {len(shells)} shell blocks; send one, with all commands in it")
    block = shells[0]
    if _FENCE_LINE.search(text, block.end()):
        raise AmbiguousCallError("the shell block holds or is followed by another code fence, so its end is not clear")
    if len(text[block.end() :].strip()) > _TRAILING_PROSE:
        raise AmbiguousCallError(
            "a shell block with long text after it may be an example; end the reply with the block"
        )
    command = _without_prompt(block["body"].rstrip("\n"))
    return [Found(block.start(), block.end(), RawCall(shell, {BARE: command}, typed=False))]


def _without_prompt(command: str) -> str:
    """Drop the `$ ` before a single command."""
    if command.startswith("$ ") and "\n" not in command:
        return command[2:]
    if re.match(r"\$ ", command):
        raise AmbiguousCallError("the shell block looks like a session with its output; send the commands only")
    return command


def _block_calls(block: re.Match[str], tools: frozenset[str]) -> list[RawCall]:
    language, body = block["language"].lower(), block["body"].strip()
    if language in _JSON and body[:1] in ("{", "["):
        return _json_of_known(body, tools)
    if language in _PYTHON:
        return _python(body, tools)
    return []


def _json_of_known(body: str, tools: frozenset[str]) -> list[RawCall]:
    try:
        parsed = parse_json(body)
    except LenientJsonError as error:
        if re.search(r'"(?:arguments|parameters|tool_input|action_input)"\s*:', body):
            raise AmbiguousCallError(f"the JSON of the call cannot be read: {error}") from error
        return []
    calls = calls_of_json(parsed.value, parsed.repairs)
    return calls if calls and all(_known(call.name, tools) for call in calls) else []


def _known(name: str, tools: frozenset[str]) -> bool:
    return name.rpartition(".")[2].lower() in tools or name.lower().startswith("functions.")


def _react(text: str) -> list[Found]:
    matches = list(_REACT.finditer(text))
    found = []
    for match in matches:
        given = match["input"].strip()
        value: Any = given if given.startswith("{") or given.startswith("```") else {BARE: given}
        call = RawCall(match["name"], value, typed=isinstance(value, str), repairs=("`Action:` line",))
        found.append(Found(match.start(), match.end(), call))
    return found


def _bare(text: str, tools: frozenset[str]) -> list[Found]:
    """JSON or Python calls that are the end of the reply, without any fence."""
    stripped = text.rstrip()
    starts = [match.end() for match in re.finditer(r"(?:\A|\n)[ \t]*(?=[\[{])", stripped)]
    for start in starts:
        calls = _json_of_known(stripped[start:], tools)
        if calls:
            named = [replace(call, repairs=(*call.repairs, "JSON in text")) for call in calls]
            return [Found(start, len(text), call) for call in named]
    body = stripped.strip()
    calls = _python(body, tools)
    return [Found(0, len(text), call) for call in calls]


def _python(body: str, tools: frozenset[str]) -> list[RawCall]:
    """Calls of tools written as Python with literal arguments; empty when any statement is something else."""
    if len(body) > 100_000 or not any(f"{name}(" in body for name in tools):
        return []
    try:
        statements = ast.parse(body).body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return []
    expressions: list[ast.expr] = []
    for statement in statements:
        if not isinstance(statement, ast.Expr):
            return []
        value = statement.value
        expressions += value.elts if isinstance(value, ast.List) else [value]
    calls = [_python_call(expression, tools) for expression in expressions]
    return [call for call in calls if call is not None] if all(calls) else []


def _python_call(node: ast.expr, tools: frozenset[str]) -> RawCall | None:
    if not isinstance(node, ast.Call):
        return None
    function = node.func
    if isinstance(function, ast.Name) and function.id == "print" and len(node.args) == 1 and not node.keywords:
        return _python_call(node.args[0], tools)
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    if name not in tools or any(keyword.arg is None for keyword in node.keywords):
        return None
    try:
        arguments = {keyword.arg or "": ast.literal_eval(keyword.value) for keyword in node.keywords}
        if len(node.args) == 1 and not arguments:
            arguments = {BARE: ast.literal_eval(node.args[0])}
        elif node.args:
            return None
    except ValueError:
        return None
    return RawCall(name, arguments, repairs=("Python call in text",))
