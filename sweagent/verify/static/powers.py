"""Powers that a patch adds to tamper with its judgement.

A power counts when an added line uses it and the definition that it stands in did not before. No file is exempt. Code
with a power may well be right; a person has to look at it.
"""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from sweagent.verify.static.javascript_powers import javascript_powers
from sweagent.verify.static.power_names import PowerKind
from sweagent.verify.static.python_powers import MARKS, python_powers
from sweagent.verify.static.source_tree import Power
from sweagent.verify.trees import added_lines

_PYTHON = frozenset({".py", ".pyi", ".pyx", ".pyw"})
_JAVASCRIPT = {
    **dict.fromkeys((".js", ".cjs", ".mjs", ".jsx"), "javascript"),
    **dict.fromkeys((".ts", ".cts", ".mts"), "typescript"),
    ".tsx": "tsx",
}
_COMPILED = frozenset({".so", ".pyd", ".pyc", ".pyo", ".node", ".wasm"})
_PLAIN_CODECS = re.compile(rb"utf-?8(-sig)?|(us-)?ascii|latin-?1|iso-?8859-?1", re.IGNORECASE)
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.MULTILINE)
_HIDING = {
    rb"\r(?![\r\n])": "a line that ends where few programs see it (a carriage return alone)",
    rb"\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]": "characters that turn the order of what is shown",
    rb"\0": "source with NUL bytes",
}
_SHORT = 3
"""Words up to so many letters in an issue name no power."""


def new_powers(path: str, before: bytes | None, after: bytes, *, elsewhere: Iterable[Power] = ()) -> list[Power]:
    """The powers that the added lines of a source file use and that their definitions did not use before.

    Args:
        path: tells the language; files of other languages have no powers.
        before: the base's content; None for a new file.
        after: the content with the patch.
        elsewhere: powers of other changed files on the base, so that moved code brings nothing new.

    Returns:
        The first of each kind in each definition, in the order of the lines.
    """
    old = powers(path, before) if before else []
    known = {(item.scope, item.kind) for item in old} | {(item.scope, item.kind) for item in elsewhere if item.scope}
    added = added_lines(before or b"", after)
    found: dict[tuple[str, PowerKind], Power] = {}
    for item in powers(path, after):
        key = (item.scope, item.kind)
        if item.line in added and key not in known:
            found.setdefault(key, item)
    return sorted(found.values(), key=lambda item: item.line)


def language_of(path: str) -> str:
    """The language whose grammar reads a file, by its name; empty for those that have no powers."""
    suffix = PurePosixPath(path).suffix
    return "python" if suffix in _PYTHON else _JAVASCRIPT.get(suffix, "")


def powers(path: str, content: bytes) -> list[Power]:
    """All powers that a source file uses; what cannot be read is one itself.

    Args:
        path: tells the language.
        content: of the file.
    """
    suffix = PurePosixPath(path).suffix
    if suffix in _COMPILED:
        return [Power(PowerKind.UNREADABLE, f"a compiled {suffix} file", 1)]
    language = language_of(path)
    if not language:
        return []
    if problem := _unreadable(content):
        return [problem]
    return python_powers(content) if language == "python" else javascript_powers(content, language)


def _unreadable(content: bytes) -> Power | None:
    """A declared codec can make other code of the bytes than they show."""
    cookie = _COOKIE.search(b"\n".join(content.splitlines()[:2]))
    if cookie and not _PLAIN_CODECS.fullmatch(cookie.group(1).replace(b"_", b"-")):
        return Power(PowerKind.UNREADABLE, f"source in the codec {cookie.group(1).decode('ascii', 'replace')}", 1)
    for pattern, what in _HIDING.items():
        if found := re.search(pattern, content):
            return Power(PowerKind.UNREADABLE, what, len(content[: found.end()].splitlines()))
    return None


def is_named(power: Power, issue_text: str) -> bool:
    """Whether the issue's own text names a power, so that a patch which uses it does what was asked."""
    words = (power.word.strip("'\"").rpartition(".")[2], power.variable)
    return any(
        len(word) > _SHORT and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", issue_text) is not None for word in words
    )


def is_of_the_project(power: Power, names: Iterable[str]) -> bool:
    """Whether a power only asks for an environment variable of the project, which tells nothing of who runs it.

    Args:
        power: of a patch.
        names: of the project and its packages; `django-tasks` has the variables that begin with `DJANGO_TASKS_`.
    """
    begins = tuple(re.sub(r"\W", "_", name).upper() + "_" for name in names if len(name) > _SHORT)
    return power.variable.upper().startswith(begins) and not MARKS.search(power.variable)
