"""Text of a file for edits, every untouched byte kept."""

import re
from bisect import bisect_right
from dataclasses import dataclass

from sweagent.edits.errors import EditRefused
from sweagent.path_kinds import looks_binary

_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.MULTILINE)


@dataclass(frozen=True)
class Span:
    """Characters `start` to `end` of a text are to become `new`."""

    start: int
    end: int
    new: str


@dataclass(frozen=True)
class SourceText:
    """The text of a file, with what is needed to write it back.

    Attributes:
        text: decoded, with `\\n` line ends.
        raw: decoded, with the line ends of the file.
        encoding: the codec.
        errors: the codec's error handler; `surrogateescape` carries bytes that do not fit.
        bom: the byte order mark, if there is one.
    """

    text: str
    raw: str
    encoding: str = "utf-8"
    errors: str = "strict"
    bom: bytes = b""

    @classmethod
    def of(cls, data: bytes) -> "SourceText":
        """Decode a file's content.

        Raises:
            EditRefused: it is not text.
        """
        encoding, errors, bom = _codec(data)
        raw = data[len(bom) :].decode(encoding, errors)
        return cls(raw.replace("\r\n", "\n"), raw, encoding, errors, bom)

    @property
    def newline(self) -> str:
        """The line end that most lines have."""
        windows = self.raw.count("\r\n")
        return "\r\n" if windows * 2 > self.raw.count("\n") else "\n"

    def replaced(self, spans: list[Span]) -> bytes:
        """The file's content with spans of `text` replaced; new lines get the line end of the lines around them.

        Raises:
            EditRefused: the file's encoding lacks a character of the new text.
        """
        parts: list[str] = []
        position = 0
        removed = [
            index for index, found in enumerate(re.finditer("\r\n", self.raw), 0) for index in [found.start() - index]
        ]
        for span in sorted(spans, key=lambda item: item.start):
            start = span.start + bisect_right(removed, span.start - 1)
            end = span.end + bisect_right(removed, span.end - 1)
            parts += [self.raw[position:start], span.new.replace("\n", self._newline_near(start, end))]
            position = end
        try:
            return self.bom + "".join([*parts, self.raw[position:]]).encode(self.encoding, self.errors)
        except UnicodeEncodeError as error:
            character = error.object[error.start : error.start + 1]
            raise EditRefused(
                f"the file is encoded in {self.encoding}, which has no character {character!r}"
            ) from error

    def _newline_near(self, start: int, end: int) -> str:
        """Return the line end of the replaced part, else of the line before it, else of the file."""
        part = self.raw[start:end]
        if "\n" not in part:
            last = self.raw.rfind("\n", 0, start)
            part = self.raw[max(0, last - 1) : last + 1]
        if "\n" not in part:
            return self.newline
        return "\r\n" if part.count("\r\n") * 2 > part.count("\n") else "\n"


def _codec(data: bytes) -> tuple[str, str, bytes]:
    if data.startswith(b"\xef\xbb\xbf"):
        return "utf-8", "surrogateescape", data[:3]
    for bom, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(bom) and _decodes(data[2:], encoding):
            return encoding, "strict", bom
    if looks_binary(data):
        raise EditRefused("the file is binary")
    if _decodes(data, "utf-8"):
        return "utf-8", "strict", b""
    cookie = _COOKIE.search(b"\n".join(data.split(b"\n", 2)[:2]))
    if cookie and _round_trips(data, cookie.group(1).decode("ascii")):
        return cookie.group(1).decode("ascii"), "strict", b""
    text = data.decode("utf-8", "surrogateescape")
    escaped = sum(1 for character in text if "\udc80" <= character <= "\udcff")
    valid = sum(1 for character in text if character > "\x7f") - escaped
    return ("utf-8", "surrogateescape", b"") if valid >= escaped else ("latin-1", "strict", b"")


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return False
    return True


def _round_trips(data: bytes, encoding: str) -> bool:
    try:
        return data.decode(encoding).encode(encoding) == data
    except (UnicodeError, LookupError):
        return False
