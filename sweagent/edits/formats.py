"""Parse edit formats: search/replace blocks, unified diffs, `apply_patch`.

Models get counts and line numbers wrong: a diff's numbers only decide between places that its lines fit equally well.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sweagent.edits.changes import Replacement
from sweagent.edits.errors import EditRefused


@dataclass(frozen=True)
class FileChange:
    """What is to become of one file.

    Attributes:
        path: as the model wrote it.
        action: what to do.
        replacements: with `update`.
        text: with `create`, the whole content.
        target: with `update`, the path to move the file to; empty to leave it.
    """

    path: str
    action: Literal["create", "update", "delete"]
    replacements: tuple[Replacement, ...] = ()
    text: str = ""
    target: str = ""


_SEARCH, _MIDDLE, _REPLACE = (
    re.compile(rf"^{mark}\s*$") for mark in (r"<{5,9} ?SEARCH>?", r"={5,9}", r">{5,9} ?REPLACE")
)


def parse_blocks(text: str) -> list[FileChange]:
    """Read search/replace blocks, each after a line with the file's path; an empty search makes a new file.

    Raises:
        EditRefused: a block has no path or is not complete.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    blocks: list[tuple[str, list[str], list[str]]] = []
    path, row = "", 0
    while row < len(lines):
        if not _SEARCH.match(lines[row]):
            path = _path_of(lines[row]) or path
            row += 1
            continue
        middle = next((index for index in range(row + 1, len(lines)) if _MIDDLE.match(lines[index])), None)
        end = next((index for index in range(middle or row, len(lines)) if _REPLACE.match(lines[index])), None)
        if middle is None or end is None:
            raise EditRefused(f"the block at line {row + 1} is not complete: <<<<<<< SEARCH, =======, >>>>>>> REPLACE")
        if any(_SEARCH.match(line) for line in lines[row + 1 : end]):
            raise EditRefused(f"the block at line {row + 1} holds another one that begins before its end")
        if not path:
            raise EditRefused(f"the block at line {row + 1} has no path; write the file's path on the line before it")
        blocks.append((path, lines[row + 1 : middle], lines[middle + 1 : end]))
        row = end + 1
    if not blocks:
        raise EditRefused("there is no block: path, <<<<<<< SEARCH, =======, >>>>>>> REPLACE, each on its own line")
    return _joined(_block_change(*block) for block in blocks)


def _block_change(path: str, old: list[str], new: list[str]) -> FileChange:
    if not any(line.strip() for line in old):
        return FileChange(path, "create", text="".join(f"{line}\n" for line in new))
    return FileChange(path, "update", (Replacement("\n".join(old), "\n".join(new), whole_lines=True),))


def _path_of(line: str) -> str:
    """A path on its own line, however it is decorated; empty for prose and fences."""
    bare = line.strip().strip("`*#").strip().rstrip(":").strip("`*")
    return bare if bare and not re.search(r"\s", bare) and re.search(r"[./]", bare) and not bare.endswith(".") else ""


_HUNK = re.compile(r"^@@+ *(?:-(\d+)(?:,\d+)? *\+\d+(?:,\d+)? *@@)?(.*)$")


def parse_unified(text: str) -> list[FileChange]:
    """Read a unified diff, with or without git's headers.

    Raises:
        EditRefused: it has no file or no hunk.
    """
    changes: list[FileChange] = []
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    starts = [
        row for row in range(len(lines) - 1) if lines[row].startswith("--- ") and lines[row + 1].startswith("+++ ")
    ]
    for start, end in itertools.pairwise([*starts, len(lines)]):
        old, new = _diff_path(lines[start][4:]), _diff_path(lines[start + 1][4:])
        hunks = list(_hunks(lines[start + 2 : end]))
        if not hunks:
            raise EditRefused(f"the diff of {new or old} has no hunk; each begins with @@")
        if not old:
            added = [line[1:] for _, body in hunks for line in body if line.startswith("+")]
            final = "" if any("\\ No newline" in line for _, body in hunks for line in body) else "\n"
            changes.append(FileChange(new, "create", text="\n".join(added) + final))
        elif not new:
            changes.append(FileChange(old, "delete"))
        else:
            replacements = tuple(_hunk_change(body, line=line) for line, body in hunks)
            changes.append(FileChange(old, "update", replacements, target=new if new != old else ""))
    if not changes:
        raise EditRefused("it is not a unified diff: each file begins with a line `--- a/path` and a line `+++ b/path`")
    return changes


def _diff_path(text: str) -> str:
    path = text.split("\t")[0].strip().strip('"')
    return "" if path == "/dev/null" else re.sub(r"^[ab]/", "", path)


def _hunks(lines: list[str]) -> Iterator[tuple[int | None, list[str]]]:
    current: tuple[int | None, list[str]] | None = None
    for line in lines:
        header = _HUNK.match(line) if line.startswith("@@") else None
        if header:
            if current:
                yield current
            current = (int(header.group(1)) if header.group(1) else None, [])
        elif re.match(r"^(diff --git |index [0-9a-f]+\.\.|new file mode|deleted file mode|similarity index)", line):
            break
        elif current:
            current[1].append(line)
    if current:
        yield current


def _hunk_change(body: list[str], *, line: int | None = None, after: str = "") -> Replacement:
    """A hunk's old and new lines. A line without a mark is taken for context: models drop the blank before it."""
    while body and not body[-1].strip():
        body = body[:-1]
    body = [item for item in body if not item.startswith("\\")]
    old = [item[1:] if item[:1] in (" ", "-") else item for item in body if not item.startswith("+")]
    new = [item[1:] if item[:1] in (" ", "+") else item for item in body if not item.startswith("-")]
    if not old:
        if line is None:
            raise EditRefused("a hunk that only adds needs lines of context, to say where")
        return Replacement("", "\n".join(new), line=line)
    return Replacement("\n".join(old), "\n".join(new), line=line, after=after, whole_lines=True)


_SECTION = re.compile(r"^\*\*\* (Add|Update|Delete) File: (.+?)\s*$")


def parse_apply_patch(text: str) -> list[FileChange]:
    """Read a patch between `*** Begin Patch` and `*** End Patch`: Add, Update (with Move to) and Delete File.

    Raises:
        EditRefused: it has no such section, or a section is empty.
    """
    changes: list[FileChange] = []
    lines = text.replace("\r\n", "\n").split("\n")
    starts = [row for row, line in enumerate(lines) if _SECTION.match(line)]
    ends = [row for row, line in enumerate(lines) if line.startswith("*** End Patch")] or [len(lines)]
    for start, end in itertools.pairwise([*starts, ends[-1]]):
        found = _SECTION.match(lines[start])
        if found is None:
            continue
        action, path = found.groups()
        body = lines[start + 1 : end]
        if action == "Add":
            changes.append(
                FileChange(path, "create", text="".join(f"{line[1:]}\n" for line in body if line[:1] == "+"))
            )
        elif action == "Delete":
            changes.append(FileChange(path, "delete"))
        else:
            changes.append(_patch_update(path, body))
    if not changes:
        raise EditRefused(
            "there is no section `*** Update File: path`, `*** Add File: path` or `*** Delete File: path`"
        )
    return changes


def _patch_update(path: str, body: list[str]) -> FileChange:
    target = ""
    if body and body[0].startswith("*** Move to: "):
        target, body = body[0].removeprefix("*** Move to: ").strip(), body[1:]
    replacements, after, hunk = [], "", list[str]()
    for line in [*body, "@@"]:
        if line.startswith("@@"):
            if any(item.strip() for item in hunk):
                replacements.append(_hunk_change(hunk, after=after))
                after = ""
            header = _HUNK.match(line)
            after = (header.group(2).strip() if header else "") or after
            hunk = []
        elif not line.startswith("*** "):
            hunk.append(line)
    if not replacements and not target:
        raise EditRefused(f"the section of {path} changes nothing")
    return FileChange(path, "update", tuple(replacements), target=target)


def _joined(changes: Iterator[FileChange]) -> list[FileChange]:
    """Changes of one file become one, so that they are applied together."""
    joined: dict[str, FileChange] = {}
    for change in changes:
        old = joined.get(change.path)
        if old is None or change.action != "update" or old.action != "update":
            if old is not None:
                raise EditRefused(f"{change.path} is both written as a whole and changed in part")
            joined[change.path] = change
        else:
            joined[change.path] = FileChange(change.path, "update", (*old.replacements, *change.replacements))
    return list(joined.values())
