"""Give git a patch, and say why it does not apply."""

from sweagent.errors import UsageError
from sweagent.git import GitError


def as_bytes(text: str) -> bytes:
    """The bytes of a diff, ended by a newline, which editors and models like to lose."""
    data = text.encode("utf-8", "surrogateescape")
    return data if data.endswith(b"\n") else data + b"\n"


def does_not_apply(error: GitError) -> UsageError:
    """What to tell the user when git refuses a patch."""
    said = error.stderr.splitlines()
    return UsageError(
        f"the patch does not apply: {said[0] if said else error}", "it must be a git diff against the base commit"
    )
