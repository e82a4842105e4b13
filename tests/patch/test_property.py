"""For any work tree that an agent may leave: the patch applies to a clean copy and gives exactly what was kept."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sweagent.patch import extract_patch

sys.path.append(str(Path(__file__).parents[1] / "support"))

from patches import apply_patch, check_applies

Node = tuple[str, bytes | str]
"""("file" or "program", content) or ("link", target)."""

_PARTS = [
    "a",
    "b.py",
    "c d",
    "é",
    "日本",
    "-x",
    "q\"'",
    "n\nl",
    "tab\tz",
    "back\\s",
    "*",
    "\udcff",
    ".hid",
    "$H",
    "`i`",
    "K",
]
_LINES = [
    b"one\n",
    b"two\n",
    b"three\r\n",
    b"\n",
    b"\xe9t\xe9\n",
    b"\0\1\n",
    "日本\n".encode(),
    b"no end",
    b"\r",
    b"--- a\n",
]

# Shrinking a failure of some twenty processes an example takes minutes and helps little.
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)

_contents = st.lists(st.sampled_from(_LINES), max_size=6).map(b"".join)
_paths = st.lists(st.sampled_from(_PARTS), min_size=1, max_size=3).map("/".join)
_nodes = st.one_of(
    st.tuples(st.sampled_from(["file", "program"]), _contents),
    st.tuples(st.just("link"), st.sampled_from(["K", "K/a", "missing"])),
)


def _consistent(files: dict[str, Node]) -> dict[str, Node]:
    """Without the paths that stand where others need a folder, and without links that lead to themselves."""
    files = {path: node for path, node in files.items() if node[0] != "link" or not path.startswith("K")}
    folders = {path[:cut] for path in files for cut in range(len(path)) if path[cut] == "/"}
    return {path: node for path, node in files.items() if path not in folders}


_trees = st.dictionaries(_paths, _nodes, max_size=7).map(_consistent)  # type: ignore[arg-type]


@st.composite
def _work(draw: st.DrawFn) -> tuple[dict[str, Node], dict[str, Node]]:
    """A base tree and what an agent made of it."""
    base = draw(_trees)
    after: dict[str, Node] = {}
    for path, node in base.items():
        fate = draw(st.sampled_from(["same", "same", "gone", "edited", "moved", "mode", "replaced"]))
        if fate == "gone":
            continue
        if fate == "moved":
            after[draw(_paths)] = node
        elif fate == "edited" and node[0] != "link":
            after[path] = (node[0], bytes(node[1]) + draw(_contents))  # type: ignore[arg-type]
        elif fate == "mode" and node[0] != "link":
            after[path] = ("program" if node[0] == "file" else "file", node[1])
        elif fate == "replaced":
            after[path] = draw(_nodes)
        else:
            after[path] = node
    after.update(draw(st.dictionaries(_paths, _nodes, max_size=3)))
    return base, _consistent(after)


def _lay_out(folder: Path, files: dict[str, Node]) -> None:
    for path, (kind, content) in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            target.symlink_to(content)
        else:
            target.write_bytes(content)
            target.chmod(0o755 if kind == "program" else 0o644)


def _read_back(folder: Path) -> dict[str, Node]:
    files: dict[str, Node] = {}
    for parent, folders, names in os.walk(folder):
        if ".git" in folders:
            folders.remove(".git")
        for name in [*names, *(item for item in folders if Path(parent, item).is_symlink())]:
            path = Path(parent, name)
            key = str(path.relative_to(folder))
            if path.is_symlink():
                files[key] = ("link", os.readlink(path))
            else:
                kind = "program" if path.stat().st_mode & stat.S_IXUSR else "file"
                files[key] = (kind, path.read_bytes())
    return files


@pytest.fixture
def round_trip(workshop: Callable[..., Any]) -> Callable[[dict[str, Node], dict[str, Node]], dict[str, Node]]:
    """Start from a base tree, leave another one, take the patch, apply it to a clean copy, and read that back."""

    def go(base: dict[str, Node], after: dict[str, Node]) -> dict[str, Node]:
        shop = workshop({}, lambda user: _commit(user, base))
        clean = shop.path.parent / "clean"
        shutil.copytree(shop.path, clean, symlinks=True)
        for item in list(shop.path.iterdir()):
            if item.is_dir() and not item.is_symlink():
                shutil.rmtree(item)
            else:
                item.unlink()
        _lay_out(shop.path, after)
        patch = extract_patch(shop.tree, shop.repository, allow_tests=True, allow_binaries=True, cache_dir=shop.cache)
        assert patch.dropped == ()
        assert bool(patch) == (base != after)
        check_applies(patch, shop.repository, shop.path.parent / "index")
        apply_patch(patch, clean)
        return _read_back(clean)

    return go


def _commit(user: Path, files: dict[str, Node]) -> None:
    _lay_out(user, files)
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "add", "-A", "-f"], cwd=user, check=True)
    subprocess.run(["git", *who, "commit", "-q", "--allow-empty", "-m", "files"], cwd=user, check=True)


@settings(max_examples=30, phases=_PHASES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(work=_work())
def test_patch_gives_the_work_tree_back(
    work: tuple[dict[str, Node], dict[str, Node]],
    round_trip: Callable[[dict[str, Node], dict[str, Node]], dict[str, Node]],
) -> None:
    base, after = work

    assert round_trip(base, after) == after
