"""The view as a provider gets it."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sweagent.policy import View
from sweagent.policy.base import Message
from sweagent.policy.replies.chat_format import MAX_MARKERS, size_of, to_messages
from sweagent.trajectory import Action

LS = Action(id="c1", tool="bash", arguments={"command": "ls", "timeout": 5})
THINKING = [{"type": "thinking", "thinking": "hm", "signature": "s"}]


def conversation() -> View:
    assistant = Message(
        role="assistant",
        content="Look.",
        actions=(LS,),
        provider_fields={
            "model": "m",
            "thinking_blocks": THINKING,
            "reasoning_content": "hm",
            "call_fields": {"c1": {"provider_specific_fields": {"thought_signature": "x"}}},
        },
    )
    messages = (
        Message(role="system", content="rules"),
        Message(role="user", content="issue"),
        Message(role="user", content="hint"),
        assistant,
        Message(role="tool", content="a.py", action_id="c1"),
        Message(role="user", content="go on"),
    )
    return View(messages=messages, step=2)


def test_native_messages_carry_calls_results_and_thinking() -> None:
    wire = to_messages(conversation(), native=True, model="m", markers=False)
    assert [message["role"] for message in wire] == ["system", "user", "assistant", "tool", "user"]
    assert wire[1]["content"] == "issue\n\nhint"
    assert wire[2]["thinking_blocks"] == THINKING
    assert "reasoning_content" not in wire[2]
    assert wire[2]["tool_calls"] == [
        {
            "id": "c1",
            "type": "function",
            "function": {"name": "bash", "arguments": '{"command": "ls", "timeout": 5}'},
            "provider_specific_fields": {"thought_signature": "x"},
        }
    ]
    assert wire[3] == {"role": "tool", "tool_call_id": "c1", "content": "a.py"}


def test_reasoning_goes_back_only_to_who_wants_it_and_never_to_another_model() -> None:
    same = to_messages(conversation(), native=True, model="m", markers=False, reasoning=True)
    other = to_messages(conversation(), native=True, model="n", markers=False, reasoning=True)
    assert same[2]["reasoning_content"] == "hm"
    assert not {"thinking_blocks", "reasoning_content"} & set(other[2])
    assert "provider_specific_fields" not in other[2]["tool_calls"][0]


def test_text_messages_alternate_and_hold_calls_and_results() -> None:
    wire = to_messages(conversation(), native=False, model="m", markers=False)
    assert [message["role"] for message in wire] == ["system", "user", "assistant", "user"]
    assert "<function=bash>\n<parameter=command>\nls\n</parameter>" in wire[2]["content"]
    assert wire[3]["content"] == "Result:\na.py\n\ngo on"
    assert not any("tool_calls" in message for message in wire)


def test_an_empty_reply_is_shown_as_one() -> None:
    view = View(messages=(Message(role="assistant", content=""),), step=2)
    for native in (True, False):
        assert to_messages(view, native=native, model="m", markers=False)[0]["content"]


@given(
    st.lists(st.tuples(st.sampled_from(["user", "assistant", "tool"]), st.booleans(), st.text(max_size=3)), max_size=30)
)
def test_there_are_never_more_markers_than_providers_accept(rows: list[tuple[Any, bool, str]]) -> None:
    messages = [Message(role="system", content="s")]
    messages += [Message(role=role, content=text, action_id="x", cache_boundary=mark) for role, mark, text in rows]
    for native in (True, False):
        wire = to_messages(View(messages=tuple(messages), step=1), native=native, model="m", markers=True)
        marks = sum("cache_control" in message for message in wire)
        blocks = [block for message in wire if isinstance(message["content"], list) for block in message["content"]]
        assert 1 <= marks + sum("cache_control" in block for block in blocks) <= MAX_MARKERS


def test_the_size_bounds_the_tokens() -> None:
    assert size_of([{"role": "user", "content": "größe"}]) >= len("größe".encode())
    assert size_of([{"role": "user", "content": "\udcff"}]) >= 1
