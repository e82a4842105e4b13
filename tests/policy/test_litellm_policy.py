"""A model behind litellm, over real HTTP."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest

from sweagent.config import ModelSettings
from sweagent.errors import BudgetExceededError, PolicyError, RunInterruptedError
from sweagent.policy import Budget, Caller, LitellmPolicy, Spending, ToolSchema, View
from sweagent.policy.base import Message
from sweagent.policy.models import ModelInfo
from sweagent.policy.money.usage import Prices
from sweagent.trajectory import AnyEvent, CallReserved

Make = Callable[..., LitellmPolicy]


def test_native_calls_go_out_and_come_back_with_usage_and_cost(
    server: Any, http: ModuleType, make: Make, view: View, tools: list[ToolSchema]
) -> None:
    usage = {"prompt_tokens": 1_000, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 400}}
    calls = [http.call("bash", {"command": "ls"}, "a"), http.call("view", {"path": "x"}, "b")]
    server.play(http.completion("Look.", calls, usage={**usage, "total_tokens": 1_100}))
    budget = Budget(cost=1.0)
    reply = make(budget=budget).respond(view, tools)
    assert [(action.id, action.tool) for action in reply.actions] == [("a", "bash"), ("b", "view")]
    assert reply.cost == pytest.approx(600 * 1e-6 + 400 * 1e-7 + 100 * 4e-6)
    assert budget.spent_cost == pytest.approx(reply.cost)
    assert reply.usage.cached_tokens == 400
    sent = server.requests[0]
    assert [tool["function"]["name"] for tool in sent["tools"]] == [tool.name for tool in tools]
    assert sent["messages"][0] == {"role": "system", "content": "Be good."}
    assert sent["max_tokens"] == 500


def test_the_scope_goes_out_in_a_header_and_the_tool_that_has_to_be_called_is_named(
    server: Any, http: ModuleType, make: Make, view: View, tools: list[ToolSchema]
) -> None:
    own = {"extra_headers": {"X-Mine": "1"}}
    for settings, caller in (
        ({"extra": own}, Caller("1.2/ask1", forced_tool="bash")),
        ({"scope_header": False}, Caller("1.2/ask1")),
        ({}, Caller()),
    ):
        make(caller=caller, **settings).respond(view, tools)
    assert [headers.get("x-fix-issue-scope") for headers in server.headers] == ["1.2/ask1", None, None]
    assert server.headers[0]["x-mine"] == "1"
    forced = {"type": "function", "function": {"name": "bash"}}
    assert [sent.get("tool_choice") for sent in server.requests] == [forced, None, None]


def test_a_server_of_ones_own_needs_no_key(
    server: Any, http: ModuleType, view: View, tools: list[ToolSchema], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    server.play(http.completion("Look.", [http.call("bash", {"command": "ls"}, "a")]))
    settings = ModelSettings(name="openai/own", api_base=server.url, max_output_tokens=500)
    assert LitellmPolicy(settings, Budget(tokens=100_000)).respond(view, tools).actions


def test_a_missing_key_is_told_at_once(
    make: Make, view: View, tools: list[ToolSchema], clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(PolicyError) as caught:
        make(api_base=None, extra={"api_key": None}).respond(view, tools)
    assert "key" in caught.value.hint
    assert clock.slept == []


def test_models_without_native_calls_get_and_send_text(
    server: Any, http: ModuleType, make: Make, view: View, tools: list[ToolSchema]
) -> None:
    server.play(http.completion("Look.\n<function=bash>\n<parameter=command>\nls\n</parameter>\n</function>"))
    policy = make(action_format="text")
    assert policy.uses_text_format
    reply = policy.respond(view, tools)
    assert reply.actions[0].arguments == {"command": "ls"}
    assert "tools" not in server.requests[0]


def test_the_responses_api_is_used_where_the_model_wants_it(
    server: Any, http: ModuleType, make: Make, view: View, tools: list[ToolSchema]
) -> None:
    output = [
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "c1",
            "name": "bash",
            "arguments": '{"command": "ls"}',
            "status": "completed",
        },
    ]
    body = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": "m",
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": 50,
            "input_tokens_details": {"cached_tokens": 20},
            "output_tokens": 5,
            "output_tokens_details": {"reasoning_tokens": 2},
            "total_tokens": 55,
        },
    }
    server.play(body)
    prices = Prices(input=1e-6, output=1e-6, cached=0.0, cache_write=1e-6)
    reply = make(info=ModelInfo(name="openai/m", api="responses", prices=prices)).respond(view, tools)
    assert server.paths == ["/v1/responses"]
    assert reply.actions[0].arguments == {"command": "ls"}
    assert (reply.usage.prompt_tokens, reply.usage.cached_tokens, reply.usage.completion_tokens) == (50, 20, 5)


def test_usage_that_is_missing_is_estimated_and_never_zero(
    server: Any, http: ModuleType, make: Make, view: View, tools: list[ToolSchema]
) -> None:
    server.play(http.completion("hello", usage=None))
    budget = Budget(cost=1.0)
    reply = make(budget=budget).respond(view, tools)
    assert reply.usage.prompt_tokens > 0
    assert reply.usage.completion_tokens > 0
    assert budget.spent_cost > 0


def test_the_providers_own_figure_comes_first(
    server: Any, http: ModuleType, make: Make, view: View, tools: list[ToolSchema]
) -> None:
    server.play(http.completion("hello", usage={**http.USAGE, "cost": 0.0123}))
    assert make().respond(view, tools).cost == pytest.approx(0.0123)


def test_an_unknown_price_is_refused_before_anything_is_sent(
    server: Any, make: Make, view: View, tools: list[ToolSchema]
) -> None:
    policy = make(info=ModelInfo(name="openai/x"), budget=Budget(cost=1.0))
    with pytest.raises(BudgetExceededError, match="price of openai/test-model is unknown"):
        policy.respond(view, tools)
    assert server.requests == []
    reply = make(info=ModelInfo(name="openai/x"), budget=Budget(cost=1.0, tokens=100_000)).respond(view, tools)
    assert reply.cost is None


def test_no_call_is_made_that_could_overshoot_and_the_last_answers_are_shorter(
    server: Any, http: ModuleType, make: Make, view: View, tools: list[ToolSchema]
) -> None:
    budget = Budget(cost=0.05)
    policy = make(budget=budget, max_output_tokens=8_000)
    usage = {"prompt_tokens": 1_000, "completion_tokens": 2_000, "total_tokens": 3_000}
    server.default = lambda body: http.answer(
        http.completion("x", usage={**usage, "completion_tokens": min(2_000, body["max_tokens"])})
    )

    def use_up() -> None:
        for _ in range(100):
            policy.respond(view, tools)

    with pytest.raises(BudgetExceededError):
        use_up()
    asked = [request["max_tokens"] for request in server.requests]
    assert asked[0] == 8_000
    assert asked[-1] < 8_000
    assert 0.03 < budget.spent_cost <= 0.05


def called(name: str, arguments: str) -> dict[str, Any]:
    return {"tool_calls": [{"id": "a", "type": "function", "function": {"name": name, "arguments": arguments}}]}


@pytest.mark.parametrize(
    ("message", "finish"),
    [
        ({"content": None}, "stop"),
        ({"content": ""}, "length"),
        ({"content": "x"}, "content_filter"),
        ({"content": None}, "tool_calls"),
        (called("bash", "{"), "tool_calls"),
        (called("bash", "[]"), "tool_calls"),
        (called("rm", "{}"), "tool_calls"),
    ],
)
def test_broken_replies_are_answered_not_raised(
    server: Any, http: ModuleType, make: Make, view: View, tools: list[ToolSchema], message: dict[str, Any], finish: str
) -> None:
    body = http.completion("x")
    body["choices"][0] = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", **message}}
    server.play(body)
    reply = make().respond(view, tools)
    assert reply.problem
    assert reply.actions == ()
    assert reply.cost
    assert len(server.requests) == 1


def test_an_interruption_is_not_taken_for_a_fault_of_the_api(make: Make, view: View, tools: list[ToolSchema]) -> None:
    budget = Budget(cost=1.0)

    def interrupted(**_: Any) -> None:
        raise RunInterruptedError("interrupted")

    with pytest.raises(RunInterruptedError):
        make(budget=budget, complete=interrupted).respond(view, tools)
    assert [line.unsure_calls for line in budget.lines] == [1]


def test_answers_that_were_of_no_use_are_in_the_cost_of_the_reply(
    server: Any, http: ModuleType, make: Make, view: View, tools: list[ToolSchema]
) -> None:
    server.play(http.completion(choices=[]), http.completion("fine"))
    budget = Budget(cost=1.0)
    reply = make(budget=budget).respond(view, tools)
    assert reply.usage.prompt_tokens == 2 * http.USAGE["prompt_tokens"]
    assert reply.cost == pytest.approx(budget.spent_cost)


def test_nothing_that_a_strict_server_would_refuse_is_sent_back(
    server: Any, http: ModuleType, make: Make, view: View, tools: list[ToolSchema]
) -> None:
    body = http.completion("Look.", [http.call("bash", {"command": "ls"}, "a")])
    body["choices"][0]["message"] |= {"reasoning_content": "hm", "refusal": None, "annotations": []}
    server.play(body)
    policy = make()
    reply = policy.respond(view, tools)
    assistant = Message(
        role="assistant", content=reply.thought, actions=reply.actions, provider_fields=reply.provider_fields
    )
    answered = Message(role="tool", content="a.py", action_id="a")
    policy.respond(View(messages=(*view.messages, assistant, answered), step=2), tools)
    allowed = {"role", "content", "tool_calls", "tool_call_id"}
    for message in server.requests[1]["messages"]:
        assert set(message) <= allowed
        assert all(set(call) == {"id", "type", "function"} for call in message.get("tool_calls", ()))


def test_cache_markers_are_sent_where_the_provider_needs_them(
    http: ModuleType, make: Make, tools: list[ToolSchema]
) -> None:
    prices = Prices(input=1e-6, output=1e-6, cached=1e-7, cache_write=1e-6)
    view = View(
        messages=(Message(role="system", content="s"), Message(role="user", content="u", cache_boundary=True)), step=1
    )
    sent: list[str] = []

    def complete(**arguments: Any) -> dict[str, Any]:
        sent.append(json.dumps(arguments["messages"]))
        return dict(http.completion("fine"))

    for needs in (True, False):
        info = ModelInfo(name="openai/m", prices=prices, cache_markers=needs)
        make(info=info, complete=complete).respond(view, tools)
    assert [text.count("cache_control") for text in sent] == [2, 0]


def test_a_text_is_a_call_of_its_own_purpose(server: Any, http: ModuleType, make: Make, view: View) -> None:
    server.play(http.completion("All is well."))
    budget = Budget(cost=1.0)
    assert make(budget=budget).write(view, "summary") == "All is well."
    assert [line.purpose for line in budget.lines] == ["summary"]
    assert "tools" not in server.requests[0]


def conversation(text: str, step: int = 1) -> View:
    return View(messages=(Message(role="system", content="s"), Message(role="user", content=text)), step=step)


def test_conversations_that_share_a_policy_do_not_lend_each_other_their_sizes(
    server: Any, http: ModuleType, make: Make, tools: list[ToolSchema]
) -> None:
    events: list[AnyEvent] = []
    policy = make(budget=Budget(cost=10.0, record=events.append))
    # Many bytes and few tokens; the other one is as long, and nobody has counted it yet.
    server.play(http.completion("a", usage={"prompt_tokens": 3_000, "completion_tokens": 1, "total_tokens": 3_001}))
    policy.respond(conversation("light " * 5_000), tools)
    policy.respond(conversation("\u96e8" * 10_000), tools)
    policy.respond(conversation("light " * 5_000 + "more"), tools)
    held = [event.tokens for event in events if isinstance(event, CallReserved)]
    assert held[1] >= 30_000
    # One that was counted is known again, whatever came between.
    policy.respond(conversation("light " * 5_000), tools)
    assert [event.tokens for event in events if isinstance(event, CallReserved)][3] < 5_000


def test_answers_of_threads_that_share_a_policy_are_not_mixed(
    server: Any, http: ModuleType, make: Make, tools: list[ToolSchema]
) -> None:
    budget = Budget(cost=10.0)
    policy = make(budget=budget)
    lock = threading.Lock()
    useless: set[str] = set()

    def respond(request: dict[str, Any]) -> Any:
        name = request["messages"][1]["content"]
        with lock:
            again = name in useless
            useless.add(name)
        usage = {"prompt_tokens": 100 * int(name), "completion_tokens": 1}
        return http.answer(
            http.completion("fine" if again else None, usage=usage, **({} if again else {"choices": []}))
        )

    server.default = respond
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda number: policy.respond(conversation(str(number)), tools), range(1, 5)))
    assert [reply.usage.prompt_tokens for reply in replies] == [200, 400, 600, 800]
    assert sum(reply.cost or 0 for reply in replies) == pytest.approx(budget.spent_cost)


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_limit_of_the_answer_among_the_further_arguments_is_reserved(
    name: str, server: Any, make: Make, view: View, tools: list[ToolSchema]
) -> None:
    events: list[AnyEvent] = []
    make(budget=Budget(cost=10.0, record=events.append), extra={name: 50_000}).respond(view, tools)
    assert isinstance(events[0], CallReserved)
    assert events[0].tokens > 50_000
    sent = {key: value for key, value in server.requests[0].items() if key.startswith("max_")}
    assert sent == {name: 50_000}


def test_what_an_answer_without_a_count_may_have_cost_is_all_that_was_reserved(
    server: Any, http: ModuleType, make: Make, view: View, tools: list[ToolSchema]
) -> None:
    events: list[AnyEvent] = []
    server.play(http.completion("ok", usage=None))
    reply = make(budget=Budget(cost=10.0, record=events.append)).respond(view, tools)
    assert isinstance(events[0], CallReserved)
    assert reply.cost == Spending(events).cost == events[0].cost


@pytest.mark.parametrize("status", [502, 504, 520, 524])
def test_an_answer_that_a_gateway_lost_may_have_been_charged(
    status: int, server: Any, http: ModuleType, make: Make, view: View, tools: list[ToolSchema]
) -> None:
    server.play(http.failure(status, "<html>Gateway time-out</html>"))
    budget = Budget(cost=10.0)
    make(budget=budget).respond(view, tools)
    assert [(line.calls, line.unsure_calls) for line in budget.lines] == [(1, 1)]
