"""A plain git remote: branches can be pushed, and that is all."""

from collections.abc import Sequence

from sweagent.errors import ForgeError
from sweagent.forge.api.errors import PermissionMissingError
from sweagent.forge.api.protocol import (
    ForgeComment,
    ForgeIssue,
    Labelling,
    NewPullRequest,
    Permission,
    PullRequest,
    Remote,
    TreeEntry,
)

_HINT = "a plain git remote knows branches only; give the issue as a file or as text"


class GitRemote:
    """A git remote without a forge around it.

    Args:
        url: the remote, an HTTPS or SSH URL or a path.
        default: the branch that changes are meant for; empty asks the remote.
        token: for reading the remote; None when none is needed.
    """

    def __init__(self, url: str, *, default: str = "", token: str | None = None) -> None:
        self._remote = Remote(url=url, token_user="git" if token else "")
        self._default = default
        self._token = token

    @property
    def name(self) -> str:
        """The URL."""
        return self._remote.url

    def remote(self) -> Remote:
        """The remote itself."""
        return self._remote

    def default_branch(self) -> str:
        """The branch that the remote's HEAD points to."""
        from sweagent.forge.clone import CleanClone

        if not self._default:
            with CleanClone(self._remote, self._token) as clone:
                self._default = clone.head()
        return self._default

    def issue(self, number: int) -> ForgeIssue:
        """There are no issues."""
        raise ForgeError(f"there is no issue {number} in {self.name}", _HINT)

    def issues(self, query: str, limit: int) -> list[ForgeIssue]:
        """There are no issues."""
        return []

    def permission(self, login: str) -> Permission:
        """A remote knows no people."""
        return Permission.NONE

    def viewer(self) -> str:
        """A remote knows no people."""
        return ""

    def fork(self) -> Remote | None:
        """A remote has no forks."""
        return None

    def pull_request(self, number: int) -> PullRequest:
        """There are no pull requests."""
        raise ForgeError(f"there is no pull request {number} in {self.name}", _HINT)

    def pull_requests(self, head: str, head_owner: str = "") -> list[PullRequest] | None:
        """There are no pull requests here."""
        return None

    def open_pull_request(self, new: NewPullRequest) -> PullRequest:
        """A remote has no pull requests; the branch is all that it gets."""
        raise PermissionMissingError(f"{self.name} has no pull requests", "open it by hand from the pushed branch")

    def update_pull_request(self, number: int, *, title: str | None = None, body: str | None = None) -> PullRequest:
        """There are no pull requests."""
        return self.pull_request(number)

    def create_commit(self, message: str, parent: str, tree: str, entries: Sequence[TreeEntry], reference: str) -> str:
        """A remote makes no commits."""
        return ""

    def review_comments(self, number: int, *, review: int | None = None) -> list[ForgeComment]:
        """There are no comments."""
        return []

    def labelling(self, number: int, label: str) -> Labelling | None:
        """There are no labels."""
        return None

    def add_labels(self, number: int, labels: Sequence[str]) -> None:
        """There are no labels."""

    def request_reviewers(self, number: int, reviewers: Sequence[str]) -> None:
        """There are no reviewers."""

    def comments(self, number: int) -> list[ForgeComment]:
        """There are no comments."""
        return []

    def comment(self, number: int, body: str) -> ForgeComment:
        """There is nowhere to write."""
        raise ForgeError(f"{self.name} has no comments", _HINT)

    def edit_comment(self, number: int, comment: int, body: str) -> None:
        """There is nothing to edit."""
        raise ForgeError(f"{self.name} has no comments", _HINT)

    def compare_link(self, base: str, head: str, *, head_owner: str = "", title: str = "", body: str = "") -> str:
        """A remote has no pages."""
        return ""
