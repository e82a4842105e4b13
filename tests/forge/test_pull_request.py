"""Opening pull requests against the stand-in, with real pushes over smart HTTP."""

import pytest
from standin import Fault, Standin, Token

from sweagent.errors import ExitCode, ForgeError
from sweagent.forge.proposal import OutcomeKind, PublishOptions
from sweagent.forge.pull_request import open_pull_request
from sweagent.forge.rules import Rules, Ruling
from sweagent.verdict import Verdict

TOKEN = "stand-in-token-of-a-robot"
BRANCH = "fix-issue/7-add-subtracts"
FIXED = "def add(a, b):\n    return a + b\n"


def publish(github, proposal, **options):
    return open_pull_request(github, proposal, PublishOptions(**options), token=TOKEN)


def hook(repo, script):
    path = repo.path / "hooks" / "pre-receive"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_opens_a_draft_with_the_proof(github, repo, proposal, as_git):
    outcome = publish(github, proposal, labels=("bot",), reviewers=("ann", "acme/core"))
    assert (outcome.kind, outcome.branch, outcome.number) == (OutcomeKind.OPENED, BRANCH, 8)
    assert outcome.exit_code == ExitCode.VERIFIED
    pull = repo.pulls[8]
    assert pull["draft"] is True
    assert pull["base"] == "main"
    assert pull["title"] == "Fix: add() subtracts"
    assert pull["body"].startswith("<!-- fix-issue:begin -->\nFixes #7\n")
    assert "| `pytest` | 1 failed | 1 passed |" in pull["body"]
    assert "- Other Python versions" in pull["body"]
    assert as_git(repo, "show", f"{BRANCH}:calc.py") == FIXED
    assert as_git(repo, "rev-parse", f"{BRANCH}^").strip() == proposal.base_commit
    assert (repo.labels[8], repo.reviewers[8]) == (["bot"], ["ann", "core"])


def test_ready_only_when_verified(github, repo, proposal):
    publish(github, proposal.model_copy(update={"verdict": Verdict.UNVERIFIED}), mode="ready")
    assert repo.pulls[8]["draft"] is True


def test_ready(github, repo, proposal):
    publish(github, proposal, mode="ready")
    assert repo.pulls[8]["draft"] is False


def test_a_rerun_of_the_same_patch_changes_nothing(github, repo, proposal, as_git):
    first = publish(github, proposal)
    commit = as_git(repo, "rev-parse", BRANCH)
    again = publish(github, proposal)
    assert (again.kind, again.number) == (OutcomeKind.UNCHANGED, first.number)
    assert as_git(repo, "rev-parse", BRANCH) == commit
    assert len(repo.pulls) == 1


def test_a_rerun_with_another_patch_updates_the_pull_request(github, repo, proposal, as_git):
    publish(github, proposal)
    repo.pulls[8]["body"] = f"A person's words.\n\n{repo.pulls[8]['body']}\n\nMore of them."
    better = proposal.model_copy(update={"diff": proposal.diff.replace(b"a + b", b"b + a"), "summary": "Swapped."})
    outcome = publish(github, better)
    assert (outcome.kind, outcome.number) == (OutcomeKind.UPDATED, 8)
    assert "b + a" in as_git(repo, "show", f"{BRANCH}:calc.py")
    body = repo.pulls[8]["body"]
    assert body.startswith("A person's words.")
    assert body.endswith("More of them.")
    assert "Swapped" in body
    assert "The sign was wrong" not in body
    assert len(repo.pulls) == 1


def test_a_rerun_finds_the_branch_although_the_issue_has_a_new_title(github, repo, proposal):
    publish(github, proposal)
    renamed = proposal.issue.model_copy(update={"title": "Wrong sums"})
    outcome = publish(github, proposal.model_copy(update={"issue": renamed}))
    assert (outcome.branch, outcome.number) == (BRANCH, 8)


def test_commits_of_people_are_never_overwritten(github, repo, proposal, standin, as_git):
    publish(github, proposal)
    theirs = standin.commit(repo, BRANCH, {"calc.py": "# by hand\n"})
    outcome = publish(github, proposal)
    assert (outcome.kind, outcome.branch) == (OutcomeKind.OPENED, f"{BRANCH}.2")
    assert as_git(repo, "rev-parse", BRANCH).strip() == theirs
    assert "People have committed" in repo.pulls[outcome.number]["body"]
    assert publish(github, proposal).kind is OutcomeKind.UNCHANGED


def test_a_commit_that_people_push_in_between_is_not_overwritten(github, repo, proposal, standin, as_git, monkeypatch):
    from sweagent.forge.clone import CleanClone

    publish(github, proposal)
    pushed, push = [], CleanClone.push

    def late(clone, *arguments, **options):
        if not pushed:
            pushed.append(standin.commit(repo, BRANCH, {"other.py": "1\n"}))
        push(clone, *arguments, **options)

    monkeypatch.setattr(CleanClone, "push", late)
    outcome = publish(github, proposal.model_copy(update={"diff": proposal.diff.replace(b"a + b", b"b + a")}))
    assert outcome.branch == f"{BRANCH}.2"
    assert as_git(repo, "rev-parse", BRANCH).strip() == pushed[0]


def test_a_follow_up_adds_a_commit_to_the_branch(github, repo, proposal, standin, as_git):
    publish(github, proposal)
    theirs = standin.commit(repo, BRANCH, {"README.md": "# calc, adding\n"})
    diff = b"--- a/calc.py\n+++ b/calc.py\n@@ -1,2 +1,3 @@\n def add(a, b):\n+    # sum\n     return a + b\n"
    outcome = publish(github, proposal.model_copy(update={"base_commit": theirs, "diff": diff}), branch=BRANCH)
    assert (outcome.kind, outcome.number) == (OutcomeKind.UPDATED, 8)
    assert as_git(repo, "rev-parse", f"{BRANCH}^").strip() == theirs


def test_a_closed_pull_request_is_not_reopened(github, repo, proposal):
    publish(github, proposal)
    repo.pulls[8]["state"] = "closed"
    outcome = publish(github, proposal)
    assert (outcome.kind, outcome.number) == (OutcomeKind.OPENED, 9)
    assert "no. 8, was closed" in repo.pulls[9]["body"]


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("A pull request already exists for acme:fix-issue/7-add-subtracts.", OutcomeKind.PUSHED),
        ("No commits between main and fix-issue/7-add-subtracts", OutcomeKind.NOTHING),
        ("Something that nobody knows", OutcomeKind.PUSHED),
    ],
)
def test_refusals_with_422(github, standin, repo, proposal, message, kind):
    error = {"resource": "PullRequest", "code": "custom", "message": message}
    standin.faults.append(Fault("POST", "/pulls$", 422, {"message": "Validation Failed", "errors": [error]}))
    outcome = publish(github, proposal)
    assert outcome.kind is kind
    assert repo.pulls == {}


def test_already_exists_becomes_an_update(github, standin, repo, proposal):
    publish(github, proposal)
    standin.faults.append(Fault("GET", "/pulls[?]", 200, []))
    outcome = publish(github, proposal.model_copy(update={"summary": "Anew."}))
    assert (outcome.kind, outcome.number) == (OutcomeKind.UPDATED, 8)


def test_no_drafts_here(github, repo, proposal):
    repo.drafts = False
    outcome = publish(github, proposal)
    assert outcome.kind is OutcomeKind.OPENED
    assert repo.pulls[8]["draft"] is False
    assert "no drafts" in repo.pulls[8]["body"]


def test_a_lost_answer_opens_no_second_pull_request(github, standin, repo, proposal):
    standin.faults.append(Fault("POST", "/pulls$", drop="after"))
    outcome = publish(github, proposal)
    assert (outcome.kind, outcome.number) == (OutcomeKind.OPENED, 8)
    assert len(repo.pulls) == 1


@pytest.mark.parametrize("status", [500, 502, 503])
def test_passing_faults_are_waited_out(github, standin, proposal, waits, status):
    standin.faults.append(Fault("GET", "/repos/acme/calc$", status, "<html>Unicorn</html>", times=2))
    assert publish(github, proposal).kind is OutcomeKind.OPENED
    assert waits == [1.0, 2.0]


def test_not_permitted_to_open_pull_requests(github, standin, repo, proposal):
    standin.tokens[TOKEN] = Token(pull_requests=False)
    outcome = publish(github, proposal)
    assert outcome.kind is OutcomeKind.PUSHED
    assert repo.commit_of(BRANCH) == outcome.commit
    assert outcome.compare_url.startswith(f"{standin.url}/acme/calc/compare/main...{BRANCH}?quick_pull=1&title=Fix")
    assert "Allow GitHub Actions to create" in outcome.hint


def test_no_write_access_goes_through_a_fork(github, standin, repo, proposal):
    standin.tokens[TOKEN] = Token(login="helper", push=False)
    outcome = publish(github, proposal)
    assert outcome.kind is OutcomeKind.OPENED
    assert repo.commit_of(BRANCH) is None
    assert standin.repos["helper/calc"].commit_of(BRANCH) == outcome.commit
    assert repo.pulls[outcome.number]["owner"] == "helper"
    assert publish(github, proposal).kind is OutcomeKind.UNCHANGED


def test_no_write_access_and_no_forks_wanted(github, standin, proposal):
    standin.tokens[TOKEN] = Token(login="helper", push=False)
    outcome = publish(github, proposal, fork=False)
    assert (outcome.kind, outcome.exit_code) == (OutcomeKind.REFUSED, ExitCode.FORGE)
    assert "no write access" in outcome.message


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("error: GH006: Protected branch update failed", "the branch is protected"),
        ("error: GH013: Repository rule violations found", "the branch is protected"),
        (
            "refusing to allow a GitHub App to create or update workflow `.github/workflows/ci.yml` "
            "without `workflows` permission",
            "may not change workflow files",
        ),
        ("policy: no commits on Fridays", "a hook of the server declined it"),
    ],
)
def test_refusing_hooks(github, repo, proposal, said, expected):
    hook(repo, f"echo '{said}' >&2; exit 1")
    outcome = publish(github, proposal)
    assert outcome.kind is OutcomeKind.REFUSED
    assert expected in outcome.message
    assert said.split(":")[0] in outcome.message
    assert outcome.hint
    assert repo.pulls == {}


def test_the_base_moved_without_a_conflict(github, standin, repo, proposal, as_git):
    standin.commit(repo, "main", {"other.py": "1\n"})
    outcome = publish(github, proposal)
    assert outcome.kind is OutcomeKind.OPENED
    assert as_git(repo, "rev-parse", f"{BRANCH}^").strip() == proposal.base_commit
    assert "1 commit ahead" in repo.pulls[8]["body"]
    assert "conflicts" not in repo.pulls[8]["body"]


def test_the_base_moved_with_a_conflict(github, standin, repo, proposal):
    standin.commit(repo, "main", {"calc.py": "def add(a, b):\n    return sum([a, b])\n"})
    publish(github, proposal, mode="ready")
    assert repo.pulls[8]["draft"] is True
    assert "conflicts with `main` as it is now: `calc.py`." in repo.pulls[8]["body"]


def test_a_base_that_the_forge_does_not_have(github, repo, proposal, as_git):
    outcome = publish(github, proposal.model_copy(update={"base_commit": "a" * 40}))
    assert outcome.kind is OutcomeKind.OPENED
    assert as_git(repo, "rev-parse", f"{BRANCH}^") == as_git(repo, "rev-parse", "main")
    assert "applied to" in repo.pulls[8]["body"]


def test_a_patch_that_does_not_apply(github, repo, proposal):
    outcome = publish(github, proposal.model_copy(update={"diff": proposal.diff.replace(b"a - b", b"a * b")}))
    assert (outcome.kind, outcome.exit_code) == (OutcomeKind.CONFLICT, ExitCode.FORGE)
    assert repo.commit_of(BRANCH) is None


def test_a_change_that_is_there_already(github, standin, repo, proposal):
    tip = standin.commit(repo, "main", {"calc.py": FIXED})
    empty = proposal.model_copy(update={"base_commit": tip, "diff": b"diff --git a/calc.py b/calc.py\n"})
    assert publish(github, empty).kind in {OutcomeKind.NOTHING, OutcomeKind.CONFLICT}
    assert repo.commit_of(BRANCH) is None


def test_an_unknown_base_branch(github, proposal):
    with pytest.raises(ForgeError, match="nowhere"):
        publish(github, proposal, base="nowhere")


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if not verdict.publishable])
def test_weak_verdicts_are_not_published(github, repo, proposal, verdict):
    outcome = publish(github, proposal.model_copy(update={"verdict": verdict}))
    assert outcome.kind is OutcomeKind.NOT_ACCEPTED
    assert repo.commit_of(BRANCH) is None


def test_only_verified_when_asked_for(github, proposal):
    weak = proposal.model_copy(update={"verdict": Verdict.UNVERIFIED})
    assert publish(github, weak, accept=Verdict.VERIFIED).kind is OutcomeKind.NOT_ACCEPTED


def test_what_needs_review_is_a_draft_that_lists_what_to_look_at(github, repo, proposal):
    named = ("calc.py:7: uses `_exit` [early-exit]",)
    doubtful = proposal.model_copy(update={"verdict": Verdict.NEEDS_REVIEW, "to_review": named})
    assert publish(github, doubtful, accept=Verdict.VERIFIED).kind is OutcomeKind.NOT_ACCEPTED
    unproved = doubtful.model_copy(update={"verdict": Verdict.UNVERIFIED})
    assert publish(github, unproved, accept=Verdict.NEEDS_REVIEW).kind is OutcomeKind.NOT_ACCEPTED
    assert publish(github, doubtful, accept=Verdict.NEEDS_REVIEW, mode="ready").kind is OutcomeKind.OPENED
    assert repo.pulls[8]["draft"] is True
    assert "To be looked at" in repo.pulls[8]["body"]
    assert "calc.py:7" in repo.pulls[8]["body"]


def test_modes_that_open_nothing(github, standin, repo, proposal):
    dry = publish(github, proposal, dry_run=True)
    assert (dry.kind, dry.branch) == (OutcomeKind.DRY_RUN, BRANCH)
    assert "Fixes #7" in dry.body
    assert publish(github, proposal, mode="none").kind is OutcomeKind.NOTHING
    assert repo.commit_of(BRANCH) is None
    assert publish(github, proposal, mode="branch").kind is OutcomeKind.PUSHED
    assert repo.commit_of(BRANCH)
    assert not any(verb == "POST" and path.endswith("/pulls") for verb, path, _ in standin.requests)


def test_protected_paths_are_blocked_reviewed_or_allowed(github, repo, proposal):
    workflow = b"--- /dev/null\n+++ b/.github/workflows/x.yml\n@@ -0,0 +1 @@\n+on: push\n"
    harmful = proposal.model_copy(update={"diff": proposal.diff + workflow})
    outcome = publish(github, harmful)
    assert (outcome.kind, outcome.exit_code) == (OutcomeKind.BLOCKED, ExitCode.REJECTED)
    assert repo.commit_of(BRANCH) is None
    lock = proposal.diff + b"--- /dev/null\n+++ b/uv.lock\n@@ -0,0 +1 @@\n+version = 1\n"
    outcome = publish(github, proposal.model_copy(update={"diff": lock}), mode="ready")
    assert outcome.objections[0].ruling is Ruling.REVIEW
    assert repo.pulls[8]["draft"] is True
    assert "`uv.lock`" in repo.pulls[8]["body"]
    rules = Rules(allowed=(".github/workflows/*",))
    assert publish(github, harmful, rules=rules).kind is OutcomeKind.UPDATED


def test_labels_that_cannot_be_set_are_a_note(github, standin, proposal):
    standin.faults.append(Fault("POST", "/labels$", 403, {"message": "Resource not accessible by integration"}))
    outcome = publish(github, proposal, labels=("bot",))
    assert outcome.kind is OutcomeKind.OPENED
    assert "labels could not be set" in outcome.notes[-1]


def test_the_token_is_in_no_argument_and_no_url(github, proposal, monkeypatch):
    import subprocess

    seen, run = [], subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: seen.append(a[0]) or run(*a, **k))  # type: ignore[func-returns-value]
    publish(github, proposal)
    assert any("push" in command for command in seen)
    assert not any(TOKEN in str(argument) for command in seen for argument in command)


def test_the_token_does_not_follow_a_redirect(github, standin, proposal, tmp_path):
    (tmp_path / "other").mkdir()
    with Standin(tmp_path / "other") as other:
        location = f"http://localhost:{other.url.rpartition(':')[2]}/acme/calc.git/info/refs?service=git-upload-pack"
        standin.faults.append(Fault("GET", "/info/refs", 301, None, {"Location": location}, times=9))
        with pytest.raises(ForgeError, match="has moved"):
            publish(github, proposal)
        assert other.requests == []


def test_configuration_in_the_patch_does_not_run(github, repo, proposal, tmp_path):
    canary = tmp_path / "canary"
    files = {
        ".gitattributes": "* filter=evil diff=evil\n",
        ".gitconfig": f'[filter "evil"]\n\tclean = touch {canary}\n',
    }
    added = b"".join(
        f"--- /dev/null\n+++ b/{name}\n@@ -0,0 +1,{text.count(chr(10))} @@\n".encode()
        + b"".join(b"+" + line.encode() + b"\n" for line in text.splitlines())
        for name, text in files.items()
    )
    outcome = publish(github, proposal.model_copy(update={"diff": proposal.diff + added}))
    assert outcome.kind is OutcomeKind.OPENED
    assert not canary.exists()
