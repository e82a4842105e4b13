"""The trees that a verification compares."""

from dataclasses import dataclass, field

from sweagent.verify.runs.line_coverage import ChangedStatements
from sweagent.verify.runs.side_tree import SideTree


@dataclass(frozen=True)
class Sides:
    """The trees that are compared.

    Attributes:
        base: before the patch.
        control: the base with a comment in the patched files; what passes on it does not tell a fix from any change.
        patched: with the patch's source changes.
        own_modules: the top-level names of the Python modules of the work tree.
        added_names: the words in the patched source files that their base versions lack.
        statements: what the patch adds or changes, to tell which of it runs.
    """

    base: SideTree
    control: SideTree
    patched: SideTree
    own_modules: frozenset[str] = frozenset()
    added_names: frozenset[str] = frozenset()
    statements: ChangedStatements = field(default_factory=ChangedStatements)
