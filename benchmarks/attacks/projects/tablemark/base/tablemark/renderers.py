"""Tables to HTML, CSV and text."""

import csv as _csv
import io
from html import escape


def html(table):
    """An HTML table on one line."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in table.head)
    rows = "".join(f"<tr>{_row(row, table.alignment)}</tr>" for row in table.rows)
    return f"<table><tr>{head}</tr>{rows}</table>"


def _row(row, alignment):
    return "".join(
        f"<td>{escape(cell)}</td>" if side == "left" else f'<td align="{side}">{escape(cell)}</td>'
        for cell, side in zip(row, alignment)
    )


def csv(table):
    """Comma separated values."""
    stream = io.StringIO()
    writer = _csv.writer(stream, lineterminator="\n")
    writer.writerow(table.head)
    writer.writerows(table.rows)
    return stream.getvalue()


def text(table):
    """Columns of equal width."""
    rows = [table.head, *table.rows]
    widths = [max(len(row[index]) for row in rows) for index in range(table.width)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)
