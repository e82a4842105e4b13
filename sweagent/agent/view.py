"""The context view: what the policy is shown of the log.

The view is a pure function of the events. Between two `ViewCompacted` events it only grows at its end, so a provider's
prompt cache holds all that was sent before. At such an event a whole block of steps is replaced by a digest;
observations are never elided one by one, since each elision would make the provider read everything after it anew.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from sweagent.agent.view_digest import DigestLimits, Step, digest, edits, terse
from sweagent.config import ModelSettings
from sweagent.policy.base import Message, View
from sweagent.policy.factory import effective_window
from sweagent.tool_api import Tool
from sweagent.trajectory import (
    ActionDone,
    AnyEvent,
    FeedbackGiven,
    ObservationStatus,
    PromptWritten,
    ReplyReceived,
    ViewCompacted,
)

_FIRST_RATIO = 3.0
"""Characters per token until the provider reported its own count; source code has more."""
_MARGIN = 1.08
_NOTE = "What follows is the record of your earlier steps, shortened. Look again where you need an output."
_DIGEST_CHARACTERS = 400
"""About what a step leaves behind in a digest."""
_MESSAGE_CHARACTERS = 24
"""What a message costs beside its text."""


@dataclass(frozen=True)
class ViewLimits:
    """Sizes at which the view forgets, in characters unless it is said otherwise.

    The defaults come from `benchmarks/context_cost.py`: a re-read of the cache costs little, so a few long outputs may
    stay for some steps; many would cost more than looking again.

    Attributes:
        overhead: of the tools' descriptions, which are sent with each view; more than the shipped ones have.
        block_steps: a block is closed after this many steps, if it has at least `least` characters.
        least: a block with less than this is never closed for its length in steps.
        most: a block with more than this is closed.
        digests: of all digests together; beyond it the older ones become a digest of digests.
    """

    overhead: int = 6_000
    block_steps: int = 6
    least: int = 10_000
    most: int = 48_000
    digests: int = 24_000
    digest: DigestLimits = field(default_factory=DigestLimits)


@dataclass(frozen=True)
class _Block:
    steps: tuple[Step, ...]
    text: str


class ViewBuilder:
    """Builds the view from events that it is given one by one.

    Args:
        model: whose window the view must fit; None for one without end.
        limits: when the view forgets.
        tools: what the policy calls; they say what shows an edit, and what names a call.

    Raises:
        UsageError: a models file cannot be read.
    """

    def __init__(
        self, model: ModelSettings | None = None, limits: ViewLimits | None = None, tools: Iterable[Tool] = ()
    ) -> None:
        self._limits = limits or ViewLimits()
        self._tools = {tool.name: tool for tool in tools}
        self._window = effective_window(model) if model and model.name else None
        self._head: list[Message] = []
        self._opening: list[Message] = []
        self._steps: list[Step] = []
        self._live: list[Step] = []
        self._blocks: list[_Block] = []
        self._pinned: list[Message] = []
        self._rendered: dict[int, list[Message]] = {}
        self._sizes: dict[int, int] = {}
        self._ratio = _FIRST_RATIO
        self._first: dict[str, int] = {}

    def add(self, event: AnyEvent) -> None:
        """Take in the next event of the log."""
        match event:
            case PromptWritten():
                self._head = [Message(role="system", content=event.system), Message(role="user", content=event.task)]
                frame = len(event.task) - sum(event.parts.values())
                self._first = {"system": len(event.system), **event.parts, "frame" if event.parts else "issue": frame}
            case ReplyReceived():
                self._calibrate(event)
                step = Step(event.step, event.reply)
                self._steps.append(step)
                self._live.append(step)
            case ActionDone() if self._steps:
                self._steps[-1].observations[event.action_id] = event.observation
                self._forget_rendering(self._steps[-1])
            case FeedbackGiven():
                self._feedback(event)
            case ViewCompacted():
                self._compact(event)

    def build(self) -> View:
        """The view of all events so far."""
        record = (Message(role="user", content=block.text) for block in self._blocks)
        note = [Message(role="user", content=_NOTE)] if self._blocks else []
        fixed = [*self._head, *self._opening, *note, *record, *self._pinned]
        shown = [self._messages(step) for step in self._live]
        messages = [*fixed, *(message for group in shown for message in group)]
        ends = [len(fixed) - 1]
        for group in shown:
            ends.append(ends[-1] + len(group))
        # The end is read again by the next call, unless that call will see the block closed.
        kept = ends[:1] + ends[1:][-2:-1] + ([] if self._closes(self._live) else ends[1:][-1:])
        for position in kept:
            if position >= 0:
                messages[position] = messages[position].model_copy(update={"cache_boundary": True})
        return View(messages=tuple(messages), step=len(self._steps) + 1)

    def plan_compaction(self, *, refused: bool = False) -> ViewCompacted | None:
        """What should be forgotten before the next call, if anything. The caller records the event.

        Args:
            refused: the provider has just refused the view as too large.

        Returns:
            None when nothing is due, or, after a refusal, when nothing is left to forget.
        """
        if refused:
            return self._event(len(self._live), "refused")
        if self._closes(self._live[:-1]):
            return self._event(len(self._live) - 1, "budget", tight=True)
        if self._overflows(self.size):
            return self._event(max(1, len(self._live) - 1), "budget", tight=True)
        return None

    def account(self) -> Counter[str]:
        """Characters of the view's texts by what they are; see `sweagent.agent.accounting`."""
        sizes = Counter(self._first)
        sizes["feedback"] += sum(len(message.content) for message in self._opening)
        sizes["digests"] += sum(len(block.text) for block in self._blocks) + len(_NOTE) * bool(self._blocks)
        for step in self._live:
            names = {action.id: action.tool for action in step.actions}
            for message in self._messages(step):
                if message.role == "tool":
                    sizes[f"observations of {names.get(message.action_id or '', '')}"] += len(message.content)
                elif message.role == "user":
                    sizes["feedback"] += len(message.content)
                else:
                    calls = sum(len(action.tool) + len(json.dumps(action.arguments)) for action in message.actions)
                    sizes["replies"] += len(message.content) + calls
        return +sizes

    @property
    def size(self) -> int:
        """Characters of the view, with what each message costs beside its text."""
        blocks = sum(len(block.text) + _MESSAGE_CHARACTERS for block in self._blocks)
        fixed = (*self._head, *self._opening, *self._pinned)
        head = sum(len(message.content) + _MESSAGE_CHARACTERS for message in fixed)
        return self._limits.overhead + head + blocks + self._live_size(self._live)

    def tokens(self, size: int | None = None) -> int:
        """An estimate, on the safe side, of the tokens of so many characters; None takes the view's size."""
        return int((self.size if size is None else size) / self._ratio * _MARGIN)

    def _event(self, count: int, reason: Literal["budget", "refused"], *, tight: bool = False) -> ViewCompacted | None:
        """Forget the first `count` live steps; with `tight` all of them, should the rest still be too large."""
        if not self._live or count <= 0:
            return None
        gone = self._live[:count]
        left = self.size - self._live_size(gone) + count * _DIGEST_CHARACTERS
        if tight and self._overflows(left):
            count = len(self._live)
        up_to = self._live[count - 1].number
        return ViewCompacted(up_to_step=up_to, reason=reason)

    def _closes(self, steps: Sequence[Step]) -> bool:
        size = self._live_size(steps)
        limits = self._limits
        most, least = limits.most, limits.least
        if self._window is not None:
            room = self._window * self._ratio / _MARGIN - (self.size - self._live_size(self._live))
            most = min(most, int(room * 0.6))
            least = min(least, most)
        return size >= most > 0 or (len(steps) >= limits.block_steps and size >= least)

    def _overflows(self, size: int) -> bool:
        return self._window is not None and self.tokens(size) > self._window

    def _compact(self, event: ViewCompacted) -> None:
        gone = [step for step in self._live if step.number <= event.up_to_step]
        if event.reason == "refused":
            # The provider's window is smaller than what it was just sent, whatever was believed of it.
            self._window = min(self._window or self.tokens(), int(self.tokens() * 0.9))
        self._live = [step for step in self._live if step.number > event.up_to_step]
        if gone:
            newest = 0 if self._live else self._newest_share()
            text = digest(gone, self._limits.digest, self._tools, event.summary, newest=newest)
            self._blocks.append(_Block(tuple(gone), text))
        self._pin(gone)
        for step in gone:
            self._forget_rendering(step)
        self._merge_digests()

    def _pin(self, gone: Sequence[Step]) -> None:
        """Keep the newest answer of a tool that asks for it, unless the steps that stay have a newer one.

        What is pinned changes only here: the message stands before all live steps, and what follows a changed message
        is read anew by the provider.
        """
        if self._newest_pinned(self._live):
            self._pinned = []
        elif newest := self._newest_pinned(gone):
            self._pinned = [Message(role="user", content=newest)]

    def _newest_pinned(self, steps: Sequence[Step]) -> str:
        for step in reversed(steps):
            for action in reversed(step.actions):
                observation, tool = step.observations.get(action.id), self._tools.get(action.tool)
                if tool and tool.pinned and observation and observation.status is ObservationStatus.OK:
                    return f"Your {tool.name} as of step {step.number}:\n{observation.text}"
        return ""

    def _newest_share(self) -> int:
        """Characters of the newest observation to keep when even that step had to be forgotten."""
        window = (self._window or 30_000) * self._ratio
        return int(min(4_000, window * 0.1))

    def _merge_digests(self) -> None:
        limit = self._limits.digests
        if self._window is not None:
            limit = min(limit, int(self._window * self._ratio * 0.25))
        if len(self._blocks) < 2 or sum(len(block.text) for block in self._blocks) <= limit:
            return
        old = [step for block in self._blocks[:-1] for step in block.steps]
        lines = [terse(step, self._limits.digest, self._tools) for step in old]
        room = max(limit // 2, 500)
        while len(lines) > 1 and sum(map(len, lines)) + len(lines) > room:
            lines = lines[len(lines) // 4 + 1 :]
        dropped = len(old) - len(lines)
        head = f"Steps {old[0].number}-{old[-1].number}, in brief"
        head += f" (the first {dropped} are left out):" if dropped else ":"
        kept = replace(self._limits.digest, edits=min(self._limits.digest.edits, limit // 4))
        pinned = edits(old, kept, self._tools)
        self._blocks[:-1] = [_Block(tuple(old), "\n".join([head, *lines, *pinned]))]

    def _calibrate(self, event: ReplyReceived) -> None:
        tokens = event.reply.usage.prompt_tokens
        size = self.size
        if tokens > 0 and size > 0:
            self._ratio = min(6.0, max(0.5, size / tokens))

    def _feedback(self, event: FeedbackGiven) -> None:
        if not self._steps:
            self._opening.append(Message(role="user", content=event.text))
            return
        if not self._live or self._live[-1].number != self._steps[-1].number:
            # The step itself is in a digest already, which must not change any more.
            self._live.append(Step(self._steps[-1].number, None))
        step = self._live[-1]
        step.feedback.append(event)
        self._forget_rendering(step)

    def _messages(self, step: Step) -> list[Message]:
        rendered = self._rendered.get(id(step))
        if rendered is None:
            rendered = self._rendered[id(step)] = _render(step)
        return rendered

    def _forget_rendering(self, step: Step) -> None:
        self._rendered.pop(id(step), None)
        self._sizes.pop(id(step), None)

    def _live_size(self, steps: Sequence[Step]) -> int:
        return sum(self._size(step) for step in steps)

    def _size(self, step: Step) -> int:
        size = self._sizes.get(id(step))
        if size is None:
            arguments = sum(len(str(value)) for action in step.actions for value in action.arguments.values())
            texts = sum(len(message.content) + _MESSAGE_CHARACTERS for message in self._messages(step))
            size = self._sizes[id(step)] = arguments + texts
        return size


def _render(step: Step) -> list[Message]:
    reply, messages = step.reply, []
    actions = () if reply is None or reply.problem else reply.actions
    if reply is not None:
        fields = reply.provider_fields
        messages.append(Message(role="assistant", content=reply.thought, actions=actions, provider_fields=fields))
    for action in actions:
        observation = step.observations.get(action.id)
        text = observation.text if observation else "(not run)"
        messages.append(Message(role="tool", content=text, action_id=action.id))
    messages += [Message(role="user", content=given.text) for given in step.feedback]
    return messages
