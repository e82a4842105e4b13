"""Faults of the API over real HTTP: retried or stopped as they should be, and accounted for."""

import json
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from sweagent.errors import ContextOverflowError, PolicyError
from sweagent.policy import Budget, LitellmPolicy, ToolSchema, View

KEY = "sk-test-0123456789abcdef"


class Expected(NamedTuple):
    """What should come of one fault followed by a good answer.

    `calls` is how many requests the server sees; `error` what is raised, None when the good answer is reached.
    """

    calls: int
    error: type[PolicyError] | None = None
    unsure: int = 0
    """Calls whose reservation stays spent, since the provider may have billed them."""
    waits: float | None = None


RETRIED = Expected(2)
RETRIED_UNSURE = Expected(2, unsure=1)
STOPPED = Expected(1, PolicyError)
OVERFLOW = Expected(1, ContextOverflowError)


def error(status: int, error: Mapping[str, Any] | str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    body = error if isinstance(error, str) else json.dumps({"error": error})
    return {"status": status, "body": body.encode(), "headers": headers or {}}


GOOD = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "x"}}],
    "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
}
WHOLE = json.dumps(GOOD).encode()
LIMIT = {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}
IN_TEXT = {**LIMIT, "message": "Rate limit reached. Please try again in 3.5s."}
QUOTA = {"message": "You exceeded your current quota, check your billing", "code": "insufficient_quota"}

FAULTS: dict[str, tuple[dict[str, Any], Expected]] = {
    "429 with Retry-After": (error(429, LIMIT, {"Retry-After": "7"}), Expected(2, waits=7.0)),
    "429 with Retry-After in ms": (error(429, LIMIT, {"Retry-After-Ms": "1500"}), Expected(2, waits=1.5)),
    "429 without Retry-After": (error(429, LIMIT), Expected(2, waits=1.0)),
    "429 with the delay in its text": (error(429, IN_TEXT), Expected(2, waits=3.5)),
    "429 that asks for an hour": (error(429, LIMIT, {"Retry-After": "3600"}), STOPPED),
    "quota used up": (error(429, QUOTA), STOPPED),
    "402 payment required": (error(402, {"message": "Insufficient credits"}), STOPPED),
    "500": (error(500, {"message": "The server had an error"}), RETRIED),
    "502 with HTML": (error(502, "<html><body>Bad gateway</body></html>"), RETRIED_UNSURE),
    "503": (error(503, {"message": "overloaded"}), RETRIED),
    "529 overloaded": (error(529, {"message": "Overloaded", "type": "overloaded_error"}), RETRIED),
    "dropped connection": ({"drop": True}, RETRIED_UNSURE),
    "half a body": ({"body": WHOLE[:40], "announce": len(WHOLE)}, RETRIED_UNSURE),
    "broken JSON": ({"body": WHOLE[:-9]}, RETRIED_UNSURE),
    "HTML with status 200": (
        {"body": b"<html>login</html>", "headers": {"Content-Type": "text/html"}},
        RETRIED_UNSURE,
    ),
    "no choices": ({"body": json.dumps({**GOOD, "choices": []}).encode()}, RETRIED),
    "hang": ({"hang": True}, RETRIED_UNSURE),
    "400": (error(400, {"message": "Invalid value for 'tools'"}), STOPPED),
    "401": (error(401, {"message": f"Incorrect API key provided: {KEY[:12]}****cdef."}), STOPPED),
    "403": (error(403, {"message": "Country not supported"}), STOPPED),
    "404": (error(404, {"message": "The model `test-model` does not exist"}), STOPPED),
    "overflow as OpenAI says it": (
        error(
            400,
            {
                "message": "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens.",
                "code": "context_length_exceeded",
            },
        ),
        OVERFLOW,
    ),
    "overflow as Anthropic says it": (
        error(400, {"message": "prompt is too long: 210000 tokens > 200000 maximum"}),
        OVERFLOW,
    ),
    "overflow as a 413": (error(413, {"message": "Prompt is too long"}), OVERFLOW),
    "overflow as vLLM says it": (
        error(400, {"message": "The decoder prompt (length 9001) is longer than the maximum model length of 8192."}),
        OVERFLOW,
    ),
    "overflow as Gemini says it": (
        error(400, {"message": "The input token count (1200000) exceeds the maximum number of tokens allowed."}),
        OVERFLOW,
    ),
    "overflow as llama.cpp says it": (
        error(400, {"message": "the request exceeds the available context size", "type": "exceed_context_size_error"}),
        OVERFLOW,
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_retried_or_stopped_and_accounted(
    name: str,
    server: Any,
    http: ModuleType,
    make: Callable[..., LitellmPolicy],
    view: View,
    tools: list[ToolSchema],
    clock: Any,
) -> None:
    behaviour, expected = FAULTS[name]
    server.play(http.Behaviour(**behaviour), http.completion(calls=[http.call("bash", {"command": "ls"})]))
    budget = Budget(cost=10.0)
    policy = make(budget=budget, timeout=3.0 if name == "hang" else 60.0)
    if expected.error:
        with pytest.raises(expected.error) as caught:
            policy.respond(view, tools)
        assert type(caught.value) is expected.error
        assert caught.value.hint
        assert "0123456789" not in str(caught.value)
        assert sum(line.calls for line in budget.lines) == 0
        assert budget.spent_cost == 0.0
    else:
        reply = policy.respond(view, tools)
        assert reply.actions[0].arguments == {"command": "ls"}
        answered = sum(line.calls for line in budget.lines)
        unsure = sum(line.unsure_calls for line in budget.lines)
        assert (answered, unsure) == ((2, 0) if name == "no choices" else (1, expected.unsure))
        if expected.unsure:
            assert budget.spent_cost > (reply.cost or 0.0)
    assert len(server.requests) == expected.calls
    if expected.waits is not None:
        assert sum(clock.slept) == pytest.approx(expected.waits)


def test_attempts_are_bounded_and_so_is_the_total_wait(
    server: Any, http: ModuleType, make: Callable[..., LitellmPolicy], view: View, tools: list[ToolSchema], clock: Any
) -> None:
    server.default = lambda _: http.failure(503, {"message": "overloaded"})
    with pytest.raises(PolicyError, match="overloaded"):
        make(retries=3).respond(view, tools)
    assert len(server.requests) == 4
    server.requests.clear()
    clock.slept.clear()
    with pytest.raises(PolicyError):
        make(retries=100).respond(view, tools)
    assert sum(clock.slept) <= 360


def test_a_server_that_trickles_for_ever_is_given_up(
    server: Any,
    http: ModuleType,
    make: Callable[..., LitellmPolicy],
    view: View,
    tools: list[ToolSchema],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sweagent.policy.litellm_policy._GRACE", 0.5)
    server.play(http.Behaviour(trickle=True, announce=10**6), http.completion("done"))
    reply = make(timeout=2.0).respond(view, tools)
    assert reply.thought == "done"


def test_workers_share_one_back_off(
    server: Any, http: ModuleType, make: Callable[..., LitellmPolicy], view: View, tools: list[ToolSchema], clock: Any
) -> None:
    first, second = make(), make()
    second._backoff = first._backoff
    first._backoff.hold(9.0)
    second.respond(view, tools)
    assert clock.slept == [9.0]


def test_workers_that_were_held_back_together_go_on_one_after_the_other() -> None:
    from sweagent.policy.calls.backoff import Backoff

    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) < 3:
            backoff.wait()

    backoff = Backoff(lambda: 0.0, sleep)
    backoff.hold(5.0)
    backoff.wait()
    assert slept == pytest.approx([5.0, 5.2, 5.4])


def test_the_next_key_is_taken_when_one_is_refused(
    server: Any,
    http: ModuleType,
    make: Callable[..., LitellmPolicy],
    view: View,
    tools: list[ToolSchema],
    clock: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from sweagent.policy.models import ModelInfo
    from sweagent.policy.money.usage import Prices

    monkeypatch.setenv("FIRST_KEY", "first-key-value")
    monkeypatch.setenv("SECOND_KEY", "second-key-value")
    prices = Prices(input=1e-6, output=1e-6, cached=1e-6, cache_write=1e-6)
    info = ModelInfo(name="openai/test-model", prices=prices, keys=("FIRST_KEY", "SECOND_KEY"))
    server.play(http.failure(401, {"message": "bad key"}), http.completion("fine"))
    policy = make(info=info, extra={"api_key": None})
    policy._settings.extra.pop("api_key")
    assert policy.respond(view, tools).thought == "fine"
    used = [headers["authorization"] for headers in server.headers]
    assert used == ["Bearer first-key-value", "Bearer second-key-value"]
    assert clock.slept == []
