"""A batch on a real Ray cluster of two nodes, each with its own folders and key."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sweagent.batch.drive.outcomes import Outcome
from sweagent.batch.nodes.executor import ExecutorError
from sweagent.batch.nodes.ray_cluster import RayExecutor

sys.path += [str(Path(__file__).parents[2] / "support"), str(Path(__file__).parent)]

from node_world import KEY, comparable, instances, run, script, settings
from ray_cluster import Cluster, ray_cluster

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short, as Ray keeps sockets in it."""
    path = Path(tempfile.mkdtemp(prefix="fi-ray-", dir="/tmp"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def two(folder: Path) -> Iterator[Cluster]:
    node = {"FIX_ISSUE_NODE_REPOSITORIES": str(folder / "clones"), "OPENAI_API_KEY": "none"}
    with ray_cluster(folder / "ray", [2, 2], [node, node]) as cluster:
        yield cluster


def test_twelve_instances_on_two_nodes_are_as_in_one_process_and_ray_learns_no_key(
    folder: Path, two: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    rows, using = instances(folder, 12), settings("", policy=script(folder))
    notes: list[str] = []

    far = run(folder / "far", rows, using, RayExecutor(two.address), silence=30.0, patience=200.0, notes=notes)
    here = run(folder / "here", rows, using, repositories=folder / "clones")

    assert len(far) == 12
    assert {result.outcome for result in far.values()} == {Outcome.UNGRADED}
    assert comparable(far) == comparable(here)
    assert sum("is ready: 2 slots" in note for note in notes) >= 1, notes
    # In every job, log and file of Ray's own.
    found = [path for path in folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert found == []


def test_head_that_is_not_there_ends_the_batch_with_a_hint(folder: Path) -> None:
    with pytest.raises(ExecutorError, match="Ray cannot be reached") as caught:
        run(folder / "out", instances(folder, 1), settings("", policy=script(folder)), RayExecutor("127.0.0.1:9"))
    assert "same command again" in caught.value.hint
