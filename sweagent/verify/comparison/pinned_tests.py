"""Existing tests that pin what a reproduction calls wrong.

No code can satisfy both, so that such a test says nothing against a patch. What is compared is read from the source:
calls with what they are expected to give back, local names and parameters put in. Only Python is read.
"""

import ast
import builtins
import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice, product

from sweagent.testing import TestOutcome, TestResult
from sweagent.verify.comparison.unfit import file_of
from sweagent.verify.proof import Finding, Origin, RegressionEvidence, TestChange, Weight
from sweagent.verify.reproduction.sources import ReproductionCandidate
from sweagent.verify.runs.script_driver import source_of

_EQUAL = frozenset(
    ["assertEqual", "assertEquals", "assertIs", "assertListEqual", "assertDictEqual", "assertTupleEqual"]
)
_TRUTH = {"assertTrue": True, "assertFalse": False, "assertIsNone": None}
_RAISES = "an error"
_INSTANCES = 200
"""So many sets of parameters of a test are put in."""

Expectations = dict[str, list[str]]
"""What is expected of calls, by the call; both as source."""


class Pins:
    """Sets apart existing tests that contradict an accepted reproduction.

    Args:
        accepted: the reproductions that were accepted.
        content_of: gives the content of a test file as the comparison has it.
        files: the test files, to one of which a dotted name of unittest's or Django's leads.
    """

    def __init__(
        self, accepted: Iterable[ReproductionCandidate], content_of: Callable[[str], bytes], files: Iterable[str] = ()
    ) -> None:
        self._accepted, self._content_of, self._files = list(accepted), content_of, tuple(files)
        self._known: dict[str, tuple[str, bool]] = {}

    def is_pinned(self, change: TestChange) -> bool:
        """Whether a test that got worse wants of a call what an accepted reproduction calls wrong."""
        return bool(self._of(change)[0])

    def set_apart(self, regression: RegressionEvidence) -> RegressionEvidence:
        """The comparison with such tests named apart from regressions, each with a note that says why."""
        pinned = [
            item.model_copy(update={"note": self._of(item)[0]})
            for item in regression.regressions
            if self.is_pinned(item)
        ]
        others = tuple(item for item in regression.regressions if not self.is_pinned(item))
        return regression.model_copy(update={"regressions": others, "pinned": tuple(pinned)})

    def findings(self, regression: RegressionEvidence) -> list[Finding]:
        """One for each: a note where the task, the user or the issue contradicts it, else for review."""
        return [
            Finding(
                rule="pinned-test",
                path=item.id,
                detail=f"pins what the reproduction calls wrong: {item.note}",
                weight=Weight.NOTE if self._of(item)[1] else Weight.REVIEW,
            )
            for item in regression.pinned
        ]

    def _of(self, change: TestChange) -> tuple[str, bool]:
        """Say in what a test contradicts a reproduction, and whether the task, the user or the issue wants it so."""
        if change.id not in self._known:
            path = change.id.partition("::")[0] if "::" in change.id else self._file_of(change)
            content = self._content_of(path) if path else b""
            found = [
                (contradiction(change.id, content, map(source_of, item.files.values())), _is_given(item))
                for item in self._accepted
            ]
            said = sorted((item for item in found if item[0]), key=lambda item: not item[1])
            self._known[change.id] = said[0] if said else ("", False)
        return self._known[change.id]

    def _file_of(self, change: TestChange) -> str:
        return file_of(TestResult(id=change.id, outcome=change.after or TestOutcome.FAILED), self._files)


def _is_given(candidate: ReproductionCandidate) -> bool:
    return candidate.vouched or candidate.origin is Origin.ISSUE


def contradiction(test: str, test_source: bytes, sources: Iterable[bytes]) -> str:
    """Say in what an existing test and a reproduction contradict each other; empty when nothing shows that they do.

    Args:
        test: the test's id, `path::Class::name[parameters]`.
        test_source: its file.
        sources: the files of the reproduction.
    """
    name = test.partition("[")[0].rpartition("::")[2].rpartition(".")[2]
    pinned = expectations(test_source, name)
    for source in sources:
        for call, wanted in expectations(source).items():
            held = pinned.get(call)
            if held and not any(_same(one, other) for one in held for other in wanted):
                return f"{call} gives {held[0]} there, and {wanted[0]} in the reproduction"
    return ""


def expectations(source: bytes, function: str = "") -> Expectations:
    """What a Python file expects of calls.

    Args:
        source: of a test or a script.
        function: only what functions of this name expect; empty for all.
    """
    try:
        module = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    modules = {
        alias.asname or alias.name.partition(".")[0]
        for node in ast.walk(module)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    imported = {
        alias.asname or alias.name
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    found: Expectations = {}
    scopes: list[ast.FunctionDef | ast.AsyncFunctionDef | ast.Module] = [
        node
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (not function or node.name == function)
    ]
    for scope in scopes if function else [*scopes, module]:
        for parameters in _instances(scope):
            for call, expected in _of_body(scope.body):
                values = {**_assigned(scope.body), **parameters}
                keys = [_plain(node, values, modules) for node in (call, expected) if isinstance(node, ast.expr)]
                said = keys[1] if len(keys) > 1 else _RAISES
                if _stands_alone(keys[0], imported) and said not in found.setdefault(keys[0], []):
                    found[keys[0]].append(said)
    return found


def _stands_alone(call: str, imported: set[str]) -> bool:
    """Whether it is a call with arguments of things that mean the same in another file: what is imported, literals."""
    parsed = ast.parse(call, mode="eval").body
    if not isinstance(parsed, ast.Call) or not (
        parsed.args or parsed.keywords or isinstance(parsed.func, ast.Attribute)
    ):
        return False
    functions = {id(node.func) for node in ast.walk(parsed) if isinstance(node, ast.Call)}
    names = (node for node in ast.walk(parsed) if isinstance(node, ast.Name) and id(node) not in functions)
    return all(node.id in imported or hasattr(builtins, node.id) for node in names)


def _of_body(body: Iterable[ast.stmt]) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    """Calls with what they are expected to give back; None for an error."""
    for node in (inner for statement in body for inner in ast.walk(statement)):
        if isinstance(node, ast.Assert):
            yield from _of_condition(node.test)
        elif isinstance(node, ast.With | ast.AsyncWith) and any(_expects_error(item) for item in node.items):
            yield from ((inner.value, None) for inner in node.body if isinstance(inner, ast.Expr))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield from _of_method(node.func.attr, node.args)


def _of_condition(test: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        yield test.operand, ast.Constant(False)
    elif isinstance(test, ast.Call):
        yield test, ast.Constant(True)
    elif isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq | ast.Is):
        yield test.left, test.comparators[0]
        yield test.comparators[0], test.left


def _of_method(name: str, arguments: list[ast.expr]) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    if name in _EQUAL and len(arguments) > 1:
        yield arguments[0], arguments[1]
        yield arguments[1], arguments[0]
    elif name in _TRUTH and arguments:
        yield arguments[0], ast.Constant(_TRUTH[name])
    elif name == "assertRaises" and len(arguments) > 1:
        yield ast.Call(arguments[1], arguments[2:], []), None


def _expects_error(item: ast.withitem) -> bool:
    call = item.context_expr
    return isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] in ("raises", "assertRaises")


def _assigned(body: Iterable[ast.stmt]) -> dict[str, ast.expr]:
    """The values of local names that are given once."""
    values: dict[str, ast.expr] = {}
    twice: set[str] = set()
    for node in (inner for statement in body for inner in ast.walk(statement)):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            twice |= {node.targets[0].id} & values.keys()
            values[node.targets[0].id] = node.value
    return {name: value for name, value in values.items() if name not in twice}


def _instances(scope: ast.FunctionDef | ast.AsyncFunctionDef | ast.Module) -> list[Mapping[str, ast.expr]]:
    """The sets of parameters of a test of pytest, where they are written out; one empty set for any other."""
    if isinstance(scope, ast.Module):
        return [{}]
    choices: list[list[dict[str, ast.expr]]] = []
    for mark in scope.decorator_list:
        if not (isinstance(mark, ast.Call) and ast.unparse(mark.func).endswith("parametrize") and len(mark.args) > 1):
            continue
        names, rows = mark.args[0], mark.args[1]
        if not isinstance(rows, ast.List | ast.Tuple):
            continue
        listed = names.value.split(",") if isinstance(names, ast.Constant) and isinstance(names.value, str) else []
        listed = listed or [str(ast.literal_eval(item)) for item in getattr(names, "elts", ())]
        choices.append([_row([name.strip() for name in listed], row) for row in rows.elts])
    combined = islice(product(*choices), _INSTANCES)
    return [{name: value for part in parts for name, value in part.items()} for parts in combined]


def _row(names: list[str], row: ast.expr) -> dict[str, ast.expr]:
    if isinstance(row, ast.Call) and ast.unparse(row.func).rpartition(".")[2] == "param":
        row = row.args[0] if len(names) == 1 and row.args else ast.Tuple(row.args, ast.Load())
    if len(names) == 1:
        return {names[0]: row}
    return dict(zip(names, getattr(row, "elts", ()), strict=False))


def _plain(node: ast.expr, values: Mapping[str, ast.expr], modules: set[str]) -> str:
    """A call as source: local names replaced by their values, functions without their modules."""

    class Plain(ast.NodeTransformer):
        depth = 0

        def visit_Name(self, name: ast.Name) -> ast.expr:
            if name.id not in values or self.depth > 5:
                return name
            self.depth += 1
            value: ast.expr = self.visit(copy.deepcopy(values[name.id]))
            self.depth -= 1
            return value

        def visit_Attribute(self, attribute: ast.Attribute) -> ast.expr:
            root: ast.expr = attribute
            while isinstance(root, ast.Attribute):
                root = root.value
            if isinstance(root, ast.Name) and root.id in modules:
                return ast.Name(attribute.attr, ast.Load())
            attribute.value = self.visit(attribute.value)
            return attribute

    return ast.unparse(ast.fix_missing_locations(Plain().visit(copy.deepcopy(node))))


def _same(one: str, other: str) -> bool:
    try:
        return bool(ast.literal_eval(one) == ast.literal_eval(other))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return one == other
