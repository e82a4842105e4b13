"""Rewrite each assertion of a reproduction into a probe.

What the source itself says of the expected stays with the judge: literals, calls of the language and its standard
library with literals, names and columns of tables that hold only such. The rest is a *hole*, which the process fills.
"""

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from sweagent.verify.blind.assertions import (
    HELPERS,
    asserted,
    block_of,
    called,
    expression,
    failed_if,
    filled,
    last_name,
    looks_like_one,
)
from sweagent.verify.blind.certain import certain
from sweagent.verify.blind.expected import Expected, assigned, is_starred

_PREDICATES = frozenset(
    ["startswith", "endswith", "isdigit", "isalpha", "isupper", "islower", "issubset", "issuperset"]
)

_Node = TypeVar("_Node", bound=ast.AST)
_AnyFunction = TypeVar("_AnyFunction", ast.FunctionDef, ast.AsyncFunctionDef)


class Level(StrEnum):
    """How far an assertion is out of reach of the code under test."""

    BLIND = "blind"
    """The expected was withheld, and the comparison is made outside."""
    OUTSIDE = "outside"
    """Compared outside, but the expected was in the process: code makes it."""
    ORIGIN = "by origin"
    """Only the classes of the values can compare them, and their functions are those of the base or of a library."""
    IN_PROCESS = "in process"
    """An assertion that is not understood runs as it is."""


@dataclass(frozen=True)
class Site:
    """An assertion.

    Attributes:
        text: its first line.
        test: what has to hold of its holes h(0), h(1)…, t(0)…: an expression for the judge.
        level: how far it is blind, before the values are known.
        certain_in: the test that reaches it whenever it comes to its end; empty where a condition decides.
    """

    text: str
    test: str
    level: Level
    certain_in: str = ""


@dataclass(frozen=True)
class Blinded:
    """A reproduction without its assertions, and what the judge keeps.

    Attributes:
        source: the rewritten source.
        sites: the assertions; probes tell of them by number, from `first` on.
        tables: what stands in columns that are withheld, row by row.
        imports: full names of what the source imports, by local name.
    """

    source: str
    sites: tuple[Site, ...]
    tables: tuple[tuple[str, ...], ...]
    imports: dict[str, str]


def blinded(source: str, probe: str, *, header: str, script: bool = False, first: int = 0, table: int = 0) -> Blinded:
    """The reproduction with probes in the place of its assertions.

    Args:
        source: a test module or a script.
        probe: the name of the probe's module.
        header: code that imports it.
        script: the whole source is one test.
        first: the number of the first assertion.
        table: the number of the first table.

    Raises:
        SyntaxError, ValueError, RecursionError: the source cannot be read.
    """
    tree = ast.parse(source)
    work = _Rewriter(tree, probe, first, table)
    tree = work.module(tree)
    head = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    body = [node for node in tree.body if node not in head]
    if script:
        body = [_with(f"{probe}.test('script')", body)]
    tree.body = [*head, *ast.parse(header).body, *body]
    reached = certain(body, probe)
    sites = [
        Site(site.text, site.test, site.level, reached.get(number + first, ""))
        for number, site in enumerate(work.sites)
    ]
    return Blinded(ast.unparse(ast.fix_missing_locations(tree)), tuple(sites), work.tables, work.imports)


class _Rewriter(ast.NodeTransformer):
    def __init__(self, tree: ast.Module, probe: str, first: int, table: int) -> None:
        self.sites: list[Site] = []
        self._expected = Expected(tree, probe, table)
        self._probe, self._first = probe, first
        self._classes: list[str] = []
        self._inside = 0
        self._raised: set[str] = set()

    @property
    def tables(self) -> tuple[tuple[str, ...], ...]:
        """What stands in columns that are withheld."""
        return tuple(self._expected.tables)

    @property
    def imports(self) -> dict[str, str]:
        """Full names of what the source imports, by local name."""
        return self._expected.imports

    def module(self, tree: ast.Module) -> ast.Module:
        """The whole source, rewritten."""
        return self._expected.withholding(tree, self.sites, self._children)

    def _children(self, node: _Node) -> _Node:
        self.generic_visit(node)
        return node

    # An assertion in two: what stays with the judge, and what is probed

    def _split(self, node: ast.expr, holes: list[ast.expr], late: bool = False) -> ast.expr:
        """What the judge evaluates; the parts that only the process can are added to `holes` and become h(0), h(1)…"""

        def inner(items: Iterable[ast.expr], short: bool = False) -> list[ast.expr]:
            return [self._split(item, holes, late or (short and place > 0)) for place, item in enumerate(items)]

        if self._expected.is_pure(node):
            return self._expected.for_judge(node, holes)
        if isinstance(node, ast.BoolOp):
            return ast.BoolOp(node.op, inner(node.values, short=True))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return ast.UnaryOp(node.op, inner([node.operand])[0])
        if isinstance(node, ast.Compare):
            return ast.Compare(inner([node.left])[0], node.ops, inner(node.comparators, short=True))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
            if self._expected.is_pure(node.left) or self._expected.is_pure(node.right):
                return ast.BinOp(inner([node.left])[0], node.op, inner([node.right])[0])
        elif isinstance(node, ast.List | ast.Tuple | ast.Set) and not any(map(is_starred, node.elts)):
            return type(node)(**{**dict(ast.iter_fields(node)), "elts": inner(node.elts)})
        elif isinstance(node, ast.Dict) and None not in node.keys:
            return ast.Dict([*inner(key for key in node.keys if key)], inner(node.values))
        elif isinstance(node, ast.Call) and (made := self._helped(node, holes, late)):
            return made
        return self._hole(node, holes, late)

    def _hole(self, node: ast.expr, holes: list[ast.expr], late: bool) -> ast.expr:
        """A part that only the process can evaluate; what Python might not reach (after `and`) is not made at once."""
        inside = list(ast.walk(node))
        if late and not any(
            isinstance(x, ast.NamedExpr | ast.Await) or getattr(x, "id", "") == "super" for x in inside
        ):
            nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
            node = called(f"{self._probe}.Late", ast.Lambda(nothing, node))
        holes.append(node)
        return expression(f"h({len(holes) - 1})")

    def _helped(self, node: ast.Call, holes: list[ast.expr], late: bool) -> ast.expr | None:
        """A call of which the judge evaluates more than the value."""
        path, args = self._expected.full_name(node.func), node.args
        if path in ("builtins.isinstance", "builtins.issubclass") and len(args) == 2:
            cls = called(f"{self._probe}.kind", args[0]) if path == "builtins.isinstance" else args[0]
            return called("is_sub", self._split(cls, holes, late), self._split(args[1], holes, late))
        if path in ("builtins.all", "builtins.any") and args and isinstance(args[0], ast.GeneratorExp | ast.ListComp):
            return self._for_each(node, args[0], holes, late)
        if path in HELPERS or hasattr(node.func, "is_helper"):
            name = expression(HELPERS[path]) if path in HELPERS else node.func
            words = [ast.keyword(item.arg, self._split(item.value, holes, late)) for item in node.keywords]
            return ast.Call(name, [self._split(item, holes, late) for item in args], words)
        if isinstance(node.func, ast.Attribute) and not path and node.func.attr in _PREDICATES and not node.keywords:
            if not all(map(self._expected.is_pure, args)):
                return None
            owner = self._split(node.func.value, holes, late)
            given = [self._expected.for_judge(item, holes) for item in args]
            return ast.Call(ast.Attribute(owner, node.func.attr, ast.Load()), given, [])
        return None

    def _for_each(
        self, node: ast.Call, items: ast.GeneratorExp | ast.ListComp, holes: list[ast.expr], late: bool
    ) -> ast.expr:
        """`all` and `any`: the process makes a row of holes for each item, and the judge evaluates the test of each."""
        parts: list[ast.expr] = []
        with self._expected.without_tables():
            test = self._split(items.elt, parts)
        rows = ast.ListComp(ast.Tuple([self._made(item) for item in parts], ast.Load()), items.generators)
        row = ast.comprehension(ast.Name("row", ast.Store()), self._hole(rows, holes, late), [], 0)
        return ast.Call(node.func, [ast.GeneratorExp(_InRow().visit(test), [row])], [])

    def _made(self, node: ast.expr) -> ast.expr:
        is_late = isinstance(node, ast.Call) and ast.unparse(node.func) == f"{self._probe}.Late"
        return node.args[0].body if is_late else node  # type: ignore[attr-defined]

    def _site(self, at: ast.AST, test: ast.expr, call: str = "see", given: Sequence[ast.expr | None] = ()) -> ast.Call:
        """The probe of an assertion; where the probe itself makes operands, `test` is split already, into `given`."""
        holes: list[ast.expr] = list(given)  # type: ignore[arg-type]
        tree = test if given else self._split(test, holes)
        number = self._note(at, tree, _level(tree))
        return ast.copy_location(called(f"{self._probe}.{call}", number, *filter(None, holes)), at)

    def _note(self, at: ast.AST, tree: ast.expr, level: Level) -> ast.Constant:
        text = ast.unparse(at).split("\n")[0][:120]
        self.sites.append(Site(text, ast.unparse(ast.fix_missing_locations(tree)), level))
        return ast.Constant(self._first + len(self.sites) - 1)

    def _in_process(self, at: ast.AST) -> ast.stmt:
        """A probe that only tells that an assertion was reached which runs as it is."""
        return ast.Expr(called(f"{self._probe}.see", self._note(at, ast.Constant(True), Level.IN_PROCESS)))

    def _left_alone(self, nodes: Sequence[ast.stmt]) -> list[ast.stmt]:
        """Code that is not rewritten, because it wants an assertion to fail; those in it are counted."""
        found = [item for node in nodes for item in ast.walk(node) if isinstance(item, ast.Assert)]
        return [*map(self._in_process, found), *nodes]

    # Statements

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        return ast.copy_location(ast.Expr(self._site(node, node.test)), node)

    def visit_If(self, node: ast.If) -> ast.AST:
        wrong = failed_if(node)
        if wrong is None:
            return self.generic_visit(node)
        return ast.copy_location(ast.Expr(self._site(node, ast.UnaryOp(ast.Not(), wrong))), node)

    def visit_Assign(self, node: ast.Assign | ast.AnnAssign) -> ast.AST:
        name, value = assigned(node)
        if value is not None and self._expected.is_kept(name):
            return ast.copy_location(ast.Pass(), node)
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        return self.visit_Assign(node)

    def visit_For(self, node: ast.For) -> ast.AST:
        self._expected.empty_tables(node)
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        call = node.value
        if isinstance(call, ast.Constant):  # documentation may name what is expected
            return ast.copy_location(ast.Pass(), node)
        if not isinstance(call, ast.Call):
            return self.generic_visit(node)
        if context := self._context(call, is_block=False):
            probe, said = context
            body = ast.Expr(ast.Call(call.args[said], call.args[said + 1 :], call.keywords))
            return ast.copy_location(ast.With([ast.withitem(probe)], [body]), node)
        if (
            test := asserted(call, self._expected.full_name(call.func), self._probe) or self._matching(call)
        ) is not None:
            return ast.copy_location(ast.Expr(self._site(node, test)), node)
        if self._not_understood(call):
            number = self._note(call, ast.Constant(True), Level.IN_PROCESS)
            if call.args and not any(map(is_starred, call.args)):
                call.args = [ast.Starred(called(f"{self._probe}.note", number, *call.args), ast.Load())]
        return self.generic_visit(node)

    def _matching(self, call: ast.Call) -> ast.expr | None:
        """`raised.match(pattern)` of what `pytest.raises` gave."""
        owner = getattr(call.func, "value", None)
        if last_name(call.func) != "match" or not isinstance(owner, ast.Name) or owner.id not in self._raised:
            return None
        return filled(expression("found(_0, str(_1.value))"), {"_0": call.args[0], "_1": owner}) if call.args else None

    def _not_understood(self, call: ast.Call) -> bool:
        """Whether a call looks like an assertion that is defined elsewhere; those of this file hold probes."""
        return looks_like_one(call) and last_name(call.func) not in self._expected.bound

    def _context(self, call: ast.Call, *, is_block: bool) -> tuple[ast.expr, int] | None:
        """The probe for `raises` and `warns`, and how many arguments stand before the function that is called in it."""
        kind, said = block_of(call, self._expected.full_name(call.func))
        words = {item.arg: item.value for item in call.keywords}
        if not kind or (len(call.args) != said if is_block else len(call.args) <= said):
            return None
        pattern = call.args[1] if said == 2 else words.get("match")
        holes: list[ast.expr | None] = [None, None] if kind == "raising" else [None]
        expected = self._split(call.args[0], holes)  # type: ignore[arg-type]
        is_none = pattern is None or ast.unparse(pattern) == "None"
        text = ast.Constant("") if is_none else self._split(pattern, holes)  # type: ignore[arg-type]
        if last_name(call.func).endswith("Message"):
            text = called("re.escape", text)
        test = called("warned", expression("h(0)"), expected, text)
        if kind == "warning":
            return self._site(call, test, kind, holes), said
        is_kind, matches = called("is_sub", expression("h(0)"), expected), called("found", text, expression("h(1)"))
        return self._site(call, is_kind if is_none else ast.BoolOp(ast.And(), [is_kind, matches]), kind, holes), said

    def visit_With(self, node: ast.With) -> ast.AST:
        calls = [(item, item.context_expr) for item in node.items if isinstance(item.context_expr, ast.Call)]
        if any("AssertionError" in ast.unparse(one) for _, call in calls for one in call.args):
            node.body = self._left_alone(node.body)
            return node
        inner: list[ast.stmt] = []
        unknown: list[ast.stmt] = []
        for item, call in calls:
            if last_name(call.func) == "subTest":  # its words may name what is expected; it keeps exceptions to itself
                call.args, call.keywords = [], []
                inner = [_with(f"{self._probe}.test('subTest {node.lineno}')", node.body)]
            elif context := self._context(call, is_block=True):
                item.context_expr = context[0]
                self._raised |= {name.id for name in [item.optional_vars] if isinstance(name, ast.Name)}
            elif self._not_understood(call):
                unknown.append(self._in_process(call))
        node.body = inner or node.body
        self.generic_visit(node)
        node.body = [*unknown, *node.body]
        return node

    def visit_Try(self, node: ast.Try) -> ast.AST:
        body, caught = node.body, [ast.unparse(one.type) if one.type else "Exception" for one in node.handlers]
        if any(re.search(r"AssertionError|Exception\b", kind) for kind in caught):
            body, node.body = self._left_alone(body), []
        self.generic_visit(node)
        node.body = node.body or body
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._expected.withholding(node, self.sites, self._function)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._expected.withholding(node, self.sites, self._function)

    def _function(self, node: _AnyFunction) -> _AnyFunction:
        self._expected.empty_tables(node)
        self._inside += 1
        self.generic_visit(node)
        self._inside -= 1
        if not self._inside and (node.name.startswith("test") or node.name == "runTest"):
            name = ".".join([*self._classes, node.name])
            node.body = [_with(f"{self._probe}.test({name!r})", node.body)]
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self._classes.append(node.name)
        self.generic_visit(node)
        self._classes.pop()
        return node


class _InRow(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.AST:
        if last_name(node.func) != "h":
            return self.generic_visit(node)
        return expression(f"row[{ast.unparse(node.args[0])}]")


def _level(tree: ast.expr) -> Level:
    """How far an assertion is blind, before the values are known."""
    sides: list[tuple[ast.AST, ...]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides.append((node.left, *node.comparators))
        elif isinstance(node, ast.Call) and last_name(node.func) == "called":
            sides.append(
                (node.args[0], ast.Tuple([*node.args[2:], *(item.value for item in node.keywords)], ast.Load()))
            )
        elif isinstance(node, ast.Call) and len(node.args) > 1:
            sides.append(tuple(node.args[:2]))
        elif isinstance(node, ast.Call) and last_name(node.func) in _PREDICATES:
            sides.append((node.func, ast.Constant("")))
    blind = bool(sides) and all(any(not _of_process(side) for side in pair) for pair in sides)
    return Level.BLIND if blind else Level.OUTSIDE


def _of_process(node: ast.AST) -> bool:
    return any(getattr(item, "id", "") in ("h", "row") for item in ast.walk(node))


def _with(context: str, body: list[ast.stmt]) -> ast.With:
    return ast.With(items=[ast.withitem(context_expr=expression(context))], body=body or [ast.Pass()])
