"""Run a Python script and tell whether it reached its end."""

import ast
import json
from collections.abc import Iterable

from sweagent.programs import program_source

RECORD_VARIABLE = "FIX_ISSUE_RECORD"

_PROGRAM = "driven_script.py"
_BEGINNING = b"import sys as _sys\n\n_source = "


def driven(source: bytes, changed: Iterable[str]) -> bytes | None:
    """The script inside a driver that records how it ended; None for a script that cannot be compiled.

    Args:
        source: the script.
        changed: the files that the patch changes; an exit raised in one of them is recorded by name.
    """
    try:
        text = source.decode("utf-8")
        compile(text, "script", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return program_source(_PROGRAM, _source=text, changed=sorted(changed)).encode()


def source_of(content: bytes) -> bytes:
    """The script inside a driver; any other content as it is."""
    if not content.startswith(_BEGINNING):
        return content
    line, _, _ = content.removeprefix(_BEGINNING).partition(b"\n")
    return str(ast.literal_eval(line.decode())).encode()


def ending(record: str | None) -> tuple[str, str]:
    """How a driven script ended, and in which changed file it was ended; empty when there is no record."""
    data = _read(record)
    return str(data.get("ended", "")), str(data.get("where", ""))


def loaded_modules(record: str | None) -> frozenset[tuple[str, str]]:
    """The modules, each with its file, that a driven script loaded and whose file has the name of a changed one."""
    found = _read(record).get("loaded")
    pairs = found if isinstance(found, list) else []
    return frozenset((str(pair[0]), str(pair[1])) for pair in pairs if isinstance(pair, list) and len(pair) == 2)


def _read(record: str | None) -> dict[str, object]:
    try:
        data = json.loads(record or "{}")
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
