"""What an environment lacks, as its collection of tests showed."""

from enum import StrEnum

from sweagent.frozen import Frozen


class LackKind(StrEnum):
    """What kind of thing an environment lacks."""

    MODULE = "module"
    """A module that is no file of the repository."""
    PLUGIN = "plugin"
    """A plugin of the test runner, known by an option or a marker that nobody understands."""
    PROGRAM = "program"
    OWN_MODULE = "own module"
    """A module of the repository itself: not built, or not on the path."""
    OTHER = "other"
    """Test files cannot be imported for another reason; the repository itself may be the cause."""

    @property
    def of_environment(self) -> bool:
        """Whether the environment is to blame and never the repository."""
        return self in (LackKind.MODULE, LackKind.PLUGIN, LackKind.PROGRAM)


_WORDS = {
    LackKind.MODULE: "the module {} is missing",
    LackKind.PLUGIN: "no plugin of the test runner knows {}",
    LackKind.PROGRAM: "the program {} is missing",
    LackKind.OWN_MODULE: "the repository's own module {} cannot be imported",
    LackKind.OTHER: "{}",
}


class Lack(Frozen):
    """One thing that an environment lacks, and what that costs."""

    kind: LackKind
    name: str
    """The module, option, marker or program; of other causes, the error in one line."""
    files: int = 0
    """So many test files cannot be collected for it; 0 where the runner did not start."""

    def __str__(self) -> str:
        count = "no test" if not self.files else "1 test file" if self.files == 1 else f"{self.files} test files"
        verb = "can" if not self.files else "cannot"
        return f"{_WORDS[self.kind].format(self.name)}, so {count} {verb} be collected"
