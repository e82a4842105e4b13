"""Packages of npm's, installed once and kept in the cache of the user."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from filelock import FileLock

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fix-issue-tests"


def packages(*wanted: str) -> Path:
    """The folder `node_modules` that holds these packages; the test is skipped where they cannot be had."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    folder = _CACHE / "-".join(["npm", *wanted]).replace("/", "_").replace("@", "")
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / "complete").exists():
            (folder / "package.json").write_text('{"name": "tests", "private": true}')
            command = ["npm", "install", "--no-audit", "--no-fund", "--silent", *wanted]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"{', '.join(wanted)} cannot be installed: {done.stderr[-300:]}")
            (folder / "complete").touch()
    return folder / "node_modules"
