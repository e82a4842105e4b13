"""`make demo` installs what it needs by whatever works here."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_pip_installs_where_uv_finds_no_packages(tmp_path: Path) -> None:
    """uv reads no pip.conf, which may name the only index within reach."""
    checkout, programs = tmp_path / "checkout", tmp_path / "programs"
    (checkout / ".ci").mkdir(parents=True)
    (checkout / "requirements").mkdir()
    programs.mkdir()
    shutil.copy(ROOT / ".ci/install", checkout / ".ci/install")
    (checkout / "requirements/demo.txt").write_text("")
    (programs / "uv").write_text("#!/bin/sh\necho no index >&2\nexit 2\n")
    (programs / "uv").chmod(0o755)

    done = subprocess.run(
        [sys.executable, str(checkout / ".ci/install"), str(tmp_path / "venv")],
        env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "no index" in done.stderr
    assert "installing what the demo needs (pip)" in done.stdout
