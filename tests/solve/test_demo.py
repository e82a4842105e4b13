"""The bundled demo goes the whole way in a container; tests/cli/test_screens.py runs it in the local sandbox."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.docker
def test_demo_ends_verified(tmp_path: Path) -> None:
    output = str(tmp_path / "run")
    command = [sys.executable, "-m", "sweagent", "demo", "--sandbox", "docker", "--json", "--output", output]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["verdict"] == "verified"
    assert result["files"] == ["intervals/core.py"]
    assert result["proof"]["sandbox"] == "docker"
    assert "max(merged[-1][1], end)" in result["patch"]
