"""What assertions assert, as expressions of their arguments."""

import ast
import re
from collections.abc import Mapping

METHODS = {
    "Equal": "_0 == _1", "Equals": "_0 == _1", "NotEqual": "_0 != _1", "True": "_0", "False": "not _0",
    "Is": "_0 is _1", "IsNot": "_0 is not _1", "IsNone": "_0 is None", "IsNotNone": "_0 is not None",
    "In": "_0 in _1", "NotIn": "_0 not in _1", "Greater": "_0 > _1", "GreaterEqual": "_0 >= _1", "Less": "_0 < _1",
    "LessEqual": "_0 <= _1", "IsInstance": "isinstance(_0, _1)", "NotIsInstance": "not isinstance(_0, _1)",
    "Regex": "found(_1, _0)", "NotRegex": "not found(_1, _0)", "SequenceEqual": "list(_0) == list(_1)",
    "AlmostEqual": "near", "CountEqual": "same_items", "ItemsEqual": "same_items",
} | dict.fromkeys(["ListEqual", "DictEqual", "SetEqual", "TupleEqual", "MultiLineEqual"], "_0 == _1")  # fmt: skip
"""Those of unittest, without `assert`; a word alone is a helper of the judge that takes all arguments."""

_FUNCTIONS = {
    "assert_allclose": "all_close", "assert_array_equal": "all_same", "assert_equal": "all_same",
    "assert_almost_equal": "all_near", "assert_array_almost_equal": "all_near",
}  # fmt: skip
_MOCKS = {
    "assert_called_with": "called(_calls, 'last', ...)", "assert_called_once_with": "called(_calls, 'once', ...)",
    "assert_any_call": "called(_calls, 'any', ...)", "assert_called_once": "len(_calls) == 1",
    "assert_not_called": "len(_calls) == 0", "assert_called": "len(_calls) > 0",
}  # fmt: skip
HELPERS = {
    "pytest.approx": "approx", "numpy.allclose": "all_close", "numpy.array_equal": "all_same",
    "builtins.abs": "abs", "math.isclose": "math.isclose",
    "re.search": "found", "re.match": "re.match", "re.fullmatch": "re.fullmatch",
}  # fmt: skip
"""Calls that the judge makes itself, with values that it has rebuilt."""

_OF_JUDGE = frozenset({"near", "same_items", "found", "all_close", "all_near", "all_same", "called", "approx"})
_LOOKS_LIKE_ONE = re.compile(r"_?assert|check|fnmatch_lines|no_fnmatch|(raises|warns|deprecated_call)$")
_FAILING = frozenset({"AssertionError", "self.fail", "pytest.fail", "sys.exit", "exit", "SystemExit"})


def asserted(call: ast.Call, path: str, probe: str) -> ast.expr | None:
    """The expression that a call of an assertion asserts; None for one that is not known.

    Args:
        call: the call.
        path: the full name of what is called, where that is imported or built in; else empty.
        probe: the name of the probe's module.
    """
    name, owner = last_name(call.func), getattr(call.func, "value", None)
    words = {item.arg for item in call.keywords} - {"msg"}
    if any(isinstance(item, ast.Starred) for item in call.args) or None in words:
        return None
    if name in _MOCKS and owner is not None:
        made = expression(_MOCKS[name])
        if isinstance(made, ast.Call):
            made = ast.Call(made.func, [*made.args[:-1], *call.args], call.keywords)
        return filled(made, {"_calls": called(f"{probe}.calls", owner)})
    template = _template(name, owner, path)
    if not template or (words and "_0" in template):
        return None
    if "_0" not in template:
        return filled(ast.Call(expression(template), call.args, call.keywords), {})
    given = {f"_{place}": item for place, item in enumerate(call.args)}
    return filled(expression(template), given) if len(given) >= template.count("_") else None


def _template(name: str, owner: ast.expr | None, path: str) -> str:
    module, _, function = path.rpartition(".")
    if isinstance(owner, ast.Name) and owner.id in ("self", "cls") and name.startswith("assert"):
        return METHODS.get(name.removeprefix("assert"), "")
    if module == "numpy.testing" or module.startswith("sklearn.utils"):
        camel = function.removeprefix("assert").title().replace("_", "")
        return _FUNCTIONS.get(function) or METHODS.get(camel, "")
    return ""


def failed_if(node: ast.If) -> ast.expr | None:
    """The condition of an `if` that only lets the test fail; its message may name what is expected."""
    last = node.body[-1]
    ends = last.exc if isinstance(last, ast.Raise) else last.value if isinstance(last, ast.Expr) else None
    name = ast.unparse(ends.func if isinstance(ends, ast.Call) else ends) if ends else ""
    only = not node.orelse and all(isinstance(item, ast.Expr) for item in node.body[:-1])
    return node.test if only and name in _FAILING else None


def looks_like_one(call: ast.Call) -> bool:
    """Whether a call looks like an assertion that is defined elsewhere."""
    return _LOOKS_LIKE_ONE.match(last_name(call.func)) is not None


def block_of(call: ast.Call, path: str) -> tuple[str, int]:
    """The probe's class for `raises` and `warns`, and how many arguments stand before a function that is called in it.

    Args:
        call: the call.
        path: the full name of what is called, where that is imported; else empty.

    Returns:
        An empty name for any other call.
    """
    name = last_name(call.func)
    method = re.fullmatch(r"assert(Raises|Warns)(Regexp?|Message|)", name)
    if method and isinstance(call.func, ast.Attribute):
        return ("raising" if method[1] == "Raises" else "warning"), 2 if method[2] else 1
    by_name = {"raises": "raising", "assert_raises": "raising", "warns": "warning"}.get(name, "")
    known = ".pytest." in f".{path}" or path.startswith(("numpy.testing", "sklearn.utils"))
    return (by_name if known else ""), 1


def expression(text: str) -> ast.expr:
    """Parse an expression."""
    return ast.parse(text, mode="eval").body


def called(name: str, *args: ast.expr) -> ast.Call:
    """The call of a dotted name."""
    return ast.Call(expression(name), list(args), [])


def last_name(node: ast.expr) -> str:
    """The last part of a dotted name; empty for anything else."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def filled(template: ast.expr, given: Mapping[str, ast.expr]) -> ast.expr:
    """The expression with other ones in the place of some names; calls of the judge's helpers are marked."""

    class Fill(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            return given.get(node.id, node)

    made: ast.expr = Fill().visit(template)
    for node in ast.walk(made):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _OF_JUDGE:
            node.func.is_helper = True  # type: ignore[attr-defined]
    return made
