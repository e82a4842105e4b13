"""Assertions that a test certainly reached when it ended."""

import ast
from collections.abc import Iterable, Sequence

from sweagent.verify.blind.assertions import last_name

_BRANCHES = ast.If | ast.For | ast.AsyncFor | ast.While | ast.Try | ast.Match
_LEAVING = ast.Return | ast.Raise | ast.Break | ast.Continue
_CUT_SHORT = frozenset({"suppress", "raising", "raises", "assertRaises"})


def certain(body: Sequence[ast.stmt], probe: str) -> dict[int, str]:
    """The assertions that stand under no condition, each with its test: who comes to its end has reached them."""
    found: dict[int, str] = {}
    for node in [item for statement in body for item in ast.walk(statement)]:
        if isinstance(node, ast.With) and (name := _test_name(node, probe)):
            for number in _reached(node.body, probe):
                found[number] = name
    return found


def _test_name(node: ast.With, probe: str) -> str:
    call = node.items[0].context_expr
    is_test = isinstance(call, ast.Call) and ast.unparse(call.func) == f"{probe}.test"
    return str(call.args[0].value) if is_test else ""  # type: ignore[attr-defined]


def _reached(body: Sequence[ast.stmt], probe: str) -> Iterable[int]:
    for node in body:
        if isinstance(node, ast.With):
            for item in node.items:
                yield from _numbers(item.context_expr, probe)
            heads = {
                last_name(item.context_expr.func) for item in node.items if isinstance(item.context_expr, ast.Call)
            }
            if not heads & _CUT_SHORT and not _test_name(node, probe):
                yield from _reached(node.body, probe)
        elif isinstance(node, ast.Expr):
            yield from _numbers(node.value, probe)
        if isinstance(node, _BRANCHES | _LEAVING) and any(map(_leaves, ast.walk(node))):
            return


def _leaves(node: ast.AST) -> bool:
    return isinstance(node, _LEAVING) or (isinstance(node, ast.Call) and last_name(node.func) in ("skip", "skipTest"))


def _numbers(node: ast.expr, probe: str) -> Iterable[int]:
    probes = (f"{probe}.see", f"{probe}.raising", f"{probe}.warning")
    if isinstance(node, ast.Call) and ast.unparse(node.func) in probes:
        yield node.args[0].value  # type: ignore[attr-defined]
