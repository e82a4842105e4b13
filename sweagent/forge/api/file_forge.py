"""A forge of plain files, for tests and dry runs.

FOLDER/issues/7.md             an issue: the title on the first line
FOLDER/comments/7.json         the comments on an issue or a pull request
FOLDER/pull-requests/12.json   a pull request
FOLDER/permissions.json        {"login": "write", …}
FOLDER/repository.git          the remote, a bare git repository
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from sweagent.atomic_write import write_atomically
from sweagent.errors import ForgeError, StorageError
from sweagent.forge.api.errors import NotFoundError, PullRequestRefusedError, Refusal
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

_COMMENTS: TypeAdapter[list[ForgeComment]] = TypeAdapter(list[ForgeComment])


class Files:
    """A forge in a folder. It has one user, its owner.

    Args:
        folder: where its files are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    def issue(self, number: int) -> ForgeIssue:
        """The issue in `issues/NUMBER.md`, or the pull request of that number."""
        path = self.folder / "issues" / f"{number}.md"
        try:
            title, _, body = path.read_text("utf-8").strip().partition("\n")
        except FileNotFoundError:
            pull = self.pull_request(number)
            return self._as_issue(number, pull.title, pull.body, is_pull_request=True)
        except (OSError, ValueError) as error:
            raise ForgeError(f"cannot read {path}: {error}", "check the file") from error
        return self._as_issue(number, title.lstrip("#").strip(), body.strip())

    def issues(self, query: str, limit: int) -> list[ForgeIssue]:
        """Issues that contain every word of the query."""
        numbers = sorted(int(path.stem) for path in (self.folder / "issues").glob("*.md") if path.stem.isdigit())
        issues = [self.issue(number) for number in numbers]
        words = query.lower().split()
        found = [issue for issue in issues if all(word in f"{issue.title} {issue.body}".lower() for word in words)]
        return found[:limit]

    def permission(self, login: str) -> Permission:
        """What `permissions.json` says."""
        value = self._read("permissions.json", default={}).get(login, "none")
        return Permission(value) if value in list(Permission) else Permission.NONE

    def viewer(self) -> str:
        """The folder's owner has no login."""
        return ""

    def default_branch(self) -> str:
        """What HEAD of the remote points to."""
        try:
            head = (self.folder / "repository.git" / "HEAD").read_text("utf-8").strip()
        except OSError as error:
            raise ForgeError(f"{self.folder} has no repository.git", "make one: git init --bare") from error
        return head.removeprefix("ref: refs/heads/")

    def remote(self) -> Remote:
        """`repository.git`."""
        return Remote(url=str((self.folder / "repository.git").absolute()), owner=self.name)

    def fork(self) -> Remote | None:
        """Files have no forks."""
        return None

    def pull_request(self, number: int) -> PullRequest:
        """The pull request in `pull-requests/NUMBER.json`."""
        path = self.folder / "pull-requests" / f"{number}.json"
        try:
            return PullRequest.model_validate_json(path.read_bytes())
        except FileNotFoundError as error:
            raise NotFoundError(f"there is no {number} in {self.folder}", "check the number") from error
        except (OSError, ValidationError) as error:
            raise ForgeError(f"cannot read {path}: {error}", "check the file") from error

    def pull_requests(self, head: str, head_owner: str = "") -> list[PullRequest] | None:
        """All pull requests from a branch, newest first."""
        paths = (self.folder / "pull-requests").glob("*.json")
        numbers = sorted((int(path.stem) for path in paths if path.stem.isdigit()), reverse=True)
        return [pull for number in numbers if (pull := self.pull_request(number)).head == head]

    def open_pull_request(self, new: NewPullRequest) -> PullRequest:
        """Write the pull request."""
        if any(pull.state == "open" and pull.base == new.base for pull in self.pull_requests(new.head) or ()):
            raise PullRequestRefusedError(f"a pull request from {new.head} exists", Refusal.EXISTS)
        number = self._next_number()
        url = (self.folder / "pull-requests" / f"{number}.json").absolute().as_uri()
        pull = PullRequest(number=number, url=url, **new.model_dump())
        self._write(f"pull-requests/{number}.json", pull.model_dump(mode="json"))
        return pull

    def update_pull_request(self, number: int, *, title: str | None = None, body: str | None = None) -> PullRequest:
        """Change the title or the body."""
        fields = {key: value for key, value in (("title", title), ("body", body)) if value is not None}
        pull = self.pull_request(number).model_copy(update=fields)
        self._write(f"pull-requests/{number}.json", pull.model_dump(mode="json"))
        return pull

    def create_commit(self, message: str, parent: str, tree: str, entries: Sequence[TreeEntry], reference: str) -> str:
        """Files make no commits."""
        return ""

    def review_comments(self, number: int, *, review: int | None = None) -> list[ForgeComment]:
        """The comments that name a place in the diff."""
        return [comment for comment in self.comments(number) if comment.place]

    def labelling(self, number: int, label: str) -> Labelling | None:
        """Files do not tell who wrote them."""
        return None

    def add_labels(self, number: int, labels: Sequence[str]) -> None:
        """Write them to `labels.json`."""
        known = self._read("labels.json", default={})
        known[str(number)] = sorted({*known.get(str(number), ()), *labels})
        self._write("labels.json", known)

    def request_reviewers(self, number: int, reviewers: Sequence[str]) -> None:
        """Write them to `reviewers.json`."""
        known = self._read("reviewers.json", default={})
        known[str(number)] = sorted({*known.get(str(number), ()), *reviewers})
        self._write("reviewers.json", known)

    def comments(self, number: int) -> list[ForgeComment]:
        """The comments in `comments/NUMBER.json`."""
        return _COMMENTS.validate_python(self._read(f"comments/{number}.json", default=[]))

    def comment(self, number: int, body: str) -> ForgeComment:
        """Append a comment."""
        known = self.comments(number)
        now = datetime.now(UTC)
        new = ForgeComment(id=len(known) + 1, author="fix-issue", body=body, created_at=now, updated_at=now)
        self._write_comments(number, [*known, new])
        return new

    def edit_comment(self, number: int, comment: int, body: str) -> None:
        """Replace the text of a comment."""
        now = datetime.now(UTC)
        known = self.comments(number)
        edited = [c.model_copy(update={"body": body, "updated_at": now}) if c.id == comment else c for c in known]
        self._write_comments(number, edited)

    def compare_link(self, base: str, head: str, *, head_owner: str = "", title: str = "", body: str = "") -> str:
        """Files have no pages."""
        return ""

    def _as_issue(self, number: int, title: str, body: str, *, is_pull_request: bool = False) -> ForgeIssue:
        labels = self._read("labels.json", default={}).get(str(number), ())
        return ForgeIssue(
            number=number,
            title=title,
            body=body,
            labels=tuple(labels),
            is_pull_request=is_pull_request,
            comments=tuple(self.comments(number)),
        )

    def _next_number(self) -> int:
        used = [
            int(path.stem)
            for folder in ("issues", "pull-requests")
            for path in (self.folder / folder).glob("*.*")
            if path.stem.isdigit()
        ]
        return max(used, default=0) + 1

    def _write_comments(self, number: int, comments: list[ForgeComment]) -> None:
        self._write(f"comments/{number}.json", _COMMENTS.dump_python(comments, mode="json"))

    def _read(self, name: str, default: Any) -> Any:
        try:
            return json.loads((self.folder / name).read_text("utf-8"))
        except FileNotFoundError:
            return default
        except (OSError, ValueError) as error:
            raise ForgeError(f"cannot read {self.folder / name}: {error}", "check the file") from error

    def _write(self, name: str, data: Any) -> None:
        path = self.folder / name
        try:
            write_atomically(path, json.dumps(data, indent=2) + "\n")
        except StorageError as error:
            raise ForgeError(str(error), "check the folder's permissions") from error
