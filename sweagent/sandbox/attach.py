"""The stream to process 1 of a container, through the engine's API."""

import select
import struct
import time
from collections.abc import Callable
from typing import Any

from sweagent.errors import SandboxError
from sweagent.sandbox._channel import Received

_SEND_WITHIN = 30.0
_HEADER = struct.Struct(">BxxxL")
_STANDARD_ERROR = 2


class AttachTransport:
    """The container's own standard streams; the engine wraps what comes out in frames.

    Args:
        attached: what docker's `attach_socket` returned.
        interrupt: sends the signal to process 1.
        answers: what comes on standard error are the supervisor's answers; else it is output too, in its order.
    """

    def __init__(self, attached: Any, interrupt: Callable[[], None], *, answers: bool = True) -> None:
        self._attached = attached
        self._socket = getattr(attached, "_sock", attached)
        self._socket.settimeout(_SEND_WITHIN)
        self._interrupt = interrupt
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._raw = bytearray()
        self._left = 0
        self._of_answers = False
        self._answers = _STANDARD_ERROR if answers else None

    def send(self, data: bytes) -> None:
        """See `Transport.send`."""
        self._socket.sendall(data)

    def receive(self, timeout: float) -> Received | None:
        """See `Transport.receive`."""
        end = time.monotonic() + timeout
        while True:
            # What an encrypted connection holds already is not seen by poll.
            held = getattr(self._socket, "pending", lambda: 0)()
            if not held and not self._poll.poll(max(0.0, end - time.monotonic()) * 1000):
                return None
            piece = self._socket.recv(1 << 18)
            if not piece:
                return Received()
            received = self._unwrap(piece)
            if any(received):
                return received

    def _unwrap(self, piece: bytes) -> Received:
        if not self._raw and len(piece) <= self._left:
            self._left -= len(piece)
            return Received(answers=piece) if self._of_answers else Received(piece)
        self._raw += piece
        streams: tuple[list[bytes], list[bytes]] = ([], [])
        place = 0
        while True:
            if self._left:
                part = bytes(self._raw[place : place + self._left])
                streams[self._of_answers].append(part)
                place += len(part)
                self._left -= len(part)
            if self._left or len(self._raw) - place < _HEADER.size:
                break
            kind, self._left = _HEADER.unpack_from(self._raw, place)
            self._of_answers = kind == self._answers
            place += _HEADER.size
        del self._raw[:place]
        return Received(b"".join(streams[0]), b"".join(streams[1]))

    def interrupt(self) -> None:
        """See `Transport.interrupt`."""
        try:
            self._interrupt()
        except SandboxError as error:
            raise OSError(str(error)) from error

    def close(self) -> None:
        """Let go of the stream; the supervisor reads its end and ends itself."""
        self._attached.close()
        self._socket.close()
