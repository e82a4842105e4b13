"""What calls of models used, by model and purpose, folded from events."""

from collections.abc import Iterable

from sweagent.frozen import Frozen
from sweagent.trajectory import (
    AnswerReceived,
    AnyEvent,
    CallOutcome,
    CallReserved,
    CallSettled,
    Reply,
    ReplyReceived,
    Usage,
)

AGENT = "agent"
"""The purpose of the calls that decide the next actions."""


class UsageLine(Frozen):
    """What one model used for one purpose."""

    model: str
    purpose: str
    calls: int = 0
    unsure_calls: int = 0
    """Calls that were sent and whose answer never came whole; their reservation counts as spent."""
    unpriced_calls: int = 0
    """Calls whose price is unknown; what the others cost is known nevertheless."""
    usage: Usage = Usage()
    known_cost: float = 0.0
    """US dollars of the answered calls whose price is known."""
    unsure_cost: float = 0.0
    """US dollars that the unsure calls may have cost at the most."""
    unsure_tokens: int = 0
    """Tokens that the unsure calls may have used at the most."""

    @property
    def cost(self) -> float | None:
        """US dollars of the answered calls; None as soon as the price of one call is unknown."""
        return None if self.unpriced_calls else self.known_cost

    def __add__(self, other: "UsageLine") -> "UsageLine":
        """Both together, under this line's model and purpose."""
        return UsageLine(
            model=self.model,
            purpose=self.purpose,
            calls=self.calls + other.calls,
            unsure_calls=self.unsure_calls + other.unsure_calls,
            unpriced_calls=self.unpriced_calls + other.unpriced_calls,
            usage=self.usage + other.usage,
            known_cost=self.known_cost + other.known_cost,
            unsure_cost=self.unsure_cost + other.unsure_cost,
            unsure_tokens=self.unsure_tokens + other.unsure_tokens,
        )


def answered(model: str, purpose: str, usage: Usage, cost: float | None) -> UsageLine:
    """The line of one answered call."""
    return UsageLine(
        model=model, purpose=purpose, calls=1, unpriced_calls=int(cost is None), usage=usage, known_cost=cost or 0.0
    )


def unsure(model: str, purpose: str, cost: float | None, tokens: int) -> UsageLine:
    """The line of one call of which nobody knows what it used: at the most what was reserved."""
    return UsageLine(
        model=model,
        purpose=purpose,
        unsure_calls=1,
        unpriced_calls=int(cost is None),
        unsure_cost=cost or 0.0,
        unsure_tokens=tokens,
    )


class Spending:
    """Adds up what was used, from events or line by line.

    Args:
        events: of one or several runs, each from its beginning.
    """

    def __init__(self, events: Iterable[AnyEvent] = ()) -> None:
        self._lines: dict[tuple[str, str], UsageLine] = {}
        self._open: dict[int, CallReserved] = {}
        self._metered: set[tuple[str, str]] = set()
        self.calls = 0
        """The highest number that a call has."""
        for event in events:
            self.apply(event)

    def apply(self, event: AnyEvent) -> None:
        """Fold one event of a run."""
        match event:
            case CallReserved():
                self._open[event.call] = event
                self.calls = max(self.calls, event.call)
            case CallSettled():
                self._settle(event)
            case ReplyReceived():
                self._reply(event.reply, event.scope, AGENT)
            case AnswerReceived() if not event.missing:
                self._reply(event.reply, event.scope, event.purpose)

    def add(self, line: UsageLine) -> None:
        """Book a line."""
        key = line.model, line.purpose
        self._lines[key] = self._lines[key] + line if key in self._lines else line

    def merge(self, other: "Spending") -> None:
        """Book all lines of another one; its calls keep no number here."""
        for line in other.lines:
            self.add(line)

    @property
    def lines(self) -> tuple[UsageLine, ...]:
        """By model and purpose; what was reserved and never settled counts as unsure."""
        whole = Spending()
        whole._lines = dict(self._lines)
        for held in self._open.values():
            whole.add(unsure(held.model, held.purpose, held.cost, held.tokens))
        return tuple(whole._lines.values())

    @property
    def dollars(self) -> float:
        """US dollars that count against a limit: what is known to be spent, and the worst case of unsure calls."""
        return sum(line.known_cost + line.unsure_cost for line in self.lines)

    @property
    def cost(self) -> float | None:
        """The same; None when the price of a call is unknown."""
        return None if any(line.unpriced_calls for line in self.lines) else self.dollars

    @property
    def usage(self) -> Usage:
        """Tokens of all answered calls."""
        return sum((line.usage for line in self.lines), Usage())

    @property
    def tokens(self) -> int:
        """Tokens that count against a limit."""
        return sum(line.usage.prompt_tokens + line.usage.completion_tokens + line.unsure_tokens for line in self.lines)

    def _settle(self, event: CallSettled) -> None:
        held = self._open.pop(event.call, None)
        if held is None:
            return
        if event.outcome is CallOutcome.ANSWERED:
            self.add(answered(held.model, held.purpose, event.usage, event.cost))
        elif event.outcome is CallOutcome.UNSURE:
            self.add(unsure(held.model, held.purpose, held.cost, held.tokens))
        if event.outcome is not CallOutcome.REFUSED:
            self._metered.add((event.scope, held.purpose))

    def _reply(self, reply: Reply, scope: str, purpose: str) -> None:
        """Book a reply whose calls are no events: of a script, of a replay, or of a log from before there were any."""
        if (scope, purpose) not in self._metered:
            self.add(answered(reply.model, purpose, reply.usage, reply.cost))
        self._metered.discard((scope, purpose))
