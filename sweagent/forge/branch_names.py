"""Deterministic names: the branch of an issue."""

import hashlib
import re
import unicodedata

from sweagent.task import Issue

PREFIX = "fix-issue/"
_LONGEST_SLUG = 40


def issue_key(issue: Issue) -> str:
    """What tells an issue from others: its number, or a digest of its text."""
    if issue.number is not None:
        return str(issue.number)
    return hashlib.sha256(issue.text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def branch_stem(issue: Issue, prefix: str = PREFIX) -> str:
    """What all branches for an issue begin with, whatever its title has become."""
    return f"{prefix}{issue_key(issue)}-"


def branch_name(issue: Issue, prefix: str = PREFIX) -> str:
    """The branch for an issue, such as `fix-issue/12-crash-on-empty-header`."""
    return branch_stem(issue, prefix) + slug(issue.title)


def numbered(branch: str, number: int) -> str:
    """The branch, or from the second on another one beside it."""
    return branch if number < 2 else f"{branch}.{number}"


def slug(title: str) -> str:
    """A few words of a title that are fit for the name of a branch."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if len(words) > _LONGEST_SLUG:
        words = words[:_LONGEST_SLUG].rpartition("-")[0] or words[:_LONGEST_SLUG]
    return words.strip("-") or "issue"
