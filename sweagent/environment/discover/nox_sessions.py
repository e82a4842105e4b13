"""Test dependencies of a noxfile's sessions, read as syntax."""

import ast
import re
from collections.abc import Iterator

from sweagent.environment.recipe import Line
from sweagent.environment.tree import Tree
from sweagent.frozen import Frozen

FILE = "noxfile.py"

_TESTS = re.compile(r"test|unit")
_NOT_TESTS = re.compile(r"doc|lint|typ(?:e|ing)|mypy|downstream|integration|cover|build|release|bench")
_WITH_VALUE = frozenset({"-c", "--constraint", "--index-url", "-i", "--extra-index-url", "--find-links", "-f"})


class Installed(Frozen):
    """What some commands install with pip."""

    requirements: tuple[Line, ...] = ()
    files: tuple[str, ...] = ()
    """Requirement files."""
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


class NoxSessions(Installed):
    """The sessions that run tests, taken together."""

    versions: tuple[str, ...] = ()
    """Minor versions of Python, as the sessions name them."""


def read_nox(tree: Tree) -> NoxSessions:
    """Read the sessions whose names speak of tests; what is computed when nox runs is left out."""
    try:
        module = ast.parse(tree.read(FILE))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return NoxSessions()
    names = {
        target.id: node.value
        for node in module.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    versions: list[str] = []
    arguments: list[list[str]] = []
    for function, session in _sessions(module):
        if _TESTS.search(function.name) and not _NOT_TESTS.search(function.name):
            versions += _versions(session, names)
            arguments += _installed(function, names)
    said = installed(arguments, FILE)
    return NoxSessions(**dict(said), versions=tuple(dict.fromkeys(versions)))


def installed(arguments: list[list[str]], source: str) -> Installed:
    """What the arguments of `pip install` ask for.

    Args:
        arguments: the words of each command, after `install`.
        source: where they were read.
    """
    found: dict[str, list[str]] = {"-r": [], "--group": [], "extras": [], "plain": []}
    for words in arguments:
        rest = iter(words)
        for word in rest:
            if word in ("-r", "--requirement", "--group"):
                found["--group" if word == "--group" else "-r"].append(next(rest, ""))
            elif word in _WITH_VALUE:
                next(rest, None)
            elif match := re.fullmatch(r"\.(?:\[([\w,. -]+)\])?", word):
                found["extras"] += [extra.strip() for extra in (match[1] or "").split(",")]
            elif re.match(r"[A-Za-z0-9][^/\n\r\0]*$", word):
                found["plain"].append(word)
    return Installed(
        requirements=tuple(Line(value=value, source=source) for value in dict.fromkeys(found["plain"])),
        files=tuple(name for name in dict.fromkeys(found["-r"]) if name),
        extras=tuple(name for name in dict.fromkeys(found["extras"]) if name),
        groups=tuple(name for name in dict.fromkeys(found["--group"]) if name),
    )


def _sessions(module: ast.Module) -> Iterator[tuple[ast.FunctionDef, ast.expr]]:
    """The functions that are sessions, and what makes them so."""
    for node in module.body:
        for decorator in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name == "session" and isinstance(node, ast.FunctionDef):
                yield node, decorator


def _versions(decorator: ast.expr, names: dict[str, ast.expr]) -> list[str]:
    keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
    said = next((keyword.value for keyword in keywords if keyword.arg in ("python", "py")), None)
    return [text for text in _texts(said, names) if re.fullmatch(r"\d+\.\d+", text)]


def _installed(function: ast.FunctionDef, names: dict[str, ast.expr]) -> list[list[str]]:
    """The words of each `session.install`, in the order of the file."""
    return [
        [word for argument in node.args for word in _texts(argument, names)]
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "install"
    ]


def _texts(node: ast.expr | None, names: dict[str, ast.expr], depth: int = 0) -> list[str]:
    """The text constants of an expression of lists, starred names and plain names."""
    if depth > 5:
        return []
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.List | ast.Tuple):
        return [text for item in node.elts for text in _texts(item, names, depth + 1)]
    if isinstance(node, ast.Starred):
        return _texts(node.value, names, depth + 1)
    return _texts(names[node.id], names, depth + 1) if isinstance(node, ast.Name) and node.id in names else []
