"""Retry a call: when, how long to wait, when to stop."""

import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sweagent.policy.calls.backoff import Backoff
from sweagent.policy.calls.provider_errors import Fault
from sweagent.waiting import Waiting, wait_aloud

if TYPE_CHECKING:
    from tenacity import RetryCallState

MAX_WAIT = 300.0
"""Seconds that the attempts at one reply may wait in all; a provider that asks for more ends them."""

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 60.0


class CallFailedError(Exception):
    """One attempt failed; the fault says whether another can help."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class Course:
    """The attempts at one reply: how long to wait before the next one, and when to give up.

    Args:
        backoff: shared with others who call the same provider.
        retries: attempts after the first.
        other_key: takes the next key.
        keys: how many there are; each is tried once before anything is waited for.
        tell: receives the waits.
    """

    def __init__(
        self,
        backoff: Backoff,
        retries: int,
        other_key: Callable[[], None],
        keys: int,
        tell: Waiting | None = None,
    ) -> None:
        self._tell = tell
        self._why = ""
        self._backoff = backoff
        self._retries = retries
        self._other_key = other_key
        self._keys_left = keys - 1
        self._failures = 0
        self._slept = 0.0
        self._go_on = False

    def wait(self, state: "RetryCallState") -> float:
        """Seconds before the next attempt; tenacity asks this before it asks whether to stop."""
        fault = _fault_of(state)
        if fault.other_key and self._keys_left > 0:
            self._keys_left -= 1
            self._other_key()
            self._go_on = True
            return 0.0
        self._failures += 1
        self._why = f"attempt {self._failures} of {self._retries + 1} failed: {fault.message}"
        asked = fault.retry_after
        seconds = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** (self._failures - 1)) if asked is None else asked
        affordable = self._slept + seconds <= MAX_WAIT
        self._go_on = fault.retried and self._failures <= self._retries and affordable
        if self._go_on and fault.kind == "throttled":
            self._backoff.hold(seconds)
        return seconds

    def stop(self, state: "RetryCallState") -> bool:
        """Whether to give up."""
        return not self._go_on

    def sleep(self, seconds: float) -> None:
        """Wait, and remember how long."""
        self._slept += seconds
        wait_aloud(seconds, self._why, self._backoff.sleep, self._tell)


def _fault_of(state: "RetryCallState") -> Fault:
    error = state.outcome.exception() if state.outcome else None
    return error.fault if isinstance(error, CallFailedError) else Fault("request", str(error))


def bounded(call: Callable[[], Any], seconds: float) -> Any:
    """Run a call in a thread and give up on it after so many seconds.

    The HTTP client's own timeout starts anew with each byte, so a server that trickles could hold a run for ever.
    """
    results: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            results.put((call(), None))
        except BaseException as error:
            results.put((None, error))

    threading.Thread(target=work, name="model call", daemon=True).start()
    try:
        value, error = results.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    if error is not None:
        raise error
    return value
