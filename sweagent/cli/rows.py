"""Print rows of data: aligned on a terminal, whole in a pipe."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sweagent.cli.console import open_console, safe

if TYPE_CHECKING:
    from rich.console import Console

_GAP = 1
_LEAST = 24
"""Columns that words need to be read."""


def print_rows(heads: Sequence[str], rows: Sequence[Sequence[str]], *, title: str = "") -> None:
    """Print rows on standard output; nothing is ever cut.

    In a pipe each row is one line. Where the terminal is too narrow for the last column, which holds words, each row's
    values stand below its first one.

    Args:
        heads: of the columns.
        rows: texts, printed as they are.
        title: above them.
    """
    from rich.table import Table
    from rich.text import Text

    console = open_console()
    harmless = [[safe(cell) for cell in row] for row in rows]
    if title:
        console.print(Text(title, style="bold"))
    if not console.file.isatty():
        _print_aligned([heads, *harmless])
        return
    before = sum(max(map(len, column)) + _GAP for column in list(zip(heads, *harmless, strict=True))[:-1])
    if console.width - before < _LEAST:
        _print_stacked(console, harmless)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in harmless:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def _print_aligned(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _print_stacked(console: "Console", rows: Sequence[Sequence[str]]) -> None:
    from rich.padding import Padding
    from rich.text import Text

    for first, *others in rows:
        console.print(Text(first, style="bold", overflow="fold"))
        *facts, words = others
        for cell in filter(None, (" · ".join(filter(None, facts)), words)):
            console.print(Padding(Text(cell, overflow="fold"), (0, 0, 0, 2)))
