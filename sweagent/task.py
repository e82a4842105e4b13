"""Task: an issue in a repository at a base commit."""

from datetime import datetime
from typing import Self

from sweagent.frozen import Frozen


class Comment(Frozen):
    """A comment on an issue."""

    author: str
    body: str
    created_at: datetime | None = None


class Issue(Frozen):
    """The report to resolve. Its text is untrusted."""

    title: str
    body: str = ""
    comments: tuple[Comment, ...] = ()
    number: int | None = None
    url: str | None = None
    author: str | None = None

    @property
    def text(self) -> str:
        """The title, the body and the comments as one text."""
        parts = [self.title, self.body, *(f"{comment.author} commented:\n{comment.body}" for comment in self.comments)]
        return "\n\n".join(part.strip() for part in parts if part.strip())


class Repository(Frozen):
    """A repository at a commit, on the host."""

    source: str
    """As the user gave it: a path, a URL or owner/name."""
    git_dir: str
    """A git directory on the host that holds the base commit. It is only read."""
    base_commit: str
    """The full hash of the commit that patches are computed against."""
    name: str
    """A short name for people and for image tags, such as `psf/requests`."""
    dirty_patch: str = ""
    """Uncommitted changes that the user asked to include (`--include-dirty`), as a binary-safe diff to the base."""


class Task(Frozen):
    """One issue to resolve."""

    id: str
    """A name that is safe in paths and labels, for example `psf__requests-2674`."""
    repository: Repository
    issue: Issue
    image: str | None = None
    """An image to use as it is; None lets the product build one."""
    test_command: str | None = None
    setup_command: str | None = None
    """Commands of the user's, one a line, that the environment needs besides what was discovered."""

    @classmethod
    def of(
        cls,
        repository: Repository,
        issue: Issue,
        *,
        image: str | None = None,
        test_command: str | None = None,
        setup_command: str | None = None,
    ) -> Self:
        """A task named after its repository and the number of its issue."""
        name = repository.name.replace("/", "__")
        return cls(
            id=f"{name}-{issue.number}" if issue.number else name,
            repository=repository,
            issue=issue,
            image=image or None,
            test_command=test_command or None,
            setup_command=setup_command or None,
        )
