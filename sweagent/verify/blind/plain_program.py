"""A test module as a plain program, where no runner is loaded.

A patch can be right only where a runner is. What needs nothing of one (fixtures, parameters, marks, hooks) also runs
without it.
"""

import ast
import re
from collections.abc import Collection

_RUNNER = re.compile(r"(?P<python>\S*python[\d.]*) -m (pytest|unittest)\b")
_NEEDS_A_RUNNER = re.compile(
    r"\b(fixture|autouse|pytestmark|parametrize|pytest_plugins|load_tests"
    r"|(setup|teardown)_(module|class|method|function)|(setUp|tearDown)(Module|Class))\b"
)
_HEADER = "import os as _os, sys as _sys\n_sys.path.insert(0, _os.getcwd())\n"
_MAIN = """
if __name__ == "__main__":
    for _each in [{calls}]:
        try:
            _each()
        except BaseException:
            pass
"""


def interpreter_of(command: str) -> str:
    """The interpreter by which a command starts pytest or unittest; empty for any other command."""
    found = _RUNNER.match(command.strip())
    return found["python"] if found else ""


def as_plain_program(source: str, wanted: Collection[str] = ()) -> str:
    """A test module with a main part that calls its tests.

    Args:
        source: of the module; what its tests come to is told by probes, not by how the program ends.
        wanted: the tests that are called, as `test_name` or `Class::test_name`; empty for all.

    Returns:
        The program; empty where a test needs more than to be called.

    Raises:
        SyntaxError, ValueError, RecursionError: the source cannot be read.
    """
    tree = ast.parse(source)
    if _NEEDS_A_RUNNER.search(source) or any(isinstance(node, ast.ImportFrom) and node.level for node in tree.body):
        return ""
    calls = _calls(tree)
    chosen = list(wanted or calls)
    made = [calls.get(name, "") for name in chosen]
    if not made or not all(made):
        return ""
    head = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    body = [node for node in tree.body if node not in head]
    return "\n".join([*map(ast.unparse, head), _HEADER, *map(ast.unparse, body), _MAIN.format(calls=", ".join(made))])


def _calls(tree: ast.Module) -> dict[str, str]:
    """How each test is called, by its name; empty for one that cannot be."""
    found: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            found[node.name] = node.name if _takes(node, 0) else ""
        elif isinstance(node, ast.ClassDef):
            bases = [ast.unparse(base) for base in node.bases]
            is_case = bases in (["unittest.TestCase"], ["TestCase"])
            for item in node.body:
                if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and item.name.startswith("test"):
                    how = f"lambda: {node.name}({item.name!r}).debug()" if is_case else f"{node.name}().{item.name}"
                    plain = (is_case or not bases) and not node.decorator_list and _takes(item, 1)
                    found[f"{node.name}::{item.name}"] = how if plain else ""
    return found


def _takes(function: ast.FunctionDef | ast.AsyncFunctionDef, number: int) -> bool:
    arguments = function.args
    count = len(arguments.args) + len(arguments.posonlyargs)
    rest = arguments.vararg or arguments.kwarg or arguments.kwonlyargs
    return isinstance(function, ast.FunctionDef) and count == number and not rest and not function.decorator_list
