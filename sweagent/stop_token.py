"""Ask work that goes on elsewhere to stop at its next step."""

import threading

from sweagent.errors import RunInterruptedError


class StopToken:
    """Handed to what may have to stop, which looks at it wherever it can; any thread may ask."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._why = "stopped"

    def stop(self, why: str) -> None:
        """Ask to stop; the first reason stands.

        Args:
            why: for people.
        """
        if not self._asked.is_set():
            self._why = why
            self._asked.set()

    @property
    def asked(self) -> bool:
        """Whether somebody asked to stop."""
        return self._asked.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for somebody to ask.

        Args:
            seconds: how long at the most.

        Returns:
            Whether somebody did.
        """
        return self._asked.wait(seconds)

    def check(self) -> None:
        """Go on, unless somebody asked to stop.

        Raises:
            RunInterruptedError: somebody did.
        """
        if self._asked.is_set():
            raise RunInterruptedError(self._why)
