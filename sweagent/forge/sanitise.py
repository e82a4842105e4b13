"""Untrusted Markdown made honest: what a person does not see on the page, the model does not read unmarked.

Hidden text in issues carries prompt injections: HTML comments, characters without width, Unicode tag characters,
titles of links, `data:` URIs. Outside of code it is removed; inside of code, where it may be the very bug that is
reported, invisible characters are written as escapes. Everything found is reported.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator

from sweagent.model import Frozen

MAX_CHARACTERS = 100_000
"""Longer texts are cut, visibly. GitHub's own limit is 65,536."""


class Finding(Frozen):
    """Something hidden that was found in a text."""

    kind: str
    """What it was, such as `HTML comment`."""
    count: int = 1
    """How many, in characters for characters."""
    excerpt: str = ""
    """The beginning of what was hidden, printable."""

    def __str__(self) -> str:
        return f"{self.count} × {self.kind}" + (f": {self.excerpt!r}" if self.excerpt else "")


_BENIGN = {0x200D, 0xFE0E, 0xFE0F}
"""Emoji are made with these; they are removed like the others but not worth a report."""
_BIDI = {0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
_BLANK = {0x00AD, 0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x2800, 0x3164, 0xFFA0}
"""Shown as nothing although they do not have the category of format characters."""
_SPACES = "\n\t"
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})", re.M)
_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
"""Within one line: what would end a paragraph, a list item or a heading ends a span as well."""
_OPEN_CELL = re.compile(r"(?<!\\)\|")
_COMMENT = re.compile(r"<!--(.*?)(?:-->|--!>)", re.S)
_OPEN_COMMENT = re.compile(r"<!--")
_PROCESSING = re.compile(r"<\?.*?\?>|<!\[CDATA\[.*?\]\]>|<![A-Za-z][^>]*>", re.S)
_DATA_URI = re.compile(r"data:[\w.+-]*/?[\w.+-]*(?:;[\w=.+-]+)*,[^\s)\"'>\]]*", re.I)
_LINK_TITLE = re.compile(
    r"(\]\(\s*(?:<[^<>\n]*>|[^\s()<>]+(?:\([^\s()]*\)[^\s()]*)*))\s+"
    r"(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\((?:[^()\\]|\\.)*\))(\s*\))",
    re.S,
)
_DEFINITION = re.compile(
    r"^( {0,3}\[(?P<label>[^\]\n]+)\]:[ \t]*(?P<target><[^<>\n]*>|\S+))"
    r"(?P<title>(?:[ \t]+|[ \t]*\n[ \t]*)(?:\"[^\"]*\"|'[^']*'|\([^()]*\)))?[ \t]*$",
    re.M,
)
_ATTRIBUTE = re.compile(
    r"(<[A-Za-z][^<>]*?)\s(title|aria-label|style|hidden|data-[\w-]+)"
    r"(\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s<>\"']+))?(?=[\s/>])"
)


def sanitise(text: str) -> tuple[str, list[Finding]]:
    """Remove or reveal what a text hides from people.

    Args:
        text: Markdown from anyone.

    Returns:
        the text as a person sees it, and what was found, one entry for each kind of thing.
    """
    found: dict[str, Finding] = {}

    def report(kind: str, hidden: str, count: int = 1) -> None:
        old = found.get(kind)
        excerpt = old.excerpt if old and old.excerpt else _printable(hidden)
        found[kind] = Finding(kind=kind, count=count + (old.count if old else 0), excerpt=excerpt)

    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > MAX_CHARACTERS:
        report("text cut off", "", len(text) - MAX_CHARACTERS)
        text = text[:MAX_CHARACTERS] + f"\n\n[cut: {len(text) - MAX_CHARACTERS} more characters]"
    parts = []
    for part, is_code in segments(text):
        parts.append(_reveal(part, report) if is_code else _strip(part, report))
    return "".join(parts), list(found.values())


_Report = Callable[..., None]


def segments(text: str) -> Iterator[tuple[str, bool]]:
    """Cut a text into prose and code: fenced blocks first, spans within the rest.

    An HTML comment that opens in prose hides the fences in it, so comments are looked for on the way.
    """
    position = 0
    while position < len(text):
        fence = _FENCE.search(text, position)
        comment = _first_comment(text, position, fence.start() if fence else len(text))
        if comment is not None:
            yield from spans(text[position : comment.start()])
            yield comment.group(), False
            position = comment.end()
            continue
        if fence is None:
            break
        yield from spans(text[position : fence.start()])
        mark = fence.group(1)
        close = re.compile(rf"^ {{0,3}}{re.escape(mark[0])}{{{len(mark)},}}[ \t]*$", re.M).search(text, fence.end())
        end = close.end() if close else len(text)
        yield text[fence.start() : end], True
        position = end
    yield from spans(text[position:])


def _first_comment(text: str, start: int, end: int) -> re.Match[str] | None:
    """The first closed HTML comment that begins in prose between two places."""
    spans = [(start + span.start(), start + span.end()) for span in _code_spans(text[start:end])]
    for comment in _COMMENT.finditer(text, start):
        if comment.start() >= end:
            return None
        if not any(low <= comment.start() < high for low, high in spans):
            return comment
    return None


def spans(text: str) -> Iterator[tuple[str, bool]]:
    """Cut a text without fenced blocks into prose and inline code."""
    position = 0
    for span in _code_spans(text):
        yield text[position : span.start()], False
        yield span.group(), True
        position = span.end()
    yield text[position:], False


def _code_spans(text: str) -> Iterator[re.Match[str]]:
    """Inline code as Markdown sees it: an escaped backtick opens none, and in a table it ends with its cell."""
    position = 0
    while span := _SPAN.search(text, position):
        before = text[text.rfind("\n", 0, span.start()) + 1 : span.start()]
        escaped = (len(before) - len(before.rstrip("\\"))) % 2
        if escaped:
            position = span.start() + 1
        elif before.lstrip().startswith("|") and _OPEN_CELL.search(span.group()):
            position = span.start() + len(span.group(1))
        else:
            yield span
            position = span.end()


def _strip(text: str, report: _Report) -> str:
    """Prose: remove what is not shown."""

    def remove(kind: str, replacement: str = "") -> Callable[[re.Match[str]], str]:
        def removed(match: re.Match[str]) -> str:
            report(kind, match.group(match.lastindex or 0))
            return replacement

        return removed

    def definition(match: re.Match[str]) -> str:
        if match["label"].strip() in {"//", "comment", "_"} or match["target"] in {"#", "<>"}:
            report("Markdown comment", match["title"] or match["label"])
            return ""
        if match["title"]:
            report("link title", match["title"])
        return match.group(1)

    def link(match: re.Match[str]) -> str:
        report("link title", match.group(2))
        return match.group(1) + match.group(3)

    def attribute(match: re.Match[str]) -> str:
        report("hidden HTML attribute", match.group(0)[len(match.group(1)) :].strip())
        return match.group(1)

    def data(match: re.Match[str]) -> str:
        report("data URI", match.group())
        return f"[data URI of {len(match.group())} characters removed]"

    text = _invisible(text, report, lambda _: "")
    text = _COMMENT.sub(remove("HTML comment"), text)
    text = _OPEN_COMMENT.sub(remove("unclosed HTML comment", "[hidden by an unclosed HTML comment:]"), text)
    text = _PROCESSING.sub(remove("hidden markup"), text)
    text = _DATA_URI.sub(data, text)
    text = _LINK_TITLE.sub(link, text)
    text = _DEFINITION.sub(definition, text)
    while (shorter := _ATTRIBUTE.sub(attribute, text)) != text:
        text = shorter
    return text


def _reveal(text: str, report: _Report) -> str:
    """Code: keep everything, but let nothing be invisible."""
    return _invisible(text, report, lambda character: f"\\u{{{ord(character):x}}}")


def _invisible(text: str, report: _Report, replace: Callable[[str], str]) -> str:
    def ansi(match: re.Match[str]) -> str:
        report("terminal escape", match.group())
        return ""

    text = _ANSI.sub(ansi, text)
    if text.isascii() and text.isprintable():
        return text
    tags = "".join(chr(ord(c) - 0xE0000) for c in text if 0xE0020 <= ord(c) < 0xE007F)
    if tags:
        report("tag character", tags, len(tags))
    kept = []
    for character in text:
        kind = _hidden_kind(character)
        if kind is None:
            kept.append(character)
            continue
        if kind and kind != "tag character":
            report(kind, f"U+{ord(character):04X}")
        kept.append(replace(character))
    return "".join(kept)


def _hidden_kind(character: str) -> str | None:
    """The name of a character that is not shown; empty for a benign one, None for one that is shown."""
    code = ord(character)
    if character in _SPACES or 0x20 <= code < 0x7F:
        return None
    if code in _BENIGN:
        return ""
    if code in _BIDI:
        return "bidirectional control"
    if 0xE0000 <= code < 0xE0080:
        return "tag character"
    if 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF:
        return "variation selector"
    category = unicodedata.category(character)
    if code in _BLANK or category == "Cf":
        return "character without width"
    if category in {"Cc", "Cs", "Co", "Cn"} or code in {0x2028, 0x2029}:
        return "control character"
    return None


def _printable(text: str, limit: int = 80) -> str:
    shown = "".join(c if c.isprintable() else " " for c in text)
    shown = " ".join(shown.split())
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
