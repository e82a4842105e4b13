"""Environments of old Pythons and old runners, made once from the package index and kept in the cache of the user."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fix-issue-tests"
_OLD_PIP = "pip>=21,<22"
"""It runs under Python 3.6, and heeds which versions of Python a package is for."""


def interpreter(version: str) -> str | None:
    """A Python of a version such as `3.6`: on the path, or of pyenv."""
    candidates = [shutil.which(f"python{version}"), *_of_pyenv(version)]
    for found in filter(None, candidates):
        done = subprocess.run([found, "-c", "import venv, ensurepip"], capture_output=True, check=False)
        if done.returncode == 0:
            return found
    return None


def _of_pyenv(version: str) -> Iterator[str]:
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from (str(path) for path in sorted(root.glob(f"versions/{version}.*/bin/python")))


def environment(version: str, *packages: str) -> str:
    """The Python of an environment with these packages; the test is skipped where it cannot be had."""
    base = interpreter(version)
    if base is None:
        pytest.skip(f"there is no Python {version} here")
    name = "-".join([f"py{version}", *packages]).replace("=", "")
    folder = _CACHE / name
    _CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([base, "-m", "venv", str(folder)], check=True)
            pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
            for wanted in ([_OLD_PIP], list(packages)) if version == "3.6" else (list(packages),):
                done = subprocess.run([*pip, *wanted], capture_output=True, text=True, check=False) if wanted else None
                if done and done.returncode:
                    pytest.skip(f"{', '.join(wanted)} cannot be installed for Python {version}: {done.stderr[-300:]}")
            (folder / "complete").touch()
    return str(folder / "bin" / "python")
