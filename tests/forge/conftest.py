"""Fixtures of the forge room: a GitHub on 127.0.0.1 and proposals for it."""

import hashlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sweagent.exit_status import ExitStatus
from sweagent.forge.api.address import place_of
from sweagent.forge.api.github import GitHub
from sweagent.forge.api.github_retry import Caller
from sweagent.forge.proposal import Proposal
from sweagent.run_folder import Result, RunFolder
from sweagent.task import Issue, Repository, Task
from sweagent.trajectory import ActionDone, Observation, Reproduction, RunStarted
from sweagent.trajectory_file import TrajectoryWriter
from sweagent.verify import Proof, Verdict

sys.path.insert(0, str(Path(__file__).parent))  # the stand-in is three modules beside this file

from standin import Repo, Standin, Token, git

TOKEN = "stand-in-token-of-a-robot"
FILES = {"calc.py": "def add(a, b):\n    return a - b\n", "README.md": "# calc\n"}
DIFF = """\
diff --git a/calc.py b/calc.py
--- a/calc.py
+++ b/calc.py
@@ -1,2 +1,2 @@
 def add(a, b):
-    return a - b
+    return a + b
"""


@pytest.fixture(autouse=True)
def _quiet_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No token and no forge of the surroundings takes part."""
    for name in ("FIX_ISSUE_TOKEN", "GH_TOKEN", "GITHUB_TOKEN", "GITHUB_API_URL", "GITHUB_SERVER_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def standin(tmp_path: Path) -> Iterator[Standin]:
    """A running stand-in. All of its traffic must have kept to GitHub's description."""
    (tmp_path / "forge").mkdir()
    with Standin(tmp_path / "forge") as server:
        server.tokens[TOKEN] = Token()
        yield server
    assert server.violations == []


@pytest.fixture
def repo(standin: Standin) -> Repo:
    """A repository with a bug and an issue about it."""
    repo = standin.add_repository("acme/calc", FILES)
    standin.add_issue(repo, 7, "add() subtracts", "`add(1, 2)` gives -1.")
    repo.permissions.update(maintainer="write", stranger="read", owner="admin", helper="triage")
    return repo


@pytest.fixture
def waits() -> list[float]:
    """The seconds that were waited, without waiting."""
    return []


@pytest.fixture
def github(standin: Standin, repo: Repo, waits: list[float]) -> GitHub:
    """A client of the stand-in."""
    return connect(standin, repo, waits)


def connect(standin: Standin, repo: Repo, waits: list[float], token: str | None = TOKEN, **options: Any) -> GitHub:
    """A client that waits in no time."""
    caller = Caller(standin.api_url, sleep=waits.append, now=lambda: 1_700_000_000.0, **options)
    return GitHub(place_of(repo.name, api_url=standin.api_url), token, caller=caller, pause=0, sleep=waits.append)


@pytest.fixture
def connected(standin: Standin, repo: Repo, waits: list[float]) -> Callable[..., GitHub]:
    """Makes clients with other tokens and limits."""
    return lambda **options: connect(standin, repo, waits, **options)


@pytest.fixture
def proposal(standin: Standin, repo: Repo) -> Proposal:
    """A verified fix of the issue."""
    return Proposal(
        issue=Issue(
            title="add() subtracts",
            body="It does.",
            number=7,
            url=f"{standin.url}/{repo.name}/issues/7",
            author="reporter",
        ),
        base_commit=repo.commit_of("main") or "",
        diff=DIFF.encode(),
        verdict=Verdict.VERIFIED,
        reason="the reproduction fails before and passes after",
        proof_markdown="| command | before | after |\n| --- | --- | --- |\n| `pytest` | 1 failed | 1 passed |",
        not_checked=("Other Python versions.",),
        summary="The sign was wrong.",
        model="scripted",
        steps=4,
        cost=0.12,
        seconds=75.0,
        version="0.1.0",
    )


@pytest.fixture
def record(standin: Standin, repo: Repo, tmp_path: Path) -> Callable[..., RunFolder]:
    """Writes the folder of a run that fixed the issue, as the run itself does."""

    def write(
        diff: str = DIFF,
        verdict: Verdict = Verdict.VERIFIED,
        summary: str = "The sign was wrong.",
        reproduction: Reproduction | None = None,
    ) -> RunFolder:
        folder = RunFolder(tmp_path / "run")
        base = repo.commit_of("main") or ""
        issue = Issue(title="add() subtracts", number=7, url=f"{standin.url}/{repo.name}/issues/7")
        source = Repository(source=f"{standin.url}/{repo.name}", git_dir="/nowhere", base_commit=base, name=repo.name)
        task = Task(id="acme__calc-7", repository=source, issue=issue)
        with TrajectoryWriter(folder.trajectory) as log:
            log.append(RunStarted(version="0.1.0", run_id="r", task=task, settings={}))
            submitted = Observation(text="", submitted=True, summary=summary, reproduction=reproduction)
            log.append(ActionDone(step=1, action_id="1", observation=submitted))
        proof = Proof(
            verdict=verdict,
            reason="the reproduction fails before and passes after",
            task_id=task.id,
            repository=repo.name,
            base_commit=base,
            patch_sha256=hashlib.sha256(diff.encode()).hexdigest(),
            version="0.1.0",
            not_checked=("Other Python versions.",),
        )
        result = Result(
            run_id="r",
            folder=str(folder.path),
            exit_status=ExitStatus.SUBMITTED,
            verdict=verdict,
            exit_code=0,
            model="scripted",
            steps=1,
        )
        folder.write(folder.patch, diff)
        folder.write(folder.proof, proof.model_dump_json())
        folder.write(folder.result, result.model_dump_json())
        return folder

    return write


@pytest.fixture
def as_git() -> Callable[..., str]:
    """Runs git in a bare repository of the stand-in."""
    return lambda repo, *arguments: git(repo.path, *arguments).stdout
