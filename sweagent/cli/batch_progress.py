"""Show a batch: live table in a terminal, lines in a pipe."""

import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

from sweagent.cli.console import clock, counted, duration, first_line, is_plain, money, open_console, safe
from sweagent.cli.live_region import LiveRegion
from sweagent.notes import FailureNote

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from sweagent.batch.drive.ledger import Summary
    from sweagent.batch.drive.progress import Snapshot

_MOST_ROWS = 24
_SILENCE = 20.0
"""Seconds without a line after which there is one."""
_BAR = 20
_NARROW = 70


class PlainBatchProgress:
    """A line when instances have ended or the batch is stopping, and every 20 seconds; notes when they are asked for.

    Args:
        stream: where to write.
        verbosity: 0 shows nothing, 1 the ends, the failures and pulled images, 2 every note.
    """

    def __init__(self, stream: IO[str], verbosity: int = 1) -> None:
        self._stream = stream
        self._verbosity = verbosity
        self._shown: tuple[int, bool] | None = None
        self._last = time.monotonic()
        self._told = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stream.flush()

    def note(self, instance: str, text: str) -> None:
        """Say what is being done for an instance. Any thread may call this."""
        important = isinstance(text, FailureNote) or instance in ("images", "nodes", "sandbox")
        if self._verbosity > 1 or (self._verbosity == 1 and important):
            self._line(f"{instance}: {first_line(text, 200)}")

    def show(self, now: "Snapshot") -> None:
        """Show the batch as it is now."""
        self._ended(now)
        state = (now.done, now.stopping and bool(now.running))
        silent = time.monotonic() - self._last >= _SILENCE
        if self._verbosity and (state != self._shown or silent):
            self._shown = state
            self._line(headline(now) + (f"; {running(now)}" if silent and now.running else ""))

    def _ended(self, now: "Snapshot") -> None:
        """Say of each instance how it ended, once."""
        for name, text in now.ended[self._told :]:
            if self._verbosity:
                self._line(f"{name}: {first_line(text, 200)}")
        self._told = len(now.ended)

    def _line(self, text: str) -> None:
        with self._lock:
            self._last = time.monotonic()
            print(safe(text), file=self._stream, flush=True)


class LiveBatchProgress(PlainBatchProgress):
    """A table that is redrawn: counts, cost and time left above what runs now.

    Args:
        console: a rich console on a terminal.
        verbosity: as for plain lines; they scroll above the table.
    """

    def __init__(self, console: "Console", verbosity: int = 1) -> None:
        super().__init__(console.file, verbosity)
        self._console = console
        self._now: Snapshot | None = None
        self._region = LiveRegion(console, self._table)

    def __enter__(self) -> Self:
        self._region.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._region.stop()

    def show(self, now: "Snapshot") -> None:
        """Take the batch as it is now for the next drawing."""
        self._ended(now)
        self._now = now

    def _line(self, text: str) -> None:
        self._region.line(text)

    def _table(self) -> "RenderableType":
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        if self._now is None:
            return Text("preparing")
        narrow = self._console.width < _NARROW
        head = f"{bar(self._now.done, self._now.total)} {headline(self._now)}"
        table = Table(expand=False, box=None, pad_edge=False)
        for name in ("instance", "time", "doing") if narrow else ("instance", "step", "cost", "time", "doing"):
            table.add_column(name, no_wrap=True, overflow="ellipsis")
        now = time.monotonic()
        for item in self._now.running[:_MOST_ROWS]:
            spent = () if narrow else (str(item.step), money(item.cost))
            doing = Text(safe(first_line(item.doing, 60)))
            table.add_row(Text(item.instance_id), *spent, clock(now - item.since), doing)
        return Group(Text(head, style="bold"), table)


def open_batch_progress(*, verbosity: int) -> PlainBatchProgress:
    """The display that fits standard error: live in a terminal, plain lines elsewhere."""
    if verbosity and sys.stderr.isatty() and not is_plain():
        return LiveBatchProgress(open_console(sys.stderr), verbosity)
    return PlainBatchProgress(sys.stderr, verbosity)


def headline(now: "Snapshot") -> str:
    """A batch in one line."""
    parts = [f"{now.done} of {now.total} ended", f"{len(now.running)} running"]
    parts += [f"{number} {label}" for label, number in now.labels.items()]
    parts.append(money(now.cost))
    if now.stopping and now.running:
        parts.append("stopping")
    elif now.eta is not None and now.done < now.total:
        parts.append(f"about {duration(now.eta)} left")
    return ", ".join(parts)


def running(now: "Snapshot") -> str:
    """What runs now, in one line."""
    since = time.monotonic()
    shown = [f"{item.instance_id} {item.doing} ({clock(since - item.since)})" for item in now.running[:3]]
    more = len(now.running) - len(shown)
    return "; ".join(shown) + f"; {more} more" * bool(more)


def bar(done: int, total: int) -> str:
    """How far something is, as a bar."""
    full = round(_BAR * done / total) if total else _BAR
    return f"[{'#' * full}{'.' * (_BAR - full)}]"


def render_summary(summary: "Summary", output: Path, stopped_because: str) -> None:
    """Print a batch's end on standard output."""
    outcomes = ", ".join(f"{number} {outcome}" for outcome, number in summary.outcomes.items()) or "nothing has ended"
    print(f"{counted(summary.total, 'instance')}: {outcomes}")
    if summary.verdicts:
        print("own verdicts: " + ", ".join(f"{number} {verdict}" for verdict, number in summary.verdicts.items()))
    print(f"{counted(summary.steps, 'step')}, {money(summary.cost)}, {duration(summary.seconds)} of runs")
    if summary.faults:
        print(f"failures of the infrastructure on the way: {summary.faults}")
    if stopped_because:
        print(f"not finished: {safe(stopped_because)}")
    if summary.left:
        print(f"{len(summary.left)} left; go on with the same command")
    print(f"predictions: {output / 'preds.json'}")
    print(f"look closer: fix-issue show {output}")
