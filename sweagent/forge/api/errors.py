"""The refusals of a forge that the program can do something about."""

from enum import StrEnum

from sweagent.errors import ForgeError


class Refusal(StrEnum):
    """Why a forge will not open a pull request."""

    EXISTS = "exists"
    NO_COMMITS = "no commits"
    BAD_BASE = "bad base"
    NO_DRAFTS = "no drafts"
    OTHER = "other"


class PullRequestRefusedError(ForgeError):
    """The forge will not open this pull request.

    Args:
        message: what the forge says.
        reason: which of the known cases it is.
        hint: what to do next.
    """

    def __init__(self, message: str, reason: Refusal, hint: str = "") -> None:
        super().__init__(message, hint)
        self.reason = reason


class PermissionMissingError(ForgeError):
    """The token is valid, but it does not allow this."""


class NotFoundError(ForgeError):
    """There is no such thing, or the token may not see it."""
