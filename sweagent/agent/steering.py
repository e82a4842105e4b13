"""Let a person steer a run: confirm actions, say things, pause."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sweagent.trajectory import Action


class Choice(StrEnum):
    """What becomes of an action that changes something."""

    RUN = "run"
    DECLINE = "decline"
    EDIT = "edit"


@dataclass(frozen=True)
class Decision:
    """A person's answer to an action.

    Attributes:
        choice: what becomes of it.
        reason: why it is declined, for the policy.
        arguments: with `edit`, those to run it with instead.
    """

    choice: Choice = Choice.RUN
    reason: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)


Confirm = Callable[[Action], Decision]
"""Asks a person about an action; raises RunInterruptedError where the person ends the run."""


@dataclass
class Steering:
    """What a person does to a run while it goes on.

    Attributes:
        confirm: asked before actions that change something; None runs them.
        waited: seconds that the run has waited for the person, which count for no limit.
    """

    confirm: Confirm | None = None
    waited: float = 0.0
    _said: deque[str] = field(default_factory=deque)
    _asking: threading.Lock = field(default_factory=threading.Lock)

    def say(self, text: str) -> None:
        """Tell the policy something before its next decision."""
        self._said.append(text)

    def heard(self) -> list[str]:
        """What was said since the last time."""
        return [self._said.popleft() for _ in range(len(self._said))]

    def decide(self, action: Action) -> Decision:
        """Ask about an action."""
        if self.confirm is None:
            return Decision()
        # A person is asked one thing after the other, whatever is at work side by side.
        with self._asking, self.waiting():
            return self.confirm(action)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Leave the time that the block takes out of the run's limits."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.waited += time.monotonic() - start
