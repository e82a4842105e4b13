"""Replies: the corpus of what models send, and properties that hold for any text."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sweagent.policy import ToolSchema, parse_reply
from sweagent.policy.replies.tools_text import render_action, text_format_instructions
from sweagent.trajectory import Action

CORPUS = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "replies.jsonl").read_text(encoding="utf-8").splitlines()
]


@pytest.mark.parametrize("case", CORPUS, ids=[case["name"] for case in CORPUS])
def test_corpus(case: dict[str, Any], tools: list[ToolSchema]) -> None:
    reply = parse_reply(case["message"], tools, finish_reason=case["finish_reason"], mode=case["mode"])
    if case["expect"] == "refused":
        assert reply.problem
        assert reply.actions == ()
        assert len(reply.problem) < 700
    else:
        assert reply.problem is None
        assert [[action.tool, action.arguments] for action in reply.actions] == case["expect"]
        assert len({action.id for action in reply.actions}) == len(reply.actions)


def test_the_corpus_is_large_and_its_names_are_unique() -> None:
    assert len(CORPUS) >= 300
    assert len({case["name"] for case in CORPUS}) == len(CORPUS)


# A bare `Action Input:` has no end mark, and thinking without its opening tag is only known by its closing one: there
# nothing but the provider's finish reason tells that a reply was cut.
UNMARKED = ("Action lines", "thinking without its opening")
WHOLE_TEXTS = [
    case
    for case in CORPUS
    if case["expect"] != "refused" and isinstance(case["message"], str) and case["family"] not in UNMARKED
]
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=60)


@given(VALUES, st.integers(1, 999))
@example("", 1)
@example("\n\nx\n\n", 1)
def test_what_the_text_format_writes_is_read_back(text: str, number: int) -> None:
    schema = {"type": "object", "properties": {"text": {"type": "string"}, "number": {"type": "integer"}}}
    tools = [ToolSchema(name="note", description="", parameters=schema)]
    action = Action(id="call_1", tool="note", arguments={"text": text, "number": number})
    reply = parse_reply(f"So.\n\n{render_action(action)}", tools, mode="text")
    if reply.problem is None:
        assert reply.actions == (action,)
    else:
        # A value may look like the format itself; then nothing is run.
        assert "<" in text or "```" in text or "~~~" in text or "think" in text


@given(data=st.data(), case=st.sampled_from(WHOLE_TEXTS))
def test_a_cut_reply_is_never_executed_with_other_values(data: st.DataObject, case: dict[str, Any], tools: Any) -> None:
    """Whatever is executed of a reply that was cut is a value of the whole one."""
    message = case["message"]
    cut = data.draw(st.integers(0, len(message)))
    reply = parse_reply(message[:cut], tools, finish_reason="stop", mode=case["mode"])
    for action in reply.actions:
        whole = [arguments for tool, arguments in case["expect"] if tool == action.tool]
        assert any(all(item in arguments.items() for item in action.arguments.items()) for arguments in whole)


@given(text=st.text(max_size=300))
def test_no_text_raises_and_none_without_a_call_is_executed(tools: Any, text: str) -> None:
    reply = parse_reply(text, tools, mode="text")
    assert (reply.problem is None) == bool(reply.actions)


@given(arguments=JSON_VALUES)
def test_no_shape_of_arguments_raises(tools: Any, arguments: Any) -> None:
    for given_as in (arguments, json.dumps(arguments)):
        reply = parse_reply({"tool_calls": [{"function": {"name": "bash", "arguments": given_as}}]}, tools)
        assert (reply.problem is None) == bool(reply.actions)


def test_thinking_and_signatures_are_carried_back(tools: list[ToolSchema]) -> None:
    thinking = [{"type": "thinking", "thinking": "hm", "signature": "sig"}]
    message = {
        "content": "Look.",
        "thinking_blocks": thinking,
        "tool_calls": [
            {
                "id": "a",
                "function": {"name": "bash", "arguments": '{"command": "ls"}'},
                "provider_specific_fields": {"thought_signature": "xyz"},
            }
        ],
    }
    reply = parse_reply(message, tools, finish_reason="tool_calls")
    assert reply.provider_fields == {
        "thinking_blocks": thinking,
        "call_fields": {"a": {"provider_specific_fields": {"thought_signature": "xyz"}}},
    }


def test_the_instructions_name_all_tools_and_their_arguments(tools: list[ToolSchema]) -> None:
    text = text_format_instructions(tools)
    for tool in tools:
        assert f"\n{tool.name}: " in text
        for name in tool.parameters["properties"]:
            assert f"  {name} (" in text
    assert "command (one of create, str_replace)" in text
    assert "timeout (number, optional)" in text
