"""Deliveries are checked before anything is fetched or built, and one that fails hides nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sweagent.cli.delivery import Delivery, check_repository, deliver
from sweagent.cli.ending import next_commands, report
from sweagent.repository import open_repository
from sweagent.run_folder import Result

SCRIPT = "- thought: done\n  actions:\n    - submit: {summary: nothing}\n"
PATCH = "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n"


def fix_issue(*arguments: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    hidden = {"FIX_ISSUE_TOKEN", "GH_TOKEN", "GITHUB_TOKEN", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"}
    env = {name: value for name, value in os.environ.items() if name not in hidden} | variables
    command = [sys.executable, "-m", "sweagent", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=cwd, env=env)


@pytest.fixture
def repo(git_repository: Callable[..., Path]) -> Path:
    return git_repository({"a.py": "x = 1\n"})


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.yaml"
    path.write_text(SCRIPT)
    return path


WRONG = {
    "patch in no folder": (["--patch", "nowhere/x.diff"], "mkdir -p"),
    "patch is a folder": (["--patch", "."], "is a folder"),
    "no name of a branch": (["--branch", "a..b"], "cannot be the name of a branch"),
    "branch that exists": (["--branch", "main"], "exists already"),
    "branch below a branch": (["--branch", "main/x"], "beside the branch main"),
    "no token": (["--open-pr"], "needs a token"),
    "output is a file": (["--output", "script.yaml"], "is a file"),
    "misspelt model": (["--model", "gpt5"], "did you mean gpt-5"),
    "misspelt provider": (["--model", "antropic/claude-sonnet-4-5"], "no provider 'antropic'"),
    "slip in a model": (["--model", "anthropic/claude-sonet-4-5"], "claude-sonnet-4-5"),
}


@pytest.mark.parametrize(("options", "said"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_done_is_refused_before_the_run(
    options: list[str], said: str, repo: Path, script: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    played = [] if "--model" in options else ["--policy", script]
    done = fix_issue(repo, "x is 1", *played, "--sandbox", "local", *options, cwd=tmp_path, XDG_STATE_HOME=str(state))
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr
    assert list(state.rglob("trajectory.jsonl")) == []


def test_a_pull_request_for_a_repository_without_a_forge_is_refused(repo: Path, script: Path, tmp_path: Path) -> None:
    done = fix_issue(repo, "x is 1", "--policy", script, "--open-pr", cwd=tmp_path, GH_TOKEN="t", XDG_STATE_HOME="/x")
    assert done.returncode == 2
    assert "cannot tell which repository" in done.stderr
    assert "--repo owner/name" in done.stderr


def test_uncommitted_changes_that_the_run_does_not_see_are_told(repo: Path) -> None:
    notes: list[str] = []
    check_repository(Delivery(), open_repository(str(repo)), notes.append)
    assert notes == []
    (repo / "a.py").write_text("x = 3\n")
    (repo / "new.py").write_text("y = 1\n")
    check_repository(Delivery(apply=True), open_repository(str(repo)), notes.append)
    assert len(notes) == 1
    assert "a.py, new.py" in notes[0]
    assert "--include-dirty" in notes[0]
    notes.clear()
    check_repository(Delivery(), open_repository(str(repo), include_dirty=True), notes.append)
    assert notes == []


def result(folder: Path, verdict: str, exit_code: int) -> Result:
    (folder / "patch.diff").write_text(PATCH)
    return Result(
        run_id="repo-1",
        folder=str(folder),
        exit_status="submitted",
        verdict=verdict,
        exit_code=exit_code,
        patch_file=str(folder / "patch.diff"),
    )


def test_a_delivery_that_fails_keeps_no_other_from_being_made(
    repo: Path, tmp_path: Path, git_command: Callable[..., str]
) -> None:
    (repo / "a.py").write_text("x = 9\n")
    gone = tmp_path / "gone" / "x.diff"
    wanted = Delivery(patch_file=gone, apply=True, branch="fix/x", open_pr=True)
    done = deliver(result(tmp_path, "verified", 0), open_repository(str(repo)), wanted)
    assert [(one.to, one.error) for one in done] == [
        ("--patch", True),
        ("--apply", True),
        ("--branch", False),
        ("--open-pr", True),
    ]
    assert all(one.hint for one in done if one.error)
    assert git_command("show", "fix/x:a.py", cwd=repo) == "x = 2"
    assert (repo / "a.py").read_text() == "x = 9\n"


def test_what_was_not_delivered_is_told_beside_the_verdict(
    repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = result(tmp_path, "regressed", 4)
    done = deliver(ended, open_repository(str(repo)), Delivery(patch_file=tmp_path / "x.diff", branch="fix/x"))
    assert (tmp_path / "x.diff").read_text() == PATCH
    report(ended, as_json=True, delivered=done)
    printed = capsys.readouterr()
    assert [one["error"] for one in json.loads(printed.out)["deliveries"]] == [False, True]
    assert "error: --branch: the patch is regressed" in printed.err


def test_the_end_of_a_run_shows_the_change_once_and_what_to_do_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = result(tmp_path, "verified", 0)
    report(ended, as_json=False)
    text = capsys.readouterr().out
    assert "+x = 2" in text
    for command in ("git apply", "git switch -c", "fix-issue pr", "fix-issue show", "--say"):
        assert command in text
    words = [word for word, _ in next_commands(ended, done=["--apply", "--branch"])]
    assert words == ["pull request", "look closer", "tell the model"]
    rejected = [word for word, _ in next_commands(result(tmp_path, "rejected", 5))]
    assert "apply it" not in rejected
