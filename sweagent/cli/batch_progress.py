"""Show a batch: live table in a terminal, lines in a pipe."""

import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

from sweagent.cli.progress import money
from sweagent.notes import FailureNote
from sweagent.printable import first_line, printable_text

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from sweagent.batch.drive.ledger import Summary
    from sweagent.batch.drive.progress import Snapshot

_MOST_ROWS = 24


class PlainBatchProgress:
    """One line whenever instances have ended or the batch is stopping, and the notes when they are asked for.

    Args:
        stream: where to write.
        verbosity: 0 shows nothing, 1 the ends, the failures and pulled images, 2 every note.
    """

    def __init__(self, stream: IO[str], verbosity: int = 1) -> None:
        self._stream = stream
        self._verbosity = verbosity
        self._shown: tuple[int, bool] | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stream.flush()

    def note(self, instance: str, text: str) -> None:
        """Say what is being done for an instance. Any thread may call this."""
        important = isinstance(text, FailureNote) or instance == "images"
        if self._verbosity > 1 or (self._verbosity == 1 and important):
            self._line(f"{instance}: {first_line(text, 200)}")

    def show(self, now: "Snapshot") -> None:
        """Show the batch as it is now."""
        state = (now.done, now.stopping and bool(now.running))
        if self._verbosity and state != self._shown:
            self._shown = state
            self._line(headline(now))

    def _line(self, text: str) -> None:
        with self._lock:
            print(printable_text(text), file=self._stream, flush=True)


class LiveBatchProgress(PlainBatchProgress):
    """A table that is redrawn: counts, cost and time left above what runs now.

    Args:
        console: a rich console on a terminal.
        verbosity: as for plain lines; they scroll above the table.
    """

    def __init__(self, console: "Console", verbosity: int = 1) -> None:
        super().__init__(console.file, verbosity)
        from rich.live import Live

        self._console = console
        self._now: Snapshot | None = None
        self._live = Live(get_renderable=self._table, console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._live.stop()

    def show(self, now: "Snapshot") -> None:
        """Take the batch as it is now for the next drawing."""
        self._now = now

    def _line(self, text: str) -> None:
        self._console.print(printable_text(text), markup=False, highlight=False)

    def _table(self) -> "RenderableType":
        import time

        from rich.table import Table
        from rich.text import Text

        if self._now is None:
            return Text("preparing")
        table = Table(title=headline(self._now), title_justify="left", expand=False)
        for name in ("instance", "step", "cost", "minutes", "doing"):
            table.add_column(name, no_wrap=True)
        now = time.monotonic()
        for item in self._now.running[:_MOST_ROWS]:
            table.add_row(
                item.instance_id,
                str(item.step),
                money(item.cost),
                f"{(now - item.since) / 60:.1f}",
                Text(first_line(item.doing, 60)),
            )
        return table


def open_batch_progress(*, verbosity: int) -> PlainBatchProgress:
    """The display that fits standard error: live in a terminal, plain lines elsewhere."""
    if verbosity and sys.stderr.isatty():
        from rich.console import Console

        return LiveBatchProgress(Console(stderr=True, emoji=False), verbosity)
    return PlainBatchProgress(sys.stderr, verbosity)


def headline(now: "Snapshot") -> str:
    """A batch in one line."""
    parts = [f"{now.done} of {now.total} ended", f"{len(now.running)} running"]
    parts += [f"{number} {outcome}" for outcome, number in now.outcomes.items()]
    parts.append(money(now.cost))
    if now.stopping and now.running:
        parts.append("stopping")
    elif now.eta is not None and now.done < now.total:
        parts.append(f"about {_duration(now.eta)} left")
    return ", ".join(parts)


def render_summary(summary: "Summary", output: Path, stopped_because: str) -> None:
    """Print a batch's end on standard output."""
    outcomes = ", ".join(f"{number} {outcome}" for outcome, number in summary.outcomes.items()) or "nothing has ended"
    print(f"{summary.total} instances: {outcomes}")
    print(f"{summary.steps} steps, {money(summary.cost)}, {_duration(summary.seconds)} of runs")
    if summary.faults:
        print(f"failures of the infrastructure on the way: {summary.faults}")
    if stopped_because:
        print(f"not finished: {printable_text(stopped_because)}")
    if summary.left:
        print(f"{len(summary.left)} left; go on with the same command")
    print(f"predictions: {output / 'preds.json'}")


def _duration(seconds: float) -> str:
    minutes = int(seconds // 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min {seconds % 60:.0f} s"
