"""Control groups of both versions, on a folder that looks as the kernel shows them."""

from pathlib import Path

import pytest

from sweagent.sandbox._cgroups import BoundGroup, remove_groups

MEMORY, PIDS = 1 << 30, 100


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "cgroup"


def emptied(folder: Path) -> None:
    """The kernel's own files go with their group; those of a folder do not."""
    for file in folder.iterdir():
        file.unlink()


def test_version_2_bounds_one_group_below_the_root_where_the_own_one_gives_no_controllers(root: Path) -> None:
    """The own group, which holds this process, is not in the folder at all: making one below it is refused."""
    root.mkdir()
    (root / "cgroup.controllers").write_text("cpu memory pids")
    group = BoundGroup("one", memory=MEMORY, pids=PIDS, root=root)
    assert group.folders == [root / "one"]
    assert (root / "one/memory.max").read_text() == str(MEMORY)
    assert (root / "one/pids.max").read_text() == str(PIDS)
    assert (group.limits, group.warnings) == ({}, ())
    emptied(root / "one")
    remove_groups("one", root)
    assert not (root / "one").exists()


def test_version_1_bounds_a_group_of_each_controller(root: Path) -> None:
    for controller in ("memory", "pids"):
        (root / controller).mkdir(parents=True)
    group = BoundGroup("one", memory=MEMORY, pids=PIDS, root=root)
    assert group.folders == [root / "memory/one", root / "pids/one"]
    assert (root / "memory/one/memory.limit_in_bytes").read_text() == str(MEMORY)
    assert (root / "pids/one/pids.max").read_text() == str(PIDS)
    for folder in group.folders:
        emptied(folder)
    group.remove()
    assert list(root.glob("*/one")) == []


@pytest.mark.parametrize("version_2", [True, False])
def test_where_no_group_may_be_made_each_process_is_bounded_and_that_is_said(version_2: bool, root: Path) -> None:
    root.mkdir()
    if version_2:
        (root / "cgroup.controllers").write_text("")
        (root / "one").write_text("what stands in the way of a group")
    group = BoundGroup("one", memory=MEMORY, pids=PIDS, root=root)
    assert group.folders == []
    assert group.limits["RLIMIT_DATA"] == MEMORY
    assert "not for all together" in group.warnings[0]
