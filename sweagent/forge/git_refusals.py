"""What a remote refuses git, and why."""

from enum import StrEnum

from sweagent.errors import ForgeError
from sweagent.forge.api.protocol import Remote
from sweagent.git import GitError
from sweagent.printable import first_line
from sweagent.proxies import HINT as PROXY_HINT
from sweagent.proxies import refusal_in
from sweagent.repository.git_address import parse_git_address

_PASSING = (
    "the remote end hung up",
    "connection",
    "timed out",
    "could not resolve host",
    "returned error: 5",
    "early eof",
)


class Refused(StrEnum):
    """Why a push was refused."""

    NO_ACCESS = "no write access"
    PROTECTED = "the branch is protected"
    WORKFLOWS = "the token may not change workflow files"
    HOOK = "a hook of the server declined it"
    MOVED = "somebody pushed at the same time"
    OTHER = "refused"


class PushRefusedError(ForgeError):
    """The remote refused a push.

    Args:
        reason: which of the known cases it is.
        said: what the remote said.
    """

    def __init__(self, reason: Refused, said: str) -> None:
        super().__init__(f"the push was refused: {reason.value} ({said})", _PUSH_HINTS[reason])
        self.reason = reason
        self.said = said


_PUSH_HINTS = {
    Refused.NO_ACCESS: "give the token the permission `contents: write`",
    Refused.PROTECTED: "let branches under fix-issue/ be created, or choose another prefix in the protection rules",
    Refused.WORKFLOWS: "give the token the permission `workflows: write`, or leave .github/workflows alone",
    Refused.HOOK: "see what the server's hook said",
    Refused.MOVED: "run the command again",
    Refused.OTHER: "see what the remote said",
}


def may_pass(error: BaseException) -> bool:
    """Whether another attempt can help."""
    if not isinstance(error, GitError):
        return False
    refusal = refusal_in(error.stderr)
    return refusal.passing if refusal else any(words in error.stderr.lower() for words in _PASSING)


def explained(command: str, remote: Remote, error: GitError) -> ForgeError:
    """The error of a command that the remote refused, with what to do about it."""
    if refusal := refusal_in(error.stderr):
        address = parse_git_address(remote.url)
        return ForgeError(f"git {command}: {refusal.describe(address.host if address else 'the remote')}", PROXY_HINT)
    said = error.reason
    low = error.stderr.lower()
    if command == "push" and reason_of(low) is Refused.NO_ACCESS:
        return PushRefusedError(Refused.NO_ACCESS, said)
    if reason_of(low) is Refused.NO_ACCESS or "not found" in low:
        return ForgeError(f"git {command}: {said}", "check the address, and give a token that may read the repository")
    if "error: 301" in low or "error: 302" in low or "error: 307" in low or "redirect" in low:
        return ForgeError(f"git {command}: the repository has moved", "give its new name or address")
    return ForgeError(f"git {command}: {said}", "check the remote's address and the network")


def words_of(porcelain: str, stderr: str) -> list[str]:
    """What the remote said of a push: its own lines, and git's reason."""
    remote = [line.removeprefix("remote:").strip() for line in stderr.splitlines() if line.startswith("remote:")]
    refused = [line.split("\t")[-1] for line in porcelain.splitlines() if line.startswith("!")]
    return [line for line in (*remote, *refused) if line] or [first_line(stderr, 500) or "no reason given"]


def reason_of(said: str) -> Refused:
    """The known case that a remote's words belong to."""
    low = said.lower()
    cases = (
        (Refused.WORKFLOWS, ("without `workflow` scope", "without `workflows` permission")),
        (Refused.PROTECTED, ("protected branch", "gh006", "gh013", "repository rule violations")),
        (Refused.MOVED, ("stale info", "fetch first", "non-fast-forward", "failed to update ref", "cannot lock ref")),
        (
            Refused.NO_ACCESS,
            (
                "permission to",
                "write access",
                "returned error: 403",
                "returned error: 401",
                "authentication failed",
                "could not read username",
            ),
        ),
        (Refused.HOOK, ("hook declined", "pre-receive", "declined")),
    )
    return next((reason for reason, words in cases if any(word in low for word in words)), Refused.OTHER)
