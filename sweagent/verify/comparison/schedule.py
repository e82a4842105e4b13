"""Order, size and time of the batches of test files."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import takewhile

_GROWTH = 4
_LARGEST_BATCH = 200
_RELATED_SHARE, _WIDER_SHARE = 0.9, 0.5
"""Of the time for comparing: how much is used before tests that have to do with the change are left out, and others."""
_FILE_SHARE, _BATCH_SHARE, _IN_TURN_SHARE = 0.5, 0.4, 0.375
"""What one side of a file, or of several, may take of the time that is left; or any of them, where sides take turns."""
_FIRST_FILE, _FIRST_BATCH, _AT_LEAST = 0.25, 0.2, 60.0
"""What they may take of all the time, or in seconds, before they are put off until the others are done."""
_PATIENCE, _PATIENCE_FROM = 5, 20.0
"""So many times what the files before took, and so many seconds at least, is what a batch far out may take."""


@dataclass(frozen=True)
class Batch:
    """Test files to run at once, and the seconds that one side may take for them."""

    files: tuple[str, ...]
    seconds: float


class Schedule:
    """Order of the files: the nearest first, and one that takes too long after all others.

    Args:
        tests: all test files, the nearest first.
        nearest: so many of them are given as much time as there is.
        related: so many of them show a sign of the change, and are given more time than the rest.
        remaining: seconds left for everything.
        small: all files may be run at once from the start.
    """

    def __init__(
        self,
        tests: Sequence[str],
        *,
        nearest: int,
        related: int,
        remaining: Callable[[], float],
        small: bool = False,
    ) -> None:
        self.waiting = list(tests)
        self.late: list[str] = []
        """Files that did not end in their time, to be tried once more when the others are done."""
        self._total, self._nearest, self._related = len(tests), nearest, related
        self._remaining, self._budget, self._small = remaining, remaining(), small
        self._suspects: tuple[str, ...] = ()
        """Files of a batch that failed, one of which at least is to blame."""
        self._cap = 0
        """Of them, so many files are tried next; 0 when nothing is in doubt."""
        self._size, self._count, self._seconds = 0, 0, 0.0
        self._second_try = False

    @property
    def in_doubt(self) -> bool:
        """Whether the files that come next are among those that kept a batch from running."""
        return self._cap > 0

    @property
    def among_nearest(self) -> bool:
        """Whether the files that come next are the nearest."""
        return self._count < self._nearest

    @property
    def _position(self) -> int:
        return self._total - len(self.waiting)

    def next_batch(self, *, apart: bool) -> Batch | None:
        """The files to run next; None when all are done, or their share of the time is used up.

        Args:
            apart: both sides run side by side.
        """
        time = self._time_for_next()
        if not self.waiting:
            return self._once_more(apart=apart)
        size = self._next_size(time)
        if not size:
            return None
        files = tuple(self.waiting[:size])
        share = (_BATCH_SHARE if size > 1 else _FILE_SHARE) if apart else _IN_TURN_SHARE
        first = max(_AT_LEAST, self._budget * (_FIRST_BATCH if size > 1 else _FIRST_FILE))
        seconds = min(time, self._remaining() * share, first)
        if self._count and not self.among_nearest:
            seconds = min(seconds, max(_PATIENCE_FROM, _PATIENCE * size * self._seconds / self._count))
        return Batch(files, seconds)

    def regrouped(self, batch: Batch, earlier: Sequence[Batch]) -> Batch:
        """The files to run next in place of a batch, so that what was run together before is run together again.

        Args:
            batch: what is next.
            earlier: batches of which the base's run is known, with the seconds that it took; one that would take more
                than half of the time there is for a batch is split again.
        """
        room, waiting = min(self._time_for_next(), self._remaining() * _BATCH_SHARE), frozenset(self.waiting)
        fitting = [item for item in earlier if 2 * item.seconds <= room and waiting.issuperset(item.files)]
        for item in fitting:
            if batch.files[0] in item.files:
                return Batch(item.files, min(room, max(batch.seconds, _PATIENCE * item.seconds)))
        known = {path for item in fitting for path in item.files}
        return Batch(tuple(takewhile(lambda path: path not in known, batch.files)), batch.seconds)

    def is_last(self, batch: Batch) -> bool:
        """Whether nothing is left after a batch, if all goes well."""
        return len(batch.files) == len(self.waiting) and not self.late

    def time_for_a_file(self, *, apart: bool) -> float:
        """Seconds that one side may take for a single file, or for some tests of it."""
        return self._remaining() * (_FILE_SHARE if apart else _IN_TURN_SHARE)

    def done(self, files: Collection[str], seconds: float, wall: float) -> None:
        """Take files as compared.

        Args:
            files: of the last batch.
            seconds: what the base took.
            wall: what both sides took.
        """
        self.waiting = [path for path in self.waiting if path not in files]
        self._doubt([path for path in self._suspects if path not in files])
        self._count += len(files)
        self._seconds += seconds
        spent = max(wall, 0.01) / max(len(files), 1)
        affordable = int(min(self._time_for_next(), self._remaining() * _BATCH_SHARE) * 0.8 / spent)
        self._size = max(0, min(affordable, max(len(files), 1) * _GROWTH, _LARGEST_BATCH))

    def drop(self, files: Collection[str]) -> None:
        """Take files out of those that wait; if they were in doubt, they were to blame."""
        self.waiting = [path for path in self.waiting if path not in files]
        self._doubt([])

    def put_off(self, file: str) -> bool:
        """Try a file once more when the others are done; False for one that had its second try."""
        self.drop([file])
        if self._second_try:
            return False
        self.late.append(file)
        return True

    def halve(self, files: Sequence[str], *, first: Sequence[str] = ()) -> None:
        """Try fewer of the files of a batch that failed.

        Args:
            files: those in question.
            first: of them, the ones to try before the others, all at once.
        """
        self._doubt(list(dict.fromkeys([*first, *files])))
        self._cap = len(first) or self._cap

    def _doubt(self, files: Sequence[str]) -> None:
        self._suspects = tuple(files)
        self._cap = max(1, len(files) // 2) if files else 0
        self.waiting = [*files, *(path for path in self.waiting if path not in self._suspects)]

    def left_over(self) -> tuple[int, int]:
        """How many files wait that show a sign of the change, and how many that show none."""
        related = max(0, self._related - self._position)
        return min(related, len(self.waiting)), max(0, len(self.waiting) - related)

    def _next_size(self, time: float) -> int:
        if time <= 0:
            return 0
        if self._cap:
            return min(self._cap, len(self.waiting))
        if self.among_nearest:
            return len(self.waiting) if self._small and not self._count else self._nearest - self._count
        ahead = self._related - self._position
        size = self._size or (1 if not self._count else 0)
        return min(size, ahead) if ahead > 0 else size

    def _time_for_next(self) -> float:
        """Seconds that the next files may take: the nearest as much as there is, the rest by how near they are."""
        if self.among_nearest:
            return self._remaining()
        share = _RELATED_SHARE if self._position < self._related else _WIDER_SHARE
        return max(0.0, self._remaining() - self._budget * (1 - share))

    def _once_more(self, *, apart: bool) -> Batch | None:
        if not self.late or self._remaining() < 1:
            return None
        self._second_try = True
        self.waiting, self.late = [self.late[0]], self.late[1:]
        return Batch((self.waiting[0],), self._remaining() * (0.9 if apart else 0.45))
