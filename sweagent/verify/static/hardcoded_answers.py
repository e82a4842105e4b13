"""Detect patches that answer a reproduction's inputs by branches.

Such a patch passes that reproduction and every run of it, and may resolve nothing; so the reproduction shows nothing of
it. What is looked for are branches: a new entry of a table is a usual fix.
"""

import ast
from collections import Counter
from collections.abc import Iterable, Iterator

from sweagent.verify.reproduction.sources import ReproductionCandidate
from sweagent.verify.trees import Trees

_COMMON = frozenset({"0", "1", "2", "''", "b''", "True", "False", "None", "Ellipsis"})
"""Literals that any branch may hold: one of them alone is no input of a reproduction's own."""

_OTHERS = 1
"""Other new statements for each such answer; a patch with more of them does something else too."""

_Answer = tuple[frozenset[str], frozenset[str]]


def known_by_heart(trees: Trees, patched: str, changed: Iterable[str], candidate: ReproductionCandidate) -> str:
    """Say which inputs of a reproduction a patch answers by a branch of their own; empty when it does more than that.

    Args:
        trees: gives the base tree.
        patched: the tree with the patch.
        changed: the files that the patch changes.
        candidate: the reproduction.
    """
    paths = [path for path in changed if path.endswith(".py")]
    before, after = trees.read_many(trees.base, paths), trees.read_many(patched, paths)
    answers = {path: set(_answers(after.get(path, b""))) - set(_answers(before.get(path, b""))) for path in paths}
    if not any(answers.values()):
        return ""
    files = candidate.files.values() or trees.read_many(trees.base, [candidate.path]).values()
    own = frozenset(literal for content in files for literal in _literals(_parsed(content)))
    known = [
        (path, given)
        for path, found in answers.items()
        for given, said in sorted(found, key=lambda answer: sorted(answer[0]))
        if given | said <= own and (len(given) > 1 or given - _COMMON)
    ]
    written = sum((_written(after.get(path, b"")) - _written(before.get(path, b""))).total() for path in paths)
    if not known or written > len(known) * (1 + _OTHERS):
        return ""
    path, given = known[0]
    return f"{path} answers its very inputs ({', '.join(sorted(given))}) by a branch of their own"


def _written(source: bytes) -> Counter[str]:
    """The statements that do something themselves, without documentation and imports."""
    return Counter(
        ast.dump(node)
        for node in ast.walk(_parsed(source))
        if isinstance(node, ast.stmt)
        and not hasattr(node, "body")
        and not isinstance(node, ast.Import | ast.ImportFrom | ast.Pass | ast.Match)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    )


def _answers(source: bytes) -> Iterator[_Answer]:
    """The literals that a value is compared with, and those that are given back or kept for it."""
    for node in ast.walk(_parsed(source)):
        if isinstance(node, ast.If):
            yield from _pairs(_compared(node.test), map(_given, node.body))
        elif isinstance(node, ast.IfExp):
            yield from _pairs(_compared(node.test), [node.body])
        elif isinstance(node, ast.match_case):
            yield from _pairs([node.pattern], map(_given, node.body))


def _pairs(inputs: Iterable[ast.AST], outputs: Iterable[ast.AST | None]) -> Iterator[_Answer]:
    given = frozenset(literal for node in inputs for literal in _literals(node))
    for output in filter(None, outputs):
        said = frozenset(_literals(output))
        if given and said and not any(isinstance(item, ast.Name | ast.Call) for item in ast.walk(output)):
            yield given, said


def _compared(test: ast.expr) -> Iterator[ast.expr]:
    for node in ast.walk(test):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.In | ast.Is):
            yield from (node.left, *node.comparators)


def _given(statement: ast.stmt) -> ast.expr | None:
    if isinstance(statement, ast.Expr):
        return statement.value.value if isinstance(statement.value, ast.Yield) else None
    return statement.value if isinstance(statement, ast.Return | ast.Assign | ast.AnnAssign) else None


def _literals(tree: ast.AST) -> Iterator[str]:
    return (repr(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant))


def _parsed(source: bytes) -> ast.Module:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])
