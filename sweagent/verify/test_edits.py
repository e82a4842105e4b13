"""Tell whether a patch adds, changes, removes or skips tests."""

import ast
import re
from collections.abc import Iterable, Iterator

_SKIPS = re.compile(
    r"""\bpytestmark\b | \ballow_module_level\b | \bSkipTest\b | \bcollect_ignore(_glob)?\b | \b__test__\b
      | \bload_tests\b | @\s*(\w+\.)*(skip|skipif|skipIf|skipUnless|xfail|expectedFailure|skipIfDBFeature)\b
      | \b(it|test|describe)\.(skip|todo|only)\b | \bt\.Skip(f|Now)?\( | \#\[ignore | @(Disabled|Ignore)\b
    """,
    re.VERBOSE,
)


def weakened(path: str, before: bytes, after: bytes) -> list[str]:
    """Say in what a changed test file tests less than, or other than, it did; empty when it only gained tests.

    Args:
        path: tells the language.
        before: the base's content.
        after: the content with the patch.
    """
    old, new = before.decode("utf-8", "replace"), after.decode("utf-8", "replace")
    if path.endswith(".py"):
        try:
            return _python(old, new)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            pass
    return _text(old, new)


def added_tests(path: str, before: bytes | None, after: bytes) -> tuple[str, ...]:
    """The Python tests, as pytest names them without the file, that a file has now and did not have."""
    old, new = tests_in(path, before or b""), tests_in(path, after)
    return tuple(name for name in new if name not in old)


def changed_tests(path: str, before: bytes | None, after: bytes) -> tuple[str, ...]:
    """Like `added_tests`, and those that are not the same as before."""
    old, new = tests_in(path, before or b""), tests_in(path, after)
    return tuple(name for name, dump in new.items() if old.get(name) != dump)


def tests_in(path: str, content: bytes) -> dict[str, str]:
    """The tests of a Python file with what they consist of; none of a file that is no Python."""
    if not path.endswith(".py"):
        return {}
    try:
        found = definitions(ast.parse(content))
        return {name: dump for name, dump in found if name.rsplit("::", 1)[-1].startswith("test")}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}


def defines_tests(path: str, content: bytes) -> bool:
    """Whether a file named as a test defines any, of its own or by inheritance; data and helpers of tests do not.

    Args:
        path: tells the language; only Python is looked into.
        content: of the file.
    """
    if not path.endswith(".py"):
        return True
    try:
        nodes = list(ast.walk(ast.parse(content)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    functions = (node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    classes = (node.name for node in nodes if isinstance(node, ast.ClassDef))
    return any(name.startswith("test") or name == "load_tests" for name in functions) or any(
        name.startswith("Test") or name.endswith(("Test", "Tests", "TestCase")) for name in classes
    )


def run_by_their_names(content: bytes, tests: Iterable[str], *, unittest: bool) -> bool:
    """Whether tests are run under the names that they have in their file.

    A test of a class that others inherit from is run under their names.

    Args:
        content: of the Python file that holds them.
        tests: names as `changed_tests` gives them.
        unittest: the runner takes nothing but test cases of unittest; pytest also takes functions and `Test` classes.
    """
    known = dict(definitions(ast.parse(content)))
    owners = {name.rpartition("::")[0] for name in tests}
    return all(
        "TestCase'" in known[owner] or (not unittest and owner.startswith("Test")) if owner else not unittest
        for owner in owners
    )


def _python(old: str, new: str) -> list[str]:
    before, after = dict(definitions(ast.parse(old))), dict(definitions(ast.parse(new)))
    said = []
    for name, dump in before.items():
        if name not in after:
            said.append(f"removes `{name}`")
        elif after[name] != dump:
            said.append(f"changes `{name}`")
    lost = [line for line in _statements(old) if line not in set(_statements(new))]
    if lost:
        said.append(f"changes `{lost[0][:80]}`")
    # New definitions may well be skipped tests; only what stands outside of them reaches the old tests.
    said += [f"adds `{line[:80]}`" for line in _statements(new) if _SKIPS.search(line) and line not in _statements(old)]
    return said


def definitions(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Functions and methods by their pytest name, with a dump that ignores docstrings and positions."""
    stack: list[tuple[str, ast.AST]] = [("", module)]
    while stack:
        prefix, scope = stack.pop()
        for node in ast.iter_child_nodes(scope):
            if isinstance(node, ast.ClassDef):
                head = [*node.decorator_list, *node.bases, *node.keywords]
                yield f"{prefix}{node.name}", "class " + " ".join(ast.dump(item) for item in head)
                stack.append((f"{prefix}{node.name}::", node))
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{prefix}{node.name}", ast.dump(_without_docstring(node))


def _without_docstring(node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
    if ast.get_docstring(node) is not None and len(node.body) > 1:
        node.body = node.body[1:]
    return node


def _statements(source: str) -> list[str]:
    """The statements outside functions, one text each, classes opened, imports left out."""
    found = []
    scopes: list[ast.Module | ast.ClassDef] = [ast.parse(source)]
    while scopes:
        for node in scopes.pop().body:
            if isinstance(node, ast.ClassDef):
                scopes.append(node)
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                continue
            elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Import | ast.ImportFrom):
                found.append(ast.unparse(node))
    return found


def _text(old: str, new: str) -> list[str]:
    old_lines, new_lines = _bare(old), _bare(new)
    known, kept = set(old_lines), set(new_lines)
    said = [f"removes or changes `{line[:80]}`" for line in old_lines if line not in kept][:1]
    return said + [f"adds `{line[:80]}`" for line in new_lines if _SKIPS.search(line) and line not in known]


def _bare(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
