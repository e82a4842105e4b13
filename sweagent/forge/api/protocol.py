"""The Forge protocol: where issues come from and where pull requests go."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sweagent.frozen import Frozen


class Permission(StrEnum):
    """What a person may do in a repository, least first."""

    NONE = "none"
    READ = "read"
    TRIAGE = "triage"
    WRITE = "write"
    MAINTAIN = "maintain"
    ADMIN = "admin"

    def at_least(self, other: "Permission") -> bool:
        """Whether this permission includes another one."""
        order = list(Permission)
        return order.index(self) >= order.index(other)


class ForgeComment(Frozen):
    """A comment as the forge stores it, not sanitised."""

    id: int
    author: str
    body: str
    created_at: datetime | None = None
    updated_at: datetime | None = None
    place: str = ""
    """With a comment on a diff: the file and line."""


class Labelling(Frozen):
    """Who put a label on an issue that has it now."""

    actor: str
    """Empty when the account is gone."""
    is_bot: bool = False
    at: datetime | None = None


class ForgeIssue(Frozen):
    """An issue as the forge stores it, not sanitised."""

    number: int
    title: str
    body: str = ""
    author: str = ""
    url: str = ""
    state: str = "open"
    labels: tuple[str, ...] = ()
    is_pull_request: bool = False
    comments: tuple[ForgeComment, ...] = ()


class PullRequest(Frozen):
    """A pull request as the forge stores it."""

    number: int
    url: str
    title: str
    body: str = ""
    head: str
    """The branch, without the owner."""
    head_owner: str = ""
    """Who owns the repository that the branch is in; a fork's owner when it is not the repository itself."""
    head_repository: str = ""
    """Its full name; empty when the fork was deleted."""
    head_commit: str = ""
    base: str
    state: str = "open"
    merged: bool = False
    draft: bool = False


class NewPullRequest(Frozen):
    """A pull request to open."""

    title: str
    body: str
    head: str
    head_owner: str = ""
    """Empty when the branch is in the repository itself."""
    base: str
    draft: bool = True


class Remote(Frozen):
    """A repository that git fetches from and pushes to."""

    url: str
    """Without any secret in it."""
    token_user: str = ""
    """The user name that goes with the token; empty when the remote needs no token."""
    owner: str = ""
    """The owner of the repository behind the remote."""


class TreeEntry(Frozen):
    """A file of a commit that the forge is to make."""

    path: str
    mode: str
    content: bytes | None
    """None deletes it."""


class Forge(Protocol):
    """A place with issues and pull requests.

    Every method raises `ForgeError` when the forge refuses or cannot be reached, after the retries that its interface
    asks for. `PullRequestRefusedError` and `PermissionMissingError` say which refusals a caller can do something about.
    """

    @property
    def name(self) -> str:
        """The repository's name on the forge, such as `psf/requests`."""

    def issue(self, number: int) -> ForgeIssue:
        """An issue with all of its comments, oldest first."""

    def issues(self, query: str, limit: int) -> list[ForgeIssue]:
        """Open issues of this repository that a search query finds, without their comments."""

    def permission(self, login: str) -> Permission:
        """What a person may do in the repository; `NONE` for a stranger."""

    def viewer(self) -> str:
        """The login behind the token; empty when the forge does not tell."""

    def default_branch(self) -> str:
        """The name of the branch that pull requests go to."""

    def remote(self) -> Remote:
        """The remote to which the repository's branches are pushed."""

    def fork(self) -> Remote | None:
        """A fork that the token may push to, made when there is none; None when the forge knows no forks."""

    def pull_request(self, number: int) -> PullRequest:
        """A pull request by its number."""

    def pull_requests(self, head: str, head_owner: str = "") -> list[PullRequest] | None:
        """All pull requests from a branch, open or not, newest first; None when there are no pull requests here."""

    def open_pull_request(self, new: NewPullRequest) -> PullRequest:
        """Open a pull request. It never opens a second one from the same branch to the same base.

        Raises:
            PullRequestRefusedError: the forge will not have it, and `reason` says why.
            PermissionMissingError: the token may not open pull requests.
        """

    def update_pull_request(self, number: int, *, title: str | None = None, body: str | None = None) -> PullRequest:
        """Change the title or the body of a pull request."""

    def create_commit(self, message: str, parent: str, tree: str, entries: Sequence[TreeEntry], reference: str) -> str:
        """Let the forge make a commit, by whom the token is and signed by the forge, and point a new ref to it.

        Args:
            message: its message.
            parent: the commit before it, which the forge has.
            tree: what the commit must hold.
            entries: how it differs from the parent.
            reference: the ref's full name.

        Returns:
            the commit's hash; empty when the forge makes no commits, or the tree would be another.
        """

    def review_comments(self, number: int, *, review: int | None = None) -> list[ForgeComment]:
        """The comments on the diff of a pull request, or those of one review, oldest first."""

    def labelling(self, number: int, label: str) -> Labelling | None:
        """Who last put a label on an issue; None when it does not have the label, or the forge does not tell."""

    def add_labels(self, number: int, labels: Sequence[str]) -> None:
        """Add labels to an issue or a pull request."""

    def request_reviewers(self, number: int, reviewers: Sequence[str]) -> None:
        """Ask people, or teams given as `org/team`, to review a pull request."""

    def comments(self, number: int) -> list[ForgeComment]:
        """The comments on an issue or a pull request, oldest first."""

    def comment(self, number: int, body: str) -> ForgeComment:
        """Write a comment on an issue or a pull request."""

    def edit_comment(self, number: int, comment: int, body: str) -> None:
        """Replace the text of a comment."""

    def compare_link(self, base: str, head: str, *, head_owner: str = "", title: str = "", body: str = "") -> str:
        """A link with which a person opens the pull request by hand; empty when the forge has no such page."""
