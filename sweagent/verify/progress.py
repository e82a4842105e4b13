"""Progress of a verification: side, tests done, time left."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from sweagent.plurals import counted
from sweagent.verify.proof import Side

SECONDS_BETWEEN = 20.0
_SIDES: dict[Side, str] = {
    Side.BASE: "without the patch",
    Side.CONTROL: "control run",
    Side.PATCHED: "with the patch",
}
_PURPOSES = {"tests": "existing tests", "rerun": "tests that failed, once more"}


@dataclass(frozen=True)
class VerifyProgress:
    """A command of the verification began, or ended.

    Attributes:
        side: the tree in which it runs.
        purpose: such as `reproduction`, `tests` or `rerun`.
        files: how many test files it was given; 0 where it runs something else.
        tests: how many outcomes of tests are known so far, over all commands.
        seconds_left: of the verification.
        ended: it ended; else it began.
    """

    side: Side
    purpose: str
    files: int
    tests: int
    seconds_left: float
    ended: bool

    def __str__(self) -> str:
        parts = [_PURPOSES.get(self.purpose, self.purpose), _SIDES[self.side]]
        parts += [f"{self.files} test files"] * (self.files > 1) + ["done"] * self.ended
        parts += [counted(self.tests, "result") + " so far"] * bool(self.tests)
        minutes, seconds = divmod(int(self.seconds_left), 60)
        return f"verifying: {', '.join(parts)}; at most {minutes}:{seconds:02} left"


Listener = Callable[[VerifyProgress], None]


class Ticker:
    """Tells of a verification in words, at stated intervals as long as it lasts; one that ends soon needs no words.

    Args:
        note: is given each line, from a thread of the ticker's own.
        every: seconds.
    """

    def __init__(self, note: Callable[[str], None], every: float = SECONDS_BETWEEN) -> None:
        self._note, self._every = note, every
        self._last: VerifyProgress | None = None
        self._at = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tick, name="verification progress", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def __call__(self, event: VerifyProgress) -> None:
        """Take an event, for the next line."""
        self._last, self._at = event, time.monotonic()

    def _tick(self) -> None:
        while not self._ended.wait(self._every):
            event = self._last
            if event is not None:
                since = time.monotonic() - self._at
                left = max(0.0, event.seconds_left - since)
                self._note(str(VerifyProgress(**{**vars(event), "seconds_left": left})))
