"""Describe an action in a few words for people."""

from collections.abc import Callable, Mapping
from typing import Any

from sweagent.cli.console import counted, first_line
from sweagent.trajectory import Action

_WIDTH = 80
_Arguments = Mapping[str, Any]


def describe(action: Action | None) -> str:
    """An action in one line: what it is about, never the contents of a file or a list as Python writes it."""
    if action is None:
        return "action"
    about = _ABOUT.get(action.tool, _any)
    return first_line(f"{action.tool} {about(action.arguments)}".rstrip(), _WIDTH)


def _bash(given: _Arguments) -> str:
    command = _text(given.get("command"))
    lines = [line for line in command.splitlines() if line.strip()]
    more = f" (+{counted(len(lines) - 1, 'line')})" if len(lines) > 1 else ""
    background = " in the background" if given.get("background") else ""
    return f"{first_line(command, _WIDTH - len(more) - len(background) - 6)}{more}{background}"


def _view(given: _Arguments) -> str:
    path, start, end = _text(given.get("path")), given.get("start"), given.get("end")
    if given.get("symbol"):
        return f"{path} {_text(given['symbol'])}"
    if start is None and end is None:
        return path
    return f"{path}:{start or 1}-{end or 'end'}"


def _edit(given: _Arguments) -> str:
    command = _text(given.get("command")).removeprefix("str_").replace("_", " ")
    line = f":{given['line']}" if given.get("line") else ""
    return f"{_text(given.get('path'))}{line}{f' ({command})' if command else ''}"


def _reproduce(given: _Arguments) -> str:
    command = _text(given.get("command"))
    return f"{_text(given.get('path'))}{f' by {command}' if command else ''}"


def _test(given: _Arguments) -> str:
    tests = given.get("tests")
    names = [_text(name) for name in tests] if isinstance(tests, list) else [_text(tests)] if tests else []
    return " ".join([*names, _text(given.get("options"))]).strip() or "(the whole suite)"


def _search(given: _Arguments) -> str:
    if not given.get("pattern"):
        return " in ".join(filter(None, (_text(given.get("glob")), _path(given))))
    where = _text(given.get("path")) or _text(given.get("glob"))
    return f"{_text(given.get('pattern'))!r}{f' in {where}' if where else ''}".replace("'", '"')


def _changes(key: str) -> Callable[[_Arguments], str]:
    """For tools whose one argument is a text of changes: the files that it names, as far as they can be told."""

    def about(given: _Arguments) -> str:
        marks = ("+++ b/", "*** Update File: ", "*** Add File: ", "*** Delete File: ")
        lines = _text(given.get(key)).splitlines()
        return " ".join(
            dict.fromkeys(line.split(mark, 1)[1] for line in lines for mark in marks if line.startswith(mark))
        )

    return about


def _path(given: _Arguments) -> str:
    return _text(given.get("path"))


def _any(given: _Arguments) -> str:
    """For tools that are not known here: short values by their names."""
    shown = (
        f"{name}={text}"
        for name, value in given.items()
        if not isinstance(value, list | dict) and (text := _text(value)) and "\n" not in text
    )
    return " ".join(first_line(part, 40) for part in shown)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


_ABOUT: dict[str, Callable[[_Arguments], str]] = {
    "bash": _bash,
    "view": _view,
    "edit": _edit,
    "write": _path,
    "edit_blocks": _changes("blocks"),
    "apply_diff": _changes("diff"),
    "apply_patch": _changes("patch"),
    "reproduce": _reproduce,
    "test": _test,
    "search": _search,
    "symbols": lambda given: " ".join(filter(None, (_text(given.get("name")), _path(given)))),
    "references": lambda given: _text(given.get("name")),
    "locate": lambda given: _text(given.get("text")),
    "map": lambda given: _path(given) or _text(given.get("question")),
    "trace": lambda given: " ".join(filter(None, (_text(given.get("symbol")), _path(given)))),
    "api": lambda given: _text(given.get("text")),
    "python": lambda given: first_line(_text(given.get("code")), _WIDTH),
    "submit": lambda given: "",
}
