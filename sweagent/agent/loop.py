"""The ReAct loop (Yao et al., 2023).

The loop looks at the state of the run, does the one thing that comes next, and records it. Since the state is derived
from the log, a resumed run goes on at the very event after which it was killed.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from sweagent.agent.journal import Journal
from sweagent.agent.steering import Choice, Decision, Steering
from sweagent.agent.stuck import find_loop
from sweagent.config import LimitSettings
from sweagent.errors import (
    BudgetExceededError,
    ContextOverflowError,
    FixIssueError,
    PolicyError,
    RunInterruptedError,
    SandboxError,
)
from sweagent.exit_status import ExitStatus
from sweagent.plurals import counted
from sweagent.policy.base import Policy, View
from sweagent.stop_token import StopToken
from sweagent.tool_api import Tool, ToolContext, execute
from sweagent.trajectory import (
    Action,
    ActionDone,
    FeedbackGiven,
    Limit,
    LimitReached,
    Observation,
    ObservationStatus,
    ReplyReceived,
    ViewCompacted,
)


@dataclass(frozen=True)
class Ending:
    """Why the loop ended.

    Attributes:
        status: for programs.
        message: for people.
        error: what was raised, when something was.
    """

    status: ExitStatus
    message: str = ""
    error: FixIssueError | None = None


class Viewer(Protocol):
    """Makes the policy's view; `sweagent.agent.view` has the one in use."""

    def build(self) -> View:
        """The view of all events so far."""

    def plan_compaction(self, *, refused: bool = False) -> ViewCompacted | None:
        """What should be forgotten before the next call, if anything."""


class Agent:
    """Drives a policy until it submits or something ends the run.

    Args:
        policy: decides.
        tools: what it can call, by name.
        context: what the tools work with.
        journal: where everything is recorded.
        viewer: makes the view from what was recorded.
        limits: of the run.
        judge: asked after a submission; returns feedback to go on with, or None to end the run.
        recover: brings a lost sandbox back to the state that the log tells of; None when it cannot be done.
        clock: seconds, monotonic.
        reserve: seconds of the limit that are kept for the verification at the end.
        steering: what a person does to the run meanwhile.
        stop: asks the run to end before its next step.
        pause_at: the step after which it is paused; None lets it work to an end.
    """

    def __init__(
        self,
        *,
        policy: Policy,
        tools: Mapping[str, Tool],
        context: ToolContext,
        journal: Journal,
        viewer: Viewer,
        limits: LimitSettings,
        judge: Callable[[], str | None],
        recover: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        reserve: float = 0.0,
        steering: Steering | None = None,
        stop: StopToken | None = None,
        pause_at: int | None = None,
    ) -> None:
        self._steering = steering or Steering()
        self._policy = policy
        self._tools = tools
        self._schemas = [tool.schema for tool in tools.values()]
        self._context = context
        self._journal = journal
        self._viewer = viewer
        self._limits = limits
        self._judge = judge
        self._recover = recover
        self._clock = clock
        self._stop = stop or StopToken()
        self._bounds = context.limits
        self._deadline = clock() + limits.seconds - reserve - journal.state.seconds
        self._reserve = reserve
        self._recovered = False
        self._pause_at = pause_at

    def run(self) -> Ending:
        """Go on until the run ends. Never raises a FixIssueError other than StorageError."""
        try:
            while True:
                self._stop.check()
                ending = self._next()
                if ending:
                    return ending
        except BudgetExceededError as error:
            return Ending(ExitStatus.BUDGET_LIMIT, error.with_hint, error)
        except ContextOverflowError as error:
            return Ending(ExitStatus.CONTEXT_OVERFLOW, error.with_hint, error)
        except PolicyError as error:
            return Ending(ExitStatus.POLICY_ERROR, error.with_hint, error)
        except SandboxError as error:
            return Ending(ExitStatus.SANDBOX_ERROR, error.with_hint, error)
        except RunInterruptedError as error:
            return Ending(ExitStatus.INTERRUPTED, str(error), error)

    def _next(self) -> Ending | None:
        state = self._journal.state
        if self._remaining() <= 0:
            kept = f" but for {self._reserve:g} s for the verdict" if self._reserve else ""
            message = f"the limit of {self._limits.seconds:g} s is used up{kept}"
            return self._limit_reached(ExitStatus.TIME_LIMIT, Limit.SECONDS, message)
        if not state.pending:
            self._hear()
        if state.pending:
            self._act(state.pending[0])
            return None
        if state.submission:
            return self._submit()
        if state.malformed >= self._limits.malformed_replies:
            return Ending(ExitStatus.MALFORMED_REPLIES, f"{state.malformed} replies in a row could not be understood")
        circle = find_loop(state.turns[state.nudged_at or 0 :])
        if circle and state.nudged_at is not None:
            return Ending(ExitStatus.STUCK, circle)
        if circle and state.nudged_at is None:
            self._tell(
                "nudge", f"You are repeating yourself: {circle}. Do something different, or submit what you have."
            )
        if self._pause_at is not None and state.step >= self._pause_at:
            return Ending(ExitStatus.PAUSED)
        if state.step >= self._limits.steps:
            message = f"the limit of {counted(self._limits.steps, 'step')} is used up"
            return self._limit_reached(ExitStatus.STEP_LIMIT, Limit.STEPS, message)
        self._ask()
        return None

    def _limit_reached(self, status: ExitStatus, limit: Limit, message: str) -> Ending:
        self._journal.record(LimitReached(limit=limit, message=message))
        return Ending(status, message)

    def _remaining(self) -> float:
        return self._deadline + self._steering.waited - self._clock()

    def _hear(self) -> bool:
        """Pass on what a person has said; whether there was anything."""
        said = self._steering.heard()
        for text in said:
            self._tell("user", f"The user says: {text}")
        return bool(said)

    def _tell(self, kind: Literal["malformed", "nudge", "verifier", "user"], text: str) -> None:
        self._journal.record(FeedbackGiven(step=self._journal.state.step, kind=kind, text=text))

    def _ask(self) -> None:
        compaction = self._viewer.plan_compaction()
        if compaction:
            self._journal.record(compaction)
        start = self._clock()
        try:
            reply = self._policy.respond(self._viewer.build(), self._schemas)
        except ContextOverflowError:
            compaction = self._viewer.plan_compaction(refused=True)
            if compaction is None:
                raise
            self._journal.record(compaction)
            reply = self._policy.respond(self._viewer.build(), self._schemas)
        step = self._journal.state.step + 1
        self._journal.record(ReplyReceived(step=step, reply=reply, seconds=self._clock() - start))
        if reply.problem:
            self._tell("malformed", reply.problem)

    def _act(self, action: Action) -> None:
        remaining = max(1.0, self._remaining())
        self._context.limits = replace(
            self._bounds,
            timeout=min(self._bounds.timeout, remaining),
            max_timeout=min(self._bounds.max_timeout, remaining),
        )
        decision = self._decision(action)
        start = self._clock()
        if decision.choice is Choice.DECLINE:
            text = f"The user did not let this be run{f': {decision.reason}' if decision.reason else '.'}"
            observation = Observation(text=text, status=ObservationStatus.REFUSED, declined=True)
        elif decision.choice is Choice.EDIT:
            changed = action.model_copy(update={"arguments": decision.arguments})
            done = self._execute(changed)
            instead = decision.arguments.get("command") or json.dumps(decision.arguments, ensure_ascii=False)
            text = f"[The user had this run instead: {instead}]\n{done.text}"
            observation = done.model_copy(update={"text": text, "edited": decision.arguments})
        else:
            observation = self._execute(action)
        self._journal.record(
            ActionDone(
                step=self._journal.state.step,
                action_id=action.id,
                observation=observation,
                seconds=self._clock() - start,
            )
        )

    def _decision(self, action: Action) -> Decision:
        """Ask a person about an action that changes something, where one is to be asked."""
        tool = self._tools.get(action.tool)
        return Decision() if tool is None or tool.read_only else self._steering.decide(action)

    def _execute(self, action: Action) -> Observation:
        try:
            return execute(self._tools, self._context, action)
        except SandboxError:
            if self._recover is None or self._recovered:
                raise
            # Once: a sandbox that is lost again and again is an infrastructure outcome, not a step to repeat.
            self._recovered = True
            self._recover()
            return execute(self._tools, self._context, action)

    def _submit(self) -> Ending | None:
        feedback = self._judge()
        if feedback is None:
            return None if self._hear() else Ending(ExitStatus.SUBMITTED)
        self._tell("verifier", feedback)
        return None
