"""Which events start a run, and for whom."""

import pytest

from sweagent.forge.action.gate import GateOptions, asks, decide
from sweagent.forge.api.protocol import Permission
from sweagent.forge.clone import CleanClone
from sweagent.forge.proposal import PublishOptions
from sweagent.forge.pull_request import open_pull_request
from sweagent.forge.records import Records, remember_try
from sweagent.task import Issue

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
    with CleanClone(github.remote(), TOKEN) as clone:
        return decide(name, event, actors, GateOptions(**options), github, Records(clone))


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


@pytest.fixture
def queue(standin, repo):
    """Two issues, of which a form for strangers has labelled one and a maintainer the other."""
    standin.add_issue(repo, 9, "Another")
    standin.label(repo, 7, "fix-issue", "stranger")
    standin.label(repo, 9, "fix-issue", "maintainer", at="2024-05-02T12:00:00Z")


def scheduled(github, **options):
    return gate(github, "schedule", {}, query="label:fix-issue", **options)


def test_a_schedule_takes_what_a_maintainer_has_labelled(github, queue):
    decision = scheduled(github)
    assert decision.issue == 9
    assert decision.until.isoformat() == "2024-05-02T12:00:00+00:00"
    assert not gate(github, "schedule", {}, query="label:other").proceed


@pytest.mark.parametrize(
    ("events", "taken"),
    [
        ([("maintainer", "labeled"), ("maintainer", "unlabeled"), ("stranger", "labeled")], False),
        ([("stranger", "labeled"), ("stranger", "unlabeled"), ("maintainer", "labeled")], True),
        ([("helper", "labeled")], False),
        ([("triage[bot]", "labeled")], False),
        ([], False),
    ],
)
def test_whose_label_counts(github, standin, repo, events, taken):
    for who, event in events:
        standin.label(repo, 7, "fix-issue", who, event=event)
    repo.labels[7] = ["fix-issue"]
    assert scheduled(github).proceed is taken


def test_a_label_other_than_ours_starts_no_scheduled_run(github, standin, repo):
    standin.label(repo, 7, "bug", "maintainer")
    assert not gate(github, "schedule", {}, query="label:bug").proceed


def test_what_was_tried_is_remembered_in_the_repository_and_nowhere_else(github, standin, repo, queue):
    standin.add_comment(repo, 9, "<!-- fix-issue:progress -->\nWorking on it.", author="stranger")
    assert scheduled(github).issue == 9
    with CleanClone(github.remote(), TOKEN) as clone:
        remember_try(clone, Issue(title="", number=9), "workflow-1")
        remember_try(clone, Issue(title="", number=9), "workflow-2")
        assert Records(clone).read("9").tries == ("workflow-1", "workflow-2")
    assert not scheduled(github).proceed


@pytest.fixture
def pull(github, proposal):
    return open_pull_request(github, proposal, PublishOptions(), token=TOKEN)


def review(pull, state="changes_requested", body="", number=5):
    return {
        "action": "submitted",
        "review": {"id": number, "state": state, "body": body, "submitted_at": "2024-05-01T13:00:00Z"},
        "pull_request": {"number": pull.number, "state": "open"},
        "sender": {"login": "maintainer", "type": "User"},
    }


def test_a_review_of_our_pull_request(github, pull):
    decision = gate(github, "pull_request_review", review(pull))
    assert (decision.proceed, decision.issue, decision.pull_request) == (True, 7, pull.number)
    assert decision.commit == pull.commit


def test_a_comment_on_our_pull_request(github, pull):
    event = commented("/fix-issue also negative numbers", number=pull.number, pull_request={})
    assert gate(github, "issue_comment", event).pull_request == pull.number


def test_a_review_with_five_comments_opens_the_gate_once(github, standin, repo, pull):
    comments = [
        standin.contract.example(
            "pull-request-review-comment",
            id=n,
            body="/fix-issue this",
            path="calc.py",
            pull_request_review_id=5,
            user=standin._user("maintainer"),
        )
        for n in range(5)
    ]
    repo.review_comments[pull.number] = comments
    sender = {"sender": {"login": "maintainer", "type": "User"}, "pull_request": {"number": pull.number}}
    events = [("pull_request_review", review(pull, state="commented"))]
    events += [("pull_request_review_comment", {**sender, "action": "created", "comment": c}) for c in comments]
    assert [gate(github, name, event).proceed for name, event in events] == [True, *[False] * 5]
    assert not gate(github, "pull_request_review", review(pull, state="commented", number=6)).proceed


@pytest.mark.parametrize("change", [{"state": "commented"}, {"state": "approved", "body": "good"}])
def test_reviews_that_start_nothing(github, pull, change):
    assert not gate(github, "pull_request_review", review(pull, **change)).proceed


def test_a_branch_that_is_only_named_like_ours_is_none_of_ours(github, standin, repo, pull):
    for branch in ("feature", "fix-issue/7-looks-like-ours", "fix-issue/9-other"):
        standin.commit(repo, branch, {"calc.py": "1\n"})
        repo.pulls[pull.number]["head"] = branch
        decision = gate(github, "pull_request_review", review(pull))
        assert not decision.proceed
        assert "our record does not name" in decision.reason


def test_a_branch_that_somebody_rewrote_is_none_of_ours(github, standin, repo, pull, as_git):
    as_git(repo, "update-ref", f"refs/heads/{pull.branch}", repo.commit_of("main"))
    assert not gate(github, "pull_request_review", review(pull)).proceed


def test_commits_of_people_on_our_branch_leave_it_ours(github, standin, repo, pull):
    tip = standin.commit(repo, pull.branch, {"more.py": "1\n"})
    assert gate(github, "pull_request_review", review(pull)).commit == tip


def test_a_fork_of_the_same_owner_is_a_fork(github, standin, repo, pull):
    fork = standin.add_repository("acme/calc-fork")
    from standin import git

    git(fork.path, "fetch", "--quiet", str(repo.path), "+refs/heads/*:refs/heads/*")
    repo.pulls[pull.number]["repo"] = fork.name
    decision = gate(github, "pull_request_review", review(pull))
    assert not decision.proceed
    assert "fork" in decision.reason
