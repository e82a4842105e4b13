"""Ask a policy for typed answers, each one forced tool call."""

import json
import time
from collections.abc import Sequence
from typing import TypeVar

from pydantic import ValidationError

from sweagent.agent.loop import Ending
from sweagent.config import Settings
from sweagent.errors import BudgetExceededError, ContextOverflowError, PolicyError
from sweagent.exit_status import ExitStatus
from sweagent.frozen import Frozen
from sweagent.policy import Budget, Caller, Message, Spending, ToolSchema, View, policy_for, text_format_instructions
from sweagent.run.context import RunContext
from sweagent.run.errors import RunCutError
from sweagent.run.limits import Left
from sweagent.trajectory import AnswerReceived, AnyEvent, Reply

TOOL = "answer"

_A = TypeVar("_A", bound=Frozen)


class Question:
    """One question, asked in a conversation of its own until the answer can be used; its events have its scope.

    Args:
        context: of the run.
        scope: its name in the log.
        settings: of the model.
        purpose: who asks, in the report of what was spent.
        budget: of the run.
        limits: what it may use of it.
    """

    def __init__(
        self, context: RunContext, scope: str, settings: Settings, purpose: str, budget: Budget, limits: Left
    ) -> None:
        self._context, self._scope, self._settings, self._purpose = context, scope, settings, purpose
        past = context.log.of(scope)
        self._past = [event for event in past if isinstance(event, AnswerReceived)]
        self._budget = Budget(limits.dollars, limits.tokens, parent=budget, record=self._record)
        self._budget.start_from(Spending(past))
        self._seconds = limits.seconds

    def ask(self, messages: Sequence[Message], kind: type[_A]) -> _A | None:
        """The answer; None where a limit, or a model that does not give one that can be used, stands in the way.

        Args:
            messages: what is asked.
            kind: of the answer; its docstring and its fields' descriptions are all that the model is told of it.

        Raises:
            RunCutError: the model cannot be reached.
            UsageError: the model cannot be used.
            RunInterruptedError: somebody stopped the run.
        """
        talk = list(messages)
        for number in range(self._settings.limits.malformed_replies):
            event = self._past[number] if number < len(self._past) else self._receive(talk, kind, number)
            if event.missing:
                return None
            answer, problem = read_answer(event.reply, kind)
            if answer is not None:
                return answer
            talk += _sent_back(event.reply, problem)
            self._seconds -= event.seconds
        return None

    def _receive(self, talk: list[Message], kind: type[Frozen], number: int) -> AnswerReceived:
        self._context.stop.check()
        tool = ToolSchema(name=TOOL, description=_description(kind), parameters=kind.model_json_schema())
        caller = Caller(self._scope, self._purpose, forced_tool=TOOL)
        policy = policy_for(self._settings, self._budget, self._context.waiting, caller)
        if getattr(policy, "uses_text_format", False):
            talk = [Message(role="system", content=text_format_instructions([tool])), *talk]
        if self._seconds <= 0:
            return self._keep(AnswerReceived(purpose=self._purpose, reply=Reply(), missing="no time is left"))
        start = time.monotonic()
        try:
            reply = policy.respond(View(messages=tuple(talk), step=number + 1), [tool])
        except (BudgetExceededError, ContextOverflowError) as error:
            missed = AnswerReceived(purpose=self._purpose, reply=Reply(), missing=str(error), seconds=_since(start))
            return self._keep(missed)
        except PolicyError as error:
            raise RunCutError(Ending(ExitStatus.POLICY_ERROR, error.with_hint, error)) from error
        _, problem = read_answer(reply, kind)
        return self._keep(AnswerReceived(purpose=self._purpose, reply=reply, problem=problem, seconds=_since(start)))

    def _keep(self, event: AnswerReceived) -> AnswerReceived:
        kept = event.model_copy(update={"scope": self._scope})
        self._context.log.record(kept)
        return kept

    def _record(self, event: AnyEvent) -> None:
        self._context.log.record(event.model_copy(update={"scope": self._scope}))


def read_answer(reply: Reply, kind: type[_A]) -> tuple[_A | None, str]:
    """The answer that a reply gives, or what is wrong with it."""
    if reply.problem:
        return None, reply.problem
    action = next((action for action in reply.actions if action.tool == TOOL), None)
    if action is None:
        return None, f"Answer by one call of the tool `{TOOL}`."
    try:
        return kind.model_validate(action.arguments), ""
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        lines = [f"{'.'.join(map(str, item['loc'])) or 'the answer'}: {item['msg']}" for item in problems[:5]]
        return None, "The answer cannot be used. " + "; ".join(lines)


def _sent_back(reply: Reply, problem: str) -> list[Message]:
    actions = () if reply.problem else reply.actions
    said = Message(role="assistant", content=reply.thought, actions=actions, provider_fields=reply.provider_fields)
    if not actions:
        return [said, Message(role="user", content=problem)]
    return [said, *(Message(role="tool", content=problem, action_id=action.id) for action in actions)]


def _description(kind: type[Frozen]) -> str:
    return (kind.__doc__ or "Give the answer.").strip()


def _since(start: float) -> float:
    return time.monotonic() - start


def schema_of(kind: type[Frozen]) -> str:
    """What the model is told of an answer, for a digest."""
    return json.dumps(kind.model_json_schema(), sort_keys=True)
