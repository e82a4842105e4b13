"""Recorded runs: listed, named by a prefix or `last`, and removed."""

import fcntl
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sweagent.cli.app import run
from sweagent.errors import UsageError
from sweagent.exit_status import ExitStatus
from sweagent.run_folder import Result, find_run, runs_folder
from sweagent.task import Issue, Repository, Task
from sweagent.trajectory import RunStarted
from sweagent.verdict import Verdict

BASE = "a" * 40


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def fix_issue(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sweagent", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def record(name: str, repo: str = "acme/shapes", *, verdict: str = "", days: float = 0) -> Path:
    """A run as the product leaves it, started so many days ago; without a verdict it did not end."""
    when = datetime.now(UTC) - timedelta(days=days)
    folder = runs_folder() / name
    folder.mkdir(parents=True)
    place = Repository(source="/x", git_dir="/x/.git", base_commit=BASE, name=repo)
    task = Task(id="t", repository=place, issue=Issue(title=f"\x1b[2J{name} adds"))
    started = RunStarted(version="1", run_id=name, task=task, settings={}, time=when)
    (folder / "trajectory.jsonl").write_text(started.model_dump_json() + "\n")
    if verdict:
        ended = Result(
            run_id=name,
            folder=str(folder),
            exit_status=ExitStatus.SUBMITTED,
            verdict=Verdict(verdict),
            exit_code=0,
            cost=0.5,
            steps=1,
        )
        (folder / "result.json").write_text(ended.model_dump_json())
        (folder / "patch.diff").write_text("diff --git a/a b/a\n")
    return folder


def test_runs_are_listed_with_cost_and_patch_the_latest_first() -> None:
    record("shapes-1-20260101-000000-aaa", verdict="verified", days=2)
    record("colours-2-20260103-000000-bbb", "acme/colours", days=1)
    lines = fix_issue("runs").stdout.splitlines()
    assert [line.split()[0] for line in lines] == [
        "run",
        "colours-2-20260103-000000-bbb",
        "shapes-1-20260101-000000-aaa",
    ]
    assert "unfinished" in lines[1]
    assert "verified" in lines[2]
    assert "$0.50" in lines[2]
    assert lines[2].endswith("patch.diff")
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--repo", "colours"], ["c"]),
        (["--verdict", "verified"], ["a"]),
        (["--verdict", "unfinished"], ["c", "b"]),
        (["--verdict", "Verified"], ["a"]),
        (["--since", "36h"], ["c"]),
        (["--limit", "1"], ["c"]),
    ],
)
def test_runs_are_filtered(options: list[str], found: list[str]) -> None:
    record("a", verdict="verified", days=9)
    record("b", days=5)
    record("c", "acme/colours", days=1)
    shown = fix_issue("runs", "--json", *options).stdout.splitlines()
    assert [json.loads(line)["run_id"] for line in shown] == found


def test_a_run_is_named_by_the_start_of_its_name_and_by_last() -> None:
    with pytest.raises(UsageError, match="there is no run yet"):
        find_run("last")
    first = record("shapes-1-20260101-000000-aaa")
    second = record("shapes-2-20260102-000000-bbb")
    assert find_run("shapes-1").path == first
    assert find_run("last").path == second
    with pytest.raises(UsageError, match="2 runs start with 'shapes'") as raised:
        find_run("shapes")
    assert raised.value.hint
    assert "shapes-1" in str(raised.value)
    with pytest.raises(UsageError, match="no run 'colours'"):
        find_run("colours")


def test_a_folder_here_is_no_run_where_one_of_the_users_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = record("shapes-1-20260101-000000-aaa")
    monkeypatch.chdir(tmp_path)
    for name in ("shapes", "last", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "trajectory.jsonl").write_text((own / "trajectory.jsonl").read_text())
    assert find_run("shapes").path == find_run("last").path == own
    assert find_run("other").path == tmp_path / "other"


def test_runs_are_removed_and_a_live_one_is_not() -> None:
    old, live, new = record("old", days=40), record("live", days=50), record("new", days=1)
    with (live / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert json.loads(fix_issue("runs", "--verdict", "running", "--json").stdout)["run_id"] == "live"
        assert "would remove old" in fix_issue("runs", "prune", "--older-than", "30d", "--dry-run").stdout
        assert old.exists()
        assert "1 run removed" in fix_issue("runs", "prune", "--older-than", "30d").stdout
        refused = fix_issue("runs", "rm", "live")
    assert (old.exists(), live.exists(), new.exists()) == (False, True, True)
    assert refused.returncode == 2
    assert "is running" in refused.stderr
    assert fix_issue("runs", "rm", "last").returncode == 0
    assert not new.exists()


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        (["--since", "yesterday"], "7d"),
        (["--since", "0001-01-01"], "7d"),
        (["--since", "99999999w"], "7d"),
        (["prune", "--older-than", "soon"], "30d"),
        (["prune", "--older-than", "99999999w"], "30d"),
        (["--verdict", "verfied"], "verified, needs review"),
    ],
)
def test_what_no_run_can_be_is_refused(given: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs", *given]) == 2
    assert hint in capsys.readouterr().err


def test_of_a_folder_that_holds_other_things_only_the_run_is_removed(capsys: pytest.CaptureFixture[str]) -> None:
    folder = record("shapes-1", verdict="verified")
    (folder / "thesis.txt").write_text("mine")
    assert run(["runs", "rm", "last", "shapes-1"]) == 0
    assert "1 run removed" in capsys.readouterr().out
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]


def test_show_prints_the_patch_as_it_is() -> None:
    folder = record("shapes-1", verdict="verified")
    patch = b"diff --git a/a b/a\n+\tx\x1b[31m\r\n"
    (folder / "patch.diff").write_bytes(patch)
    command = [sys.executable, "-m", "sweagent", "show", "last", "--diff"]
    assert subprocess.run(command, capture_output=True, check=True, env=os.environ).stdout == patch
