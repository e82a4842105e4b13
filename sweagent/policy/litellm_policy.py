"""A model behind litellm as the policy."""

import functools
import gc
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sweagent.config import ModelSettings
from sweagent.errors import FixIssueError
from sweagent.home import ignore_dotenv_files
from sweagent.policy.base import Caller, ToolSchema, View
from sweagent.policy.calls.backoff import Backoff, shared_backoff
from sweagent.policy.calls.provider_errors import Fault, diagnose
from sweagent.policy.calls.retry import CallFailedError, Course, bounded
from sweagent.policy.models import ModelInfo, model_info
from sweagent.policy.money.budget import Budget, Reservation
from sweagent.policy.money.usage import as_mapping, read_usage, reported_cost
from sweagent.policy.prompt_tokens import Part, PromptTokens, parts_of
from sweagent.policy.replies.chat_format import size_of, to_messages, to_tools
from sweagent.policy.replies.parsing import parse_reply
from sweagent.trajectory import Reply, Usage
from sweagent.waiting import Waiting, wait_aloud

_LEAST_OUTPUT = 1_024
"""Tokens of an answer below which a call is not worth its prompt."""
_OUTPUT_CAPS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
"""Arguments that limit an answer. Where the user gives one, it stands for `model.max_output_tokens`."""
SCOPE_HEADER = "X-Fix-Issue-Scope"
"""Names the attempt or the question that a request belongs to. The first attempt's requests have none."""
_GRACE = 5.0
"""Seconds after the HTTP client's own timeout until the call is abandoned."""
_HELD = "the provider asked all who call it to wait"


class _Request(NamedTuple):
    arguments: dict[str, Any]
    parts: tuple[Part, ...]
    """Of the prompt."""
    output: int
    """Tokens that the answer may have."""


@functools.cache
def preload() -> None:
    """Import litellm; it takes seconds, so do it in a thread beside other work.

    Its objects stay until the end of the process: garbage is not looked for meanwhile, which takes a tenth of the time,
    and, frozen, they are not looked at by later collections, nor by the last one, which would take a second.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        _litellm()
    finally:
        if collecting:
            gc.enable()
    gc.freeze()


def _litellm() -> Any:
    """litellm, kept from the network and from `.env` files at import, and from printing."""
    ignore_dotenv_files()
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("LITELLM_LOG", "ERROR")
    import litellm

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.drop_params = True
    return litellm


class _Answer(NamedTuple):
    response: Any
    usage: Usage
    cost: float | None


class _UselessAnswerError(CallFailedError):
    """An answer that was paid for and holds nothing."""

    def __init__(self, fault: Fault, usage: Usage, cost: float | None) -> None:
        super().__init__(fault)
        self.usage = usage
        self.cost = cost


class LitellmPolicy:
    """Asks a model, with retries, within a budget. Threads may share it.

    Args:
        settings: which model, and how it is called.
        budget: what may be spent.
        info: what is known of the model; None looks it up.
        backoff: shared by all who call the same provider; None takes the process's own.
        complete: stands for `litellm.completion`; None takes that.
        tell: receives the waits between attempts.
        caller: who asks, and what for; None for the first attempt.
    """

    def __init__(
        self,
        settings: ModelSettings,
        budget: Budget,
        *,
        info: ModelInfo | None = None,
        backoff: Backoff | None = None,
        complete: Callable[..., Any] | None = None,
        tell: Waiting | None = None,
        caller: Caller | None = None,
    ) -> None:
        self._tell = tell
        self._caller = caller or Caller()
        self.info = info or model_info(settings.name)
        self.budget = budget
        self._settings = settings
        self._backoff = backoff or shared_backoff(settings.api_base or settings.name.partition("/")[0])
        self._complete = complete
        self._keys = [key for name in self.info.keys if (key := os.environ.get(name))]
        self._key = 0
        self._counted = PromptTokens()
        native = self.info.native_tools if self.info.native_tools is not None else True
        self.native = native if settings.action_format == "auto" else settings.action_format == "native"

    @property
    def name(self) -> str:
        """The model's name, as litellm knows it."""
        return self._settings.name

    @property
    def uses_text_format(self) -> bool:
        """The model must be told how to write its calls as text."""
        return not self.native

    def respond(self, view: View, tools: Sequence[ToolSchema]) -> Reply:
        """See `sweagent.policy.base.Policy`."""
        messages = to_messages(
            view,
            native=self.native,
            model=self.name,
            markers=self.info.cache_markers,
            reasoning=self.info.carry_reasoning,
        )
        response, usage, cost = self._call(messages, tools if self.native else (), self._caller.purpose)
        choice = as_mapping(as_mapping(response)["choices"][0])
        reply = parse_reply(
            choice.get("message"),
            tools,
            finish_reason=choice.get("finish_reason"),
            mode="native" if self.native else "text",
            id_prefix=f"step{view.step}_",
        )
        fields = {**reply.provider_fields, "model": self.name} if reply.provider_fields else {}
        return reply.model_copy(update={"usage": usage, "cost": cost, "model": self.name, "provider_fields": fields})

    def write(self, view: View, purpose: str) -> str:
        """Let the model write a text (a summary, say) instead of acting.

        Args:
            view: what it is shown; its last message says what to write.
            purpose: for the report of what was spent.

        Raises:
            PolicyError: as `respond`.
        """
        messages = to_messages(view, native=False, model=self.name, markers=False)
        response, _, _ = self._call(messages, (), purpose)
        message = as_mapping(as_mapping(as_mapping(response)["choices"][0]).get("message"))
        return str(message.get("content") or "").strip()

    def _call(self, messages: list[dict[str, Any]], tools: Sequence[ToolSchema], purpose: str) -> _Answer:
        from tenacity import Retrying, retry_if_exception_type

        course = Course(self._backoff, self._settings.retries, self._other_key, len(self._keys), self._tell)
        retrying = Retrying(
            retry=retry_if_exception_type(CallFailedError),
            wait=course.wait,
            stop=course.stop,
            sleep=course.sleep,
            reraise=True,
        )
        wasted: list[tuple[Usage, float | None]] = []

        def attempt() -> _Answer:
            try:
                return self._attempt(messages, tools, purpose)
            except _UselessAnswerError as error:
                wasted.append((error.usage, error.cost))
                raise

        try:
            response, usage, cost = retrying(attempt)
        except CallFailedError as error:
            raise error.fault.error(self.name) from error.__cause__
        for more_usage, more_cost in wasted:
            usage += more_usage
            cost = None if cost is None or more_cost is None else cost + more_cost
        return _Answer(response, usage, cost)

    def _other_key(self) -> None:
        self._key = (self._key + 1) % len(self._keys)

    def _attempt(self, messages: list[dict[str, Any]], tools: Sequence[ToolSchema], purpose: str) -> _Answer:
        self._backoff.wait(lambda seconds: wait_aloud(seconds, _HELD, self._backoff.sleep, self._tell))
        request = self._request(messages, tools)
        # Outside of the time limit: the first import takes seconds.
        complete = self._complete or _litellm().completion
        with self._reserve(request, purpose) as held:
            try:
                response = bounded(lambda: complete(**request.arguments), self._settings.timeout + _GRACE)
            except FixIssueError:
                # Interrupted while the provider was at work.
                held.unsure()
                raise
            except Exception as error:
                fault = diagnose(error, self._secrets())
                if fault.unsure:
                    held.unsure()
                raise CallFailedError(fault) from error
            except BaseException:
                held.unsure()
                raise
            return self._settle(response, request, held)

    def _settle(self, response: Any, request: _Request, held: Reservation) -> _Answer:
        body = as_mapping(response)
        block = body.get("usage")
        usage = read_usage(block)
        choices = body.get("choices")
        if usage is None or usage.prompt_tokens == 0:
            # Nobody knows what was thought, and billed, besides the text: what was reserved counts as spent.
            usage = Usage(
                prompt_tokens=self._counted.most(request.parts),
                completion_tokens=_size_of_answer(choices, request.output),
            )
            cost = held.cost
            held.unsure()
        else:
            self._counted.learn(request.parts, usage.prompt_tokens)
            prices = self.info.prices
            reported = reported_cost(block)
            cost = reported if reported is not None else (prices.cost(usage) if prices else None)
            held.settle(usage, cost)
        if not choices or not as_mapping(choices[0]):
            raise _UselessAnswerError(Fault("garbled", "the provider's answer contains no choices"), usage, cost)
        return _Answer(response, usage, cost)

    def _request(self, messages: list[dict[str, Any]], tools: Sequence[ToolSchema]) -> _Request:
        settings = self._settings
        wire_tools = to_tools(tools)
        parts = parts_of(messages, wire_tools)
        given = {**self.info.arguments, **settings.extra}
        caps = [name for name in _OUTPUT_CAPS if isinstance(given.get(name), int)]
        wanted = max((given[name] for name in caps), default=settings.max_output_tokens)
        output = min(wanted, self.info.max_output or sys.maxsize)
        output = self._affordable(self._counted.most(parts), output)
        name = settings.name
        if self.info.api == "responses" and "responses/" not in name:
            name = name.replace("/", "/responses/", 1) if "/" in name else f"responses/{name}"
        arguments: dict[str, Any] = {
            "model": name,
            "messages": messages,
            "timeout": settings.timeout,
            "max_retries": 0,
            "num_retries": 0,
            "drop_params": True,
        }
        if wire_tools:
            arguments["tools"] = wire_tools
        if settings.temperature is not None:
            arguments["temperature"] = settings.temperature
        if settings.api_base:
            arguments["api_base"] = settings.api_base
        if self._keys:
            arguments["api_key"] = self._keys[self._key]
        elif settings.api_base and self.info.keys:
            # A server of one's own often wants no key, but the provider's client does.
            arguments["api_key"] = "none"
        arguments |= self._of_the_caller(wire_tools, given)
        arguments |= given | dict.fromkeys(caps or ["max_tokens"], output)
        return _Request(arguments, parts, output)

    def _of_the_caller(self, tools: list[dict[str, Any]], given: dict[str, Any]) -> dict[str, Any]:
        """The one tool that has to be called, and the header that tells a server of one's own who asks."""
        caller, more = self._caller, dict[str, Any]()
        if caller.forced_tool and any(tool["function"]["name"] == caller.forced_tool for tool in tools):
            more["tool_choice"] = {"type": "function", "function": {"name": caller.forced_tool}}
        if caller.scope and self._settings.scope_header:
            more["extra_headers"] = {SCOPE_HEADER: caller.scope}
            if isinstance(given.get("extra_headers"), dict):
                given["extra_headers"] = {**more["extra_headers"], **given["extra_headers"]}
        return more

    def _affordable(self, prompt: int, output: int) -> int:
        """Return the tokens of an answer that the budget has room for, but no fewer than are worth the prompt."""
        prices = self.info.prices
        dollars, tokens = self.budget.room()
        fitting = output
        if tokens is not None:
            fitting = min(fitting, tokens - prompt)
        if dollars is not None and prices and prices.output > 0:
            dearest = max([prices.output, *(tier.output for tier in prices.tiers if prompt > tier.above)])
            fitting = min(fitting, int((dollars - prices.worst(prompt, 0)) / dearest))
        return max(min(_LEAST_OUTPUT, output), fitting)

    def _reserve(self, request: _Request, purpose: str) -> Reservation:
        prompt = self._counted.most(request.parts)
        worst = self.info.prices.worst(prompt, request.output) if self.info.prices else None
        return self.budget.reserve(model=self.name, cost=worst, tokens=prompt + request.output, purpose=purpose)

    def _secrets(self) -> tuple[str, ...]:
        named = (value for name, value in os.environ.items() if name.endswith(("_KEY", "_TOKEN", "_SECRET")))
        given = self._settings.extra.get("api_key")
        return (*self._keys, *named, *([str(given)] if given else []))


def _size_of_answer(choices: Any, most: int) -> int:
    """An upper bound for the tokens of an answer without a usage block."""
    return min(most, size_of([dict(as_mapping(choice)) for choice in choices or ()]))
