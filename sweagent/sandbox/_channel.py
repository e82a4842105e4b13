"""The channel: one command a line to the supervisor in the sandbox, its output and its end on one stream back."""

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Protocol

from sweagent.sandbox._output import Kept

ANSWER_WITHIN = 1.0
"""Seconds that the supervisor has, past a deadline, to end a command and say so."""

LONG = 2.0
"""Seconds after which a command is worth watching."""

_END = re.compile(rb"(\d+) (\d) (\d+) (-?\d+) (\S+)\n")
_PLAIN = re.compile(rb"[^!-~]|\\")


class ChannelLostError(Exception):
    """The supervisor ended, does not answer, or its stream is broken. The sandbox must be started again.

    Attributes:
        stuck: the supervisor is there but did not answer in time.
    """

    def __init__(self, message: str, *, stuck: bool = False) -> None:
        super().__init__(message)
        self.stuck = stuck


class Transport(Protocol):
    """Bytes to and from the supervisor, and the signal that ends what it runs."""

    def send(self, data: bytes) -> None:
        """Send all of the data.

        Raises:
            OSError: the other end is gone, or does not take it within some seconds.
        """

    def receive(self, timeout: float) -> bytes | None:
        """The next bytes; empty at the end of the stream, None when nothing came within `timeout` seconds.

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
    return text, [state, outputs, workdir, mode, str(lifetime), secrets.token_hex(8), library, text]


def escape(data: bytes) -> bytes:
    """Write bytes as one word that `printf %b` turns back; NUL bytes, which no shell can hold, are left out."""
    return _PLAIN.sub(lambda match: b"\\0%03o" % match[0][0], data.replace(b"\0", b""))


def exchange(transport: Transport, request: Request, kept: Kept, *, on_long: Callable[[], None] | None = None) -> Ended:
    """Have one command run, and end it at its deadline.

    Args:
        transport: the way to the supervisor.
        request: the command.
        kept: takes the output, also when this raises.
        on_long: called once, when the command has run for `LONG` seconds.

    Raises:
        ChannelLostError: the supervisor is gone or stuck.
    """
    token = secrets.token_hex(16).encode()
    try:
        transport.send(request.line(token))
        if request.payload is not None:
            transport.send(request.payload)
        return _collect(transport, b"\x1e" + token + b" ", request.timeout, kept, on_long)
    except OSError as error:
        raise ChannelLostError(f"the stream broke: {error}") from error


def _collect(
    transport: Transport, mark: bytes, timeout: float, kept: Kept, on_long: Callable[[], None] | None
) -> Ended:
    long = time.monotonic() + LONG
    deadline = long - LONG + timeout
    interrupted = False
    held = b""
    while True:
        now = time.monotonic()
        if now >= deadline:
            if interrupted:
                kept.add(held)
                raise ChannelLostError("the supervisor does not answer", stuck=True)
            transport.interrupt()
            interrupted, deadline = True, now + ANSWER_WITHIN
            continue
        if on_long is not None and now >= long:
            on_long()
            on_long = None
        piece = transport.receive((deadline if on_long is None else min(deadline, long)) - now)
        if piece is None:
            continue
        if not piece:
            kept.add(held)
            raise ChannelLostError("the supervisor ended")
        held += piece
        place = held.find(mark)
        if place < 0:
            # A mark may be cut in two by the end of this piece; the rest is certain to be output.
            sure = max(0, len(held) - len(mark))
            kept.add(held[:sure])
            held = held[sure:]
            continue
        kept.add(held[:place])
        held = held[place:]
        end = _END.match(held, len(mark))
        if end:
            status, late, strays, memory_kills = (int(end[group]) for group in range(1, 5))
            notes = tuple(note for note in end[5].decode("ascii", "replace").split(",") if note not in ("", "-"))
            return Ended(status, bool(late), strays, memory_kills, notes)
        if len(held) > len(mark) + 200:
            raise ChannelLostError("the end of the output is damaged")
