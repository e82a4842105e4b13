"""Keep a bounded part of an output: head, tail, spool file."""

import tempfile
from typing import IO

SPOOL_LIMIT = 16 << 20
"""Bytes of an output that are kept for the file in the sandbox."""


class BoundedOutput:
    """Takes an output in pieces; memory stays within twice the limit however much comes.

    Args:
        limit: bytes to keep, half of them from the head and half from the tail. An output that is only a little longer
            is kept whole: a notice in its place would save nothing.
        spool: keep the first `SPOOL_LIMIT` bytes in a temporary file on the host when the limit is passed.
    """

    def __init__(self, limit: int, *, spool: bool = False) -> None:
        self.total = 0
        self._limit = max(limit, 2)
        self._whole = self._limit + self._limit // 8 + 200
        self._head = bytearray()
        self._tail = bytearray()
        self._spool = spool
        self.file: IO[bytes] | None = None

    def add(self, piece: bytes) -> None:
        """Take the next bytes."""
        if self._spool:
            self._keep_rest(piece)
        self.total += len(piece)
        room = self._whole - len(self._head)
        if room > 0:
            self._head += piece[:room]
            piece = piece[room:]
        if piece:
            self._tail += piece[-self._whole :]
            if len(self._tail) > 2 * self._whole:
                del self._tail[: -self._whole]

    def _keep_rest(self, piece: bytes) -> None:
        if self.file is None:
            if self.total + len(piece) <= self._whole:
                return
            self.file = tempfile.TemporaryFile(prefix="fix-issue-output-")  # noqa: SIM115 - closed by `close`
            self.file.write(self._head)
        room = SPOOL_LIMIT - self.file.tell()
        if room > 0:
            self.file.write(piece[:room])

    @property
    def truncated(self) -> bool:
        """Whether something was left out."""
        return self.total > self._whole

    def whole(self) -> bytes:
        """The output as bytes, when it was not truncated; otherwise its beginning."""
        return bytes(self._head)

    def text(self, place: str | None = None) -> str:
        """The output as text: all of it, or the head and the tail cut at line ends with a notice between them.

        Args:
            place: the file that holds more, for the notice.
        """
        if not self.truncated:
            return bytes(self._head).decode("utf-8", "replace")
        half = self._limit // 2
        last = (self._head + self._tail)[-half:] if len(self._tail) < half else self._tail[-half:]
        head, tail = _cut_end(bytes(self._head[:half])), _cut_start(bytes(last))
        left_out = self.total - len(head) - len(tail)
        where = f"; see {place}" if place else ""
        lead = "" if not head or head.endswith(b"\n") else "\n"
        notice = f"{lead}[… {left_out:,} bytes left out{where} …]\n"
        return head.decode("utf-8", "replace") + notice + tail.decode("utf-8", "replace")

    def close(self) -> None:
        """Forget the temporary file."""
        if self.file is not None:
            self.file.close()
            self.file = None


def _cut_end(data: bytes) -> bytes:
    """Cut after the last newline when that loses at most half, else before a torn UTF-8 character."""
    newline = data.rfind(b"\n") + 1
    if newline > len(data) // 2:
        return data[:newline]
    for back in range(1, min(4, len(data)) + 1):
        if data[-back] & 0xC0 != 0x80:
            whole = {0xC0: 2, 0xD0: 2, 0xE0: 3, 0xF0: 4}.get(data[-back] & 0xF0, 1)
            return data if back >= whole else data[:-back]
    return data


def _cut_start(data: bytes) -> bytes:
    newline = data.find(b"\n") + 1
    if 0 < newline <= len(data) // 2:
        return data[newline:]
    return data[next((skip for skip in range(min(4, len(data))) if data[skip] & 0xC0 != 0x80), 0) :]
