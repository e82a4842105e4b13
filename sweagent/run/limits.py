"""What a run, an attempt or a question may still use."""

from typing import NamedTuple

from sweagent.run.record import Used

_LEAST_SECONDS = 1.0


class Left(NamedTuple):
    """What a run may still use; None where there is no limit."""

    dollars: float | None
    tokens: int | None
    seconds: float

    @property
    def enough(self) -> bool:
        """Whether an attempt can do anything with it."""
        dollars = self.dollars is None or self.dollars > 0
        return dollars and (self.tokens is None or self.tokens > 0) and self.seconds > _LEAST_SECONDS

    def part(self, share: float) -> "Left":
        """A part of it."""
        return Left(
            None if self.dollars is None else max(0.0, self.dollars) * share,
            None if self.tokens is None else int(max(0, self.tokens) * share),
            max(0.0, self.seconds) * share,
        )

    def without(self, used: Used) -> "Left":
        """What remains of it."""
        return Left(
            None if self.dollars is None else self.dollars - used.dollars,
            None if self.tokens is None else self.tokens - used.tokens,
            self.seconds - used.seconds,
        )
