"""A plain git remote and a folder of plain files behind the same interface."""

import json
import subprocess

import pytest

from sweagent.errors import ForgeError
from sweagent.forge import Permission, forge_for, read_issue
from sweagent.forge.api.file_forge import Files
from sweagent.forge.git_remote import GitRemote
from sweagent.forge.proposal import OutcomeKind, PublishOptions
from sweagent.forge.pull_request import open_pull_request

TOKEN = "stand-in-token-of-a-robot"
BRANCH = "fix-issue/7-add-subtracts"


@pytest.fixture
def folder(tmp_path, repo):
    folder = tmp_path / "files"
    (folder / "issues").mkdir(parents=True)
    (folder / "issues" / "7.md").write_text("# add() subtracts\n\nIt does.\n")
    (folder / "permissions.json").write_text(json.dumps({"ann": "write", "bob": "odd"}))
    subprocess.run(["git", "clone", "--quiet", "--bare", str(repo.path), str(folder / "repository.git")], check=True)
    return folder


def test_a_folder_is_a_forge(folder, proposal):
    forge = forge_for("anything", "anything", api_url=folder.as_uri())
    outcome = open_pull_request(forge, proposal, PublishOptions(labels=("bot",), reviewers=("ann",)))
    assert (outcome.kind, outcome.number) == (OutcomeKind.OPENED, 8)
    again = open_pull_request(forge, proposal.model_copy(update={"summary": "Anew."}), PublishOptions())
    assert (again.kind, again.number) == (OutcomeKind.UPDATED, 8)
    stored = json.loads((folder / "pull-requests" / "8.json").read_text())
    assert "Anew" in stored["body"]
    assert json.loads((folder / "labels.json").read_text()) == {"8": ["bot"]}


def test_issues_and_comments_in_files(folder):
    forge = Files(folder)
    written = forge.comment(7, "first")
    forge.edit_comment(7, written.id, "second")
    issue = read_issue("7", repository_source="x", repository_name="x", api_url=folder.as_uri())
    assert (issue.title, [c.body for c in issue.comments]) == ("add() subtracts", ["second"])
    assert [found.number for found in forge.issues("subtracts", 5)] == [7]
    assert (forge.permission("ann"), forge.permission("bob"), forge.permission("x")) == (
        Permission.WRITE,
        Permission.NONE,
        Permission.NONE,
    )


def test_files_that_are_missing(folder):
    with pytest.raises(ForgeError, match="there is no 99"):
        Files(folder).issue(99)


def test_a_plain_remote_gets_a_branch(repo, proposal):
    outcome = open_pull_request(GitRemote(str(repo.path)), proposal, PublishOptions())
    assert (outcome.kind, outcome.branch) == (OutcomeKind.PUSHED, BRANCH)
    assert repo.commit_of(BRANCH) == outcome.commit


def test_a_plain_remote_over_http(standin, repo, proposal):
    remote = GitRemote(f"{standin.url}/acme/calc.git", token=TOKEN)
    outcome = open_pull_request(remote, proposal, PublishOptions(), token=TOKEN)
    assert repo.commit_of(BRANCH) == outcome.commit


@pytest.mark.parametrize("url", ["ext::sh -c touch% /tmp/x", "http://example.org/x.git", "/no/such/repository.git"])
def test_remotes_that_are_refused(proposal, url):
    with pytest.raises(ForgeError):
        open_pull_request(GitRemote(url, token="secret-secret"), proposal, PublishOptions(), token="secret-secret")


def test_host_and_path_are_reached_by_ssh(proposal):
    remote = GitRemote("git@fix-issue.invalid:acme/calc.git", default="main")
    with pytest.raises(ForgeError) as caught:
        open_pull_request(remote, proposal, PublishOptions())
    assert "not allowed" not in str(caught.value)
