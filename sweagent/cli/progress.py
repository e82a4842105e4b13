"""Show a run: live panel in a terminal, lines in a pipe."""

import sys
import time
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

from sweagent.notes import BuildOutput
from sweagent.printable import first_line, printable_text
from sweagent.trajectory import (
    Action,
    ActionDone,
    AnyEvent,
    AttemptStarted,
    CandidateChosen,
    FeedbackGiven,
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


class PlainProgress:
    """One line an event.

    Args:
        stream: where to write.
        verbosity: 0 shows nothing but the end, 1 one line an action, 2 the thoughts and observations too.
    """

    def __init__(self, stream: IO[str], verbosity: int = 1) -> None:
        self._stream = stream
        self._verbosity = verbosity
        self._actions: dict[str, Action] = {}
        self._cost: float | None = 0.0
        self._countdown: Countdown | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stream.flush()

    def note(self, text: str) -> None:
        """Say what is being prepared; the output of builds only when much is asked for."""
        build = isinstance(text, BuildOutput)
        if self._verbosity > build:
            self._line(f"| {text}" if build else text)

    def waiting(self, seconds: float, why: str) -> None:
        """Count a wait for the model's provider down."""
        if self._countdown is None:
            from sweagent.policy import Countdown

            self._countdown = Countdown(self.note)
        self._countdown(seconds, why)

    def bounds(self, *, budget: float | None, steps: int) -> None:
        """Take other limits to measure the run by."""

    def __call__(self, event: AnyEvent) -> None:
        """Show one event."""
        if self._verbosity == 0:
            return
        match event:
            case RunStarted():
                self._line(f"run {event.run_id}: {event.task.repository.name}, {event.task.issue.title}")
            case SandboxStarted():
                self._line(
                    f"sandbox {event.kind} ready in {event.seconds:.1f} s" + (f" ({event.image})" * bool(event.image))
                )
            case AttemptStarted() if event.scope:
                self._line(f"attempt {event.scope} begins" + (f" ({event.model})" * bool(event.model)))
            case CandidateChosen() if event.selector != "best-verdict":
                said = "abstained" if event.abstained else f"chose candidate {event.candidate}"
                self._line(f"{event.selector} {said}: {event.reason}")
            case ReplyReceived():
                self._reply(event)
            case ActionDone():
                self._done(event)
            case FeedbackGiven():
                self._line(f"step {event.step}: told the policy ({event.kind}): {first_line(event.text)}")
            case ViewCompacted():
                self._line(f"dropped old outputs (up to step {event.up_to_step}) from the model's context")
            case VerdictGiven():
                self._line(f"verdict: {event.verdict}" + (f" ({event.reason})" * bool(event.reason)))
            case RunEnded():
                self._line(
                    f"ended: {event.exit_status}, {event.steps} steps, {money(event.cost)}, {event.seconds:.0f} s"
                    + (f": {event.message}" * bool(event.message))
                )

    def _line(self, text: str) -> None:
        print(printable_text(text), file=self._stream, flush=True)

    def _reply(self, event: ReplyReceived) -> None:
        reply = event.reply
        self._actions = {action.id: action for action in reply.actions}
        self._cost = None if self._cost is None or reply.cost is None else self._cost + reply.cost
        thought = reply.thought if self._verbosity > 1 else first_line(reply.thought)
        self._line(f"step {event.step} [{money(self._cost)}] {thought}".rstrip())

    def _done(self, event: ActionDone) -> None:
        observation, action = event.observation, self._actions.get(event.action_id)
        self._line(
            f"  {describe(action)} -> {observation.status} in {event.seconds:.1f} s: {first_line(observation.text)}"
        )
        if self._verbosity > 1:
            self._line(observation.text)


class LiveProgress(PlainProgress):
    """A panel that is redrawn: step, thought, action, cost against the budget, elapsed time.

    Args:
        console: a rich console on a terminal.
        budget: US dollars, None when there is no limit.
        steps: the limit of steps.
        verbosity: as for plain lines; lines scroll above the panel.
    """

    def __init__(self, console: "Console", *, budget: float | None, steps: int, verbosity: int = 1) -> None:
        super().__init__(console.file, verbosity)
        from rich.live import Live

        self._console = console
        self._budget, self._steps = budget, steps
        self._start = time.monotonic()
        self._step, self._thought, self._action = 0, "", "preparing"
        self._live = Live(get_renderable=self._panel, console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._live.stop()

    def note(self, text: str) -> None:
        """Say what is being prepared."""
        self._action = text
        super().note(text)

    def waiting(self, seconds: float, why: str) -> None:
        """Count a wait down in the panel, second by second."""
        super().waiting(seconds, why)
        self._action = f"waiting {seconds:.0f} s: {why}"

    def bounds(self, *, budget: float | None, steps: int) -> None:
        """Take other limits to measure the run by."""
        self._budget, self._steps = budget, steps

    def _line(self, text: str) -> None:
        self._console.print(printable_text(text), markup=False, highlight=False)

    def _reply(self, event: ReplyReceived) -> None:
        super()._reply(event)
        self._step, self._thought = event.step, first_line(event.reply.thought)
        self._action = "; ".join(describe(action) for action in event.reply.actions)

    def _panel(self) -> "RenderableType":
        from rich.panel import Panel
        from rich.text import Text

        elapsed = time.monotonic() - self._start
        spent = money(self._cost) + (f" of {money(self._budget)}" if self._budget else "")
        head = f"step {self._step}/{self._steps}   {spent}   {elapsed // 60:.0f}:{elapsed % 60:02.0f}"
        return Panel(
            Text(printable_text(f"{head}\n{self._thought}\n{self._action}")), title="fix-issue", title_align="left"
        )


def open_progress(*, verbosity: int, budget: float | None, steps: int) -> PlainProgress:
    """The display that fits standard error: live in a terminal, plain lines elsewhere."""
    if verbosity and sys.stderr.isatty():
        from rich.console import Console

        return LiveProgress(Console(stderr=True, emoji=False), budget=budget, steps=steps, verbosity=verbosity)
    return PlainProgress(sys.stderr, verbosity)


def money(amount: float | None) -> str:
    """US dollars for people; an unknown price is said to be unknown."""
    return "price unknown" if amount is None else f"${amount:.2f}"


def describe(action: Action | None) -> str:
    """An action in a few words."""
    if action is None:
        return "action"
    values = " ".join(str(value) for value in action.arguments.values())
    return first_line(f"{action.tool} {values}", 80)
