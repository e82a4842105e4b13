"""A small repository made for a test, and local sandboxes in which its patches are judged."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sweagent.config import SandboxSettings, VerifySettings
from sweagent.patch import Patch
from sweagent.repository import open_repository, seed_archive
from sweagent.sandbox import Sandbox, open_sandbox
from sweagent.task import Issue, Repository, Task
from sweagent.verify import Proof, verify
from sweagent.verify.oracle import Oracle

NO_ORACLE = Oracle()
TEST_COMMAND = "python -m pytest"
# The tests' own interpreter, and none of the plugins that happen to be installed there.
ENVIRONMENT = {
    "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
}


@dataclass
class Project:
    """A repository with one commit, the changes that a patch makes, and the verifier set up for it."""

    path: Path
    repository: Repository
    cache: Path
    opened: list[int] = field(default_factory=list)
    isolated: bool = False
    """Whether the sandboxes say that they are, though local ones are not."""

    def patch(self, changes: Mapping[str, str | None]) -> Patch:
        """A patch that gives files new contents; None deletes one."""
        for name, content in changes.items():
            place = self.path / name
            if content is None:
                place.unlink()
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(content, encoding="utf-8")
        _git(self.path, "add", "-A", "-f")
        text = _git(self.path, "diff", "--cached", "--binary", "HEAD")
        _git(self.path, "reset", "-q", "--hard", "HEAD")
        return Patch(base_commit=self.repository.base_commit, text=text)

    @contextmanager
    def open(self) -> Iterator[Sandbox]:
        self.opened.append(1)
        seed = seed_archive(self.repository, cache_dir=self.cache)
        with open_sandbox(SandboxSettings(kind="local"), tree=seed, env=ENVIRONMENT) as sandbox:
            if self.isolated:
                sandbox._info = sandbox.info.model_copy(update={"isolated": True})  # type: ignore[attr-defined]
            yield sandbox

    def task(self, issue: str = "it is broken") -> Task:
        return Task(id="project", repository=self.repository, issue=Issue(title=issue))

    def verify(
        self,
        changes: Mapping[str, str | None] | Patch,
        *,
        issue: str = "it is broken",
        oracle: Oracle = NO_ORACLE,
        **options: Any,
    ) -> Proof:
        patch = changes if isinstance(changes, Patch) else self.patch(changes)
        options.setdefault("test_command", TEST_COMMAND)
        options.setdefault("settings", VerifySettings(seconds=120))
        return verify(self.task(issue), patch, sandboxes=self.open, oracle=oracle, **options)


def make_project(folder: Path, files: Mapping[str, str | bytes]) -> Project:
    """Make a project from the contents of its files."""
    top = folder / "project"
    for name, content in files.items():
        place = top / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    _git(top, "init", "-q")
    _git(top, "add", "-A", "-f")
    _git(top, "commit", "-q", "-m", "base")
    return Project(top, open_repository(str(top)), folder / "cache")


def _git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True, encoding="utf-8"
    )
    return done.stdout
