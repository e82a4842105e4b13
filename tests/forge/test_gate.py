"""Which events start a run, and for whom."""

import pytest

from sweagent.forge.base import Permission
from sweagent.forge.gate import GateOptions, asks, decide
from sweagent.forge.proposal import PublishOptions
from sweagent.forge.pull_request import open_pull_request

TOKEN = "stand-in-token-of-a-robot"
ISSUE = {"number": 7, "title": "T", "body": "B", "state": "open", "updated_at": "2024-05-01T12:00:00Z"}


def labelled(who="maintainer", kind="User", **issue):
    return {
        "action": "labeled",
        "label": {"name": "fix-issue"},
        "issue": {**ISSUE, **issue},
        "sender": {"login": who, "type": kind},
    }


def commented(body, who="maintainer", kind="User", **issue):
    comment = {"body": body, "created_at": "2024-05-01T13:00:00Z"}
    return {
        "action": "created",
        "comment": comment,
        "issue": {**ISSUE, **issue},
        "sender": {"login": who, "type": kind},
    }


def gate(github, name, event, actors=(), **options):
    return decide(name, event, actors, GateOptions(**options), github)


def test_a_label(github):
    decision = gate(github, "issues", labelled(), actors=("maintainer", "maintainer"))
    assert decision.proceed
    assert (decision.issue, decision.title, decision.body) == (7, "T", "B")
    assert decision.until.isoformat() == "2024-05-01T12:00:00+00:00"


def test_a_comment(github):
    decision = gate(github, "issue_comment", commented("please\n/fix-issue now"))
    assert decision.proceed
    assert decision.until.isoformat() == "2024-05-01T13:00:00+00:00"


@pytest.mark.parametrize(
    ("who", "kind", "options", "expected"),
    [
        ("maintainer", "User", {}, True),
        ("owner", "User", {}, True),
        ("stranger", "User", {}, False),
        ("nobody-at-all", "User", {}, False),
        ("helper", "User", {}, False),
        ("helper", "User", {"permission": Permission.TRIAGE}, True),
        ("stranger", "User", {"allowed_users": ("Stranger",)}, True),
        ("renovate[bot]", "Bot", {}, False),
        ("renovate[bot]", "Bot", {"allowed_users": ("renovate[bot]",)}, True),
        ("renovate[bot]", "Bot", {"allowed_users": ("renovate",)}, False),
        ("maintainer", "Bot", {}, False),
        ("github-actions[bot]", "Bot", {}, False),
    ],
)
def test_who_may_start_a_run(github, who, kind, options, expected):
    assert gate(github, "issues", labelled(who, kind), **options).proceed is expected


def test_who_reruns_a_workflow_must_be_allowed_too(github):
    decision = gate(github, "issues", labelled("maintainer"), actors=("maintainer", "stranger"))
    assert not decision.proceed
    assert "stranger has the permission read" in decision.reason


def test_a_permission_that_cannot_be_read_lets_nobody_in(github, standin):
    from standin import Fault

    from sweagent.errors import ForgeError

    standin.faults.append(Fault("GET", "/permission$", 403, {"message": "Must have push access"}))
    with pytest.raises(ForgeError):
        gate(github, "issues", labelled())


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("issues", {**labelled(), "label": {"name": "bug"}}),
        ("issues", {**labelled(), "action": "opened"}),
        ("issues", labelled(state="closed")),
        ("issues", labelled(pull_request={})),
        ("issue_comment", commented("nice work")),
        ("issue_comment", {**commented("/fix-issue"), "action": "edited"}),
        ("issue_comment", commented("<!-- fix-issue:progress -->\n/fix-issue")),
        ("issues", {"action": "labeled", "label": {"name": "fix-issue"}, "issue": ISSUE}),
        ("push", {"sender": {"login": "maintainer"}}),
        ("pull_request_target", {"sender": {"login": "maintainer"}, "action": "opened"}),
        ("workflow_dispatch", {"sender": {"login": "maintainer"}}),
        ("schedule", {}),
    ],
)
def test_what_starts_nothing(github, name, event):
    decision = gate(github, name, event)
    assert not decision.proceed
    assert decision.reason


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("/fix-issue", True),
        ("  /Fix-Issue please", True),
        ("hello\r\n/fix-issue\r\n", True),
        ("I said /fix-issue", False),
        ("> /fix-issue", False),
        ("```\n/fix-issue\n```", False),
        ("    /fix-issue", False),
        ("/fix-issues", False),
        ("/fix-issue-now", False),
        ("", False),
    ],
)
def test_the_phrase(comment, expected):
    assert asks(comment, "/fix-issue") is expected


def test_a_dispatch(github):
    decision = gate(github, "workflow_dispatch", {"sender": {"login": "owner"}}, issue=7)
    assert (decision.proceed, decision.issue) == (True, 7)


def test_a_schedule_takes_the_first_issue_that_was_not_tried(github, standin, repo):
    standin.add_issue(repo, 9, "Another")
    repo.labels.update({7: ["bug"], 9: ["bug"]})
    assert gate(github, "schedule", {}, query="label:bug").issue == 7
    standin.add_comment(repo, 7, "<!-- fix-issue:progress -->\nWorking on it.")
    assert gate(github, "schedule", {}, query="label:bug").issue == 9
    assert not gate(github, "schedule", {}, query="label:other").proceed


@pytest.fixture
def pull(github, proposal):
    return open_pull_request(github, proposal, PublishOptions(), token=TOKEN)


def review(pull, state="changes_requested", body="", head="acme/calc"):
    return {
        "action": "submitted",
        "review": {"state": state, "body": body, "submitted_at": "2024-05-01T13:00:00Z"},
        "pull_request": {
            "number": pull.number,
            "state": "open",
            "head": {"ref": pull.branch, "repo": {"full_name": head}},
            "base": {"repo": {"full_name": "acme/calc"}},
        },
        "sender": {"login": "maintainer", "type": "User"},
    }


def test_a_review_of_our_pull_request(github, pull):
    decision = gate(github, "pull_request_review", review(pull))
    assert (decision.proceed, decision.issue, decision.pull_request) == (True, 7, pull.number)


def test_a_comment_on_our_pull_request(github, pull):
    event = commented("/fix-issue also negative numbers", number=pull.number, pull_request={})
    assert gate(github, "issue_comment", event).pull_request == pull.number


@pytest.mark.parametrize(
    "change",
    [
        {"state": "commented"},
        {"state": "approved", "body": "good"},
        {"head": "stranger/calc"},
    ],
)
def test_reviews_that_start_nothing(github, pull, change):
    assert not gate(github, "pull_request_review", review(pull, **change)).proceed


def test_pull_requests_of_people_are_none_of_ours(github, pull):
    event = review(pull)
    event["pull_request"]["head"]["ref"] = "feature"
    assert not gate(github, "pull_request_review", event).proceed
