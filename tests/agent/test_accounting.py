"""What each prompt holds is accounted for, to the character."""

from pathlib import Path

from typer.testing import CliRunner

from sweagent.agent.accounting import TOOLS, prompt_account, schema_characters
from sweagent.agent.view import ViewBuilder
from sweagent.cli.app import app
from sweagent.task import Issue, Repository, Task
from sweagent.tool_api import load_tools
from sweagent.trajectory import (
    Action,
    ActionDone,
    AnyEvent,
    FeedbackGiven,
    Observation,
    PromptWritten,
    Reply,
    ReplyReceived,
    RunStarted,
    ViewCompacted,
)

REPOSITORY = Repository(source="x", git_dir="/x", base_commit="0" * 40, name="x")
TASK = Task(id="x", repository=REPOSITORY, issue=Issue(title="t"))


def reply(step: int, tool: str, **arguments: str) -> ReplyReceived:
    return ReplyReceived(
        step=step, reply=Reply(thought="so", actions=(Action(id=f"a{step}", tool=tool, arguments=arguments),))
    )


def done(step: int, text: str) -> ActionDone:
    return ActionDone(step=step, action_id=f"a{step}", observation=Observation(text=text))


EVENTS: list[AnyEvent] = [
    RunStarted(version="1", run_id="r", task=TASK, settings={"tools": ["bash", "view", "gone"]}),
    PromptWritten(system="s" * 100, task="t" * 90, parts={"issue": 50, "hints": 30}),
    reply(1, "bash", command="ls"),
    done(1, "o" * 1000),
    reply(2, "view", path="a.py"),
    done(2, "v" * 500),
    FeedbackGiven(step=2, kind="verifier", text="f" * 70),
    reply(3, "bash", command="ls"),
]


def test_each_request_is_accounted_by_kind() -> None:
    account = prompt_account(EVENTS)
    schemas = schema_characters(load_tools(["bash", "view"]))
    replies = [len('sobash{"command": "ls"}'), len('soview{"path": "a.py"}')]
    assert account.requests == 3
    assert account.total == {
        "observations of bash": 2000,
        "observations of view": 500,
        "system": 300,
        "issue": 150,
        "hints": 90,
        "feedback": 70,
        "replies": 2 * replies[0] + replies[1],
        "frame": 30,
        TOOLS: 3 * schemas,
    }
    assert list(account.total.values()) == sorted(account.total.values(), reverse=True)
    assert account.last["observations of bash"] == 1000


def test_it_is_what_the_view_holds_and_what_was_forgotten_is_a_digest() -> None:
    builder = ViewBuilder(tools=load_tools(["bash", "view"]).values())
    for event in [*EVENTS, ViewCompacted(up_to_step=2)]:
        builder.add(event)
    held = builder.account()
    shown = sum(len(message.content) for message in builder.build().messages)
    calls = sum(
        len(action.tool) + len('{"command": "ls"}')
        for message in builder.build().messages
        for action in message.actions
    )
    assert held.total() == shown + calls + len("(not run)") * 0
    assert held["digests"] > 0
    assert "observations of view" not in held


def test_show_prints_the_account(tmp_path: Path) -> None:
    (tmp_path / "trajectory.jsonl").write_text("".join(event.model_dump_json() + "\n" for event in EVENTS))
    said = CliRunner().invoke(app, ["show", str(tmp_path), "--context"]).output
    assert "observations of bash" in said
    assert "3 requests" in said
    whole = CliRunner().invoke(app, ["show", str(tmp_path), "--context", "--json"]).output
    assert whole.strip() == prompt_account(EVENTS).model_dump_json()
