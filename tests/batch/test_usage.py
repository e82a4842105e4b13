"""Faults of the input are told before anything starts, are no failure of infrastructure, and keep their hint."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sweagent.batch.drive.batch_settings import BatchSettings
from sweagent.batch.drive.driver import Batch
from sweagent.batch.drive.instance_folder import check_unfinished
from sweagent.batch.drive.ledger import Manifest
from sweagent.batch.drive.outcomes import Outcome, read_results
from sweagent.errors import UsageError
from sweagent.settings_sources import read_sources
from sweagent.task import Issue, Repository, Task
from sweagent.trajectory import RunStarted

sys.path.append(str(Path(__file__).parents[1] / "support"))

import batch_world as world


def batch(data: Path, output: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sweagent", "batch", str(data), "-o", str(output), "--sandbox", "local", *options]
    env = world.batch_environment(**variables)
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=200, check=False)


@pytest.fixture
def data(tmp_path: Path) -> Callable[..., Path]:
    def make(*changes: dict[str, Any], files: dict[str, str] = world.FILES) -> Path:
        folder = tmp_path / "shapes"
        base = world.make_repository(folder, files)
        records = [world.record(number, folder, base, **change) for number, change in enumerate(changes)]
        return world.write_data(tmp_path / "data.jsonl", records)

    return make


def test_a_model_of_unknown_price_is_limited_in_tokens(data: Callable[..., Path], tmp_path: Path) -> None:
    """Without a limit of the user's, as the main command does: it used to fail every instance as infrastructure."""
    rows = data({}, files=world.PLAIN | {"go.mod": "module shapes\n"})
    with world.model() as server:
        done = batch(rows, tmp_path / "out", "--model", "openai/test", "--api-base", server.url)
    (result,) = read_results(tmp_path / "out").values()
    assert result.exit_status == "submitted", done.stderr
    settings = json.loads((tmp_path / "out/batch.json").read_text())["settings"]
    assert settings["limits.tokens"] == 5_000_000


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--max-cost", "1"), "--max-tokens"),
        (("--total-cost", "9"), "--max-tokens"),
        (("--repositories", "/nowhere"), "--repositories"),
        (("--profile", "nothing"), "bash-only"),
        (("-w", "0"), "--workers"),
    ],
)
def test_usage_errors_come_before_anything_starts(
    options: tuple[str, ...], said: str, data: Callable[..., Path], tmp_path: Path
) -> None:
    model = ("--model", "openai/own", "--api-base", "http://127.0.0.1:9")

    done = batch(data({}), tmp_path / "out", *model, *options)

    assert done.returncode == 2
    assert said in done.stderr
    assert "hint:" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_tool_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    settings = read_sources({"policy": "human", "tools": ["teleport"], "sandbox": {"kind": "local"}}).settings()
    with pytest.raises(UsageError, match="teleport"):
        Batch((), settings, BatchSettings(), tmp_path / "out", manifest=Manifest(data="x"))


def test_a_record_that_cannot_be_used_is_usage_and_keeps_its_hint(data: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "script.yaml").write_text("- actions: [{submit: {summary: x}}]\n")
    rows = data({"base_commit": "1" * 40}, {"repo": str(tmp_path / "nowhere")}, {}, files=world.PLAIN)

    done = batch(rows, tmp_path / "out", "--policy", str(tmp_path / "script.yaml"))

    assert done.returncode == 2, done.stderr
    results = read_results(tmp_path / "out")
    assert {result.outcome for result in results.values()} == {Outcome.USAGE}
    messages = [results[f"acme__shapes-{number}"].message for number in range(3)]
    assert "no commit" in messages[0]
    assert "owner/name" in messages[1]
    assert "--image" in messages[2]
    assert all(result.faults == () and result.starts == 1 for result in results.values())
    assert json.loads((tmp_path / "out/preds.json").read_text() or "{}") in ({}, [])


def test_a_repository_that_is_not_there_is_no_failure_of_the_infrastructure(tmp_path: Path) -> None:
    """Not tried again, and told with what to do: it is a mistyped name."""
    (tmp_path / "script.yaml").write_text("- actions: [{submit: {summary: x}}]\n")
    mine = tmp_path / "mine.txt"
    mine.write_text(f"file://{tmp_path}/nowhere It adds.\n")
    done = batch(mine, tmp_path / "out", "--policy", str(tmp_path / "script.yaml"))
    assert done.returncode == 2, done.stderr
    (result,) = read_results(tmp_path / "out").values()
    assert (result.outcome, result.starts) == (Outcome.USAGE, 1)
    assert "there is no repository at" in result.message
    assert f"{result.instance_id}: usage: there is no repository" in done.stderr
    shown = subprocess.run(
        [sys.executable, "-m", "sweagent", "show", str(tmp_path / "out")], capture_output=True, text=True, check=True
    )
    assert f"{result.instance_id}  usage" in shown.stdout


def test_hooks_of_the_user_are_told_of_a_batch_once(data: Callable[..., Path], tmp_path: Path) -> None:
    rows = data({}, {}, files=world.PLAIN | {"go.mod": "module shapes\n"})
    (tmp_path / "script.yaml").write_text("- actions: [{submit: {summary: x}}]\n" * 4)
    said = "echo $FIX_ISSUE_EVENT $FIX_ISSUE_EXIT_CODE $FIX_ISSUE_OUTCOMES >> seen"
    (tmp_path / "own.yaml").write_text(f"hooks: {{on_start: '{said}', on_submit: '{said}', on_end: '{said}'}}\n")
    own = ("--config", str(tmp_path / "own.yaml"), "--policy", str(tmp_path / "script.yaml"), "--notify", said)

    done = batch(rows, tmp_path / "out", *own)

    assert done.returncode == 0, done.stderr
    seen = (tmp_path / "out/seen").read_text().splitlines()
    assert seen == ["start", "end 0 2 no patch", "notify 0 2 no patch"]


def test_a_strangers_unfinished_runs_are_gone_on_with_only_as_the_user_says(
    data: Callable[..., Path], tmp_path: Path
) -> None:
    """A folder that somebody sends along with a data set must not say where the model's key goes."""
    rows, out = data({}), tmp_path / "out"
    begun = out / "acme__shapes-0/run-1/trajectory.jsonl"
    begun.parent.mkdir(parents=True)
    place = Repository(source="/x", git_dir="/x/.git", base_commit="1" * 40, name="shapes")
    task = Task(id="t", repository=place, issue=Issue(title="t"))
    said = {"model": {"api_base": "https://elsewhere.example"}}
    begun.write_text(RunStarted(version="1", run_id="r", task=task, settings=said).model_dump_json() + "\n")

    done = batch(rows, out, "--model", "openai/own", "--api-base", "http://127.0.0.1:9")

    assert done.returncode == 2
    assert "was not started here by you" in done.stderr
    assert "https://elsewhere.example" in done.stderr
    assert not (out / "batch.json").exists()
    settings = read_sources({"model": {"name": "openai/own", "api_base": "https://elsewhere.example"}}).settings()
    check_unfinished(out, settings)
