"""Convert what PyGithub answers into the forge's own data."""

from typing import TYPE_CHECKING, Any

from sweagent.forge.api.errors import PullRequestRefusedError, Refusal
from sweagent.forge.api.github_retry import validation_messages
from sweagent.forge.api.protocol import ForgeComment, ForgeIssue, PullRequest

if TYPE_CHECKING:
    from github import GithubException


def refusal_of(error: "GithubException") -> PullRequestRefusedError:
    """The four answers 422 that opening a pull request is known for."""
    said = validation_messages(error)
    cases = (
        ("already exists", Refusal.EXISTS, "the existing one is updated"),
        ("no commits between", Refusal.NO_COMMITS, "the base branch already has this change"),
        ("draft pull requests are not supported", Refusal.NO_DRAFTS, "open it ready for review: --mode ready"),
        ("base", Refusal.BAD_BASE, "name an existing branch with --base"),
    )
    for words, reason, hint in cases:
        if words in said:
            return PullRequestRefusedError(f"GitHub does not open the pull request: {said}", reason, hint)
    return PullRequestRefusedError(f"GitHub does not open the pull request: {said}", Refusal.OTHER, "see its message")


def issue_of(item: Any, *, is_pull_request: bool | None = None) -> ForgeIssue:
    """Convert an issue; asking one of a list whether it is a pull request would cost a request."""
    return ForgeIssue(
        number=item.number,
        title=item.title or "",
        body=item.body or "",
        author=item.user.login if item.user else "",
        url=item.html_url or "",
        state=item.state or "open",
        labels=tuple(label.name for label in item.labels or ()),
        is_pull_request=item.pull_request is not None if is_pull_request is None else is_pull_request,
    )


def comment_of(item: Any) -> ForgeComment:
    """Convert a comment, on an issue or on a diff."""
    line = getattr(item, "line", None)
    path = getattr(item, "path", None)
    return ForgeComment(
        id=item.id,
        author=item.user.login if item.user else "",
        body=item.body or "",
        created_at=item.created_at,
        updated_at=item.updated_at,
        place=f"{path}:{line}" if path and line else path or "",
    )


def pull_request_of(item: Any) -> PullRequest:
    """Convert a pull request."""
    return PullRequest(
        number=item.number,
        url=item.html_url,
        title=item.title or "",
        body=item.body or "",
        head=item.head.ref,
        head_owner=item.head.user.login if item.head.user else "",
        head_repository=item.head.repo.full_name if item.head.repo else "",
        head_commit=item.head.sha,
        base=item.base.ref,
        state=item.state,
        merged=item.merged_at is not None,
        draft=bool(item.draft),
    )
