"""A batch that leaves verification out."""

import json
import subprocess
import sys
from pathlib import Path

from sweagent.batch.drive.outcomes import Outcome, read_results
from sweagent.trajectory import VerificationStarted
from sweagent.trajectory_file import read_events

sys.path.append(str(Path(__file__).parents[2] / "support"))

import batch_world as world


def test_patches_are_not_verified_and_nothing_goes_back(tmp_path: Path) -> None:
    base = world.make_repository(tmp_path / "shapes", world.PLAIN | {"go.mod": "module shapes\n"})
    data = world.write_data(tmp_path / "data.jsonl", [world.record(0, tmp_path / "shapes", base)])
    change = "sed -i 's/width + height$/width * height/' shapes.txt"
    steps = [
        {"thought": "on", "actions": [one]} for one in ({"bash": {"command": change}}, {"submit": {"summary": "x"}})
    ]
    (tmp_path / "script.json").write_text(json.dumps(steps))
    command = [sys.executable, "-m", "sweagent", "batch", str(data), "-o", str(tmp_path / "out")]
    options = ["--sandbox", "local", "--policy", str(tmp_path / "script.json"), "--no-verify"]

    done = subprocess.run(
        [*command, *options], env=world.batch_environment(), capture_output=True, text=True, check=True, timeout=200
    )

    (result,) = read_results(tmp_path / "out").values()
    assert (result.outcome, result.verdict, result.steps) == (Outcome.UNGRADED, "not verified", 2)
    assert "own verdicts: 1 not verified" in done.stdout
    events = read_events(tmp_path / "out" / result.instance_id / "run-1" / "trajectory.jsonl")
    assert not any(isinstance(event, VerificationStarted) for event in events)
