"""What the patch leaves out unless the user agrees to it, and that people are told."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

SCRIPT = [
    {
        "thought": "A compromised agent.",
        "actions": [
            {"bash": {"command": "mkdir -p .github/workflows && echo 'on: push' > .github/workflows/x.yml"}},
            {"bash": {"command": "printf '\\0\\1\\2' > picture.bin"}},
            {"submit": {"summary": "A workflow."}},
        ],
    }
]


@pytest.mark.parametrize("allowed", [False, True])
def test_workflows_and_binaries(project: Path, tmp_path: Path, allowed: bool) -> None:
    script, folder = tmp_path / "script.yaml", tmp_path / "run"
    script.write_text(yaml.safe_dump(SCRIPT))
    command = [sys.executable, "-m", "sweagent", str(project), "area() adds", "--policy", str(script)]
    command += ["--sandbox", "local", "--output", str(folder), "--verify-rounds", "0"]
    command += ["--allow-protected", "--allow-binaries"] if allowed else []
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    result = json.loads((folder / "result.json").read_text())
    paths = {".github/workflows/x.yml", "picture.bin"}
    if allowed:
        assert set(result["files"]) == paths, done.stderr
        assert result["withheld_file"] is None
    else:
        assert set(result["left_out"]) == paths, done.stderr
        assert result["verdict"] == "no patch"
        assert "left out of the patch: .github/workflows/x.yml" in done.stdout
        assert f"what was left out: {folder / 'withheld.diff'}" in done.stdout
        assert "on: push" in (folder / "withheld.diff").read_text()
