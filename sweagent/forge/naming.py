"""Deterministic names: the branch of an issue."""

import hashlib
import re
import unicodedata

from sweagent.task import Issue

PREFIX = "fix-issue/"
_LONGEST_SLUG = 40


def branch_stem(issue: Issue) -> str:
    """What all branches for an issue begin with, whatever its title has become."""
    if issue.number is not None:
        return f"{PREFIX}{issue.number}-"
    digest = hashlib.sha256(issue.text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{PREFIX}{digest}-"


def branch_name(issue: Issue) -> str:
    """The branch for an issue, such as `fix-issue/12-crash-on-empty-header`."""
    return branch_stem(issue) + slug(issue.title)


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
