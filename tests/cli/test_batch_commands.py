"""The commands for batches: what is chosen, what is refused, and that shared options reach each of them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


def fix_issue(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sweagent", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    records = [
        {
            "instance_id": f"acme__shapes-{number}",
            "repo": "acme/shapes",
            "base_commit": "a" * 40,
            "problem_statement": "It adds.",
            "patch": "",
            "image": "nowhere:1",
            "eval_script": "true",
            "log_parser": "parse_log_pytest",
        }
        for number in range(6)
    ]
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def test_an_evaluation_counts_what_was_chosen_by_ids_filter_and_slice(data: Path, tmp_path: Path) -> None:
    ids = tmp_path / "ids.txt"
    ids.write_text("# mine\nacme__shapes-1\nacme__shapes-3\n\n", encoding="utf-8")
    choice = ["--ids", ids, "--id", "acme__shapes-5", "--filter", "acme__shapes-[35]", "--slice", "1:"]
    done = fix_issue("evaluate", "gold", "--dataset", data, "-o", tmp_path / "graded", "--json", *choice)  # type: ignore[arg-type]
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["share"]["total"] == 1
    assert [path.name for path in (tmp_path / "graded").iterdir() if path.is_dir()] == ["acme__shapes-5"]


@pytest.mark.parametrize("name", ["batch", "evaluate", "report", "predictions"])
def test_every_command_has_help(name: str) -> None:
    done = fix_issue(name, "--help")
    assert done.returncode == 0, done.stderr
    assert f"Usage: fix-issue {name}" in done.stdout


WRONG = {
    "images": (["--images", "borrowed"], "auto, official, own"),
    "nothing left": (["--filter", "nothing"], "--filter"),
    "unknown id": (["--id", "acme__shapes-9"], "acme__shapes-9"),
    "no file of ids": (["--ids", "nowhere.txt"], "nowhere.txt"),
    "unknown profile": (["--profile", "nothing"], "bash-only"),
    "no key": (["--model", "openai/gpt-5"], "OPENAI_API_KEY"),
    "negative limit": (["--max-steps", "-3"], "limits.steps"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_usage_of_a_batch_is_refused_with_a_hint(
    case: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    options, said = WRONG[case]
    done = fix_issue("batch", data, "-o", tmp_path / "out", *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
