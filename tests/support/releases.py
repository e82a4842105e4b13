"""Real releases as repositories of one commit in which a function returns nothing; the right patch mends it."""

import ast
import difflib
import re
import subprocess
import tarfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from filelock import FileLock


def unpacked(cache: Path, python: str, release: str, folder: Path) -> Path:
    """Unpack the source distribution of a release, which is fetched once; the test is skipped where it cannot be had.

    Args:
        cache: where it is kept.
        python: an interpreter whose pip can read the release.
        release: `name==version`.
        folder: where it is unpacked.
    """
    place = cache / f"sdist-{release.replace('==', '-')}"
    place.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{place}.lock"):
        if not list(place.glob("*.tar.gz")):
            command = [python, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:"]
            command += ["--no-build-isolation", "-d", str(place), release]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"{release} cannot be had: {done.stderr[-300:]}")
    (archive,) = place.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    (top,) = folder.iterdir()
    return top


def kept(top: Path, patterns: Iterable[str], left_out: str) -> dict[str, str | bytes]:
    """The files of a tree that some patterns take, without those that a regular expression finds."""
    found: dict[str, str | bytes] = {}
    for path in sorted({file for pattern in patterns for file in top.glob(pattern) if file.is_file()}):
        name = path.relative_to(top).as_posix()
        if not re.search(left_out, name):
            content = path.read_bytes()
            found[name] = content.decode("utf-8") if path.suffix == ".py" else content
    return found


def returning(source: str, function: str, value: str) -> str:
    """A module with the body of one of its functions replaced by a `return`."""
    node = next(item for item in ast.parse(source).body if getattr(item, "name", "") == function)
    body = [item for item in node.body if not (isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant))]  # type: ignore[attr-defined]
    lines = source.splitlines(keepends=True)
    lines[body[0].lineno - 1 : body[-1].end_lineno] = [f"{' ' * body[0].col_offset}return {value}\n"]
    return "".join(lines)


def diff(path: str, before: str, after: str) -> str:
    """The git diff of one file."""
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), f"a/{path}", f"b/{path}")
    return f"diff --git a/{path} b/{path}\n{''.join(lines)}"
