"""Scan lines of Python for definitions and imports; tolerates any source.

Old, new and broken Python alike are read by indentation; text inside triple-quoted strings is skipped.
"""

import re
from bisect import bisect_right
from functools import lru_cache

from sweagent.code.index.definitions import Definition, Kind

_HEAD = re.compile(r"\n([ \t]*+)(def|class|async[ \t]+def|cpdef|cdef[ \t]+class)[ \t]+(\w+)")
_CYTHON = re.compile(
    r"\n([ \t]*+)(cp?def)[ \t]+(?!class|extern|struct|enum)"
    r"(?:[\w\[\]:,.*]+[ \t]+)*\**(\w+)[ \t]*\("
)
_BASES = re.compile(r"(?:\[[^\n]*?\](?=\())?\(([^()]*(?:\([^()]*\)[^()]*)*)\)")
_BASE = re.compile(r"(?:^|,)\s*(?:metaclass\s*=\s*)?(?:[\w]+\.)*(\w+)(?!\s*=)")
_IMPORT = re.compile(
    r"[ \t]*(?:from[ \t]+([.\w]+)[ \t]+c?import[ \t]+(\((?:[^()]++|\([^()\n]*+\))*+\)|[^\n;#]*(?:\\\n[^\n;#]*)*)"
    r"|c?import[ \t]+([\w., \t]+))"
)
_SHORT = re.compile(r"""\"(?:[^"\\\n]|\\.)*+"?|'(?:[^'\\\n]|\\.)*+'?|#[^\n]*""")
"""A string of one line, or a comment."""
_DECORATOR_LINES = 30
"""Lines above a head that are looked at for its decorators."""
_NAMES = re.compile(r"(\w+)(?:[ \t]+as[ \t]+\w+)?")


def scan_python(text: str) -> tuple[tuple[Definition, ...], tuple[str, ...]]:
    """Return the definitions and the imports of a Python or Cython source.

    Imports are dotted: `from a.b import c` gives `a.b` and `a.b.c`, for `c` may be a module.
    """
    text = text.removeprefix("\ufeff")
    if "\t" in text:
        text = text.expandtabs()
    if "\f" in text:
        text = text.replace("\f", "")
    return _definitions(text), _imports(text)


def _definitions(text: str) -> tuple[Definition, ...]:
    # With a line end in front every line begins with one: a fixed first character makes the search twice as fast.
    padded = f"\n{text}"
    heads = list(_HEAD.finditer(padded))
    if "cdef " in text:
        seen = {head.start() for head in heads}
        heads = sorted(
            [*heads, *(h for h in _CYTHON.finditer(padded) if h.start() not in seen)], key=lambda h: h.start()
        )
    if not heads:
        return ()
    strings = _strings(text)
    starts = [start for start, _ in strings]
    found: list[Definition] = []
    around: list[tuple[int, int]] = []
    header, counted = 1, 0
    for head in heads:
        position, head_end = head.start(), head.end() - 1
        if starts and (at := bisect_right(starts, position)) and strings[at - 1][1] > position:
            continue
        header += text.count("\n", counted, position)
        counted = position
        indent, keyword, name = head.groups()
        end = _end(text, head_end, len(indent), strings, starts)
        while around and around[-1][0] <= position:
            around.pop()
        parent = around[-1][1] if around else -1
        around.append((end, len(found)))
        kind: Kind = "class" if keyword.endswith("class") else "function"
        qualified = name
        if parent >= 0:
            outer = found[parent]
            qualified = f"{outer.qualified}.{name}"
            if kind == "function" and outer.kind == "class":
                kind = "method"
        bases = _base_names(text, head_end) if kind == "class" else ()
        # A blank line above, as most heads have, leaves no room for a decorator.
        decorated = 0 if text[position - 2 : position] == "\n\n" else _decorated(text, position, indent)
        last = header + text.count("\n", position, end)
        found.append(Definition(name, qualified, kind, header - decorated, last, parent, bases, header))
    return tuple(found)


def _strings(text: str) -> list[tuple[int, int]]:
    """The spans of the triple-quoted strings that have several lines."""
    spans: list[tuple[int, int]] = []
    position = 0
    double, single = text.find('"""'), text.find("'''")
    while double >= 0 or single >= 0:
        start = double if single < 0 or 0 <= double < single else single
        covered = _covered(text, max(text.rfind("\n", 0, start) + 1, position), start)
        if covered:
            position = covered
        else:
            quote = text[start : start + 3]
            end = text.find(quote, start + 3)
            while end > 0 and text[end - 1] == "\\" and text[end - 2] != "\\":
                end = text.find(quote, end + 1)
            if end < 0:
                break
            position = end + 3
            if text.find("\n", start + 3, end) >= 0:
                spans.append((start, position))
        if 0 <= double < position:
            double = text.find('"""', position)
        if 0 <= single < position:
            single = text.find("'''", position)
    return spans


def _covered(text: str, begin: int, start: int) -> int:
    """Return the end of the comment or one-line string that holds `start`, looking from `begin`; 0 if there is none."""
    before = text[begin:start]
    if '"' in before or "'" in before or "#" in before:
        for short in _SHORT.finditer(text, begin):
            if short.end() > start:
                return short.end() if short.start() < start else 0
    return 0


@lru_cache(maxsize=64)
def _dedent(indent: int) -> "re.Pattern[str]":
    return re.compile(rf"\n[ \t]{{0,{indent}}}+(?=[^\s#)\]}}])")


def _end(text: str, position: int, indent: int, strings: list[tuple[int, int]], starts: list[int]) -> int:
    """Return the end of the block whose head ends at `position`: after its last line that is not blank."""
    pattern = _dedent(indent)
    while True:
        match = pattern.search(text, position)
        if match is None:
            return len(text.rstrip())
        start = match.start()
        if starts and (at := bisect_right(starts, start)) and strings[at - 1][1] > start:
            position = strings[at - 1][1]
            continue
        return _last_line(text, start, indent)


def _last_line(text: str, end: int, indent: int) -> int:
    """Step back over blank lines and over comments that belong to what follows."""
    while True:
        while end > 0 and text[end - 1] == "\n":
            end -= 1
        start = text.rfind("\n", 0, end) + 1
        line = text[start:end]
        stripped = line.lstrip()
        if start == 0 or (stripped and not (stripped[0] == "#" and len(line) - len(stripped) <= indent)):
            return start + len(line.rstrip())
        end = start - 1


def _decorated(text: str, position: int, indent: str) -> int:
    """How many lines above the head that starts at `position` its decorators begin; 0 without decorators."""
    above = 0
    deeper = tuple(f"{indent}{sign}" for sign in " )]}#")
    end = position - 1
    for distance in range(1, _DECORATOR_LINES):
        if end < 0:
            break
        start = text.rfind("\n", 0, end) + 1
        line = text[start:end]
        if line.startswith(f"{indent}@"):
            above = distance
        elif not line.startswith(deeper):
            break
        end = start - 1
    return above


def _base_names(text: str, position: int) -> tuple[str, ...]:
    match = _BASES.match(text, position)
    if match is None:
        return ()
    return tuple(name for name in _BASE.findall(match.group(1)) if name != "object")


def _imports(text: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    position = 0
    while (position := text.find("import", position)) >= 0:
        line = text.rfind("\n", 0, position) + 1
        match = _IMPORT.match(text, max(line, text.rfind(";", line, position) + 1))
        position = max(match.end() if match else 0, position + 1)
        if match is None:
            continue
        module, names, plain = match.groups()
        if plain:
            for part in plain.split(","):
                name = part.split()
                if name:
                    found.setdefault(name[0])
            continue
        found.setdefault(module)
        joined = module if module.endswith(".") else f"{module}."
        for name in _NAMES.findall(names):
            found.setdefault(f"{joined}{name}")
    return tuple(found)
