"""Text into tables."""

from .lexer import cells, is_rule
from .table import Table


class TableError(ValueError):
    """The text is no table."""


def read(text):
    """The table of a text: a head, a rule, and rows as wide as the head."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2 or not is_rule(lines[1]):
        raise TableError("a table needs a head and a rule below it")
    head = cells(lines[0])
    alignment = [_alignment(cell) for cell in cells(lines[1])]
    if len(alignment) != len(head):
        raise TableError("the rule is not as wide as the head")
    table = Table(head, [], alignment)
    for number, line in enumerate(lines[2:], 1):
        row = cells(line)
        if len(row) > len(head):
            raise TableError(f"row {number} has {len(row)} cells, the head {len(head)}")
        table.rows.append(row + [""] * (len(head) - len(row)))
    return table


def _alignment(cell):
    if cell.startswith(":") and cell.endswith(":"):
        return "center"
    return "right" if cell.endswith(":") else "left"
