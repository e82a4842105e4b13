"""Verdicts on a patch, each with its exit code."""

from enum import StrEnum

from sweagent.errors import ExitCode


class Verdict(StrEnum):
    """What the harness says of a patch."""

    VERIFIED = "verified"
    NEEDS_REVIEW = "needs review"
    """Proved, with named things that a person has to look at; a model is never asked to mend them."""
    UNVERIFIED = "unverified"
    REGRESSED = "regressed"
    REJECTED = "rejected"
    NO_PATCH = "no patch"

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of a command that ends with this verdict."""
        return ExitCode[self.name]
