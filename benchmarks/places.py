"""Instances of a data file in SWE-bench's format, and the places that their gold patches changed."""

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from unidiff import Hunk, PatchSet

from sweagent.code import Definition, Index, Outline, open_index, outline
from sweagent.code.index.languages import is_test
from sweagent.git import GitError

_ENDLESS = 1 << 30


@dataclass(frozen=True)
class Instance:
    """An issue with what its gold patch changed.

    Attributes:
        files: the files that are no tests and were there before.
        definitions: (path, qualified name, first line) of the innermost definitions around a changed line; a line that
            is added between two definitions belongs to what is around both.
    """

    id: str
    repo: str
    text: str
    files: tuple[str, ...]
    definitions: frozenset[tuple[str, str, int]]


def parser(description: str | None) -> argparse.ArgumentParser:
    """The arguments that the programs on localisation share."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("data", type=Path)
    made.add_argument("repositories", type=Path)
    made.add_argument("--cache", type=Path, help="keep the index here; a temporary folder by default")
    return made


def instances(data: Path, repositories: Path, cache: Path) -> Iterator[tuple[Instance, Index]]:
    """Yield the instances whose repository and base commit are there, each with its index; say which are not."""
    for line in data.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        git_dir = git_dir_in(repositories, row["repo"])
        if git_dir is None:
            print(f"{row['instance_id']}: there is no repository")
            continue
        try:
            index = open_index(git_dir, row["base_commit"], cache)
        except GitError:
            print(f"{row['instance_id']}: there is no commit {row['base_commit']}")
            continue
        files, definitions = gold(row["patch"], partial(_content, index))
        yield Instance(row["instance_id"], row["repo"], row["problem_statement"], files, definitions), index


def gold(patch: str, read: Callable[[str], bytes]) -> tuple[tuple[str, ...], frozenset[tuple[str, str, int]]]:
    """Return the files and the definitions of the base commit that a patch changes.

    Args:
        patch: a unified diff.
        read: returns the content of a file at the base commit.
    """
    files: list[str] = []
    definitions: set[tuple[str, str, int]] = set()
    for file in PatchSet(patch):
        if file.is_added_file or is_test(file.path):
            continue
        path = file.source_file.removeprefix("a/")
        files.append(path)
        content = read(path)
        found = outline(path, content)
        lines = content.decode("utf-8", "replace").split("\n")
        for hunk in file:
            definitions.update((path, item.qualified, item.start) for item in _changed(found, lines, hunk))
    return tuple(files), frozenset(definitions)


def _changed(found: Outline, lines: Sequence[str], hunk: Hunk) -> Iterator[Definition]:
    line = hunk.source_start
    least = _ENDLESS
    for item in hunk:
        if not item.is_added:
            least = _ENDLESS
            if item.is_removed and item.value.strip():
                inner = found.enclosing(line)
                if inner is not None:
                    yield inner
            line += 1
        elif item.value.strip():
            # What is added at the end of a definition belongs to it as long as it is indented deeper.
            least = min(least, _indent(item.value))
            around = [d for d in found.definitions if d.start < line <= d.end + 1]
            around = [d for d in around if line <= d.end or _indent(lines[d.header - 1]) < least]
            if around:
                yield around[-1]


def _content(index: Index, path: str) -> bytes:
    return index.contents([path]).get(path, b"")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def git_dir_in(repositories: Path, repo: str) -> Path | None:
    """The git directory of a repository in a folder of them, or None."""
    for separator in ("+", "__"):
        folder = repositories / repo.replace("/", separator)
        for place in (folder / "repo", folder / ".git", folder):
            if (place / "objects").is_dir():
                return place
    return None
