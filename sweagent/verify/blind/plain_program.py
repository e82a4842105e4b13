"""A test module as a plain program, where no runner is loaded.

A patch can be right only where a runner is, only while a process is young, or only the first few times. What needs
nothing of a runner (fixtures, hooks, marks but parameters) also runs without it: several times, in a process that had
imported everything some days before.
"""

import ast
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from sweagent.verify.reproduction.sources import ReproductionCandidate

_RUNNER = re.compile(r"(?P<python>\S*python[\d.]*) -m (pytest|unittest)\b")
_NEEDS_A_RUNNER = re.compile(
    r"\b(autouse|pytestmark|pytest_plugins|load_tests"
    r"|(setup|teardown)_(module|class|method|function)|(setUp|tearDown)(Module|Class))\b"
)
_IMPORTED = r"^\s*(?:from|import) ([\w.]+)"
_OF_TESTS = ("test", "tests")
_PARAMETERS = re.compile(r"(pytest\.)?mark\.parametrize\(")
_HEADER = """\
import os as _os, sys as _sys
_sys.path[:0] = [_os.path.join(_os.getcwd(), _name) for _name in ("src", "lib", "")]
_sys.path.append(_os.path.join(_os.getcwd(), {folder!r}))
"""
_MAIN = """
def _rows(test):
    rows = [{{}}]
    for mark in getattr(test, "pytestmark", ()):
        names, values = mark.args
        names = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
        pairs = []
        for value in values:
            marked = type(value).__name__ == "ParameterSet"
            pairs.append(dict(zip(names, value.values if marked else value if len(names) > 1 else (value,))))
        rows = [dict(row, **pair) for row in rows for pair in pairs]
    return rows


if __name__ == "__main__":
    import time as _time
    _began, _clock = _time.time(), _time.time
    for _name in ("time", "monotonic", "perf_counter", "process_time"):
        setattr(_time, _name, lambda real=getattr(_time, _name): real() + {days} * 86400.0)
        setattr(_time, _name + "_ns", lambda real=getattr(_time, _name + "_ns"): real() + {days} * 86400 * 10**9)
    for _round in range({rounds}):
        for _each in [{calls}]:
            for _row in _rows(_each):
                try:
                    _each(**_row)
                except BaseException:
                    pass
        if _clock() - _began > {seconds}:
            break
"""
_IDLE_DAYS = 3
_ROUNDS, _SECONDS = 12, 2.0
"""It is called so many times, until so many seconds have passed."""


def interpreter_of(command: str) -> str:
    """The interpreter by which a command starts pytest or unittest; empty for any other command."""
    found = _RUNNER.match(command.strip())
    return found["python"] if found else ""


@dataclass(frozen=True)
class PlainProgram:
    """A test module with a main part that calls its tests.

    Attributes:
        source: the program; empty where no test can simply be called.
        whole: it calls every test that is wanted.
        without: the folder of tests, where nothing in it is needed; an installed package has none beside it.
    """

    source: str = ""
    whole: bool = False
    without: str = ""


def program_of(
    candidate: ReproductionCandidate, sources: Mapping[str, str], content_of: Callable[[str], bytes]
) -> PlainProgram:
    """A rewritten reproduction as a program without a runner; empty where it cannot be one.

    Args:
        candidate: the reproduction.
        sources: its rewritten files, by path.
        content_of: gives a file of the base tree.

    Raises:
        SyntaxError, ValueError, RecursionError: a source cannot be read.
    """
    if len(sources) != 1 or candidate.runner is None or not interpreter_of(candidate.command):
        return PlainProgram()
    path, source = next(iter(sources.items()))
    hooks = [str(folder / "conftest.py") for folder in PurePosixPath(path).parents]
    if any(b"autouse" in (candidate.files.get(name) or content_of(name)) for name in hooks):
        return PlainProgram()
    wanted = [name.partition("::")[2] for name in candidate.wanted]
    folder = PurePosixPath(path).parent
    made = as_plain_program(source, wanted, folder=str(folder))
    near = [f"{folder}/{name.replace('.', '/')}.py" for name in re.findall(_IMPORTED, source, re.MULTILINE)]
    named = re.search(rf"(from|import) {folder.name}\b|[\"'/]{folder.name}[\"'/]|__file__", source)
    alone = folder.name in _OF_TESTS and not named and not any(map(content_of, near))
    return replace(made, without=str(folder)) if alone else made


def as_plain_program(source: str, wanted: Collection[str] = (), *, folder: str = "") -> PlainProgram:
    """Give a test module a main part that calls those of its tests that need no more.

    Args:
        source: of the module; what its tests come to is told by probes, not by how the program ends.
        wanted: the tests that are called, as `test_name` or `Class::test_name`, with any parameters; empty for all.
        folder: where the module lies, whose neighbours it may import.

    Raises:
        SyntaxError, ValueError, RecursionError: the source cannot be read.
    """
    tree = ast.parse(source)
    if _NEEDS_A_RUNNER.search(source) or any(isinstance(node, ast.ImportFrom) and node.level for node in tree.body):
        return PlainProgram()
    calls = _calls(tree)
    chosen = dict.fromkeys(name.partition("[")[0] for name in wanted) or calls
    made = [calls[name] for name in chosen if calls.get(name)]
    if not made:
        return PlainProgram()
    head = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    body = [node for node in tree.body if node not in head]
    main = _MAIN.format(calls=", ".join(made), days=_IDLE_DAYS, rounds=_ROUNDS, seconds=_SECONDS)
    text = "\n".join([*map(ast.unparse, head), _HEADER.format(folder=folder), *map(ast.unparse, body), main])
    return PlainProgram(text, len(made) == len(chosen))


def _calls(tree: ast.Module) -> dict[str, str]:
    """How each test is called, by its name; empty for one that cannot be."""
    found: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            found[node.name] = node.name if _is_plain(node, 0) else ""
        elif isinstance(node, ast.ClassDef):
            bases = [ast.unparse(base) for base in node.bases]
            is_case = bases in (["unittest.TestCase"], ["TestCase"])
            for item in node.body:
                if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and item.name.startswith("test"):
                    how = f"lambda: {node.name}({item.name!r}).debug()" if is_case else f"{node.name}().{item.name}"
                    plain = (is_case or not bases) and not node.decorator_list and _is_plain(item, 1)
                    found[f"{node.name}::{item.name}"] = how if plain else ""
    return found


def _is_plain(function: ast.FunctionDef | ast.AsyncFunctionDef, own: int) -> bool:
    """Whether a test takes nothing but its parameters, after so many arguments of its own."""
    arguments, parameters = function.args, set()
    for decorator in map(ast.unparse, function.decorator_list):
        if not _PARAMETERS.match(decorator) or "indirect" in decorator:
            return False
        try:
            names = ast.literal_eval(ast.parse(decorator).body[0].value.args[0])  # type: ignore[attr-defined]
        except (ValueError, IndexError):
            return False
        parameters |= {name.strip() for name in (names.split(",") if isinstance(names, str) else names)}
    given = [item.arg for item in (*arguments.posonlyargs, *arguments.args)][own:]
    rest = arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.defaults
    return isinstance(function, ast.FunctionDef) and set(given) == parameters and not rest
