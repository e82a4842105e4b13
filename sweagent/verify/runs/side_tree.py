"""One side of a comparison: what it changes in the base tree."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sweagent.verify.proof import Side
from sweagent.verify.trees import FileChange, Trees


@dataclass(frozen=True)
class SideTree:
    """What one side changes in the base tree."""

    name: Side
    archive: bytes = b""
    deleted: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, name: Side, trees: Trees, changes: tuple[FileChange, ...]) -> "SideTree":
        """The side that differs from the base by these changes."""
        deleted = tuple(change.path for change in changes if change.new is None)
        return cls(name, trees.archive(changes) if changes else b"", deleted)

    @property
    def patched(self) -> bool:
        """Whether anything of a patch may be in it: all but the base, and the base with the control's comment."""
        return self.name is Side.PATCHED or bool(self.archive or self.deleted)
