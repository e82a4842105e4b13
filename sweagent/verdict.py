"""Verdicts on a patch, each with its rank and its exit code."""

from enum import StrEnum

from sweagent.errors import ExitCode


class Verdict(StrEnum):
    """What the harness says of a patch, the strongest first."""

    VERIFIED = "verified"
    NEEDS_REVIEW = "needs review"
    """Proved, with named things that a person has to look at; a model is never asked to mend them."""
    UNVERIFIED = "unverified"
    NOT_VERIFIED = "not verified"
    """Nothing was run: verification was left out."""
    REGRESSED = "regressed"
    REJECTED = "rejected"
    NO_PATCH = "no patch"

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of a command that ends with this verdict."""
        return ExitCode.UNVERIFIED if self is Verdict.NOT_VERIFIED else ExitCode[self.name]

    @property
    def rank(self) -> int:
        """0 for the strongest; of two patches the one with the lower rank is the better one."""
        return list(Verdict).index(self)

    @property
    def harmful(self) -> bool:
        """Whether runs showed that the patch breaks something or tampers with its judgement; it is never delivered."""
        return self in (Verdict.REGRESSED, Verdict.REJECTED)

    @property
    def publishable(self) -> bool:
        """Whether a patch with this verdict can be offered to people, if need be as a draft."""
        return self.rank <= Verdict.UNVERIFIED.rank
