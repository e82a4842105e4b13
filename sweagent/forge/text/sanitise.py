"""Mark in untrusted Markdown what people do not see.

Hidden text in issues carries prompt injections: HTML comments, characters without width, Unicode tag characters,
titles of links, `data:` URIs. Outside of code it is removed; inside of code, where it may be the very bug that is
reported, invisible characters are written as escapes. Everything found is reported.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator

from sweagent.frozen import Frozen
from sweagent.printable import one_line

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
_BLANK = {0x00AD, 0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2800, 0x3164, 0xFFA0}
_BLANK |= {0x16FE4, 0x1D159}
"""Shown as nothing although they do not have the category of format characters."""
_SPACES = "\n\t"
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")

_NEXT = re.compile(r"^ {0,3}(?P<fence>`{3,}(?=[^`\n]*$)|~{3,})|(?P<ticks>`+)|<!--", re.M)
"""Where code or a comment may begin. The words after a fence of backticks hold no backtick."""
_TICKS = re.compile(r"`+")
_TABLE_ROW = re.compile(r"[ \t]*\|")
_OPEN_CELL = re.compile(r"(?<!\\)\|")
_DATA_URI = re.compile(r"data:(?:[\w.+-]{1,100}(?:/[\w.+-]{1,100})?)?(?:;[\w=.+-]{1,100}){0,5},[^\s)\"'>\]]*", re.I)
_LINK_TITLE = re.compile(
    r"(\]\(\s{0,9}(?:<[^<>\n]{0,500}>|[^\s()<>]{1,500}(?:\([^\s()]{0,100}\)[^\s()]{0,100}){0,2}))\s{1,9}"
    r"(\"(?:[^\"\\]|\\.){0,1000}\"|'(?:[^'\\]|\\.){0,1000}'|\((?:[^()\\]|\\.){0,1000}\))(\s{0,9}\))",
    re.S,
)
_DEFINITION = re.compile(
    r"^( {0,3}\[(?P<label>[^\]\n]{1,500})\]:[ \t]*(?P<target><[^<>\n]*>|\S+))"
    r"(?P<title>(?:[ \t]+|[ \t]*\n[ \t]*)(?:\"[^\"]{0,1000}\"|'[^']{0,1000}'|\([^()]{0,1000}\)))?[ \t]*$",
    re.M,
)
_DECLARATION = re.compile(r"<![A-Za-z][^>]{0,500}>")
_TAG = re.compile(r"<[A-Za-z](?:[^<>\"']{1,200}|\"[^\"]{0,200}\"|'[^']{0,200}'){0,20}+>")
_ATTRIBUTE = re.compile(
    r"\s(?:title|aria-label|style|hidden|data-[\w-]{1,50})(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s<>\"']+))?(?=[\s/>])"
)
# Quantifiers are bounded and delimiters are looked for with `str.find`: a text of 100,000 characters must not cost
# more than a moment, whatever it is made of.


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
        excerpt = old.excerpt if old and old.excerpt else one_line(hidden, 80)
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


def segments(text: str, *, fences: bool = True) -> Iterator[tuple[str, bool]]:
    """Cut a text into prose and code: fenced blocks, and spans of inline code within one line.

    A closed HTML comment is prose, whatever looks like code in it.

    Args:
        text: Markdown.
        fences: whether a line may begin a fenced block; not so in the middle of a paragraph.
    """
    last_close = text.rfind("-->")
    start = position = 0
    while token := _NEXT.search(text, position):
        stop: int | None
        if token["fence"] and fences:
            stop = _fence_end(text, token)
        elif token["fence"] or token["ticks"]:
            stop = _span_end(text, token.start(token.lastgroup or 0), token.end())
        else:
            closed = token.end() <= last_close
            position = text.find("-->", token.end()) + 3 if closed else token.end()
            continue
        if stop is None:
            position = token.end()
            continue
        yield text[start : token.start()], False
        yield text[token.start() : stop], True
        start = position = stop
    yield text[start:], False


def _fence_end(text: str, fence: re.Match[str]) -> int:
    """The end of a fenced block; without a closing fence it is that of the text."""
    mark = fence["fence"]
    close = re.compile(rf"^ {{0,3}}{re.escape(mark[0])}{{{len(mark)},}}[ \t]*$", re.M).search(text, fence.end())
    return close.end() if close else len(text)


def _span_end(text: str, start: int, end: int) -> int | None:
    """The end of the inline code that backticks open, as Markdown sees it; None when they open none.

    An escaped backtick opens none, and in a table code ends with its cell.
    """
    before = start
    while before and text[before - 1] == "\\":
        before -= 1
    if (start - before) % 2:
        return None
    line_end = text.find("\n", end)
    for ticks in _TICKS.finditer(text, end, len(text) if line_end < 0 else line_end):
        if ticks.end() - ticks.start() == end - start:
            in_table = _TABLE_ROW.match(text, text.rfind("\n", 0, start) + 1)
            return None if in_table and _OPEN_CELL.search(text, end, ticks.start()) else ticks.end()
    return None


def _strip(text: str, report: _Report) -> str:
    """Prose: remove what is not shown."""

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
        report("hidden HTML attribute", match.group().strip())
        return ""

    def declaration(match: re.Match[str]) -> str:
        report("hidden markup", match.group())
        return ""

    def data(match: re.Match[str]) -> str:
        report("data URI", match.group())
        return f"[data URI of {len(match.group())} characters removed]"

    text = _invisible(text, report, lambda _: "")
    text = _cut(text, "<!--", "-->", lambda hidden: report("HTML comment", hidden))
    if "<!--" in text:
        report("unclosed HTML comment", "", text.count("<!--"))
        text = text.replace("<!--", "[hidden by an unclosed HTML comment:]")
    for opening, closing in (("<?", "?>"), ("<![CDATA[", "]]>")):
        text = _cut(text, opening, closing, lambda hidden: report("hidden markup", hidden))
    text = _DECLARATION.sub(declaration, text)
    text = _DATA_URI.sub(data, text)
    text = _LINK_TITLE.sub(link, text)
    text = _DEFINITION.sub(definition, text)
    return _TAG.sub(lambda tag: _ATTRIBUTE.sub(attribute, tag.group()), text)


def _cut(text: str, opening: str, closing: str, found: Callable[[str], None]) -> str:
    """Remove what stands between two delimiters; what is not closed stays."""
    kept, position = [], 0
    while (start := text.find(opening, position)) >= 0:
        end = text.find(closing, start + len(opening))
        if end < 0:
            break
        found(text[start + len(opening) : end])
        kept.append(text[position:start])
        position = end + len(closing)
    return "".join([*kept, text[position:]])


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


_EMOJI = re.compile("[\u00a9\u00ae\u203c\u2049\u2122\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]")
_KEYCAP = re.compile("[#*0-9]\ufe0f\u20e3")
"""Without the keycap, a name that ends with a digit and a variation selector looks like another name."""


def hidden_in(line: str) -> Iterator[tuple[str, str]]:
    """The characters of a line of code that are not shown: for each its kind and itself.

    Line ends, form feeds, and a joiner or a variation selector that belongs to an emoji are no surprise in code. A
    carriage return elsewhere is: Python ends a line there, and what shows the code may not.
    """
    line = line.removesuffix("\r")
    if line.isascii() and line.isprintable():
        return
    for position, character in enumerate(line):
        if character in "\f\ufffd":
            continue
        kind = _hidden_kind(character)
        if kind is None or (kind == "" and _in_emoji(line, position)):
            continue
        yield kind or "character without width", character


def _in_emoji(line: str, position: int) -> bool:
    """Whether a joiner or a variation selector follows an emoji, or makes one of a digit."""
    before = line[max(0, position - 2) : position]
    return bool(_EMOJI.fullmatch(before.lstrip("\ufe0f")[-1:]) or _KEYCAP.match(line, position - 1))


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
