"""Repeat recorded actions in a fresh sandbox, and compare what comes."""

import re
from collections.abc import Iterator, Mapping

from sweagent.agent.state import RunState
from sweagent.tool_api import Tool, ToolContext, execute
from sweagent.trajectory import Action, Observation

_OUTSIDE = re.compile(
    r"\b(?:install|uninstall|build|build_ext|develop|make|cmake|ninja|meson|compile|gradlew?|mvn|cargo|npm|npx|yarn|pnpm"
    r"|apt|apt-get|conda|gem|bundle|composer|nohup|systemctl|service|migrate|createdb)\b"
    r"|\bgo (?:get|build|generate)\b|/tmp\b|/var\b|/etc\b|/opt\b|~/|\$\{?HOME|\$\{?TMPDIR|mktemp|&\s*(?:$|\n)",
)
"""Commands that may change what lies outside of the files that a patch has: packages, builds, scratch, processes."""


def repeat_actions(
    state: RunState, tools: Mapping[str, Tool], context: ToolContext, *, start: int = 0, end: int | None = None
) -> list[str]:
    """Repeat recorded actions.

    Actions of read-only tools are left out. What the actions answer this time is not recorded: the log has it.

    Args:
        state: of the recorded attempt.
        tools: by name.
        context: with the fresh sandbox.
        start: actions from the beginning that are left out.
        end: actions from the beginning after which it stops; None repeats all that are done.

    Returns:
        The actions that ended otherwise than before, each in a line.

    Raises:
        SandboxError: the sandbox is lost.
    """
    differences = []
    for number, (action, before) in enumerate(_done(state)):
        if number < start or (end is not None and number >= end):
            continue
        tool = tools.get(action.tool)
        if tool is None or tool.read_only or before.declined:
            continue
        again = execute(tools, context, _as_run(action, before))
        if (again.status, again.exit_code) != (before.status, before.exit_code):
            differences.append(f"`{_shown(action)}` ended with {_end(again)}; before with {_end(before)}")
    return differences


def stays_in_files(state: RunState, tools: Mapping[str, Tool], end: int) -> bool:
    """Whether the first actions seem to have changed nothing but files of the repository."""
    changing = (
        action
        for number, (action, before) in enumerate(_done(state))
        if number < end and not (before.declined or (action.tool in tools and tools[action.tool].read_only))
    )
    return not any(_OUTSIDE.search(str(value)) for action in changing for value in _commands(action, tools))


def _commands(action: Action, tools: Mapping[str, Tool]) -> Iterator[object]:
    tool = tools.get(action.tool)
    if tool is None or tool.schema.shell or action.tool in ("test", "reproduce"):
        yield action.arguments.get("command", "")
        if tool is None or tool.schema.shell:
            yield from action.arguments.values()


def _done(state: RunState) -> Iterator[tuple[Action, Observation]]:
    for turn in state.turns:
        yield from zip(turn.reply.reply.actions, turn.observations, strict=False)


def _as_run(action: Action, observation: Observation) -> Action:
    """An action with the arguments that it was run with."""
    return action if observation.edited is None else action.model_copy(update={"arguments": observation.edited})


def _shown(action: Action) -> str:
    text = str(action.arguments.get("command") or action.arguments.get("path") or "")
    line = text.strip().partition("\n")[0]
    return f"{action.tool}: {line[:120]}" if line else action.tool


def _end(observation: Observation) -> str:
    return observation.status if observation.exit_code is None else f"exit status {observation.exit_code}"
