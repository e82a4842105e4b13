"""Apply patches as a person would: with git."""

import os
import subprocess
from pathlib import Path

from sweagent.patch import Patch
from sweagent.task import Repository


def apply_patch(patch: Patch, folder: Path) -> None:
    """Apply a patch to the files of a folder."""
    _git("apply", "-", cwd=folder, stdin=patch.text)


def check_applies(patch: Patch, repository: Repository, index: Path) -> None:
    """Apply a patch to an index of the base commit, which is made for it."""
    env = {**os.environ, "GIT_DIR": repository.git_dir, "GIT_INDEX_FILE": str(index)}
    _git("read-tree", repository.base_commit, env=env)
    _git("apply", "--cached", "-", env=env, stdin=patch.text)


def _git(*words: str, cwd: Path | None = None, env: dict[str, str] | None = None, stdin: str = "") -> None:
    data = stdin.encode("utf-8", "surrogateescape")
    if data or words[0] != "apply":
        subprocess.run(["git", *words], cwd=cwd, env=env, input=data, check=True)
