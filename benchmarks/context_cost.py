"""What a run's prompts cost under a provider's prompt cache, for our view and for what peers send.

    python benchmarks/context_cost.py [TRAJECTORY.jsonl ...]

A simulated cache holds what the call before marked: the longest common prefix of messages, up to its last marker, is
read from it at a tenth of the price of plain input; what is written to it costs 1.25; what is sent without a marker
after it costs 1. The unit is a million characters at the price of plain input.

The peers' views are written here from their documented behaviour: `full history` sends everything (mini-swe-agent);
`last 5` keeps the last five observations and replaces older ones by a line (SWE-agent's default history processor);
`last 5 by 10` does so in blocks of ten (its polling option). They mark the end of each prompt.
"""

import argparse
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

from sweagent.agent.view import ViewBuilder, ViewLimits
from sweagent.config import ModelSettings
from sweagent.policy.base import Message, View
from sweagent.resources import resource
from sweagent.tool_api import load_tools
from sweagent.trajectory import (
    Action,
    ActionDone,
    AnyEvent,
    Observation,
    PromptWritten,
    Reply,
    ReplyReceived,
    ViewCompacted,
)
from sweagent.trajectory_file import read_events

READ, WRITE, PLAIN = 0.1, 1.25, 1.0
PROMPT, THOUGHT, STEPS = 5_000, 300, 100


@dataclass
class Cost:
    """What a run's prompts came to.

    Attributes:
        characters: sent in all calls.
        cached: of these, read from the cache.
        units: price, in characters of plain input.
        largest: characters of the longest prompt.
        messages: of the prompt with most of them; the time of a call grows with their number in the providers' clients.
        breaks: calls at which a prefix that was sent before was sent in another form.
    """

    characters: int = 0
    cached: int = 0
    units: float = 0.0
    largest: int = 0
    messages: int = 0
    breaks: int = 0


class Cache:
    """A provider's prompt cache, as one run sees it."""

    def __init__(self) -> None:
        self.cost = Cost()
        self._sent: list[str] = []
        self._marked = 0

    def call(self, view: View) -> None:
        """Account for one call."""
        texts = [_text(message) for message in view.messages]
        marks = [position for position, message in enumerate(view.messages) if message.cache_boundary]
        end = marks[-1] + 1 if marks else 0
        common = 0
        for old, new in zip(self._sent, texts, strict=False):
            if old != new:
                break
            common += 1
        self.cost.breaks += common < len(self._sent)
        held = min(common, self._marked)
        sizes = [len(text) for text in texts]
        read, written, plain = sum(sizes[:held]), sum(sizes[held:end]), sum(sizes[max(held, end) :])
        self.cost.characters += sum(sizes)
        self.cost.cached += read
        self.cost.units += READ * read + WRITE * written + PLAIN * plain
        self.cost.largest = max(self.cost.largest, sum(sizes))
        self.cost.messages = max(self.cost.messages, len(sizes))
        self._sent, self._marked = texts, end


Viewer = Callable[[Sequence[AnyEvent]], View]


def full_history(events: Sequence[AnyEvent]) -> View:
    """Everything, always."""
    return _plain_view(events, lambda position, count: True)


def last_five(events: Sequence[AnyEvent], block: int = 1) -> View:
    """The last five observations, and up to `block` more until they are dropped together."""
    return _plain_view(events, lambda position, count: position >= (max(0, count - 5) // block) * block)


def _plain_view(events: Sequence[AnyEvent], keeps: Callable[[int, int], bool]) -> View:
    count = sum(isinstance(event, ActionDone) for event in events)
    messages: list[Message] = []
    position = 0
    for event in events:
        match event:
            case PromptWritten():
                messages += [Message(role="system", content=event.system), Message(role="user", content=event.task)]
            case ReplyReceived():
                messages.append(Message(role="assistant", content=event.reply.thought, actions=event.reply.actions))
            case ActionDone():
                text = event.observation.text
                shown = text if keeps(position, count) else f"Old output: ({len(text.splitlines())} lines omitted)"
                messages.append(Message(role="tool", content=shown, action_id=event.action_id))
                position += 1
    messages[-1] = messages[-1].model_copy(update={"cache_boundary": True})
    return View(messages=tuple(messages), step=1)


def _text(message: Message) -> str:
    calls = "".join(f"{action.tool}{action.arguments}" for action in message.actions)
    return f"{message.role}{message.content}{calls}"


def peer_cost(events: Sequence[AnyEvent], viewer: Viewer) -> Cost:
    """The cost of a recorded run under a peer's view."""
    cache = Cache()
    for position, event in enumerate(events):
        if isinstance(event, ReplyReceived):
            cache.call(viewer(events[:position]))
    return cache.cost


_SHIPPED = load_tools(file.stem for file in resource("tools").glob("[a-z]*.py"))


def our_cost(
    events: Sequence[AnyEvent], limits: ViewLimits | None = None, model: ModelSettings | None = None
) -> tuple[Cost, View, int]:
    """The cost under our view, the last view, and how often it was compacted."""
    cache, builder, compactions = Cache(), ViewBuilder(model, limits, _SHIPPED.values()), 0
    for event in events:
        if isinstance(event, ViewCompacted):
            continue
        if isinstance(event, ReplyReceived):
            compaction = builder.plan_compaction()
            if compaction:
                compactions += 1
                builder.add(compaction)
            cache.call(builder.build())
        builder.add(event)
    return cache.cost, builder.build(), compactions


def synthetic(size: int, steps: int = STEPS, seed: int = 1) -> tuple[list[AnyEvent], list[str]]:
    """A run with observations of one size, and the facts that were planted in it.

    A fact stands in the first line of an output, in the last one, or in what the policy said.
    """
    chance = random.Random(seed)
    events: list[AnyEvent] = [PromptWritten(system="s" * (PROMPT // 2), task="t" * (PROMPT // 2))]
    facts = []
    for step in range(1, steps + 1):
        body = [f"{number:5d} {''.join(chance.choices('abcdefgh (){}=.', k=34))}" for number in range(size // 41)]
        thought = "".join(chance.choices("abcdefghij ", k=THOUGHT))
        if step % 10 == 3:
            fact = f"port{step} is {chance.randrange(10_000, 60_000)}"
            facts.append(fact)
            place = (step // 10) % 3
            if place == 0:
                body[0] = fact
            elif place == 1:
                body[-1] = fact
            else:
                thought = f"I see that {fact}. {thought[len(fact) + 13 :]}"
        action = Action(
            id=f"s{step}", tool="bash", arguments={"command": f"sed -n '{step},{step + 200}p' src/m{step}.py"}
        )
        events.append(ReplyReceived(step=step, reply=Reply(thought=thought, actions=(action,))))
        events.append(
            ActionDone(step=step, action_id=action.id, observation=Observation(text="\n".join(body), exit_code=0))
        )
    return events, facts


def recalled(view: View, facts: Sequence[str]) -> int:
    """How many facts the last view still holds."""
    shown = "\n".join(message.content for message in view.messages)
    return sum(fact in shown for fact in facts)


def report(name: str, events: Sequence[AnyEvent], facts: Sequence[str] = ()) -> None:
    """Print one table."""
    print(f"\n{name}")
    print(f"{'view':<16}{'Mchars':>9}{'cached':>9}{'cost':>9}{'largest':>10}{'messages':>10}{'breaks':>8}")
    peers = {
        "full history": peer_cost(events, full_history),
        "last 5": peer_cost(events, last_five),
        "last 5 by 10": peer_cost(events, lambda seen: last_five(seen, 10)),
    }
    start = perf_counter()
    ours, view, compactions = our_cost(events)
    seconds = perf_counter() - start
    for label, cost in {**peers, "fix-issue": ours}.items():
        share = cost.cached / max(1, cost.characters)
        print(
            f"{label:<16}{cost.characters / 1e6:>9.2f}{share:>9.0%}{cost.units / 1e6:>9.3f}"
            f"{cost.largest:>10,}{cost.messages:>10}{cost.breaks:>8}"
        )
    cheapest = min(cost.units for cost in peers.values())
    print(f"ratio to the cheapest: {ours.units / cheapest:.2f}; {compactions} compactions, {seconds * 1e3:.0f} ms")
    if facts:
        print(f"facts recalled at the end: {recalled(view, facts)} of {len(facts)}")


def windows(events: Sequence[AnyEvent]) -> None:
    """Check, for small windows, that no call is above the window (at three characters a token)."""
    print(
        "\nlargest prompt by window (tokens at 3 characters each, as the view estimates before the first usage block)"
    )
    for window in (8_000, 16_000, 32_000, 128_000):
        model = ModelSettings(name="openai/simulated", context_window=window, max_output_tokens=window // 8)
        cost, _, compactions = our_cost(events, model=model)
        allowed = window - window // 8
        verdict = "ok" if cost.largest / 3 <= allowed else "ABOVE"
        print(f"  {window:>8}: {cost.largest / 3:>8,.0f} of {allowed:,} {verdict}, {compactions} compactions")


def sweep(sizes: Sequence[int]) -> None:
    """How the limits trade cost for what stays in view."""
    print("\nblock steps, most characters -> cost by size of the observations")
    runs = [synthetic(size)[0] for size in sizes]
    for block in (4, 5, 6, 8, 10):
        for most in (40_000, 52_000, 68_000):
            limits = replace(ViewLimits(), block_steps=block, most=most)
            print(f"  {block:>2} {most:>7,}: {[round(our_cost(run, limits)[0].units / 1e6, 3) for run in runs]}")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("trajectories", nargs="*", type=Path)
    parser.add_argument("--sweep", action="store_true", help="try other limits")
    arguments = parser.parse_args()
    for size in (2_000, 10_000):
        events, facts = synthetic(size)
        report(f"{STEPS} steps, observations of {size:,} characters", events, facts)
    windows(synthetic(10_000)[0])
    if arguments.sweep:
        sweep((2_000, 10_000))
    for path in arguments.trajectories:
        report(str(path), list(read_events(path)))


if __name__ == "__main__":
    sys.exit(main())
