"""The table."""

from dataclasses import dataclass, field


@dataclass
class Table:
    """Head, rows, and the alignment of each column (`left`, `right`, `center`)."""

    head: list
    rows: list = field(default_factory=list)
    alignment: list = field(default_factory=list)

    @property
    def width(self):
        """The number of columns."""
        return len(self.head)

    def column(self, name):
        """The cells of a column."""
        index = self.head.index(name)
        return [row[index] for row in self.rows]
