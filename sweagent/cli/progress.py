"""Show a run: live panel in a terminal, lines in a pipe."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

from sweagent.cli.console import clock, counted, duration, first_line, is_plain, money, open_console, safe, wrapped
from sweagent.cli.describe_action import describe
from sweagent.cli.heartbeat import Heartbeat
from sweagent.cli.live_region import LiveRegion
from sweagent.notes import BuildOutput
from sweagent.trajectory import (
    Action,
    ActionDone,
    AnswerReceived,
    AnyEvent,
    AttemptEnded,
    AttemptStarted,
    CandidateChosen,
    FeedbackGiven,
    PatchTaken,
    PromptWritten,
    ReplyReceived,
    RunEnded,
    RunStarted,
    SandboxStarted,
    VerdictGiven,
    ViewCompacted,
)

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from sweagent.policy import Countdown
    from sweagent.verify import VerifyProgress

_ECHO = 3
_FEEDBACK = {
    "malformed": "asked again for a readable reply",
    "nudge": "warned that it repeats itself",
    "verifier": "sent back to the model",
    "limit": "warned of a limit",
    "resumed": "informed that the run was resumed",
    "user": "your message",
    "strategy": "the strategy's message",
}


class PlainProgress:
    """One line an event, and a line at least every 20 seconds while nothing happens.

    Args:
        stream: where to write.
        verbosity: 0 shows nothing but the end, 1 one line an action, 2 the thoughts and observations too.
        ending: say how the run ended too.
        person: a person decides, who sees the actions and their outputs anyway and may think as long as needed.
    """

    def __init__(self, stream: IO[str], verbosity: int = 1, *, ending: bool = False, person: bool = False) -> None:
        self._stream = stream
        self._verbosity = verbosity
        self._ending, self._person = ending, person
        self._actions: dict[tuple[str, str], Action] = {}
        self._pending: dict[str, list[Action]] = {}
        self._at_work: dict[str, str] = {}
        self._opened = False
        self._cost: float | None = 0.0
        self._countdown: Countdown | None = None
        self._doing, self._since = "preparing", time.monotonic()
        self._heartbeat = Heartbeat(self._still)

    def __enter__(self) -> Self:
        if self._verbosity:
            self._heartbeat.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._heartbeat.stop()
        self._stream.flush()

    def note(self, text: str) -> None:
        """Say what is being prepared; the output of builds only when much is asked for."""
        build = isinstance(text, BuildOutput)
        if not build:
            self.doing(text)
        if self._verbosity > build:
            self._line(f"| {text}" if build else text)

    @property
    def now(self) -> str:
        """What goes on at this moment."""
        return self._doing

    def doing(self, text: str) -> None:
        """Take what goes on from now on, for whoever waits for it."""
        self._doing, self._since = text, time.monotonic()

    def verifying(self, event: "VerifyProgress") -> None:
        """Take a command of the verification that began or ended; any thread may call this."""
        self._doing = str(event)

    def waiting(self, seconds: float, why: str) -> None:
        """Count a wait for the model's provider down."""
        if self._countdown is None:
            from sweagent.policy import Countdown

            self._countdown = Countdown(self.note)
        self._countdown(seconds, why)

    def bounds(self, *, budget: float | None, steps: int) -> None:
        """Take other limits to measure the run by."""

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave the terminal to a person for a while."""
        self._heartbeat.stop()
        try:
            yield
        finally:
            self._heartbeat = Heartbeat(self._still)
            if self._verbosity:
                self._heartbeat.start()

    def __call__(self, event: AnyEvent) -> None:
        """Show one event."""
        self._follow(event)
        if self._verbosity == 0 or (self._person and isinstance(event, ReplyReceived | ActionDone)):
            return
        match event:
            case RunStarted():
                self._line(f"run {event.run_id}: {event.task.repository.name}, {event.task.issue.title}")
            case SandboxStarted():
                self._line(
                    f"{_at(event)}sandbox {event.kind} ready in {event.seconds:.1f} s"
                    + (f" ({event.image})" * bool(event.image))
                )
            case AttemptStarted() if event.scope:
                fork = "" if event.forked_from is None else f", a fork of {event.forked_from or 'the first one'}"
                self._line(f"attempt {event.scope} begins{fork}" + (f" ({event.model})" * bool(event.model)))
            case AnswerReceived():
                self._cost = None if self._cost is None or event.reply.cost is None else self._cost + event.reply.cost
                came = event.missing or event.problem or "answered"
                self._line(f"{event.scope}: {event.purpose} [{money(self._cost)}] {first_line(came)}")
            case AttemptEnded() if event.scope:
                self._line(f"attempt {event.scope}: {event.status}" + (f": {event.message}" * bool(event.message)))
            case CandidateChosen() if event.selector != "best-verdict":
                said = "abstained" if event.abstained else f"chose candidate {event.candidate}"
                self._line(f"{event.selector} {said}: {event.reason}")
            case ReplyReceived():
                self._reply(event)
            case ActionDone():
                self._done(event)
            case FeedbackGiven():
                self._line(f"{_at(event)}step {event.step}: {_FEEDBACK[event.kind]}: {first_line(event.text)}")
            case ViewCompacted():
                self._line(f"{_at(event)}dropped old outputs (up to step {event.up_to_step}) from the model's context")
            case VerdictGiven():
                reason = f" ({event.reason})" if event.reason and self._ending else ""
                self._line(f"{_at(event)}verdict: {event.verdict}{reason}")
            case RunEnded() if self._ending:
                self._line(
                    f"ended: {event.exit_status}, {counted(event.steps, 'step')}, {money(event.cost)}, "
                    f"{duration(event.seconds)}" + (f": {event.message}" * bool(event.message))
                )

    def _follow(self, event: AnyEvent) -> None:
        """Tell from what happened what happens now."""
        match event:
            case SandboxStarted():
                self._opened = True
            case ReplyReceived():
                self._next_of(event.scope, list(event.reply.actions))
            case ActionDone():
                self._next_of(event.scope, self._pending.get(event.scope, [])[1:])
            case PromptWritten() | FeedbackGiven() | VerdictGiven():
                self._does(event.scope, "waiting for the model")
            case AttemptEnded():
                self._at_work.pop(event.scope, None)
            case PatchTaken():
                self._does(event.scope, "verifying the patch")
                if self._person:
                    self._line("verifying the patch in fresh sandboxes")

    def _next_of(self, scope: str, pending: list[Action]) -> None:
        self._pending[scope] = pending
        self._does(scope, describe(pending[0]) if pending else "waiting for the model")

    def _does(self, scope: str, text: str) -> None:
        """Take what an attempt does now; of several that are at work each is named."""
        self._at_work[scope] = text
        several = [f"{name or 'the first attempt'}: {what}" for name, what in sorted(self._at_work.items())]
        self.doing("; ".join(several) if len(several) > 1 else text)

    def _still(self, silent: float) -> None:
        if (
            self._person
            and self._opened
            and not any(self._pending.values())
            and not self._doing.startswith("verifying")
        ):
            return  # it is the person who is waited for
        self._line(f"… {first_line(self._doing)} ({clock(time.monotonic() - self._since)} so far)")

    def _line(self, text: str) -> None:
        self._heartbeat.beat()
        print(wrapped(safe(text), self._stream, "    "), file=self._stream, flush=True)

    def _reply(self, event: ReplyReceived) -> None:
        reply = event.reply
        self._actions.update({(event.scope, action.id): action for action in reply.actions})
        self._cost = None if self._cost is None or reply.cost is None else self._cost + reply.cost
        thought = reply.thought if self._verbosity > 1 else first_line(reply.thought)
        self._line(f"{_at(event)}step {event.step} [{money(self._cost)}] {thought}".rstrip())

    def _done(self, event: ActionDone) -> None:
        observation, action = event.observation, self._actions.get((event.scope, event.action_id))
        came = f"{observation.status} in {event.seconds:.1f} s: {first_line(observation.text)}"
        self._line(f"  {_at(event)}{describe(action)} -> {came}")
        if self._verbosity > 1:
            self._line(observation.text)


def _at(event: AnyEvent) -> str:
    """Which attempt an event is of; nothing for the first one."""
    return f"[{event.scope}] " if event.scope else ""


class LiveProgress(PlainProgress):
    """A panel that is redrawn: step, thought, what goes on and for how long, cost against the budget, elapsed time.

    Args:
        console: a rich console on a terminal.
        budget: US dollars, None when there is no limit.
        steps: the limit of steps; 0 where nothing is counted in steps.
        verbosity: as for plain lines; lines scroll above the panel.
    """

    def __init__(self, console: "Console", *, budget: float | None, steps: int, verbosity: int = 1) -> None:
        super().__init__(console.file, verbosity)
        self._console = console
        self._budget, self._steps = budget, steps
        self._start = time.monotonic()
        self._step, self._thought = 0, ""
        self._region = LiveRegion(console, self._panel)

    def __enter__(self) -> Self:
        self._region.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._region.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Take the panel away for a while, or for good where the run is stopped meanwhile."""
        self._region.stop()
        yield
        self._region.start()

    def waiting(self, seconds: float, why: str) -> None:
        """Count a wait down in the panel, second by second."""
        super().waiting(seconds, why)
        self._doing = f"waiting {seconds:.0f} s: {why}"

    def bounds(self, *, budget: float | None, steps: int) -> None:
        """Take other limits to measure the run by."""
        self._budget, self._steps = budget, steps

    def _line(self, text: str) -> None:
        self._region.line(text)

    def _reply(self, event: ReplyReceived) -> None:
        super()._reply(event)
        self._step, self._thought = event.step, first_line(event.reply.thought)

    def _panel(self) -> "RenderableType":
        from rich.panel import Panel
        from rich.text import Text

        now = time.monotonic()
        parts = [clock(now - self._start)]
        if self._steps:
            spent = money(self._cost) + (f" of {money(self._budget)}" if self._budget else "")
            parts = [f"step {self._step}/{self._steps}", spent, *parts]
        doing = f"{first_line(self._doing)} ({clock(now - self._since)})"
        lines = ["  ".join(parts), *([self._thought] if self._thought else []), doing]
        # The terminal writes `^C` where the cursor is: behind the last column it would begin a line that stays.
        width = self._console.width - _ECHO
        text = Text(safe("\n".join(lines)), no_wrap=True, overflow="ellipsis")
        return Panel(text, title="fix-issue", title_align="left", width=width)


def open_progress(
    *, verbosity: int, budget: float | None = None, steps: int = 0, person: bool = False
) -> PlainProgress:
    """The display that fits standard error: live in a terminal where no person decides, plain lines elsewhere."""
    if verbosity and sys.stderr.isatty() and not (person or is_plain()):
        return LiveProgress(open_console(sys.stderr), budget=budget, steps=steps, verbosity=verbosity)
    return PlainProgress(sys.stderr, verbosity, person=person)
