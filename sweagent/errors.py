"""Errors that reach the user, with hint and exit code."""

import re
from enum import IntEnum

_UNSET = "OWNER"
"""Stands in addresses, here and in docs/examples, for whoever publishes fix-issue."""


def please_report(what: str) -> str:
    """What to do about an error of our own.

    Args:
        what: to be sent along, such as the path of a log.
    """
    from importlib.metadata import PackageNotFoundError, metadata

    try:
        urls = metadata("fix-issue").get_all("Project-URL") or []
    except PackageNotFoundError:  # the Action runs from a checkout
        urls = []
    address = next((url.partition(",")[2].strip() for url in urls if url.startswith("Issues,")), "")
    place = f"at {address}" if address and _UNSET not in address else "where you got fix-issue from"
    return f"this is a bug of fix-issue: please report it {place}, with {what}"


_SYSTEM = re.compile(r"\[Errno \d+\] ([^:\n]+)(?:: b?(?:'[^'\n]*'|\"[^\"\n]*\"))?")
"""How Python writes an error of the system: with its number, and with a path that our own words name."""


class ExitCode(IntEnum):
    """Exit codes of the `fix-issue` command; 0 and those from 3 to 7 follow the verdict."""

    VERIFIED = 0
    INTERNAL = 1
    USAGE = 2
    UNVERIFIED = 3
    REGRESSED = 4
    REJECTED = 5
    NO_PATCH = 6
    NEEDS_REVIEW = 7
    SANDBOX = 10
    POLICY = 11
    FORGE = 12
    STORAGE = 13
    INTERRUPTED = 130
    TERMINATED = 143


class FixIssueError(Exception):
    """Base of all errors that are shown to the user without a traceback.

    Args:
        message: what happened, in one line.
        hint: what the user can do about it.
    """

    exit_code = ExitCode.INTERNAL

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(_SYSTEM.sub(r"\1", message))
        self.hint = hint

    @property
    def with_hint(self) -> str:
        """The message and the hint in one line."""
        return f"{self} ({self.hint})" if self.hint else str(self)


class UsageError(FixIssueError, ValueError):
    """The input (an argument, a setting, a file given by the user) cannot be used."""

    exit_code = ExitCode.USAGE


class SandboxError(FixIssueError):
    """The sandbox, the engine or an image failed: infrastructure, not the policy's fault."""

    exit_code = ExitCode.SANDBOX


class EnvironmentBuildError(SandboxError):
    """The environment that a repository needs could not be built."""


class PolicyError(FixIssueError):
    """The policy (the model or its provider) cannot go on."""

    exit_code = ExitCode.POLICY


class ContextOverflowError(PolicyError):
    """The prompt is larger than the model's window."""


class BudgetExceededError(PolicyError):
    """A call could overshoot a limit, so it was not made."""


class ForgeError(FixIssueError):
    """The forge or a git remote refused, or cannot be reached."""

    exit_code = ExitCode.FORGE


class UnknownRepositoryError(ForgeError):
    """The remote has no such repository, or does not show it to this user; to ask again does not help."""


class StorageError(FixIssueError, OSError):
    """The run's folder cannot be read or written; what was written before stays whole."""

    exit_code = ExitCode.STORAGE

    def __init__(self, message: str, hint: str = "") -> None:
        FixIssueError.__init__(self, message, hint)


class RunInterruptedError(FixIssueError):
    """The user or the system asked the run to stop.

    Args:
        message: what stopped it.
        signal: the number of the signal, 2 for SIGINT.
    """

    def __init__(self, message: str, signal: int = 2) -> None:
        super().__init__(message)
        self.exit_code = ExitCode.TERMINATED if signal == 15 else ExitCode.INTERRUPTED
