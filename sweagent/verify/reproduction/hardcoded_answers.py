"""Detect patches that answer a reproduction's inputs by branches.

Such a patch passes that reproduction and every run of it, and may resolve nothing, so a person has to look at it. What
is looked for are branches: a new entry of a table is a usual fix, and so is a branch for a fact of the host.
"""

import ast
from collections import Counter
from collections.abc import Iterable, Iterator

from sweagent.verify.proof import Finding
from sweagent.verify.reproduction.sources import ReproductionCandidate
from sweagent.verify.trees import Trees

_COMMON = frozenset({"0", "1", "2", "''", "b''", "True", "False", "None", "Ellipsis"})
"""Literals that any branch may hold: one of them alone is no input of a reproduction's own."""

_HOST = frozenset({"os", "sys", "platform"})
"""What these modules tell is of the host, and no input of a reproduction."""

_OTHERS = 1
"""Other new statements for each such answer; a patch with more of them does something else too."""

_Answer = tuple[frozenset[str], frozenset[str]]


def known_by_heart(
    trees: Trees, patched: str, changed: Iterable[str], candidate: ReproductionCandidate
) -> Finding | None:
    """Name the inputs of a reproduction that a patch answers by a branch of their own; None when it does more.

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
        return None
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
        return None
    path, given = known[0]
    detail = f"answers the very inputs of {candidate.name} ({', '.join(sorted(given))}) by a branch of their own"
    return Finding(rule="known-answers", path=path, detail=detail)


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
            sides = (node.left, *node.comparators)
            yield from () if any(map(_of_host, sides)) else sides


def _of_host(side: ast.expr) -> bool:
    names = {node.id for node in ast.walk(side) if isinstance(node, ast.Name)}
    return isinstance(side, ast.Attribute | ast.Call | ast.Subscript) and bool(names) and names <= _HOST


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
