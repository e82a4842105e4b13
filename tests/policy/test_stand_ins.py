"""Policies that need no key."""

import io
import json
from pathlib import Path

import pytest

from sweagent.errors import PolicyError, RunInterruptedError, UsageError
from sweagent.policy import (
    Caller,
    HumanPolicy,
    ReplayPolicy,
    ScriptedPolicy,
    ToolSchema,
    View,
    load_script,
    policy_from,
)
from sweagent.policy.base import Message
from sweagent.policy.composite import FallbackPolicy, RoulettePolicy
from sweagent.trajectory import Action, AnswerReceived, Reply, ReplyReceived
from sweagent.trajectory_file import TrajectoryWriter


def at(step: int, *contents: str) -> View:
    return View(messages=tuple(Message(role="user", content=text) for text in contents), step=step)


def test_a_recorded_run_is_replayed_from_any_step(tmp_path: Path, tools: list[ToolSchema]) -> None:
    replies = [Reply(thought=f"t{n}", actions=(Action(id="a", tool="bash", arguments={"n": n}),)) for n in (1, 2, 3)]
    path = tmp_path / "trajectory.jsonl"
    with TrajectoryWriter(path) as log:
        for number, reply in enumerate(replies, 1):
            log.append(ReplyReceived(step=number, reply=reply))
    for policy in (policy_from(str(path)), policy_from(str(tmp_path)), ReplayPolicy(path)):
        assert [policy.respond(at(step), tools) for step in (3, 1, 2)] == [replies[2], replies[0], replies[1]]
        with pytest.raises(PolicyError, match="3 replies"):
            policy.respond(at(4), tools)


def test_a_script_holds_replies_and_functions_of_the_view(tools: list[ToolSchema]) -> None:
    policy = ScriptedPolicy([Reply(thought="one"), lambda view: Reply(thought=view.messages[-1].content)])
    assert policy.respond(at(1), tools).thought == "one"
    assert policy.respond(at(2, "seen"), tools).thought == "seen"


@pytest.mark.parametrize(
    "text",
    [
        "- thought: look\n  actions:\n    - bash: {command: ls}\n- actions: [{tool: submit}]\n",
        '[{"thought": "look", "actions": [{"tool": "bash", "arguments": {"command": "ls"}}]},'
        ' {"actions": [{"submit": null}]}]',
    ],
)
def test_a_script_file_is_yaml_or_json(tmp_path: Path, tools: list[ToolSchema], text: str) -> None:
    path = tmp_path / "script.yaml"
    path.write_text(text)
    policy = policy_from(str(path))
    first, second = policy.respond(at(1), tools), policy.respond(at(2), tools)
    assert (first.thought, first.actions[0].tool, first.actions[0].arguments) == ("look", "bash", {"command": "ls"})
    assert (second.actions[0].tool, second.actions[0].arguments) == ("submit", {})
    assert first.actions[0].id != second.actions[0].id


def test_a_script_maps_scopes_and_patterns_of_them_to_steps(tmp_path: Path, tools: list[ToolSchema]) -> None:
    path = tmp_path / "script.yaml"
    texts = {"": "first", "coder2": "second", "*/ask1": "question"}
    path.write_text(
        json.dumps({scope: [{"thought": text, "actions": [{"bash": {}}]}] for scope, text in texts.items()})
    )
    for scope, wanted in (("", "first"), ("coder2", "second"), ("1.1/ask1", "question"), ("2.1/1.4/ask1", "question")):
        assert policy_from(str(path), Caller(scope)).respond(at(1), tools).thought == wanted
    # A fork goes on with a script of its own, after the steps that it has inherited.
    assert policy_from(str(path), Caller("coder2", inherited=4)).respond(at(5), tools).thought == "second"
    with pytest.raises(PolicyError, match="for tester1 has 0 replies"):
        policy_from(str(path), Caller("tester1")).respond(at(1), tools)


def test_a_recorded_run_is_replayed_attempt_by_attempt(tmp_path: Path, tools: list[ToolSchema]) -> None:
    path = tmp_path / "trajectory.jsonl"
    with TrajectoryWriter(path) as log:
        for scope in ("", "coder2"):
            log.append(ReplyReceived(scope=scope, step=1, reply=Reply(thought=f"of {scope}")))
        log.append(AnswerReceived(scope="ask1", purpose="judge", reply=Reply(thought="of ask1")))
    for scope in ("", "coder2", "ask1"):
        assert policy_from(str(path), Caller(scope)).respond(at(1), tools).thought == f"of {scope}"


@pytest.mark.parametrize(
    "text", ["", "x", "- x", "- thought: x", "- actions: []", "- {actions: [{tool: 1}]}", "- {actions: [bash]}", "{["]
)
def test_what_is_not_a_script_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "script.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"script\.yaml"):
        load_script(path)


def test_a_missing_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        policy_from(str(tmp_path / "none.yaml"))


def test_a_person_types_commands_and_calls(tools: list[ToolSchema]) -> None:
    typed = "echo a \\\nb\n/view {'path': 'a.py',}\n/nope\n/submit\n"
    shown = io.StringIO()
    policy = HumanPolicy(io.StringIO(typed), shown)
    first = policy.respond(at(1, "the issue"), tools)
    assert first.actions[0].arguments == {"command": "echo a \nb"}
    second = policy.respond(at(2, "the issue", "its output"), tools)
    assert (second.actions[0].tool, second.actions[0].arguments) == ("view", {"path": "a.py"})
    third = policy.respond(at(3, "the issue", "its output", "more"), tools)
    assert third.actions[0].tool == "submit"
    assert shown.getvalue().count("the issue") == 1
    assert "there is no tool 'nope'" in shown.getvalue()
    with pytest.raises(RunInterruptedError):
        policy.respond(at(4), tools)


class Failing(ScriptedPolicy):
    uses_text_format = False

    def __init__(self, name: str, error: Exception | None = None) -> None:
        super().__init__([Reply(model=name)] * 9, name)
        self.error = error

    def respond(self, view: View, tools: object) -> Reply:
        if self.error:
            raise self.error
        return super().respond(view, ())

    def write(self, view: View, purpose: str) -> str:
        return f"{purpose} by {self.name}"


def test_a_fallback_is_asked_when_the_first_cannot_answer(tools: list[ToolSchema]) -> None:
    policy = FallbackPolicy([Failing("a", PolicyError("down")), Failing("b")])
    assert policy.respond(at(1), tools).model == "b"
    with pytest.raises(PolicyError, match="also down"):
        FallbackPolicy([Failing("a", PolicyError("down")), Failing("b", PolicyError("also down"))]).respond(
            at(1), tools
        )


def test_a_mix_takes_turns_by_step(tools: list[ToolSchema]) -> None:
    policy = RoulettePolicy("mix", [Failing("a"), Failing("b")])
    assert [policy.respond(at(step), tools).model for step in (1, 2, 3, 2)] == ["a", "b", "a", "b"]
