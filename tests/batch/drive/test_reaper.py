"""What an engine that was away could not remove."""

import subprocess
from collections.abc import Iterator

import pytest

from sweagent.batch.drive.reaper import remove_what_is_left
from sweagent.sandbox.identity import owner_labels

pytestmark = pytest.mark.docker


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout.strip()


@pytest.fixture
def two(offline_image: str) -> Iterator[dict[str, str]]:
    """Containers of this process, by the run that they belong to."""
    made = {}
    for run in ("ended-1", "at-work-2"):
        labels = [word for name, value in owner_labels(run).items() for word in ("--label", f"{name}={value}")]
        made[run] = docker("create", *labels, offline_image, "true")
    yield made
    for container in made.values():
        subprocess.run(["docker", "rm", "-f", container], check=False, capture_output=True, timeout=60)


def test_only_containers_of_runs_that_have_ended_are_removed(two: dict[str, str]) -> None:
    remove_what_is_left({"ended-1"})

    left = docker("ps", "-a", "-q", "--no-trunc", "--filter", "label=fix-issue.run").split()
    assert two["ended-1"] not in left
    assert two["at-work-2"] in left


def test_engine_that_is_still_away_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")

    remove_what_is_left({"ended-1"})
