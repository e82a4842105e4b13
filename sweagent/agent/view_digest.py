"""Digest old steps of the view into one or two lines.

Nothing here asks a model; the same steps always give the same text.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sweagent.printable import one_line
from sweagent.tool_api import Tool
from sweagent.trajectory import Action, FeedbackGiven, Observation, ObservationStatus, Reply

_TELLING = re.compile(
    r"\b(?:error|exception|failed|failure|traceback|assert\w*|cannot|not found|no such|denied|warning|undefined)\b"
    r"|^E\s|[\w.]+(?:Error|Exception)\b",
    re.I,
)
_FAILING = re.compile(r"\b\d+ failed\b|^FAILED|^FAIL:|^ERROR\b|Traceback \(most recent call last\)", re.M)


@dataclass(frozen=True)
class DigestLimits:
    """Characters that a digest spends.

    Attributes:
        thought: of a step's thought.
        action: of an action.
        result: of the lines taken from an observation.
        edit: of an edit's own answer, which shows what was changed.
        edits: of all such answers of a block.
        failing: of the last failing test run.
        feedback: of what the harness said.
        terse: of a step in a digest of digests.
    """

    thought: int = 60
    action: int = 44
    result: int = 60
    edit: int = 1_500
    edits: int = 6_000
    failing: int = 1_200
    feedback: int = 600
    terse: int = 110


@dataclass
class Step:
    """One reply with what came of it.

    Attributes:
        number: counts from 1.
        reply: of the policy; None for feedback on a step that is in a digest already.
        observations: by the id of their action.
        feedback: what the harness said after it.
    """

    number: int
    reply: Reply | None
    observations: dict[str, Observation] = field(default_factory=dict)
    feedback: list[FeedbackGiven] = field(default_factory=list)

    @property
    def actions(self) -> tuple[Action, ...]:
        """What the reply asked for."""
        return self.reply.actions if self.reply else ()

    @property
    def thought(self) -> str:
        """What the reply said."""
        return self.reply.thought if self.reply else ""


def digest(
    steps: Sequence[Step], limits: DigestLimits, tools: Mapping[str, Tool], summary: str = "", *, newest: int = 0
) -> str:
    """The text that stands for a block of steps.

    Args:
        steps: the block, oldest first; not empty.
        limits: of its parts.
        tools: what the policy calls, by name.
        summary: written by a model; it takes the place of the lines, never of edits and failing tests.
        newest: characters of the last step's observations to keep.
    """
    first, last = steps[0].number, steps[-1].number
    parts = [f"Step {first}, shortened:" if first == last else f"Steps {first}-{last}, shortened:"]
    if summary:
        parts.append(f"Summary:\n{summary}")
    else:
        parts += [line(step, limits, tools) for step in steps]
    if newest:
        parts += _excerpts(steps[-1], newest, tools)
    parts += edits(steps, limits, tools)
    parts += _failing(steps, limits)
    return "\n".join(parts)


def line(step: Step, limits: DigestLimits, tools: Mapping[str, Tool]) -> str:
    """One step: its thought, its actions, and the most telling line of each result."""
    pieces = [f"{step.number}."]
    thought = one_line(step.thought, limits.thought)
    if thought:
        pieces.append(thought)
    if step.reply and step.reply.problem:
        pieces.append("[the reply could not be read]")
    for action in step.actions:
        pieces.append(
            f"[{_brief(action, tools, limits.action)} -> {_result(step.observations.get(action.id), limits.result)}]"
        )
    pieces += [
        f"[told: {one_line(given.text, limits.feedback)}]" for given in step.feedback if given.kind != "malformed"
    ]
    return " ".join(pieces)


def terse(step: Step, limits: DigestLimits, tools: Mapping[str, Tool]) -> str:
    """One step in a digest of digests: a third each for what was done, what came of it and what was thought."""
    share = limits.terse // 3
    each = max(12, share // max(1, len(step.actions)))
    done = []
    for action in step.actions:
        observation = step.observations.get(action.id)
        edited = _edits(action, tools) and observation is not None and observation.status is ObservationStatus.OK
        done.append(f"{_brief(action, tools, each)} -> {'done' if edited else _result(observation, each)}")
    return " ".join(filter(None, [f"{step.number}.", one_line(step.thought, share), "; ".join(done)]))


def cut(text: str, limit: int) -> str:
    """The head and the tail of a text, cut at line ends where they are near."""
    if len(text) <= limit:
        return text
    half = max(1, (limit - 40) // 2)
    head, tail = text[:half], text[-half:]
    head = head[: head.rfind("\n")] if head.rfind("\n") > half * 0.7 else head
    tail = tail[tail.find("\n") + 1 :] if 0 <= tail.find("\n") < half * 0.3 else tail
    return f"{head}\n[… {len(text) - len(head) - len(tail)} characters …]\n{tail}"


def _edits(action: Action, tools: Mapping[str, Tool]) -> bool:
    tool = tools.get(action.tool)
    return tool is not None and tool.edits


def _brief(action: Action, tools: Mapping[str, Tool], limit: int) -> str:
    tool = tools.get(action.tool)
    main = action.arguments.get(tool.main_argument) if tool else None
    if isinstance(main, str):
        shown = main
    elif isinstance(main, list):
        shown = " ".join(map(str, main))
    else:
        shown = json.dumps(action.arguments, ensure_ascii=False) if action.arguments else ""
    return f"{action.tool} {one_line(shown, limit)}".rstrip()


def _result(observation: Observation | None, limit: int) -> str:
    if observation is None:
        return "not run"
    state = "" if observation.status is ObservationStatus.OK else f"{observation.status}, "
    if observation.exit_code:
        state += f"exit {observation.exit_code}, "
    lines = [text for raw in observation.text.splitlines() if (text := raw.strip())]
    if not lines:
        return f"{state}no output"
    telling = [text for text in lines if _TELLING.search(text)] if state else []
    chosen = telling[-1] if telling else lines[0]
    more = f" ({len(lines)} lines)" if len(lines) > 1 else ""
    ending = "" if telling or len(lines) == 1 or lines[-1] == chosen else f" … {one_line(lines[-1], limit // 2)}"
    share = limit - len(ending) - len(more)
    return f"{state}{one_line(chosen, max(20, share))}{ending}{more}"


def _excerpts(step: Step, size: int, tools: Mapping[str, Tool]) -> list[str]:
    parts = []
    for action in step.actions:
        observation = step.observations.get(action.id)
        # Edits are shown on their own below.
        if observation and len(observation.text) > 1 and not _edits(action, tools):
            share = size // len(step.actions)
            parts.append(f"Of the output of step {step.number} ({action.tool}):\n{cut(observation.text, share)}")
    return parts


def edits(steps: Sequence[Step], limits: DigestLimits, tools: Mapping[str, Tool]) -> list[str]:
    """What the edits of the steps answered, the newest ones whole, all of them named."""
    shown: list[str] = []
    left = limits.edits
    for step in reversed(steps):
        for action in reversed(step.actions):
            observation = step.observations.get(action.id)
            if _edits(action, tools) and observation and observation.status is ObservationStatus.OK:
                text = cut(observation.text, limits.edit) if left > 0 else ""
                left -= len(text)
                name = one_line(str(action.arguments.get("path", "")), 120)
                # Formats for several files name them in their answer.
                place = f" in {name}" if name else ""
                shown.append(f"Edit made in step {step.number}{place}" + (f":\n{text}" if text else ""))
    return shown[::-1]


def _failing(steps: Sequence[Step], limits: DigestLimits) -> list[str]:
    for step in reversed(steps):
        for action in reversed(step.actions):
            observation = step.observations.get(action.id)
            if observation and _FAILING.search(observation.text):
                return [f"Last failure seen, in step {step.number}:\n{cut(observation.text, limits.failing)}"]
    return []
