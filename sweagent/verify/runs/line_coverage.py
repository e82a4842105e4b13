"""Changed statements, and which of them a run executes."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from sweagent.verify.monitors import monitor_source
from sweagent.verify.proof import Coverage
from sweagent.verify.runs.command_result import FOLDER, Command
from sweagent.verify.trees import added_lines

_DOCUMENTS = (".md", ".rst", ".adoc")
_RECORD = "lines"
_FILES = "FILES = ()\n"
_SHOWN = 3


@dataclass(frozen=True)
class ChangedStatements:
    """The statements that a patch adds or changes.

    Attributes:
        inside: those in the bodies of functions, as ranges of lines by file.
        elsewhere: why some of the change cannot be seen as lines that run: what it is, with its file.
    """

    inside: Mapping[str, tuple[range, ...]] = field(default_factory=dict)
    elsewhere: tuple[str, ...] = ()

    @classmethod
    def of(cls, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> "ChangedStatements":
        """Compare the source files of two trees.

        Args:
            before: the base's, by path.
            after: those with the patch; one that is missing was deleted.
        """
        inside: dict[str, tuple[range, ...]] = {}
        elsewhere = [f"{path} is deleted" for path in before if path not in after and not path.endswith(_DOCUMENTS)]
        for path, content in after.items():
            if path.endswith(_DOCUMENTS):
                continue
            if not path.endswith(".py"):
                elsewhere.append(f"{path} is not Python")
                continue
            try:
                tree = ast.parse(content)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                elsewhere.append(f"{path} cannot be read")
                continue
            added = added_lines(before.get(path, b""), content)
            found = tuple(lines for lines in _statements(tree) if added.intersection(lines))
            inside |= {path: found} if found else {}
            of_functions = {line for lines in _bodies(tree) for line in lines}
            if any(line not in of_functions for line in _code_lines(tree) & added) or not added:
                elsewhere.append(f"some of {path} runs on import, or is data, or is only removed")
        return cls(inside, tuple(elsewhere))

    def traced(self, job: Command) -> Command:
        """The job of Python, whose run also writes down which lines of the changed files it executes."""
        source = monitor_source("line_tracer.py", record=f"{FOLDER}/{_RECORD}")
        return replace(
            job,
            command='export PYTHONPATH="{folder}/trace${PYTHONPATH:+:$PYTHONPATH}"; ' + job.command,
            own={
                **job.own,
                f"{FOLDER}/trace/sitecustomize.py": source.replace(_FILES, f"FILES = {tuple(self.inside)!r}\n"),
            },
            record=_RECORD,
            shown=job.shown or job.command,
        )

    def coverage(self, record: str | None) -> Coverage:
        """How many of the statements in functions ran.

        Args:
            record: what a traced run wrote down; None when there is nothing.
        """
        lines = (record or "").splitlines()
        ran: dict[str, set[int]] = {}
        for line in lines:
            word, _, rest = line.partition(" ")
            if word == "line":
                number, _, path = rest.partition(" ")
                ran.setdefault(path, set()).add(int(number))
        seen = [bool(ran.get(path, set()).intersection(span)) for path in self.inside for span in self.inside[path]]
        unseen = [line.partition(" ")[2] for line in lines if line.startswith("unseen ")]
        if "began" not in lines:
            unseen.append("the run was not traced")
        return Coverage(
            statements=len(seen), ran=sum(seen), unseen=tuple(dict.fromkeys([*self.elsewhere, *unseen]))[:_SHOWN]
        )


def _statements(tree: ast.AST) -> Iterator[range]:
    """The lines of each statement in a function, of one that holds others only its first part."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in _inner(function):
            is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            if not is_text and not isinstance(node, ast.Global | ast.Nonlocal):
                held = [item.lineno for item in ast.iter_child_nodes(node) if isinstance(item, ast.stmt)]
                yield range(node.lineno, min(held, default=(node.end_lineno or node.lineno) + 1))


def _inner(function: ast.AST) -> Iterator[ast.stmt]:
    """The statements of a function, without those of the functions in it."""
    for node in ast.iter_child_nodes(function):
        if isinstance(node, ast.stmt):
            yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _inner(node)


def _bodies(tree: ast.AST) -> Iterator[range]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1)


def _code_lines(tree: ast.AST) -> set[int]:
    """The lines with code, without blank ones, comments and documentation."""
    texts = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    lines = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    return lines - texts
