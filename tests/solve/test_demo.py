"""The bundled demo goes the whole way in every kind of sandbox."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("kind", [pytest.param("docker", marks=pytest.mark.docker), "local"])
def test_demo_ends_verified(kind: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sweagent", "demo", "--sandbox", kind, "--json", "--output", str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["verdict"] == "verified"
    assert result["files"] == ["intervals/core.py"]
    assert result["proof"]["sandbox"] == kind
    assert "max(merged[-1][1], end)" in result["patch"]
