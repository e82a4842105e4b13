"""Lay a proof out for a terminal, wide or narrow."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.table import Table

_NARROW = 60
"""Below so many columns a name stands above its value, for there is no room beside it."""


@dataclass(frozen=True)
class ProofPanel:
    """The verdict and one table of what it rests on.

    Attributes:
        verdict: its name.
        reason: one sentence.
        rows: name and value of each fact, printed as they are.
        colour: of the verdict.
        plain: without a box.
    """

    verdict: str
    reason: str
    rows: tuple[tuple[str, str], ...]
    colour: str
    plain: bool = False

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        from rich.console import Group
        from rich.panel import Panel
        from rich.text import Text

        head = Text.assemble((self.verdict, f"bold {self.colour}"), f"  {self.reason}", overflow="fold")
        table = self._stacked() if options.max_width < _NARROW else self._beside()
        if self.plain:
            yield Group(head, Text(), table)
            return
        yield Panel(Group(head, Text(), table), title="proof", title_align="left", border_style=self.colour)

    def _beside(self) -> "Table":
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in self.rows:
            table.add_row(name, Text(value))
        return table

    def _stacked(self) -> "Table":
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, show_header=False, padding=0)
        table.add_column(overflow="fold")
        for name, value in self.rows:
            table.add_row(Text(name, style="bold"))
            table.add_row(Text(f"  {value}"))
        return table
