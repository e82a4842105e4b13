"""Real projects with a bug that they once had: through litellm's HTTP path, in Docker, to a verified patch.

The source distributions come from the package registry and carry their tests. The server plays what an engineer did.
"""

import json
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[1] / "support"))

from openai_server import OpenAIServer, call, completion

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Project:
    """One project, the change that brings its old bug back, and how it is mended again."""

    sdist: str
    released: str
    file: str
    good: str
    bad: str
    issue: str
    shows: str


PROJECTS = {
    # Resolved in itsdangerous 2.1.1: https://github.com/pallets/itsdangerous/issues/296
    "itsdangerous": Project(
        sdist="itsdangerous==2.1.2",
        released="2022-03-25T12:00:00Z",
        file="src/itsdangerous/timed.py",
        good="                except (ValueError, OSError, OverflowError) as exc:",
        bad="                except LookupError as exc:",
        issue=(
            "unsign raises ValueError for a timestamp in the far future\n\n"
            "`TimestampSigner('secret').unsign(b'value.TgPVoaGhoQ.AGBfQ6G6cr07byTRt0zAdPljHOY')` raises "
            "`ValueError: year is out of range`; it should raise `BadTimeSignature`, as for every malformed value."
        ),
        shows=(
            "import pytest\n\nfrom itsdangerous import BadTimeSignature, TimestampSigner\n\n\n"
            "def test_far_future():\n    with pytest.raises(BadTimeSignature):\n"
            "        TimestampSigner('secret').unsign(b'value.TgPVoaGhoQ.AGBfQ6G6cr07byTRt0zAdPljHOY')\n"
        ),
    ),
    # Resolved in humanize 3.3.0: https://github.com/python-humanize/humanize/issues/172
    "humanize": Project(
        sdist="humanize==4.9.0",
        released="2023-11-06T12:00:00Z",
        file="src/humanize/number.py",
        good="            if float(format % chopped) == powers_difference:",
        bad="            if chopped == powers_difference:",
        issue=(
            "intword rounds to 1000.0 million\n\n"
            "`humanize.intword(999999999)` gives `1000.0 million`, where `1.0 billion` is expected."
        ),
        shows=(
            "import humanize\n\n\ndef test_rounding_reaches_the_next_power():\n"
            "    assert humanize.intword(999999999) == '1.0 billion'\n"
        ),
    ),
}


@pytest.fixture(
    params=[
        pytest.param(PROJECTS["itsdangerous"], id="itsdangerous"),
        pytest.param(PROJECTS["humanize"], id="humanize", marks=pytest.mark.slow),
    ]
)  # type: ignore[call-overload, untyped-decorator]
def project(request: pytest.FixtureRequest) -> Project:
    chosen: Project = request.param
    return chosen


@pytest.fixture
def repository(project: Project, tmp_path: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", project.sdist]
    subprocess.run([*command, "-d", str(tmp_path)], check=True, capture_output=True, timeout=300)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
    folder = next(path for path in tmp_path.iterdir() if path.is_dir() and (path / "tests").is_dir())
    source = folder / project.file
    text = source.read_text(encoding="utf-8")
    assert text.count(project.good) == 1
    source.write_text(text.replace(project.good, project.bad), encoding="utf-8")
    # Old code wants the packages of its time, which the commit's date tells.
    dates = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), project.released)
    names = {f"GIT_{role}_{part}": "a@localhost" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", project.sdist]):
        subprocess.run(["git", *arguments], cwd=folder, env={**os.environ, **dates, **names}, check=True)
    return folder


def played(project: Project) -> list[dict[str, Any]]:
    test = "tests/test_the_issue.py"
    replacement = {"command": "str_replace", "path": project.file, "old": project.bad, "new": project.good}
    steps = [
        ("I look at the place.", "search", {"pattern": project.bad.split("(")[0].strip()}),
        ("A test shows it.", "reproduce", {"path": test, "content": project.shows}),
        ("This is the cause.", "edit", replacement),
        ("It passes now, with its neighbours.", "test", {"tests": [test]}),
        ("Done.", "submit", {"summary": "The condition is the right one again."}),
    ]
    return [completion(thought, [call(tool, arguments, f"c{n}")]) for n, (thought, tool, arguments) in enumerate(steps)]


def test_from_issue_to_verified_patch(project: Project, repository: Path, tmp_path: Path) -> None:
    with OpenAIServer() as server:
        server.play(*played(project))
        command = [sys.executable, "-m", "sweagent", str(repository), project.issue, "--json", "--sandbox", "docker"]
        options = ["--model", "openai/played", "--api-base", server.url, "--max-tokens", "1000000"]
        config = tmp_path / "settings.yaml"
        config.write_text("limits: {cost: null}\nmodel: {extra: {api_key: none}}\n")
        done = subprocess.run(
            [*command, *options, "--config", str(config), "--output", str(tmp_path / "run")],
            capture_output=True,
            text=True,
            timeout=850,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads(done.stdout)
    assert result["verdict"] == "verified"
    assert result["files"] == [project.file]
    assert len(server.requests) == 5
    assert result["proof"]["regression"]["passed_after"] > 50
    assert not result["proof"]["regression"]["regressions"]
