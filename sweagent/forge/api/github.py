"""GitHub, github.com and Enterprise alike, through PyGithub."""

import base64
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from sweagent.errors import ForgeError
from sweagent.forge.api.address import RepositoryAddress, require_github
from sweagent.forge.api.errors import NotFoundError, PullRequestRefusedError
from sweagent.forge.api.github_answers import comment_of, issue_of, pull_request_of, refusal_of
from sweagent.forge.api.github_retry import Caller
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
from sweagent.installed import require_package

if TYPE_CHECKING:
    from github import Github
    from github.Repository import Repository as GithubRepository

TIMEOUT = 30
"""Seconds that one request may take."""
FORK_ATTEMPTS = 20
COMPARE_LINK_LIMIT = 6000
"""Characters; GitHub refuses longer addresses."""


class GitHub:
    """A repository on GitHub. It speaks to the API only when a method is called.

    Args:
        place: the repository and its API.
        token: sent to the API, never logged; None for anonymous reading.
        caller: makes the calls; None for one with the waits that GitHub asks for.
        pause: seconds between two requests that write, as GitHub's documentation asks for.
        sleep: waits for a fork to appear; a stand-in for tests.

    Raises:
        UsageError: the place is on a forge that is known to have another API.
    """

    def __init__(
        self,
        place: RepositoryAddress,
        token: str | None,
        *,
        caller: Caller | None = None,
        pause: float = 1.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.place = require_github(place)
        self._token = token
        self._call = caller or Caller(place.api_url)
        self._pause = pause
        self._sleep = sleep

    @property
    def name(self) -> str:
        """`owner/name`."""
        return self.place.name

    @property
    def owner(self) -> str:
        """The owner's login."""
        return self.place.name.partition("/")[0]

    def issue(self, number: int) -> ForgeIssue:
        """An issue with all of its comments."""
        issue = self._call(f"read issue {number} of {self.name}", lambda: issue_of(self._repository.get_issue(number)))
        if not issue.title:
            raise ForgeError(f"{self.place.api_url} does not answer as GitHub's API does", "check the API's base URL")
        return issue.model_copy(update={"comments": tuple(self.comments(number))})

    def issues(self, query: str, limit: int) -> list[ForgeIssue]:
        """Open issues that GitHub's search finds."""
        words = f"repo:{self.name} is:issue is:open {query}"

        def search() -> list[ForgeIssue]:
            found = islice(self._github.search_issues(words), limit)
            return [issue_of(item, is_pull_request=False) for item in found]

        return self._call(f"search the issues of {self.name}", search)

    def permission(self, login: str) -> Permission:
        """What a person may do; GitHub's custom roles count as what they are built on."""

        def ask() -> dict[str, Any]:
            url = f"{self._repository.url}/collaborators/{quote(login, safe='')}/permission"
            _, data = self._repository.requester.requestJsonAndCheck("GET", url)
            return dict(data)

        try:
            answer = self._call(f"read the permission of {login}", ask)
        except NotFoundError:
            return Permission.NONE
        for value in (answer.get("role_name"), answer.get("permission")):
            if value in list(Permission):
                return Permission(str(value))
        return Permission.NONE

    def viewer(self) -> str:
        """The login behind the token, of an app too; empty when GitHub does not tell."""

        def ask() -> str:
            return str(self._github.get_user().login)

        def ask_as_app() -> str:
            # The token of an app or of a workflow may not read /user.
            _, answer = self._github.requester.graphql_query("query { viewer { login } }", {})
            return str(answer["data"]["viewer"]["login"])

        for way in (ask, ask_as_app):
            try:
                return self._call("read who the token belongs to", way)
            except (ForgeError, KeyError, TypeError):
                continue
        return ""

    def default_branch(self) -> str:
        """The repository's default branch."""
        return self._call(f"read {self.name}", lambda: str(self._github.get_repo(self.name).default_branch))

    def remote(self) -> Remote:
        """The repository over HTTPS."""
        return self._remote(self.name)

    def fork(self) -> Remote | None:
        """A fork of the token's user, waiting until GitHub has made it."""

        def make() -> str:
            return str(self._repository.create_fork().full_name)

        import tenacity

        name = self._call(f"fork {self.name}", make)
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(NotFoundError),
            stop=tenacity.stop_after_attempt(FORK_ATTEMPTS),
            wait=tenacity.wait_exponential(max=10),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            retrying(self._call, f"read {name}", lambda: self._github.get_repo(name).id)
        except NotFoundError as error:
            raise ForgeError(
                f"GitHub did not make the fork {name} in time", "run the command again in some minutes"
            ) from error
        return self._remote(name)

    def pull_request(self, number: int) -> PullRequest:
        """A pull request by its number."""
        return self._call(
            f"read pull request {number} of {self.name}", lambda: pull_request_of(self._repository.get_pull(number))
        )

    def pull_requests(self, head: str, head_owner: str = "") -> list[PullRequest] | None:
        """All pull requests from a branch, newest first."""
        full = f"{head_owner or self.owner}:{head}"

        def ask() -> list[PullRequest]:
            # GitHub ignores a head that it does not know and lists everything, so the answer is checked.
            found = (pull_request_of(item) for item in self._repository.get_pulls(state="all", head=full))
            return [pull for pull in found if f"{pull.head_owner}:{pull.head}".lower() == full.lower()]

        return sorted(self._call(f"look for pull requests from {full}", ask), key=lambda pull: -pull.number)

    def open_pull_request(self, new: NewPullRequest) -> PullRequest:
        """Open a pull request; after a lost answer, look whether it was opened."""
        from github import GithubException

        head = f"{new.head_owner}:{new.head}" if new.head_owner and new.head_owner != self.owner else new.head

        def make() -> PullRequest:
            try:
                made = self._repository.create_pull(
                    base=new.base, head=head, title=new.title, body=new.body, draft=new.draft
                )
            except GithubException as error:
                if error.status == 422:
                    raise refusal_of(error) from error
                raise
            return pull_request_of(made)

        try:
            return self._call("open the pull request", make, repeatable=False)
        except PullRequestRefusedError:
            raise
        except ForgeError:
            found = [pull for pull in self._existing(new) if pull.state == "open" and pull.base == new.base]
            if found:
                return found[0]
            raise

    def update_pull_request(self, number: int, *, title: str | None = None, body: str | None = None) -> PullRequest:
        """Change the title or the body."""
        from github.GithubObject import NotSet

        def edit() -> PullRequest:
            pull = self._repository.get_pull(number)
            pull.edit(title=NotSet if title is None else title, body=NotSet if body is None else body)
            return pull_request_of(pull)

        return self._call(f"update pull request {number}", edit)

    def create_commit(self, message: str, parent: str, tree: str, entries: Sequence[TreeEntry], reference: str) -> str:
        """Through the Git database; without an author of our own the commit is the token's, and GitHub signs it."""

        def post(what: str, data: dict[str, Any]) -> str:
            _, answer = self._repository.requester.requestJsonAndCheck(
                "POST", f"{self._repository.url}/git/{what}", input=data
            )
            return str(answer.get("sha") or "")

        def item(entry: TreeEntry) -> dict[str, Any]:
            named = {"path": entry.path, "mode": entry.mode, "type": "blob"}
            if entry.content is None:
                return {**named, "sha": None}
            try:
                return {**named, "content": entry.content.decode("utf-8")}
            except UnicodeDecodeError:
                content = base64.b64encode(entry.content).decode()
                return {**named, "sha": post("blobs", {"content": content, "encoding": "base64"})}

        def make() -> str:
            made = post("trees", {"base_tree": parent, "tree": [item(entry) for entry in entries]})
            if made != tree:
                return ""
            commit = post("commits", {"message": message, "tree": tree, "parents": [parent]})
            post("refs", {"ref": reference, "sha": commit})
            return commit

        return self._call("make the commit", make, repeatable=False)

    def review_comments(self, number: int, *, review: int | None = None) -> list[ForgeComment]:
        """The comments on the diff, or those of one review."""

        def ask() -> list[ForgeComment]:
            if review is None:
                return [comment_of(item) for item in self._repository.get_pull(number).get_review_comments()]
            # PyGithub asks once more for each of these comments, because they have no line.
            url = f"{self._repository.url}/pulls/{number}/reviews/{review}/comments"
            _, data = self._repository.requester.requestJsonAndCheck("GET", url, {"per_page": 100})
            return [
                ForgeComment(
                    id=int(item["id"]),
                    author=str((item.get("user") or {}).get("login") or ""),
                    body=str(item.get("body") or ""),
                    place=str(item.get("path") or ""),
                )
                for item in data
            ]

        return self._call(f"read the review comments of pull request {number}", ask)

    def labelling(self, number: int, label: str) -> Labelling | None:
        """The issue's timeline tells."""

        def ask() -> Labelling | None:
            found = None
            for item in self._repository.get_issue(number).get_timeline():
                if (item.raw_data.get("label") or {}).get("name") != label:
                    continue
                actor = item.raw_data.get("actor") or {}
                labelled = item.event == "labeled"
                login, bot = str(actor.get("login") or ""), actor.get("type") == "Bot"
                found = Labelling(actor=login, is_bot=bot, at=item.created_at) if labelled else None
            return found

        return self._call(f"read who labelled {number}", ask)

    def add_labels(self, number: int, labels: Sequence[str]) -> None:
        """Add labels."""

        def add() -> None:
            # PyGithub sends a bare list, which GitHub's description no longer has.
            url = f"{self._repository.url}/issues/{number}/labels"
            self._repository.requester.requestJsonAndCheck("POST", url, input={"labels": list(labels)})

        if labels:
            self._call(f"label {number}", add)

    def request_reviewers(self, number: int, reviewers: Sequence[str]) -> None:
        """Request reviews from people and teams."""
        people = [name for name in reviewers if "/" not in name]
        teams = [name.partition("/")[2] for name in reviewers if "/" in name]
        if reviewers:
            self._call(
                f"request reviews of pull request {number}",
                lambda: self._repository.get_pull(number).create_review_request(reviewers=people, team_reviewers=teams),
            )

    def comments(self, number: int) -> list[ForgeComment]:
        """The comments on an issue or a pull request."""
        return self._call(
            f"read the comments of {number}",
            lambda: [comment_of(item) for item in self._repository.get_issue(number).get_comments()],
        )

    def comment(self, number: int, body: str) -> ForgeComment:
        """Write a comment."""
        return self._call(
            f"comment on {number}",
            lambda: comment_of(self._repository.get_issue(number).create_comment(body)),
            repeatable=False,
        )

    def edit_comment(self, number: int, comment: int, body: str) -> None:
        """Replace the text of a comment."""

        def edit() -> None:
            url = f"{self._repository.url}/issues/comments/{comment}"
            self._repository.requester.requestJsonAndCheck("PATCH", url, input={"body": body})

        self._call(f"edit the comment {comment} on {number}", edit)

    def compare_link(self, base: str, head: str, *, head_owner: str = "", title: str = "", body: str = "") -> str:
        """GitHub's page for opening a pull request, filled in."""
        full = f"{head_owner}:{head}" if head_owner and head_owner != self.owner else head
        page = f"{self.place.web_url}/{self.name}/compare/{quote(base, safe='/')}...{quote(full, safe='/:')}"
        fields = {"quick_pull": "1", "title": title, "body": body}
        link = f"{page}?{urlencode(fields)}"
        return link if len(link) <= COMPARE_LINK_LIMIT else f"{page}?{urlencode({**fields, 'body': ''})}"

    @cached_property
    def _github(self) -> "Github":
        require_package("github", "to ask GitHub")
        from github import Auth, Github

        return Github(
            auth=Auth.Token(self._token) if self._token else None,
            base_url=self.place.api_url,
            timeout=TIMEOUT,
            user_agent="fix-issue",
            per_page=100,
            retry=None,
            seconds_between_requests=0,
            seconds_between_writes=self._pause,
            lazy=True,
        )

    @cached_property
    def _repository(self) -> "GithubRepository":
        return self._github.get_repo(self.name)

    def _remote(self, name: str) -> Remote:
        return Remote(
            url=f"{self.place.web_url}/{name}.git",
            token_user="x-access-token" if self._token else "",
            owner=name.partition("/")[0],
        )

    def _existing(self, new: NewPullRequest) -> Iterable[PullRequest]:
        try:
            return self.pull_requests(new.head, new.head_owner) or ()
        except ForgeError:
            return ()
