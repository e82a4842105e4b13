"""Decide whether an event may start a run."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sweagent.forge.action.workflow import moment
from sweagent.forge.api.protocol import Forge, Permission, PullRequest
from sweagent.forge.issues import OUR_MARK
from sweagent.forge.records import BranchRecord, Records
from sweagent.forge.text.sanitise import segments
from sweagent.frozen import Frozen


class GateOptions(Frozen):
    """What may start a run."""

    label: str = "fix-issue"
    """This label on an issue starts a run, and a scheduled run takes only issues that have it."""
    phrase: str = "/fix-issue"
    """A comment with a line that begins with this starts a run."""
    issue: int | None = None
    """The issue of a dispatched run."""
    query: str = ""
    """The search of a scheduled run, such as `label:bug sort:created-asc`."""
    permission: Permission = Permission.WRITE
    """The least that a person must be allowed in the repository."""
    allowed_users: tuple[str, ...] = ()
    """Logins that need no permission; a bot is accepted only when it is named here."""


class Decision(Frozen):
    """What the gate says."""

    proceed: bool
    reason: str
    """One sentence."""
    issue: int | None = None
    until: datetime | None = None
    """Comments after this moment do not count."""
    title: str | None = None
    body: str | None = None
    """The issue as it was when the event happened, where the event says it."""
    pull_request: int | None = None
    """With a follow-up: the pull request whose review is worked on."""
    commit: str = ""
    """With a follow-up: the commit of the branch that is worked on."""


def decide(
    event_name: str,
    event: Mapping[str, Any],
    actors: tuple[str, ...],
    options: GateOptions,
    forge: Forge,
    records: Records,
) -> Decision:
    """Decide on an event.

    Args:
        event_name: such as `issue_comment`.
        event: its payload.
        actors: who caused it and who started this run of the workflow; both must be allowed to.
        options: what may start a run.
        forge: asked for permissions, and for issues when the run is scheduled.
        records: say what was tried, and which branches are ours.

    Raises:
        ForgeError: the forge cannot be asked.
    """
    if event_name == "schedule":
        return _scheduled(options, forge, records)
    decision = _by_event(event_name, event, options, forge)
    if not decision.proceed:
        return decision
    sender = event.get("sender") or {}
    names = {str(sender.get("login") or ""), *actors} - {""}
    if not names:
        return _no("the event does not say who caused it")
    for name in sorted(names):
        objection = _objection(
            name, is_bot=name == sender.get("login") and sender.get("type") == "Bot", options=options, forge=forge
        )
        if objection:
            return _no(objection)
    if decision.pull_request is not None:
        return _of_ours(decision, forge.pull_request(decision.pull_request), forge, records)
    return decision


def _objection(name: str, *, is_bot: bool, options: GateOptions, forge: Forge) -> str:
    """Why a person or a bot may not start a run; empty when they may."""
    if not name:
        return "nobody is named who did it"
    if name.lower() in {user.lower() for user in options.allowed_users}:
        return ""
    if is_bot or name.endswith("[bot]"):
        return f"{name} is a bot that allowed-users does not name"
    found = forge.permission(name)
    if found.at_least(options.permission):
        return ""
    return f"{name} has the permission {found.value}, and {options.permission.value} is needed"


def _by_event(event_name: str, event: Mapping[str, Any], options: GateOptions, forge: Forge) -> Decision:
    action = event.get("action")
    if event_name == "issues" and action == "labeled":
        return _labelled(event, options)
    if event_name == "issue_comment" and action == "created":
        return _commented(event, options, forge)
    if event_name == "pull_request_review_comment":
        return _no("every comment on a diff belongs to a review, whose own event decides")
    if event_name == "pull_request_review" and action == "submitted":
        return _reviewed(event, options, forge)
    if event_name == "workflow_dispatch":
        if options.issue is None:
            return _no("the run was dispatched without an issue")
        return Decision(proceed=True, reason="dispatched by hand", issue=options.issue)
    return _no(f"the event {event_name}{f' ({action})' if action else ''} starts nothing")


def _labelled(event: Mapping[str, Any], options: GateOptions) -> Decision:
    label = (event.get("label") or {}).get("name")
    if label != options.label:
        return _no("it is another label")
    return _for_issue(event, "the issue was labelled", moment((event.get("issue") or {}).get("updated_at")))


def _commented(event: Mapping[str, Any], options: GateOptions, forge: Forge) -> Decision:
    comment, issue = event.get("comment") or {}, event.get("issue") or {}
    if not asks(str(comment.get("body") or ""), options.phrase):
        return _no("the comment does not ask for a run")
    when = moment(comment.get("created_at"))
    if "pull_request" not in issue:
        return _for_issue(event, "a comment asked for it", when)
    if issue.get("state", "open") != "open":
        return _no("the pull request is closed")
    return _follow_up(int(issue["number"]), when)


def _reviewed(event: Mapping[str, Any], options: GateOptions, forge: Forge) -> Decision:
    """A review opens the gate once, by its event, whether it is its own words that ask or one of its comments."""
    review, pull = event.get("review") or {}, event.get("pull_request") or {}
    number, body = int(pull.get("number") or 0), str(review.get("body") or "")
    if OUR_MARK in body:
        return _no("the review is ours")
    if pull.get("state") != "open":
        return _no("the pull request is closed")
    if review.get("state") != "changes_requested" and not asks(body, options.phrase):
        remarks = forge.review_comments(number, review=int(review.get("id") or 0))
        if not any(asks(remark.body, options.phrase) for remark in remarks):
            return _no("the review does not ask for a run")
    return _follow_up(number, moment(review.get("submitted_at")))


def _follow_up(pull_request: int, when: datetime | None) -> Decision:
    return Decision(proceed=True, reason="a review asks for changes", until=when, pull_request=pull_request)


def _of_ours(decision: Decision, pull: PullRequest, forge: Forge, records: Records) -> Decision:
    """The decision for a branch that our record names; a name proves nothing, and a fork's branch is another's."""
    if pull.state != "open":
        return _no("the pull request is closed")
    if pull.head_repository.lower() != forge.name.lower():
        return _no("the pull request comes from a fork")
    record = _record_of(pull, records)
    if record is None:
        return _no("our record does not name the branch of this pull request as one of ours")
    return decision.model_copy(update={"issue": int(record.issue), "commit": pull.head_commit})


def _record_of(pull: PullRequest, records: Records) -> BranchRecord | None:
    """The record that a branch is in. The number in the branch's name only says where to look."""
    for key in re.findall(r"\d+(?=-)", pull.head)[:3]:
        record = records.read(key)
        if record is not None and record.issue.isdigit() and records.contains(record, pull.head, pull.head_commit):
            return record
    return None


def _for_issue(event: Mapping[str, Any], reason: str, when: datetime | None) -> Decision:
    issue = event.get("issue") or {}
    if issue.get("state", "open") != "open":
        return _no("the issue is closed")
    if "pull_request" in issue:
        return _no("it is a pull request, not an issue")
    return Decision(
        proceed=True,
        reason=reason,
        issue=int(issue["number"]),
        until=when,
        title=str(issue.get("title") or ""),
        body=str(issue.get("body") or ""),
    )


def _scheduled(options: GateOptions, forge: Forge, records: Records) -> Decision:
    """The first issue of the search that has the label from somebody who may start a run, and that was not tried."""
    if not options.query:
        return _no("the run was scheduled without a query")
    tried, refused = records.known(), ""
    for issue in forge.issues(options.query, 30):
        if str(issue.number) in tried or options.label not in issue.labels:
            continue
        labelling = forge.labelling(issue.number, options.label)
        if labelling is None:
            continue
        objection = _objection(labelling.actor, is_bot=labelling.is_bot, options=options, forge=forge)
        if not objection:
            reason = f"the query found it, and {labelling.actor} labelled it"
            return Decision(proceed=True, reason=reason, issue=issue.number, until=labelling.at)
        refused = f"; {issue.number}: {objection}"
    return _no(f"the query found no issue with the label {options.label} that was not tried before{refused}")


def asks(comment: str, phrase: str) -> bool:
    """Whether a comment asks for a run: a line of it begins with the phrase, outside of quotes and code."""
    if OUR_MARK in comment or not phrase:
        return False
    text = "".join("(code)" if is_code else part for part, is_code in segments(comment.replace("\r\n", "\n")))
    return any(re.match(rf" {{0,3}}{re.escape(phrase)}(?![\w-])", line, re.I) for line in text.split("\n"))


def _no(reason: str) -> Decision:
    return Decision(proceed=False, reason=reason)
