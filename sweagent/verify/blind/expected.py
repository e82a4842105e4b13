"""Expected values that the source of a reproduction states."""

import ast
import builtins
import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sweagent.verify.blind.assertions import called, expression, filled, last_name

_PURE_CALLS = frozenset(
    {"int", "float", "complex", "str", "bytes", "bytearray", "list", "tuple", "dict", "set", "frozenset", "bool"}
    | {"range", "len", "repr", "sorted", "reversed", "abs", "round", "min", "max", "sum", "zip", "enumerate", "slice"}
    | {"chr"}
)
_STANDARD = frozenset(
    {"datetime", "decimal", "fractions", "collections", "textwrap", "math", "uuid", "itertools", "operator", "re"}
)
_CHANGING = frozenset({"now", "today", "utcnow", "uuid1", "uuid4", "count", "cycle", "namedtuple"})
_ROUNDS = 4

_Node = TypeVar("_Node", bound=ast.AST)
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Rows = ast.List | ast.Tuple


@dataclass
class _Column:
    """One argument of a table of literals."""

    index: int | None
    cells: list[ast.expr]
    number: int = -1


@dataclass
class _Kept:
    """The names that the judge keeps, in the scopes around."""

    values: dict[str, ast.expr] = field(default_factory=dict)
    columns: dict[str, _Column] = field(default_factory=dict)


class Expected:
    """What a source says by itself, in the scope that is being rewritten.

    Args:
        tree: the whole source.
        probe: the name of the probe's module.
        table: the number of the first table.
    """

    def __init__(self, tree: ast.Module, probe: str, table: int) -> None:
        self.imports = _imports(tree)
        """Full names of what the source imports, by local name."""
        self.tables: list[tuple[str, ...]] = []
        """What stands in columns that are withheld, row by row."""
        self.bound = frozenset(_bound(tree))
        """The names to which the source gives values."""
        self._probe, self._table, self._kept = probe, table, _Kept()

    def withholding(self, scope: _Node, sites: list[Any], visit: Callable[[_Node], _Node]) -> _Node:
        """Rewrite a scope; a name that is used for anything but assertions is not withheld, which a try shows.

        Args:
            scope: a module or a function; it stays as it is.
            sites: what a try adds to this list is taken back when another one follows.
            visit: rewrites a copy of the scope.
        """
        refused: set[str] = set()
        outer = self._kept
        for round_ in range(_ROUNDS):
            marks = len(sites), len(self.tables)
            self._kept = _Kept(dict(outer.values), dict(outer.columns))
            own = self._take(scope, refused) if round_ < _ROUNDS - 1 else set()
            made = visit(copy.deepcopy(scope))
            leaked = own & _loaded(made)
            self._kept = outer
            if not leaked:
                break
            refused |= leaked
            del sites[marks[0] :], self.tables[marks[1] :]
        return made

    def is_kept(self, name: str) -> bool:
        """Whether the judge keeps the value of a name, which is given it nowhere then."""
        return name in self._kept.values

    @contextmanager
    def without_tables(self) -> Iterator[None]:
        """Withhold no column of a table meanwhile."""
        columns, self._kept.columns = self._kept.columns, {}
        try:
            yield
        finally:
            self._kept.columns = columns

    def empty_tables(self, node: ast.For | _Function) -> None:
        """Put stand-ins in the place of what is withheld of the tables of a loop or of a parametrised test."""
        for rows, columns in self._tables_of(node):
            for name, column in columns:
                kept = self._kept.columns.get(name)
                if kept is None:
                    continue
                for place, row in enumerate(rows.elts):
                    held = called(f"{self._probe}.Held", ast.Constant(kept.number), ast.Constant(place))
                    if column.index is not None:
                        _cells(row)[column.index] = held
                    else:
                        rows.elts[place] = held

    def full_name(self, node: ast.AST) -> str:
        """The full name of something imported or built in, or of an attribute of it; else empty."""
        if isinstance(node, ast.Attribute):
            owner = self.full_name(node.value)
            return owner and f"{owner}.{node.attr}"
        if not isinstance(node, ast.Name) or node.id in self.bound:
            return ""
        return self.imports.get(node.id) or (f"builtins.{node.id}" if hasattr(builtins, node.id) else "")

    def is_pure(self, node: ast.AST, bound: frozenset[str] = frozenset()) -> bool:
        """Whether an expression needs nothing of the code under test, so that the judge can evaluate it."""
        path = self.full_name(node) if isinstance(node, ast.Name | ast.Attribute) else ""
        if path:
            built_in = path.startswith("builtins.") and isinstance(getattr(builtins, path[9:], None), type)
            return built_in or path == "unittest.mock.ANY" or path.split(".")[0] in _STANDARD
        if isinstance(node, ast.Name):
            return node.id in bound or node.id in self._kept.values or node.id in self._kept.columns
        if isinstance(node, ast.Lambda | ast.Await | ast.Yield | ast.YieldFrom | ast.NamedExpr | ast.Starred):
            return False
        parts: list[ast.AST] = list(ast.iter_child_nodes(node))
        if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            for part in node.generators:
                if not self.is_pure(part.iter, bound):
                    return False
                bound |= {item.id for item in ast.walk(part.target) if isinstance(item, ast.Name)}
        elif isinstance(node, ast.Call):
            if not self._is_pure_call(node, bound):
                return False
            parts = [*node.args, *node.keywords]
        wanted = ast.expr | ast.keyword | ast.comprehension
        return all(self.is_pure(item, bound) for item in parts if isinstance(item, wanted))

    def _is_pure_call(self, node: ast.Call, bound: frozenset[str]) -> bool:
        path = self.full_name(node.func)
        if path.split(".")[0] in _STANDARD:
            return path.split(".")[-1] not in _CHANGING
        known = path.removeprefix("builtins.") in _PURE_CALLS or path.startswith("unittest.mock.call")
        return known or (isinstance(node.func, ast.Attribute) and not path and self.is_pure(node.func.value, bound))

    def for_judge(self, node: ast.expr, holes: list[ast.expr]) -> ast.expr:
        """A pure expression for the judge: names are their values, and a row of a table is asked for."""
        given: dict[str, ast.expr] = {}
        for item in ast.walk(node):
            if isinstance(item, ast.Name) and item.id in self._kept.values:
                given[item.id] = self._kept.values[item.id]
            elif isinstance(item, ast.Name) and item.id in self._kept.columns and item.id not in given:
                holes.append(_row_of(item.id))
                given[item.id] = expression(f"t({len(holes) - 1})")
        return filled(copy.deepcopy(node), given) if given else node

    def _take(self, scope: ast.AST, refused: set[str]) -> set[str]:
        used = _loaded(scope)
        times = {name: number for name, number in _bound(scope).items() if name in used}
        own: set[str] = set()
        for node in _statements(scope):
            name, value = assigned(node)
            if value is not None and times.get(name) == 1 and name not in refused and self.is_pure(value):
                self._kept.values[name] = self.for_judge(value, [])
                own.add(name)
        for name, column in self._columns(scope):
            free = times.get(name) == 1 and name not in refused
            if free and all(self.is_pure(cell) and not self._is_tabled(cell) for cell in column.cells):
                column.number = self._table + len(self.tables)
                self.tables.append(tuple(ast.unparse(self.for_judge(cell, [])) for cell in column.cells))
                self._kept.columns[name] = column
                own.add(name)
        return own

    def _is_tabled(self, node: ast.AST) -> bool:
        return any(isinstance(item, ast.Name) and item.id in self._kept.columns for item in ast.walk(node))

    def _columns(self, scope: ast.AST) -> Iterator[tuple[str, _Column]]:
        for node in (scope, *_statements(scope)):
            if isinstance(node, ast.For | _Function) and (node is scope or isinstance(node, ast.For)):
                for _, columns in self._tables_of(node):
                    yield from columns

    def _tables_of(self, node: ast.For | _Function) -> Iterator[tuple[_Rows, list[tuple[str, _Column]]]]:
        """The tables of literals by which a loop or a parametrised test is given values, each with its columns."""
        if isinstance(node, ast.For):
            several = isinstance(node.target, ast.Tuple)
            names = node.target.elts if isinstance(node.target, ast.Tuple) else [node.target]
            yield from _table([item.id if isinstance(item, ast.Name) else "" for item in names], node.iter, several)
            return
        for call in node.decorator_list:
            if not isinstance(call, ast.Call) or len(call.args) != 2:
                continue
            is_table = self.full_name(call.func) == "pytest.mark.parametrize"
            if not is_table or any(word.arg == "indirect" for word in call.keywords):
                continue
            head = call.args[0]
            if isinstance(head, ast.Constant) and isinstance(head.value, str):
                words = [word.strip() for word in head.value.split(",") if word.strip()]
                yield from _table(words, call.args[1], len(words) > 1)
            elif isinstance(head, ast.List | ast.Tuple):
                words = [str(item.value) if isinstance(item, ast.Constant) else "" for item in head.elts]
                yield from _table(words, call.args[1], True)


def _row_of(name: str) -> ast.Name:
    """A name that a probe is given only to tell which row of a table it stands for."""
    node = ast.Name(name, ast.Load())
    node.is_row = True  # type: ignore[attr-defined]
    return node


def _imports(tree: ast.Module) -> dict[str, str]:
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name in node.names:
                path = name.name if isinstance(node, ast.Import) else f"{node.module or ''}.{name.name}"
                local = name.asname or name.name.split(".")[0]
                found[local] = path if name.asname or isinstance(node, ast.ImportFrom) else local
    return found


def _bound(tree: ast.AST) -> dict[str, int]:
    """Count the assignments of each name in a scope and in those inside, except imports."""
    times: dict[str, int] = {}

    def add(*names: str | None) -> None:
        for name in filter(None, names):
            times[name] = times.get(name, 0) + 1

    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            add(node.id)
        elif isinstance(node, ast.arg):
            add(node.arg)
        elif isinstance(node, _Function | ast.ClassDef | ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
            add(node.name)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            add(*node.names, *node.names)
    return times


def _loaded(tree: ast.AST) -> set[str]:
    """The names whose values are used, but for what a probe is told."""
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and not hasattr(node, "is_row")]
    return {node.id for node in names if isinstance(node.ctx, ast.Load)}


def _statements(scope: ast.AST) -> Iterator[ast.stmt]:
    """The statements of a scope, those of functions and classes inside left out."""
    waiting = list(getattr(scope, "body", []))
    while waiting:
        node = waiting.pop(0)
        yield node
        if not isinstance(node, _Function | ast.ClassDef):
            waiting[:0] = [item for item in ast.iter_child_nodes(node) if isinstance(item, ast.stmt)]


def assigned(node: ast.AST) -> tuple[str, ast.expr | None]:
    """The one plain name that a statement gives a value, and the value."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id, node.value
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id, node.value
    return "", None


def _table(names: Sequence[str], rows: ast.expr, several: bool) -> Iterator[tuple[_Rows, list[tuple[str, _Column]]]]:
    if not isinstance(rows, _Rows) or not rows.elts or any(map(is_starred, rows.elts)):
        return
    if not several:
        if not any(isinstance(row, ast.Call) and last_name(row.func) == "param" for row in rows.elts):
            yield rows, [(names[0], _Column(None, list(rows.elts)))]
        return
    cells = [_cells(row) for row in rows.elts]
    if all(len(row) == len(names) and not any(map(is_starred, row)) for row in cells):
        yield rows, [(name, _Column(index, [row[index] for row in cells])) for index, name in enumerate(names)]


def _cells(row: ast.expr) -> list[ast.expr]:
    if isinstance(row, ast.Call) and last_name(row.func) == "param":
        return row.args
    return row.elts if isinstance(row, ast.Tuple | ast.List) else []


def is_starred(node: ast.AST) -> bool:
    """Whether an argument or an item stands for several."""
    return isinstance(node, ast.Starred)
