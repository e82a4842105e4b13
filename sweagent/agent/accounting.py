"""Account for the characters of each prompt by what they are."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sweagent.agent.view import ViewBuilder
from sweagent.errors import UsageError
from sweagent.frozen import Frozen
from sweagent.tool_api import Tool, load_tools
from sweagent.trajectory import AnyEvent, AttemptStarted, ReplyReceived, RunStarted

TOOLS = "tools"
"""The kind of what describes the tools, which is sent with every request."""


class PromptAccount(Frozen):
    """What the prompts of a run held, in characters by kind.

    The kinds: `system`, `tools` (their schemas), `issue`, `guides` (the repository's own), `hints`, `frame` (the rest
    of the first prompt), `replies` (of the policy, with its calls), `observations of TOOL`, `feedback`, `digests` (of
    steps that the view forgot).
    """

    requests: int = 0
    total: dict[str, int] = {}
    """Of all requests together."""
    last: dict[str, int] = {}
    """Of the last request of each attempt, together."""

    @property
    def characters(self) -> int:
        """Of all requests together."""
        return sum(self.total.values())


def prompt_account(events: Iterable[AnyEvent]) -> PromptAccount:
    """Account for the prompts of a recorded run, of all its attempts.

    Args:
        events: of the log, from its first.
    """
    settings: dict[str, dict[str, Any]] = defaultdict(dict)
    views: dict[str, tuple[ViewBuilder, int]] = {}
    total: Counter[str] = Counter()
    last: dict[str, Counter[str]] = {}
    requests = 0
    for event in events:
        match event:
            case RunStarted():
                settings[""] = event.settings
            case AttemptStarted():
                settings[event.scope] = {**settings[""], **(event.settings or {})}
        if event.scope not in views:
            tools = _tools(settings[event.scope] or settings[""])
            views[event.scope] = ViewBuilder(tools=tools.values()), schema_characters(tools)
        view, schemas = views[event.scope]
        if isinstance(event, ReplyReceived):
            held = Counter({TOOLS: schemas}) + view.account()
            total += held
            last[event.scope] = held
            requests += 1
        view.add(event)
    return PromptAccount(
        requests=requests, total=_sorted(total), last=_sorted(sum(last.values(), start=Counter[str]()))
    )


def schema_characters(tools: Mapping[str, Tool]) -> int:
    """Characters of the tools' descriptions in the shape of native calls, as they are sent."""
    from sweagent.policy.replies.chat_format import to_tools

    return len(json.dumps(to_tools([tool.schema for tool in tools.values()]))) if tools else 0


def _tools(settings: Mapping[str, Any]) -> dict[str, Tool]:
    """The tools of a run, as far as they are still there."""
    names = settings.get("tools") or ()
    folders = [Path(folder) for folder in settings.get("tool_folders") or ()]
    tools: dict[str, Tool] = {}
    for name in names:
        try:
            tools |= load_tools([name], folders)
        except (UsageError, OSError):
            continue
    return tools


def _sorted(sizes: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(sizes.items(), key=lambda item: (-item[1], item[0])))
