"""Read an issue from a forge, file, standard input or text."""

import json
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sweagent.errors import UsageError
from sweagent.forge.api.address import (
    is_name,
    parse_issue_url,
    parse_remote_url,
    place_of,
    token_for,
    token_from_environment,
)
from sweagent.forge.api.protocol import Forge, ForgeComment, ForgeIssue
from sweagent.forge.text.sanitise import Finding, sanitise
from sweagent.frozen import Frozen
from sweagent.home import expanded
from sweagent.task import Comment, Issue

OUR_MARK = "<!-- fix-issue:"
"""Begins the hidden marker of everything that fix-issue writes on a forge."""

_NUMBER = re.compile(r"(?:(?P<name>[^\s#]+/[^\s#]+))?#?(?P<number>[1-9]\d{0,9})")
_PATH_LIKE = re.compile(r"(?:[~.]{0,2}/)?[\w.~+@/-]+\.(?:md|markdown|txt|rst|json)|(?:~|\.{1,2})?/[\w.~+@/-]+")


class ReadIssue(Frozen):
    """An issue as the model may read it."""

    issue: Issue
    findings: tuple[Finding, ...] = ()
    """What was hidden in it."""


def read_issue(
    text: str,
    *,
    repository_source: str,
    repository_name: str,
    api_url: str | None = None,
    token: str | None = None,
    until: datetime | None = None,
) -> Issue:
    """Read an issue and make its text honest.

    Args:
        text: a number, `owner/name#number`, the URL of an issue, a file, `-` for standard input, or the issue itself.
        repository_source: the repository as the user gave it: a path, a URL or `owner/name`. It tells where a bare
            number belongs.
        repository_name: a name of the repository, taken for a bare number when it is `owner/name` and the source does
            not tell.
        api_url: base of the forge's REST API (`https://HOST/api/v3`), or `file:///folder` for a forge of plain files.
        token: for the forge; None takes the one in the environment.
        until: leave out comments that were written or edited after this moment.

    Raises:
        UsageError: the text cannot be understood, a file cannot be read, or the issue is empty.
        ForgeError: the forge refuses or cannot be reached.
    """
    read = read_issue_with_findings(text, repository_source, repository_name, api_url, token=token, until=until)
    return read.issue


def read_issue_with_findings(
    text: str, source: str, name: str, api_url: str | None = None, *, token: str | None, until: datetime | None
) -> ReadIssue:
    """Read an issue as `read_issue` does, and tell what was hidden in it."""
    text = text.strip()
    if text == "-":
        return clean_issue(_parse(sys.stdin.read(), "standard input"))
    token = token or token_from_environment()
    if match := _NUMBER.fullmatch(text):
        source, name = (match["name"], match["name"]) if match["name"] else (source, name)
        if not match["name"] or is_name(match["name"]):
            forge = forge_for(source, name, api_url=api_url, token=token)
            return from_forge(forge.issue(int(match["number"])), until)
    if text.startswith(("https://", "http://")) and not re.search(r"\s", text):
        return from_forge(_by_url(text, api_url, token), until)
    return clean_issue(_local(text))


def forge_for(source: str, name: str, *, api_url: str | None = None, token: str | None = None) -> Forge:
    """The forge that a repository belongs to.

    Args:
        source: the repository as the user gave it: a path, a URL or `owner/name`.
        name: taken when the source does not tell and it is `owner/name`.
        api_url: base of the REST API, or `file:///folder` for a forge of plain files.
        token: for the forge, or None.

    Raises:
        UsageError: no forge can be found.
    """
    from sweagent.forge.api.file_forge import Files
    from sweagent.forge.api.github import GitHub

    if api_url and api_url.startswith("file://"):
        return Files(Path(unquote(urlsplit(api_url).path)))
    is_local = expanded(source).exists()
    if is_name(source) and not is_local:
        place = place_of(source, api_url=api_url)
    else:
        found = parse_remote_url(_origin(expanded(source)) if is_local else source, api_url)
        if found is None and is_name(name) and (api_url or is_local):
            found = place_of(name, api_url=api_url)
        if found is None:
            raise UsageError(
                f"cannot tell which repository {source} is",
                "add a remote `origin`, or name it: the issue's URL, owner/name#number, or `fix-issue pr RUN --repo "
                "owner/name`",
            )
        place = found
    return GitHub(place, token_for(place, token, trusted_api=api_url))


def from_forge(found: ForgeIssue, until: datetime | None = None) -> ReadIssue:
    """An issue of a forge as the model may read it: sanitised, without our own comments and without late ones.

    Args:
        found: the issue.
        until: leave out comments that were written or edited after this moment.
    """
    kept = [comment for comment in found.comments if OUR_MARK not in comment.body]
    timely = [comment for comment in kept if until is None or not _is_late(comment, until)]
    issue = Issue(
        title=found.title,
        body=found.body,
        comments=tuple(Comment(author=c.author, body=c.body, created_at=c.created_at) for c in timely),
        number=found.number,
        url=found.url or None,
        author=found.author or None,
    )
    read = clean_issue(issue)
    if len(timely) == len(kept):
        return read
    late = Finding(kind="comment written or edited after the trigger", count=len(kept) - len(timely))
    return read.model_copy(update={"findings": (*read.findings, late)})


def clean_issue(issue: Issue) -> ReadIssue:
    """Sanitise every text of an issue.

    Raises:
        UsageError: nothing is left.
    """
    findings: list[Finding] = []

    def clean(text: str) -> str:
        cleaned, found = sanitise(text)
        findings.extend(found)
        return cleaned.strip()

    title = " ".join(clean(issue.title).split())
    cleaned = issue.model_copy(
        update={
            "title": title,
            "body": clean(issue.body),
            "comments": tuple(c.model_copy(update={"body": clean(c.body)}) for c in issue.comments),
        }
    )
    if not cleaned.text.strip():
        raise UsageError("the issue has no text", "give a title and a description of what is wrong")
    return ReadIssue(issue=cleaned, findings=tuple(_merged(findings)))


def _is_late(comment: ForgeComment, until: datetime) -> bool:
    moments = (moment for moment in (comment.created_at, comment.updated_at) if moment is not None)
    return any(_aware(moment) > _aware(until) for moment in moments)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _merged(findings: Iterable[Finding]) -> list[Finding]:
    merged: dict[str, Finding] = {}
    for finding in findings:
        old = merged.get(finding.kind)
        merged[finding.kind] = old.model_copy(update={"count": old.count + finding.count}) if old else finding
    return list(merged.values())


def _by_url(url: str, api_url: str | None, token: str | None) -> ForgeIssue:
    from sweagent.forge.api.github import GitHub

    parsed = parse_issue_url(url, api_url)
    if parsed is None:
        raise UsageError(f"{url} is not the address of an issue", "give it as https://HOST/OWNER/NAME/issues/NUMBER")
    place, number = parsed
    return GitHub(place, token_for(place, token, trusted_api=api_url)).issue(number)


def _local(text: str) -> Issue:
    """A file, or else the issue itself."""
    if "\n" not in text and len(text) < 1000:
        path = expanded(text)
        if path.is_file():
            try:
                return _parse(path.read_text("utf-8", "replace"), str(path))
            except OSError as error:
                raise UsageError(f"cannot read {path}: {error.strerror}", "check the file's permissions") from error
        if path.is_dir() or _PATH_LIKE.fullmatch(text):
            raise UsageError(f"there is no file {text}", "give a file, a number, a URL, or the issue's text in quotes")
    return _parse(text, "the command line")


def _parse(text: str, where: str) -> Issue:
    """Markdown or plain text, whose first line is the title; or JSON with `title` and `body`."""
    if text.lstrip().startswith("{"):
        try:
            data = json.loads(text)
        except ValueError:
            data = None
        if isinstance(data, dict) and "title" in data:
            return _from_json(data, where)
    title, _, body = text.strip().partition("\n")
    return Issue(title=title.strip().lstrip("#").strip(), body=body.strip())


def _from_json(data: dict[str, Any], where: str) -> Issue:
    try:
        comments = tuple(
            Comment(author=str(item.get("author") or (item.get("user") or {}).get("login", "")), body=str(item["body"]))
            for item in (data["comments"] if isinstance(data.get("comments"), list) else ())
        )
        return Issue(
            title=str(data["title"]),
            body=str(data.get("body") or ""),
            comments=comments,
            number=data.get("number"),
            url=data.get("html_url") or data.get("url"),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UsageError(f"the issue in {where} cannot be used: {error}", "give title, body and comments") from error


def _origin(path: Path) -> str:
    """The URL of the remote `origin` of a local repository, read from its configuration as text."""
    from git import GitConfigParser

    folder = path / ".git" if (path / ".git").is_dir() else path
    try:
        with GitConfigParser(folder / "config", read_only=True, merge_includes=False) as config:
            return str(config.get_value('remote "origin"', "url", default=""))
    except (OSError, ValueError, KeyError):
        return ""
