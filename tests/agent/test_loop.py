"""The loop with a scripted policy and tools that need no sandbox: what ends it, and that a log resumes it exactly."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from sweagent.agent.journal import Journal
from sweagent.agent.loop import Agent, Ending
from sweagent.agent.repeat import repeat_actions
from sweagent.agent.view import ViewBuilder
from sweagent.config import LimitSettings
from sweagent.errors import BudgetExceededError, ContextOverflowError, PolicyError, RunInterruptedError, SandboxError
from sweagent.policy import ScriptedPolicy
from sweagent.policy.base import View
from sweagent.tool_api import Limits, Tool, ToolContext
from sweagent.trajectory import (
    Action,
    ActionDone,
    AnyEvent,
    FeedbackGiven,
    Observation,
    PromptWritten,
    Reply,
    ReplyReceived,
    Usage,
    ViewCompacted,
)
from sweagent.trajectory_file import TrajectoryWriter, read_events


class Nothing(BaseModel):
    pass


class Text(BaseModel):
    text: str = ""


class World:
    """What the tools change, so that a test can see whether a resumed run did the same."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.limits: list[Limits] = []
        self.loss: list[bool] = []

    def tools(self) -> dict[str, Tool]:
        def note(context: ToolContext, parameters: Text) -> Observation:
            self.limits.append(context.limits)
            if self.loss and self.loss.pop():
                raise SandboxError("the container is gone")
            self.notes.append(parameters.text)
            return Observation(text=f"noted {parameters.text}")

        def look(context: ToolContext, parameters: Nothing) -> Observation:
            self.notes.append("looked")
            return Observation(text=f"{len(self.notes)} notes")

        def submit(context: ToolContext, parameters: Text) -> Observation:
            return Observation(text="submitted", submitted=True, summary=parameters.text)

        return {
            "note": Tool("note", "", Text, note),
            "look": Tool("look", "", Nothing, look, read_only=True),
            "submit": Tool("submit", "", Text, submit),
        }


def call(tool: str, **arguments: Any) -> Reply:
    return Reply(
        thought="so", actions=(Action(id=f"{tool}1", tool=tool, arguments=arguments),), usage=Usage(prompt_tokens=10)
    )


def both(*replies: Reply) -> Reply:
    actions = [action.model_copy(update={"id": str(n)}) for n, reply in enumerate(replies) for action in reply.actions]
    return Reply(actions=tuple(actions))


class Run:
    """One agent with its log; `past` resumes it."""

    def __init__(self, path: Path, replies: list[Any], past: tuple[AnyEvent, ...] = (), **options: Any) -> None:
        self.world = World()
        self.log = TrajectoryWriter(path)
        viewer = ViewBuilder()
        self.journal = Journal(self.log, viewer, past=past)
        context = ToolContext(sandbox=None)  # type: ignore[arg-type]
        if past:
            repeat_actions(self.journal.state, self.world.tools(), context)
        else:
            self.journal.record(PromptWritten(system="s", task="t"))
        self.agent = Agent(
            policy=ScriptedPolicy(replies),
            tools=self.world.tools(),
            context=context,
            journal=self.journal,
            viewer=viewer,
            limits=options.pop("limits", LimitSettings()),
            judge=options.pop("judge", lambda: None),
            **options,
        )

    def go(self) -> Ending:
        try:
            return self.agent.run()
        finally:
            self.log.close()


SCRIPT = [call("note", text="a"), both(call("look"), call("note", text="b")), call("look"), call("submit", text="done")]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "trajectory.jsonl"


def kinds(path: Path) -> list[str]:
    return [event.type for event in read_events(path)]


def test_a_run_to_its_submission(log: Path) -> None:
    run = Run(log, SCRIPT)
    assert run.go().status == "submitted"
    assert run.world.notes == ["a", "looked", "b", "looked"]
    assert run.journal.state.summary == "done"
    assert kinds(log) == [
        "prompt_written",
        *["reply_received", "action_done"] * 2,
        "action_done",
        *["reply_received", "action_done"] * 2,
    ]


def test_every_event_is_on_disk_before_the_next_step(log: Path) -> None:
    seen: list[int] = []

    def look(view: View) -> Reply:
        seen.append(len(kinds(log)))
        return call("note", text="x")

    Run(log, [look, look, call("submit")]).go()
    assert seen == [1, 3]


def test_resumed_at_every_event_it_ends_alike(tmp_path: Path, log: Path) -> None:
    whole = Run(log, SCRIPT)
    whole.go()
    lines = log.read_bytes().splitlines(keepends=True)
    for number in range(1, len(lines)):
        cut = tmp_path / f"cut{number}.jsonl"
        # A kill in mid-write leaves half a line as well.
        cut.write_bytes(b"".join(lines[:number]) + lines[number][:20])
        run = Run(cut, SCRIPT, past=tuple(read_events(cut)))
        assert run.go().status == "submitted"
        assert [note for note in run.world.notes if note != "looked"] == ["a", "b"]
        assert kinds(cut) == kinds(log)
        assert run.journal.state.spending.usage == whole.journal.state.spending.usage


def test_what_follows_a_submission_is_not_executed(log: Path) -> None:
    run = Run(log, [both(call("submit"), call("note", text="late"))])
    assert run.go().status == "submitted"
    assert run.world.notes == []


def test_feedback_of_the_judge_goes_on_and_is_shown(log: Path) -> None:
    answers: Iterator[str | None] = iter(["test_x fails", None])
    shown: list[str] = []

    def repair(view: View) -> Reply:
        shown.append(view.messages[-1].content)
        return call("submit")

    run = Run(log, [call("submit"), repair], judge=lambda: next(answers))
    assert run.go().status == "submitted"
    assert "test_x fails" in shown[0]


def raising(error: Exception) -> Callable[[View], Reply]:
    def respond(view: View) -> Reply:
        raise error

    return respond


BROKEN = Reply(problem="the arguments of `note` are not JSON: line 1")

ENDINGS = {
    "steps": ([call("note", text=str(n)) for n in range(9)], {"limits": LimitSettings(steps=3)}, "step_limit"),
    "circle": ([call("note", text="a")] * 20, {}, "stuck"),
    "malformed": ([BROKEN] * 9, {}, "malformed_replies"),
    "malformed, then mended": ([BROKEN, BROKEN, call("note"), BROKEN, call("submit")], {}, "submitted"),
    "no money": ([raising(BudgetExceededError("the next call may cost $2"))], {}, "budget_limit"),
    "provider": ([raising(PolicyError("401"))], {}, "policy_error"),
    "too long twice": ([raising(ContextOverflowError("413"))], {}, "context_overflow"),
    "Ctrl-C": ([call("note"), raising(RunInterruptedError("SIGINT"))], {}, "interrupted"),
    "unknown tool": ([call("teleport"), call("submit")], {}, "submitted"),
}


@pytest.mark.parametrize(("replies", "options", "status"), ENDINGS.values(), ids=ENDINGS)
def test_endings(log: Path, replies: list[Any], options: dict[str, Any], status: str) -> None:
    assert Run(log, replies, **options).go().status == status


def test_one_nudge_before_the_stop(log: Path) -> None:
    Run(log, [call("note", text="a")] * 20).go()
    events = list(read_events(log))
    nudges = [event for event in events if isinstance(event, FeedbackGiven)]
    assert [nudge.kind for nudge in nudges] == ["nudge"]
    assert sum(isinstance(event, ReplyReceived) for event in events) == 8


def test_a_nudge_that_helps(log: Path) -> None:
    assert Run(log, [*[call("note", text="a")] * 4, call("look"), call("submit")]).go().status == "submitted"


def test_malformed_replies_get_their_problem_back(log: Path) -> None:
    shown: list[str] = []

    def next_reply(view: View) -> Reply:
        shown.append(view.messages[-1].content)
        return call("submit")

    Run(log, [BROKEN, next_reply]).go()
    assert "not JSON: line 1" in shown[0]


def test_time_is_limited_in_steps_and_in_commands(log: Path) -> None:
    now = [0.0]

    def slow(view: View) -> Reply:
        now[0] += 30
        return call("note", text=str(now[0]))

    run = Run(log, [slow] * 9, limits=LimitSettings(seconds=100), clock=lambda: now[0])
    assert run.go().status == "time_limit"
    assert [limits.timeout for limits in run.world.limits] == [70, 40, 10]


def test_time_used_before_a_kill_counts(log: Path) -> None:
    past = (PromptWritten(system="s", task="t"), ReplyReceived(step=1, reply=BROKEN, seconds=99.0))
    run = Run(log, [BROKEN, call("submit")], past=past, limits=LimitSettings(seconds=90))
    assert run.go().status == "time_limit"


def test_a_lost_sandbox_is_replaced_once(log: Path) -> None:
    recovered: list[bool] = []
    run = Run(
        log, [call("note", text="a"), call("note", text="b"), call("submit")], recover=lambda: recovered.append(True)
    )
    run.world.loss = [False, True]
    assert run.go().status == "submitted"
    assert recovered == [True]
    observations = [event.observation.text for event in read_events(log) if isinstance(event, ActionDone)]
    assert observations[:2] == ["noted a", "noted b"]


def test_a_sandbox_lost_again_ends_the_run(log: Path) -> None:
    run = Run(log, [call("note", text="a")] * 3, recover=lambda: None)
    run.world.loss = [True, True]
    assert run.go().status == "sandbox_error"


def test_an_overflow_compacts_once_and_goes_on(log: Path) -> None:
    refused: list[bool] = []

    def too_long_once(view: View) -> Reply:
        if not refused:
            refused.append(True)
            raise ContextOverflowError("prompt is too long")
        return call("submit")

    steps = [call("note", text=str(n) * 400) for n in range(12)]
    run = Run(log, [*steps, too_long_once])
    assert run.go().status == "submitted"
    compactions = [event for event in read_events(log) if isinstance(event, ViewCompacted)]
    assert [event.reason for event in compactions].count("refused") == 1
