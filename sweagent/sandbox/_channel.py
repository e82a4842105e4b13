"""Channel to the supervisor: one command a line, bounded output back."""

import re
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import NamedTuple, Protocol

from sweagent.sandbox._output import BoundedOutput

ANSWER_WITHIN = 1.0
"""Seconds that the supervisor has, past a deadline, to end a command and say so."""

MARK_WITHIN = 15.0
"""Seconds that the end of the output may take after the answer, which comes on a stream of its own. Only a busy engine,
or somebody who takes it away, can make them differ."""

LONG = 2.0
"""Seconds after which a command is worth watching."""

_END = re.compile(rb"(\d+) (\d) (\d+) (-?\d+) (\S+)\n")
_LONGEST_ANSWER = 400
_PLAIN = re.compile(rb"[^!-~]|\\")


class ChannelLostError(Exception):
    """The supervisor ended, does not answer, or its stream is broken. The sandbox must be started again.

    Attributes:
        stuck: the supervisor is there but did not answer in time.
    """

    def __init__(self, message: str, *, stuck: bool = False) -> None:
        super().__init__(message)
        self.stuck = stuck


class Received(NamedTuple):
    """What came from the supervisor at once: more of the commands' output, and of its own answers."""

    output: bytes = b""
    answers: bytes = b""


class Transport(Protocol):
    """Bytes to and from the supervisor, and the signal that ends what it runs."""

    def send(self, data: bytes) -> None:
        """Send all of the data.

        Raises:
            OSError: the other end is gone, or does not take it within some seconds.
        """

    def receive(self, timeout: float) -> Received | None:
        """What came next, empty at the end of the streams; None when nothing came within `timeout` seconds.

        Raises:
            OSError: the stream is broken.
        """

    def interrupt(self) -> None:
        """Tell the supervisor to end the running command.

        Raises:
            OSError: it cannot be told.
        """

    def close(self) -> None:
        """Let go of the stream."""


@dataclass(frozen=True)
class Ended:
    """What the supervisor says of a command that has ended."""

    status: int
    late: bool
    """The host had asked for the end. That the supervisor was told so is not enough: a command can signal it too."""
    strays: int
    memory_kills: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Request:
    """One command for the supervisor.

    Attributes:
        command: the shell code.
        timeout: seconds.
        fresh: start from the first state, and save none.
        background: do not wait for it.
        around: shell code that defines `__fi_before` and `__fi_after`.
        payload: what the command reads on its standard input; None for nothing.
    """

    command: bytes
    timeout: float
    fresh: bool = False
    background: bool = False
    around: bytes = b""
    payload: bytes | None = None

    def line(self, token: bytes) -> bytes:
        """The request as the supervisor reads it."""
        flags = b"c" + b"f" * self.fresh + b"b" * self.background + b"e" * bool(self.around)
        flags += b"i" * (self.payload is not None)
        return b" ".join((token, flags, escape(self.around) or b"-", escape(self.command))) + b"\n"


def supervisor_arguments(
    *, state: str, outputs: str, workdir: str, namespace: bool, lifetime: int
) -> tuple[str, list[str]]:
    """The supervisor's text and its arguments, to be run as `sh -c TEXT boot ARGUMENTS`.

    Args:
        state: a folder for the carried state; best one in memory.
        outputs: a folder for long outputs and the logs of background jobs.
        workdir: the work tree's root.
        namespace: the supervisor will be process 1 of its own process namespace.
        lifetime: seconds after which it ends itself; 0 for never.
    """
    here = files("sweagent.sandbox")
    text = here.joinpath("supervisor.sh").read_text(encoding="utf-8")
    library = here.joinpath("shell_library.sh").read_text(encoding="utf-8")
    mode = "ns" if namespace else "tree"
    return text, [state, outputs, workdir, mode, str(lifetime), library, text]


def escape(data: bytes) -> bytes:
    """Write bytes as one word that `printf %b` turns back; NUL bytes, which no shell can hold, are left out."""
    return _PLAIN.sub(lambda match: b"\\0%03o" % match[0][0], data.replace(b"\0", b""))


def exchange(
    transport: Transport,
    request: Request,
    kept: BoundedOutput,
    *,
    on_long: Callable[[], None] | None = None,
    asked: threading.Event | None = None,
) -> Ended:
    """Have one command run, and end it at its deadline.

    Args:
        transport: the way to the supervisor.
        request: the command.
        kept: takes the output, also when this raises.
        on_long: called once, when the command has run for `LONG` seconds.
        asked: set when somebody else of the host has asked for the command's end.

    Raises:
        ChannelLostError: the supervisor is gone or stuck, or the end of the output was taken away on its way.
    """
    token = secrets.token_hex(16).encode()
    try:
        transport.send(request.line(token))
        if request.payload is not None:
            transport.send(request.payload)
        reading = _Reading(b"\x1e" + token, kept)
        return _collect(transport, reading, request.timeout, on_long, asked or threading.Event())
    except OSError as error:
        raise ChannelLostError(f"the stream broke: {error}") from error


class _Reading:
    """The output until its end mark, and the answer that says how the command ended."""

    def __init__(self, mark: bytes, kept: BoundedOutput) -> None:
        self._mark, self._kept = mark, kept
        self._held = self._answers = b""
        self.output_ended = False
        self.answer: re.Match[bytes] | None = None

    def take(self, received: Received) -> None:
        if received.output and not self.output_ended:
            self._take_output(received.output)
        if received.answers and self.answer is None:
            self._answers += received.answers
            place = self._answers.find(self._mark + b" ")
            if place >= 0:
                self.answer = _END.match(self._answers, place + len(self._mark) + 1)
                if self.answer is None and len(self._answers) - place > _LONGEST_ANSWER:
                    raise ChannelLostError("the answer is damaged")

    def _take_output(self, piece: bytes) -> None:
        self._held += piece
        place = self._held.find(self._mark + b"\n")
        if place >= 0:
            self._kept.add(self._held[:place])
            self.output_ended = True
            return
        # A mark may be cut in two by the end of this piece; the rest is certain to be output.
        sure = max(0, len(self._held) - len(self._mark))
        self._kept.add(self._held[:sure])
        self._held = self._held[sure:]

    def give_up(self) -> None:
        """Keep what was held back; what the supervisor said that is no answer is the reason why it ended."""
        if not self.output_ended:
            self._kept.add(self._held)
        self._kept.add(self._answers[-_LONGEST_ANSWER:])


def _collect(
    transport: Transport,
    reading: _Reading,
    timeout: float,
    on_long: Callable[[], None] | None,
    asked: threading.Event,
) -> Ended:
    long = time.monotonic() + LONG
    deadline = long - LONG + timeout
    interrupted = answered = False
    try:
        while True:
            if reading.output_ended and reading.answer is not None:
                return _ended(reading.answer, asked=interrupted or asked.is_set())
            now = time.monotonic()
            if reading.answer and not answered:
                # The end mark was written before the answer: what is still on its way comes at once.
                answered, deadline = True, now + MARK_WITHIN
            if now >= deadline:
                if answered:
                    raise ChannelLostError("the end of the output was taken away")
                if interrupted:
                    raise ChannelLostError("the supervisor does not answer", stuck=True)
                transport.interrupt()
                interrupted, deadline = True, now + ANSWER_WITHIN
                continue
            if on_long is not None and now >= long:
                on_long()
                on_long = None
            received = transport.receive((deadline if on_long is None else min(deadline, long)) - now)
            if received is None:
                continue
            if not any(received):
                raise ChannelLostError("the supervisor ended")
            reading.take(received)
    except ChannelLostError:
        reading.give_up()
        raise


def _ended(answer: re.Match[bytes], *, asked: bool) -> Ended:
    status, late, strays, memory_kills = (int(answer[group]) for group in range(1, 5))
    notes = tuple(note for note in answer[5].decode("ascii", "replace").split(",") if note not in ("", "-"))
    if late and not asked:
        notes += ("signalled",)
    return Ended(status, bool(late) and asked, strays, memory_kills, notes)
