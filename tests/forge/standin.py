"""A GitHub on 127.0.0.1: it keeps state, serves git, fails as told, and holds all traffic against the contract."""

import base64
import json
import os
import re
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from contract import Contract
from git_http import read_body, serve_git

API = "/api/v3"
NOW = "2024-05-01T12:00:00Z"


@dataclass
class Fault:
    """What goes wrong with the next requests that match."""

    verb: str
    path: str
    """A regular expression that the path must contain."""
    status: int = 500
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1
    drop: str = ""
    """`before` or `after` the request is carried out, the connection is closed without an answer."""


@dataclass
class Token:
    """What a token may do."""

    login: str = "robot"
    push: bool = True
    pull_requests: bool = True
    user: bool = True


@dataclass
class Repo:
    """A repository of the stand-in."""

    name: str
    path: Path
    default_branch: str = "main"
    drafts: bool = True
    issues: dict[int, dict[str, Any]] = field(default_factory=dict)
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    review_comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    labels: dict[int, list[str]] = field(default_factory=dict)
    reviewers: dict[int, list[str]] = field(default_factory=dict)
    permissions: dict[str, str] = field(default_factory=dict)
    timeline: dict[int, list[dict[str, Any]]] = field(default_factory=dict)

    def commit_of(self, branch: str) -> str | None:
        """The commit of a branch."""
        done = git(self.path, "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}", check=False)
        return done.stdout.strip() or None


def git(folder: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run git in a repository of the stand-in."""
    return subprocess.run(
        ["git", "-C", str(folder), "-c", "user.name=Ann", "-c", "user.email=ann@example.org", *arguments],
        capture_output=True,
        text=True,
        check=check,
    )


class AnswerError(Exception):
    """An answer that is not a success."""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.status, self.body, self.headers = status, body, headers or {}


def refusal(status: int, message: str, *errors: dict[str, str]) -> AnswerError:
    """An error as GitHub words it."""
    body: dict[str, Any] = {"message": message, "documentation_url": "https://docs.github.com/rest"}
    return AnswerError(status, {**body, "errors": list(errors)} if errors else body)


class Standin:
    """The server. Use it as a context manager; `violations` must be empty at the end."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.contract = Contract()
        self.repos: dict[str, Repo] = {}
        self.tokens: dict[str, Token] = {}
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str, Any]] = []
        self.violations: list[str] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.api_url = self.url + API

    def __enter__(self) -> "Standin":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *details: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add_repository(self, name: str, files: dict[str, str] | None = None) -> Repo:
        """Make a repository with one commit on its default branch."""
        path = self.root / f"{name}.git"
        path.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", str(path)], check=True)
        git(path, "config", "http.receivepack", "true")
        git(path, "config", "uploadpack.allowReachableSHA1InWant", "true")
        repo = self.repos[name] = Repo(name=name, path=path)
        if files is not None:
            self.commit(repo, "main", files, "Start")
        return repo

    def commit(self, repo: Repo, branch: str, files: dict[str, str], message: str = "Change") -> str:
        """Commit files to a branch as a person does."""
        work = self.root / f"work-{threading.get_ident()}-{len(list(self.root.iterdir()))}"
        subprocess.run(["git", "clone", "--quiet", str(repo.path), str(work)], check=True, capture_output=True)
        if repo.commit_of(branch):
            git(work, "checkout", "--quiet", branch)
        else:
            git(work, "checkout", "--quiet", "-b", branch)
        for name, content in files.items():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_text(content)
        git(work, "add", "--all")
        git(work, "commit", "--quiet", "-m", message)
        git(work, "push", "--quiet", "origin", branch)
        return git(work, "rev-parse", "HEAD").stdout.strip()

    def add_issue(self, repo: Repo, number: int, title: str, body: str = "", author: str = "reporter") -> None:
        """Open an issue."""
        repo.issues[number] = {"number": number, "title": title, "body": body, "author": author}

    def add_comment(self, repo: Repo, number: int, body: str, author: str = "reporter", at: str = NOW) -> None:
        """Write a comment."""
        known = repo.comments.setdefault(number, [])
        known.append(self._comment(1000 * number + len(known), body, author, at))

    def label(self, repo: Repo, number: int, label: str, by: str, *, event: str = "labeled", at: str = NOW) -> None:
        """Put a label on an issue, or take it off, as a person or a form does."""
        known = repo.labels.setdefault(number, [])
        known[:] = [name for name in known if name != label] + ([label] if event == "labeled" else [])
        schema = "labeled-issue-event" if event == "labeled" else "unlabeled-issue-event"
        made = self.contract.example(
            schema, event=event, label={"name": label, "color": "red"}, actor=self._user(by), created_at=at
        )
        repo.timeline.setdefault(number, []).append(made)

    def _comment(self, number: int, body: str, author: str, at: str = NOW) -> dict[str, Any]:
        return self.contract.example(
            "issue-comment", id=number, body=body, user=self._user(author), created_at=at, updated_at=at
        )

    def _user(self, login: str) -> dict[str, Any]:
        kind = "Bot" if login.endswith("[bot]") else "User"
        return self.contract.example("simple-user", id=len(login), login=login, type=kind)

    def _handler(standin) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *details: object) -> None:
                pass

            def do_GET(self) -> None:
                if self.path.startswith(API):
                    standin._answer(self)
                elif self.path == "/api/graphql":
                    standin._graphql(self)
                else:
                    standin._serve_git(self)

            do_POST = do_PATCH = do_PUT = do_DELETE = do_GET  # noqa: N815

        return Handler

    def _token(self, handler: BaseHTTPRequestHandler) -> Token | None:
        scheme, _, value = handler.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            value = base64.b64decode(value).decode().partition(":")[2]
        if not value:
            return None
        if value not in self.tokens:
            raise refusal(401, "Bad credentials")
        return self.tokens[value]

    def _graphql(self, handler: BaseHTTPRequestHandler) -> None:
        """The one query that fix-issue sends; GitHub answers it for the tokens of apps and workflows too."""
        query = json.loads(read_body(handler))["query"]
        token = self._token(handler)
        login = token.login if token else ""
        if query != "query { viewer { login } }":
            self.violations.append(f"an unknown query: {query}")
        self._send(handler, 200, {"data": {"viewer": {"login": login}}}, {})

    def _serve_git(self, handler: BaseHTTPRequestHandler) -> None:
        name = unquote(urlsplit(handler.path).path).split(".git/")[0].strip("/")
        self.requests.append((handler.command, handler.path, None))
        writes = "git-receive-pack" in handler.path
        try:
            token = self._token(handler)
            fault = self._fault(handler.command, handler.path)
            if fault is not None:
                raise AnswerError(fault.status, fault.body, fault.headers)
            if name not in self.repos:
                raise refusal(404, "Not Found")
            if writes and token is None:
                raise AnswerError(401, None, {"WWW-Authenticate": 'Basic realm="GitHub"'})
            if writes and token and not token.push and name.partition("/")[0] != token.login:
                raise refusal(403, f"Permission to {name}.git denied to {token.login}.")
        except AnswerError as answer:
            read_body(handler)
            self._send(handler, answer.status, answer.body, answer.headers)
            return
        serve_git(handler, self.root, token.login if token else None)

    def _fault(self, verb: str, path: str) -> Fault | None:
        with self._lock:
            for fault in self.faults:
                if fault.verb == verb and re.search(fault.path, path) and fault.times > 0:
                    fault.times -= 1
                    return fault
        return None

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        target = handler.path.removeprefix(API)
        raw = read_body(handler)
        body = json.loads(raw) if raw else None
        self.requests.append((handler.command, target, body))
        self.violations.extend(self.contract.check_request(handler.command, target, body))
        fault = self._fault(handler.command, target)
        if fault is not None and fault.drop == "before":
            handler.close_connection = True
            return
        if fault is not None and not fault.drop:
            self._send(handler, fault.status, fault.body, fault.headers)
            return
        headers: dict[str, str] = {}
        try:
            status, answer, headers = self._route(handler, target, body)
        except AnswerError as error:
            status, answer = error.status, error.body
        self.violations.extend(self.contract.check_response(handler.command, target, status, answer))
        if fault is not None:
            handler.close_connection = True
            return
        self._send(handler, status, answer, headers)

    def _send(self, handler: BaseHTTPRequestHandler, status: int, body: Any, headers: dict[str, str]) -> None:
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode() if body is not None else b""
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        kind = "text/html" if isinstance(body, str) else "application/json; charset=utf-8"
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def _route(self, handler: BaseHTTPRequestHandler, target: str, body: Any) -> tuple[int, Any, dict[str, str]]:
        token = self._token(handler)
        found = self.contract.operation(handler.command, urlsplit(target).path)
        if found is None:
            raise refusal(404, "Not Found")
        template, _, values = found
        values = {name: unquote(value) for name, value in values.items()}
        query = {name: items[0] for name, items in parse_qs(urlsplit(target).query).items()}
        name = template.replace("/repos/{owner}/{repo}", "")
        call = _Call(self, token, values, query, body or {})
        action: Callable[[], Any] = getattr(call, _ACTIONS[handler.command, name])
        with self._lock:
            answer = action()
        status = {"POST": 201}.get(handler.command, 200)
        if name == "/forks":
            status = 202
        elif name.endswith("/labels"):
            status = 200
        headers = {}
        if isinstance(answer, list) and handler.command == "GET":
            answer, headers = self._page(answer, query, target)
        return status, answer, headers

    def _page(self, items: list[Any], query: dict[str, str], target: str) -> tuple[list[Any], dict[str, str]]:
        size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
        headers = {}
        if len(items) > size * page:
            base = self.api_url + urlsplit(target).path
            headers["Link"] = f'<{base}?per_page={size}&page={page + 1}>; rel="next"'
        return items[size * (page - 1) : size * page], headers


_ACTIONS = {
    ("GET", ""): "repository",
    ("GET", "/user"): "user",
    ("GET", "/search/issues"): "search",
    ("GET", "/collaborators/{username}/permission"): "permission",
    ("POST", "/forks"): "fork",
    ("GET", "/issues/{issue_number}"): "issue",
    ("GET", "/issues/{issue_number}/comments"): "comments",
    ("POST", "/issues/{issue_number}/comments"): "add_comment",
    ("POST", "/issues/{issue_number}/labels"): "add_labels",
    ("PATCH", "/issues/comments/{comment_id}"): "edit_comment",
    ("GET", "/pulls"): "pulls",
    ("POST", "/pulls"): "open_pull",
    ("GET", "/pulls/{pull_number}"): "pull",
    ("PATCH", "/pulls/{pull_number}"): "edit_pull",
    ("GET", "/pulls/{pull_number}/comments"): "review_comments",
    ("GET", "/pulls/{pull_number}/reviews/{review_id}/comments"): "comments_of_review",
    ("GET", "/issues/{issue_number}/timeline"): "timeline",
    ("POST", "/git/blobs"): "git_blob",
    ("POST", "/git/trees"): "git_tree",
    ("POST", "/git/commits"): "git_commit",
    ("POST", "/git/refs"): "git_ref",
    ("POST", "/pulls/{pull_number}/requested_reviewers"): "request_reviewers",
}


@dataclass
class _Call:
    """One call of the API, carried out on the stand-in's state."""

    server: Standin
    token: Token | None
    values: dict[str, str]
    query: dict[str, str]
    body: dict[str, Any]

    @property
    def repo(self) -> Repo:
        name = f"{self.values['owner']}/{self.values['repo']}"
        if name not in self.server.repos:
            raise refusal(404, "Not Found")
        return self.server.repos[name]

    def _login(self) -> str:
        if self.token is None:
            raise refusal(401, "Requires authentication")
        return self.token.login

    def _repository(self, schema: str, repo: Repo) -> dict[str, Any]:
        owner, _, name = repo.name.partition("/")
        return self.server.contract.example(
            schema,
            name=name,
            full_name=repo.name,
            owner=self.server._user(owner),
            default_branch=repo.default_branch,
            url=f"{self.server.api_url}/repos/{repo.name}",
        )

    def repository(self) -> Any:
        return self._repository("full-repository", self.repo)

    def user(self) -> Any:
        login = self._login()
        if self.token is None or not self.token.user:
            raise refusal(403, "Resource not accessible by integration")
        return self.server.contract.example("public-user", login=login, user_view_type="public", type="User")

    def permission(self) -> Any:
        role = self.repo.permissions.get(self.values["username"], "none")
        legacy = {"triage": "read", "maintain": "write"}.get(role, role)
        return {"permission": legacy, "role_name": role, "user": None}

    def fork(self) -> Any:
        login, source = self._login(), self.repo
        name = f"{login}/{source.name.partition('/')[2]}"
        if name not in self.server.repos:
            fork = self.server.add_repository(name)
            git(fork.path, "fetch", "--quiet", str(source.path), "+refs/heads/*:refs/heads/*")
        return self._repository("full-repository", self.server.repos[name])

    def _number(self, key: str) -> int:
        return int(self.values[key])

    def issue(self) -> Any:
        number = self._number("issue_number")
        if number not in self.repo.issues:
            raise refusal(404, "Not Found")
        return self._issue("issue", self.repo, number)

    def _issue(self, schema: str, repo: Repo, number: int) -> dict[str, Any]:
        issue = repo.issues[number]
        return self.server.contract.example(
            schema,
            id=number,
            number=number,
            title=issue["title"],
            body=issue["body"],
            user=self.server._user(issue["author"]),
            state="open",
            labels=[{"name": name} for name in repo.labels.get(number, ())],
            html_url=f"{self.server.url}/{repo.name}/issues/{number}",
        )

    def search(self) -> Any:
        match = re.search(r"repo:(\S+)", self.query["q"])
        repo = self.server.repos[match.group(1)] if match else None
        wanted = re.findall(r"label:(\S+)", self.query["q"])
        numbers = [n for n in (repo.issues if repo else ()) if set(wanted) <= set(repo.labels.get(n, ()))]
        items = [{**self._issue("issue-search-result-item", repo, number), "score": 1} for number in numbers]  # type: ignore[arg-type]
        return {"total_count": len(items), "incomplete_results": False, "items": items, "search_type": "lexical"}

    def comments(self) -> Any:
        return list(self.repo.comments.get(self._number("issue_number"), ()))

    def add_comment(self) -> Any:
        number = self._number("issue_number")
        self.server.add_comment(self.repo, number, self.body["body"], self._login())
        return self.repo.comments[number][-1]

    def edit_comment(self) -> Any:
        for known in self.repo.comments.values():
            for comment in known:
                if comment["id"] == self._number("comment_id"):
                    comment["body"] = self.body["body"]
                    return comment
        raise refusal(404, "Not Found")

    def add_labels(self) -> Any:
        names = self.body["labels"] if isinstance(self.body, dict) else self.body
        known = self.repo.labels.setdefault(self._number("issue_number"), [])
        known.extend(name for name in names if name not in known)
        return [self.server.contract.example("label", name=name) for name in known]

    def pulls(self) -> Any:
        state, head = self.query.get("state", "open"), self.query.get("head")
        pulls = [self._pull("pull-request-simple", number) for number in sorted(self.repo.pulls, reverse=True)]
        return [
            pull
            for pull in pulls
            if state in {"all", pull["state"]}
            and head in {None, f"{pull['head']['user']['login']}:{pull['head']['ref']}"}
        ]

    def pull(self) -> Any:
        if self._number("pull_number") not in self.repo.pulls:
            raise refusal(404, "Not Found")
        return self._pull("pull-request", self._number("pull_number"))

    def open_pull(self) -> Any:
        self._login()
        if self.token and not self.token.pull_requests:
            raise refusal(403, "GitHub Actions is not permitted to create or approve pull requests.")
        repo = self.repo
        owner, _, head = self.body["head"].rpartition(":")
        owner = owner or repo.name.partition("/")[0]
        source = self.server.repos[f"{owner}/{repo.name.partition('/')[2]}"]
        invalid = {"resource": "PullRequest", "code": "invalid"}
        if repo.commit_of(self.body["base"]) is None:
            raise refusal(422, "Validation Failed", {**invalid, "field": "base"})
        commit = source.commit_of(head)
        if commit is None:
            raise refusal(422, "Validation Failed", {**invalid, "field": "head"})
        custom = {"resource": "PullRequest", "code": "custom"}
        if any(p["head"] == head and p["owner"] == owner and p["state"] == "open" for p in repo.pulls.values()):
            raise refusal(
                422, "Validation Failed", {**custom, "message": f"A pull request already exists for {owner}:{head}."}
            )
        if commit == repo.commit_of(self.body["base"]):
            message = f"No commits between {self.body['base']} and {head}"
            raise refusal(422, "Validation Failed", {**custom, "message": message})
        if self.body.get("draft") and not repo.drafts:
            raise refusal(422, "Draft pull requests are not supported in this repository.")
        number = max([0, *repo.issues, *repo.pulls]) + 1
        fields = {key: self.body.get(key) for key in ("title", "body", "base", "draft")}
        repo.pulls[number] = {**fields, "head": head, "owner": owner, "state": "open", "merged_at": None}
        return self._pull("pull-request", number)

    def edit_pull(self) -> Any:
        number = self._number("pull_number")
        self.repo.pulls[number].update(self.body)
        return self._pull("pull-request", number)

    def _pull(self, schema: str, number: int) -> dict[str, Any]:
        repo, pull = self.repo, self.repo.pulls[number]
        source = self.server.repos[pull.get("repo") or f"{pull['owner']}/{repo.name.partition('/')[2]}"]
        side = "pull-request" if schema == "pull-request" else "pull-request-simple"
        made = self.server.contract.example(
            side,
            id=number,
            number=number,
            title=pull["title"],
            body=pull["body"],
            state=pull["state"],
            draft=bool(pull["draft"]),
            merged_at=pull["merged_at"],
            html_url=f"{self.server.url}/{repo.name}/pull/{number}",
            url=f"{self.server.api_url}/repos/{repo.name}/pulls/{number}",
            user=self.server._user("robot"),
        )
        for key, where, branch in (("head", source, pull["head"]), ("base", repo, pull["base"])):
            owner = where.name.partition("/")[0]
            made[key] = {
                "label": f"{owner}:{branch}",
                "ref": branch,
                "sha": where.commit_of(branch) or "0" * 40,
                "repo": self._repository("repository", where),
                "user": self.server._user(owner),
            }
        return made

    def review_comments(self) -> Any:
        return list(self.repo.review_comments.get(self._number("pull_number"), ()))

    def _pusher(self) -> str:
        login = self._login()
        if self.token and not self.token.push:
            raise refusal(403, "Resource not accessible by integration")
        return login

    def _git(self, *arguments: str, stdin: bytes = b"", **env: str) -> str:
        command = ["git", "-C", str(self.repo.path), *arguments]
        done = subprocess.run(command, input=stdin, env={**os.environ, **env}, capture_output=True, check=True)
        return done.stdout.decode().strip()

    def git_blob(self) -> Any:
        self._pusher()
        sha = self._git("hash-object", "-w", "--stdin", stdin=base64.b64decode(self.body["content"]))
        return self.server.contract.example("short-blob", sha=sha)

    def git_tree(self) -> Any:
        self._pusher()
        index = {"GIT_INDEX_FILE": str(self.repo.path / "api-index")}
        self._git("read-tree", self.body["base_tree"], **index)  # type: ignore[arg-type]
        for item in self.body["tree"]:
            sha = item.get("sha")
            if "content" in item:
                sha = self._git("hash-object", "-w", "--stdin", stdin=item["content"].encode())
            line = f"{item['mode']} {sha}\t{item['path']}" if sha else f"0 {'0' * 40}\t{item['path']}"
            self._git("update-index", "--index-info", stdin=line.encode() + b"\n", **index)
        return self.server.contract.example("git-tree", sha=self._git("write-tree", **index))  # type: ignore[arg-type]

    def git_commit(self) -> Any:
        login = self._pusher()
        people = {"GIT_AUTHOR_NAME": login, "GIT_AUTHOR_EMAIL": f"{login}@users.noreply.github.com"}
        committer = {"GIT_COMMITTER_NAME": "GitHub", "GIT_COMMITTER_EMAIL": "noreply@github.com"}
        parents = [word for parent in self.body["parents"] for word in ("-p", parent)]
        message = self.body["message"].encode()
        sha = self._git("commit-tree", self.body["tree"], *parents, stdin=message, **people, **committer)
        return self.server.contract.example("git-commit", sha=sha)

    def git_ref(self) -> Any:
        self._pusher()
        self._git("update-ref", self.body["ref"], self.body["sha"], "0" * 40)
        made = {"type": "commit", "sha": self.body["sha"], "url": "https://example.invalid/"}
        return self.server.contract.example("git-ref", ref=self.body["ref"], object=made)

    def comments_of_review(self) -> Any:
        wanted = self._number("review_id")
        known = self.repo.review_comments.get(self._number("pull_number"), ())
        kept = ("id", "body", "path", "user", "pull_request_review_id")
        return [
            self.server.contract.example("review-comment", **{key: comment[key] for key in kept})
            for comment in known
            if comment.get("pull_request_review_id") == wanted
        ]

    def timeline(self) -> Any:
        return list(self.repo.timeline.get(self._number("issue_number"), ()))

    def request_reviewers(self) -> Any:
        number = self._number("pull_number")
        self.repo.reviewers.setdefault(number, []).extend(
            [*self.body.get("reviewers", ()), *self.body.get("team_reviewers", ())]
        )
        return self._pull("pull-request-simple", number)
