"""Prints the screens of fix-issue, one after the other, on the terminal that it is started on.

    python tests/support/screens.py FOLDER

FOLDER is used for a small repository and for recorded runs. Each screen begins with a line `=== NAME`.
"""

import json
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stderr
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

WHEN = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
MARK = "=== "
COMMANDS = [
    "batch",
    "clean",
    "completion",
    "demo",
    "doctor",
    "env",
    "evaluate",
    "fork",
    "help",
    "init",
    "locate",
    "map",
    "models",
    "pr",
    "predictions",
    "recheck",
    "report",
    "resume",
    "runs",
    "show",
    "solve",
    "verify",
]
SOURCE = "def merge(intervals):\n    return sorted(intervals)\n"
PATCH = "diff --git a/merge.py b/merge.py\n--- a/merge.py\n+++ b/merge.py\n@@ -1,2 +1,2 @@\n def merge(intervals):\n"
PATCH += "-    return sorted(intervals)\n+    return sorted(intervals, key=lambda interval: interval[0])\n"


def main(folder: Path) -> None:
    """Print all screens."""
    os.environ |= {"XDG_STATE_HOME": "state", "XDG_CACHE_HOME": "cache", "XDG_CONFIG_HOME": "config", "TZ": "UTC"}
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        os.environ[name] = str(folder / os.environ[name])
    os.chdir(folder)
    make_repository(folder / "repo")
    from sweagent.cli.app import run

    def shown(name: str, *arguments: str) -> None:
        print(f"{MARK}{name}", flush=True)
        with redirect_stderr(sys.stdout):
            code = run(list(arguments))
        print(f"[exit {code}]", flush=True)

    shown("fix-issue --help", "--help")
    for command in COMMANDS:
        shown(f"fix-issue {command} --help", command, "--help")
    for topic in ("verdicts", "exit-codes", "settings", "trust"):
        shown(f"fix-issue help {topic}", "help", topic)
    shown("no such command", "vreify", "a")
    shown("no model", "repo", "merge() forgets an end")
    shown("patch into a missing folder", "repo", "x", "--policy", "human", "--patch", "nowhere/x.diff")
    shown("runs: none", "runs")
    record_runs()
    shown("runs", "runs")
    shown("show", "show", "last")
    shown("show --diff", "show", "last", "--diff")
    shown("show --proof", "show", "last", "--proof")
    shown("show --proof --plain", "show", "last", "--proof", "--plain")
    del os.environ["FIX_ISSUE_PLAIN"], os.environ["NO_COLOR"]
    shown("show a batch", "show", "batch")
    shown("runs prune", "runs", "prune", "--older-than", "2d", "--dry-run")
    shown("locate", "locate", "repo", "merge forgets the end of an interval")
    shown("map", "map", "repo")
    shown("models", "models", "anthropic/claude-sonnet-4-5")
    shown("a file that is not there", "verify", "repo", "nowhere.diff")
    end_of_a_run()
    while_it_runs()


def make_repository(folder: Path) -> None:
    """One commit, always the same."""
    folder.mkdir()
    (folder / "merge.py").write_text(SOURCE)
    who = {f"GIT_{role}_{part}": "a@example.org" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    dates = {f"GIT_{role}_DATE": "1600000000 +0000" for role in ("AUTHOR", "COMMITTER")}
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "base"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True, env=os.environ | who | dates)


def record_runs() -> None:
    """Two runs and a batch, as the product leaves them."""
    from sweagent.batch.drive.outcomes import InstanceResult, append_result
    from sweagent.run_folder import runs_folder
    from sweagent.task import Issue, Repository, Task
    from sweagent.trajectory import RunStarted

    place = Repository(source="/x", git_dir="/x/.git", base_commit="a" * 40, name="acme/intervals")
    task = Task(id="t", repository=place, issue=Issue(title="merge() forgets the end of an interval"))
    for name, days in (("intervals-7-20261130-120000-a1b2c3", 0), ("intervals-8-20261128-120000-d4e5f6", 2)):
        folder = runs_folder() / name
        folder.mkdir(parents=True)
        started = RunStarted(version="1", run_id=name, task=task, settings={}, time=WHEN - timedelta(days=days))
        (folder / "trajectory.jsonl").write_text(started.model_dump_json() + "\n")
    events = Path(__file__).parents[2] / "trajectories" / "demo" / "run.jsonl"
    folder = runs_folder() / "intervals-7-20261130-120000-a1b2c3"
    with (folder / "trajectory.jsonl").open("a") as log, events.open() as recorded:
        shutil.copyfileobj(recorded, log)
    (folder / "patch.diff").write_text(PATCH)
    (folder / "proof.json").write_text(proof().model_dump_json())
    (folder / "result.json").write_text(result(folder).model_dump_json())
    Path("batch").mkdir()
    Path("batch/batch.json").write_text(json.dumps({"data": "mine.txt"}))
    ended: dict[str, dict[str, Any]] = {
        "intervals-7": {"exit_status": "submitted", "verdict": "verified", "patch": PATCH, "cost": 0.42, "steps": 12},
        "colours-8": {"exit_status": "usage", "message": "there is no folder /home/me/colors"},
    }
    for name, fields in ended.items():
        Path("batch", name).mkdir()
        append_result(Path("batch"), InstanceResult(instance_id=name, ended=WHEN, **fields))


def proof():
    """A proof with most of what one can hold."""
    from sweagent.verify import Proof, Verdict
    from sweagent.verify.proof import (
        AssertionCounts,
        Author,
        CanaryState,
        Finding,
        Origin,
        RegressionEvidence,
        ReproductionEvidence,
    )

    shown = ReproductionEvidence(
        origin=Origin.REGISTERED,
        name="tests/test_contained.py",
        accepted=True,
        base=("failed: assert [(1, 3)] == [(1, 10)]",),
        control=("failed: assert [(1, 3)] == [(1, 10)]",) * 2,
        patched=("passed",) * 2,
        author=Author.MODEL,
        assertions=AssertionCounts(blind=2, outside=1),
    )
    return Proof(
        verdict=Verdict.NEEDS_REVIEW,
        reason="tests/test_contained.py fails without the patch and passes with it; 7 existing tests pass as before; "
        "one thing has to be looked at: merge.py:2 (power-exits)",
        task_id="t",
        repository="acme/intervals",
        base_commit="a" * 40,
        patch_sha256="b" * 64,
        sandbox="bubblewrap",
        seconds=15.2,
        reproductions=(shown,),
        regression=RegressionEvidence(
            compared=7,
            passed_before=7,
            passed_after=7,
            files=("tests/test_merge.py",),
            whole_suite=True,
            canary=CanaryState.FAILED,
        ),
        findings=(Finding(rule="power-exits", path="merge.py", line=2, detail="uses `sys.exit`"),),
        not_checked=("pyproject.toml: the environment is not built again",),
    )


def result(folder: Path):
    """How the run of the proof ended."""
    from sweagent.exit_status import ExitStatus
    from sweagent.run_folder import Result
    from sweagent.verdict import Verdict

    return Result(
        run_id=folder.name,
        folder=str(folder),
        exit_status=ExitStatus.SUBMITTED,
        verdict=Verdict.NEEDS_REVIEW,
        exit_code=7,
        patch_file=str(folder / "patch.diff"),
        proof_file=str(folder / "proof.json"),
        left_out={"tests/test_contained.py": "the registered reproduction, kept beside the patch"},
        cost=0.42,
        steps=12,
        seconds=184.0,
    )


def end_of_a_run() -> None:
    """What stands on the screen when a run has ended."""
    from sweagent.cli.delivery import Delivered
    from sweagent.cli.ending import report
    from sweagent.run_folder import find_run

    print(f"{MARK}the end of a run", flush=True)
    failed = Delivered("--open-pr", "the forge refused the push", error=True, hint="try again: fix-issue pr last")
    with redirect_stderr(sys.stdout):
        report(result(find_run("last").path), as_json=False, delivered=[failed])


def while_it_runs() -> None:
    """The panel of a run, and a batch's table, as they stand at one moment."""
    from sweagent.batch.drive.outcomes import Outcome
    from sweagent.batch.drive.progress import Running, Snapshot
    from sweagent.cli.batch_progress import LiveBatchProgress
    from sweagent.cli.console import open_console
    from sweagent.cli.progress import LiveProgress
    from sweagent.trajectory import Action, Reply, ReplyReceived

    console = open_console()
    print(f"{MARK}a live run", flush=True)
    progress = LiveProgress(console, budget=3.0, steps=100)
    command = "python -m pytest tests/test_merge.py -q -x --maxfail=1 -k 'contained or touching'"
    action = Action(id="1", tool="bash", arguments={"command": command})
    progress(ReplyReceived(step=4, reply=Reply(thought="I run the tests that are near.", actions=(action,), cost=0.07)))
    console.print(progress._panel())
    print(f"{MARK}a live batch", flush=True)
    batch = LiveBatchProgress(console)
    import time

    running = tuple(Running(f"acme__intervals-{number}", time.monotonic(), 3, 0.1, "bash") for number in (7, 8))
    batch.show(
        Snapshot(
            total=5, running=running, outcomes={Outcome.NO_PATCH: 3}, cost=0.6, labels={"no patch": 1, "verified": 2}
        )
    )
    console.print(batch._table())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
