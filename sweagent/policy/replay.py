"""Policies that need no model: a recorded run, a script."""

import json
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from sweagent.errors import PolicyError, UsageError
from sweagent.frozen import Frozen
from sweagent.policy.base import Caller, ToolSchema, View
from sweagent.trajectory import Action, AnswerReceived, AnyEvent, Reply, ReplyReceived
from sweagent.trajectory_file import read_events

Scripted = Reply | Callable[[View], Reply]


class ScriptedPolicy:
    """Answers step after step with what it was given. The step is the view's, so a resumed run goes on where it was.

    Args:
        replies: one a step: a reply, or a function that makes it from the view.
        name: for the record.
        inherited: steps of the view that another attempt made; the first reply answers the step after them.
    """

    def __init__(self, replies: Iterable[Scripted], name: str = "script", inherited: int = 0) -> None:
        self.name = name
        self._inherited = inherited
        self._replies = tuple(replies)

    def respond(self, view: View, tools: Sequence[ToolSchema]) -> Reply:
        """See `sweagent.policy.base.Policy`."""
        step = view.step - self._inherited
        if not 1 <= step <= len(self._replies):
            raise PolicyError(
                f"{self.name} has {len(self._replies)} replies and was asked for number {step}",
                "end the script with a call of `submit`",
            )
        reply = self._replies[step - 1]
        return reply if isinstance(reply, Reply) else reply(view)


class ReplayPolicy(ScriptedPolicy):
    """Answers as the policy of a recorded run did.

    Args:
        source: the events of the run, or the file of its trajectory.
        caller: whose replies are taken; None takes those of the first attempt.

    Raises:
        StorageError: the file cannot be read.
    """

    def __init__(self, source: Path | Iterable[AnyEvent], caller: Caller | None = None) -> None:
        caller = caller or Caller()
        events = read_events(source) if isinstance(source, Path) else source
        kinds = ReplyReceived | AnswerReceived
        replies = [event.reply for event in events if isinstance(event, kinds) and event.scope == caller.scope]
        name = f"replay of {source.name}" if isinstance(source, Path) else "replay"
        super().__init__(replies, name, caller.inherited)


class ScriptStep(Frozen):
    """One step of a script file."""

    thought: str = ""
    actions: tuple["ScriptAction", ...] = Field(min_length=1)


class ScriptAction(Frozen):
    """One call in a script file."""

    tool: str
    arguments: dict[str, Any] = {}


def load_script(path: Path, caller: Caller | None = None) -> ScriptedPolicy:
    """Read a script: a YAML or JSON list of steps, each a `thought` and a list of `actions`.

    An action is `{tool: NAME, arguments: {...}}` or, for short, `{NAME: {...}}`. For a run of several attempts and
    questions the script is a mapping from their scopes (or patterns of these, as file names have) to such lists; the
    first attempt's scope is empty.

    Args:
        path: the file.
        caller: whose steps are taken from a mapping.

    Raises:
        UsageError: the file is not a script.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        lists = data if isinstance(data, dict) else {"*": data}
        scripts = {
            str(name): [ScriptStep.model_validate(_normal(item)) for item in items] for name, items in lists.items()
        }
    except ValidationError as error:
        item = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in item["loc"])
        raise UsageError(f"{path}: {place}: {item['msg']}", _SCRIPT_HINT) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, ValueError) as error:
        raise UsageError(f"cannot read the script {path}: {error}", _SCRIPT_HINT) from error
    caller = caller or Caller()
    found = scripts.get(caller.scope)
    if found is None:
        found = next((steps for name, steps in scripts.items() if fnmatchcase(caller.scope, name)), [])
    name = f"{path.name} for {caller.scope}" if caller.scope else path.name
    replies = (_reply(step, number) for number, step in enumerate(found, 1))
    return ScriptedPolicy(replies, name, caller.inherited)


_SCRIPT_HINT = (
    "a script is a list of steps: {thought: TEXT, actions: [{TOOL: {ARGUMENT: VALUE}}]}, "
    "or a mapping from scopes to such lists"
)


def _normal(item: Any) -> Any:
    if not isinstance(item, dict):
        raise ValueError(f"a step must be a mapping, not {json.dumps(item, default=str)[:60]}")
    actions = item.get("actions")
    if not isinstance(actions, list):
        return item
    return {**item, "actions": [_normal_action(action) for action in actions]}


def _normal_action(action: Any) -> Any:
    if isinstance(action, dict) and "tool" not in action and len(action) == 1:
        [(tool, arguments)] = action.items()
        return {"tool": tool, "arguments": arguments or {}}
    return action


def _reply(step: ScriptStep, number: int) -> Reply:
    actions = (
        Action(id=f"step{number}_{position}", tool=action.tool, arguments=action.arguments)
        for position, action in enumerate(step.actions, 1)
    )
    return Reply(thought=step.thought, actions=tuple(actions))
