"""Measure how edits land: gold hunks of real patches, given as a model would give them, with a model's typical slips.

Each hunk of a gold patch becomes two edits (old text, new text) of the file at the base commit: one with all of its
context, one with as little as makes the old text unique. Each is then perturbed. An edit lands right if the file is, to
the byte, what the gold hunk makes of it; wrong if it is anything else; else it was refused. Where the text is there
twice, or the changed line itself is stale, only a refusal is right.

    python benchmarks/edits.py DATA REPOSITORIES [--aider editblock_coder.py] [--limit N]

DATA is a file in SWE-bench's format, one JSON object a line. REPOSITORIES is a folder with git directories named
`owner+name/repo` or `owner__name`. With `--aider`, the source of Aider's edit-block coder is measured beside ours; its
matching functions are taken from the file, the rest of Aider is not needed.
"""

import argparse
import ast
import json
import math
import random
import re
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from unidiff import PatchSet

from sweagent.edits import EditRefused, Replacement, apply

Editor = Callable[[str, str, str], str | None]
"""From a file's text, the old and the new text to the file's new text; None for a refusal."""


@dataclass(frozen=True)
class Case:
    """An edit of a file and what should come of it; None when only a refusal is right."""

    name: str
    text: str
    old: str
    new: str
    expected: str | None


@dataclass(frozen=True)
class Gold:
    """A gold hunk: rows `start` to `end` of the file become other lines; the removed rows and the context are known."""

    lines: tuple[str, ...]
    start: int
    old: tuple[str, ...]
    new: tuple[str, ...]

    @property
    def text(self) -> str:
        """The file."""
        return "\n".join(self.lines)

    @property
    def expected(self) -> str:
        """The file with the hunk applied."""
        return "\n".join([*self.lines[: self.start], *self.new, *self.lines[self.start + len(self.old) :]])

    def case(self, name: str, old: list[str] | tuple[str, ...], new: list[str] | tuple[str, ...]) -> Case:
        """An edit that should come to what the hunk makes of the file."""
        return Case(name, self.text, "\n".join(old), "\n".join(new), self.expected)

    def smallest(self) -> "Gold":
        """The same change with no more context than makes its old text unique."""
        lead, tail, most = 0, 0, min(len(self.old), len(self.new))
        while lead < most and self.old[lead] == self.new[lead]:
            lead += 1
        while tail < most - lead and self.old[-1 - tail] == self.new[-1 - tail]:
            tail += 1
        for context in range(max(lead, tail) + 1):
            before, after = min(lead, context), min(tail, context)
            old = self.old[lead - before : len(self.old) - tail + after]
            new = self.new[lead - before : len(self.new) - tail + after]
            told = any(line.strip() for line in old) and any(line.strip() for line in new)
            if told and self.text.count("\n".join(old)) == 1:
                return Gold(self.lines, self.start + lead - before, old, new)
        return self

    def shared(self) -> list[tuple[int, int]]:
        """The rows that old and new share."""
        blocks = SequenceMatcher(None, self.old, self.new, autojunk=False).get_matching_blocks()
        return [(block.a + step, block.b + step) for block in blocks for step in range(block.size)]


def golds(data: Path, repositories: Path, limit: int | None) -> Iterator[Gold]:
    """Every hunk of the gold patches whose repository is there and whose old text is unique in its file."""
    for row in [json.loads(line) for line in data.read_text().splitlines()][:limit]:
        owner, name = row["repo"].split("/")
        places = (repositories / f"{owner}+{name}" / "repo", repositories / f"{owner}__{name}")
        git_dir = next((place for place in places if place.is_dir()), None)
        if git_dir is None:
            continue
        for file in PatchSet(row["patch"]):
            if not file.is_modified_file:
                continue
            spec = f"{row['base_commit']}:{file.path}"
            shown = subprocess.run(["git", "--git-dir", git_dir, "show", spec], capture_output=True)
            if shown.returncode:
                continue
            lines = tuple(shown.stdout.decode("utf-8", "replace").replace("\r\n", "\n").split("\n"))
            for hunk in file:
                old = tuple(line.value.rstrip("\n") for line in hunk if line.is_context or line.is_removed)
                new = tuple(line.value.rstrip("\n") for line in hunk if line.is_context or line.is_added)
                gold = Gold(lines, hunk.source_start - 1, old, new)
                if lines[gold.start : gold.start + len(old)] == old and gold.text.count("\n".join(old)) == 1:
                    yield gold
                    yield gold.smallest()


def cases(gold: Gold, chance: random.Random) -> Iterator[Case]:
    """The edit as it should be, and with each slip that applies to it."""
    old, new, shared = list(gold.old), list(gold.new), gold.shared()
    yield gold.case("as it should be", old, new)
    blank = [line + chance.choice(("", " ", "  ", "\t")) for line in old]
    trailing = list(new)
    for a, b in shared:
        trailing[b] = blank[a]
    yield gold.case("blanks at line ends", blank, trailing)
    yield gold.case("blank lines around", ["", *old, ""], ["", *new, ""])
    yield gold.case("tabs for spaces", [_tabs(line) for line in old], [_tabs(line) for line in new])
    margin = min((_width(line) for line in [*old, *new] if line.strip()), default=0)
    if margin:
        yield gold.case("dedented", [line[margin:] for line in old], [line[margin:] for line in new])
    yield gold.case("indented further", [_deeper(line) for line in old], [_deeper(line) for line in new])
    numbers = [f"{gold.start + 1 + row:6}\t{line}" for row, line in enumerate(old)]
    yield gold.case("line numbers", numbers, [f"{gold.start + 1 + row:6}\t{line}" for row, line in enumerate(new)])
    alike_old, alike_new = list(old), list(new)
    for a, b in shared:
        alike_old[a] = alike_new[b] = _alike(old[a])
    if alike_old != old:
        yield gold.case("look-alikes", alike_old, alike_new)
    yield from _slips(gold, shared, chance)


def _slips(gold: Gold, shared: list[tuple[int, int]], chance: random.Random) -> Iterator[Case]:
    old, new, kept = list(gold.old), list(gold.new), {a for a, _ in shared}
    if old[0].strip() and old[0] == new[0] and _width(old[0]):
        yield gold.case("first line without its indentation", [old[0].lstrip(), *old[1:]], [new[0].lstrip(), *new[1:]])
    inner = [(a, b) for a, b in shared if _width(old[a]) and 0 < a < len(old) - 1]
    if inner:
        a, b = chance.choice(inner)
        wrong = old[a][1:] if chance.random() < 0.5 else f"  {old[a]}"
        yield gold.case(
            "one context line indented wrongly", [*old[:a], wrong, *old[a + 1 :]], [*new[:b], wrong, *new[b + 1 :]]
        )
    stale = [(a, b) for a, b in shared if old[a].strip()]
    if stale:
        a, b = chance.choice(stale)
        was = _older(old[a], chance)
        yield gold.case("one context line stale", [*old[:a], was, *old[a + 1 :]], [*new[:b], was, *new[b + 1 :]])
    removed = [row for row in range(len(old)) if row not in kept and old[row].strip()]
    if removed:
        row = chance.choice(removed)
        was = _older(old[row], chance)
        case = gold.case("the changed line stale", [*old[:row], was, *old[row + 1 :]], new)
        yield replace(case, expected=None)
        single = [old[row]]
        if gold.text.count("\n".join(single)) > 1 and len(removed) == 1:
            yield replace(gold.case("too little context", single, ["    pass"]), expected=None)
    place = chance.choice((0, len(gold.lines)))
    text = "\n".join([*gold.lines[:place], *old, *gold.lines[place:]])
    yield replace(gold.case("the text is there twice", old, new), text=text, expected=None)


def _width(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _tabs(line: str) -> str:
    levels, rest = divmod(_width(line), 4)
    return "\t" * levels + " " * rest + line.lstrip(" ")


def _deeper(line: str) -> str:
    return f"    {line}" if line.strip() else line


def _alike(line: str) -> str:
    return line.replace("'", "’").replace('"', "”").replace(" - ", " – ").replace("...", "…")


def _older(line: str, chance: random.Random) -> str:
    """The line as it might have been before: another word in it."""
    words = list(re.finditer(r"[A-Za-z_]{3,}", line))
    if not words:
        return f"{line} x"
    word = chance.choice(words)
    return f"{line[: word.start()]}{word.group()}_{chance.choice(('old', 'value', 'all'))}{line[word.end() :]}"


def ours(text: str, old: str, new: str) -> str | None:
    """The edit tool's engine."""
    try:
        return apply(text.encode(), [Replacement(old, new)]).text
    except EditRefused:
        return None


def exact(text: str, old: str, new: str) -> str | None:
    """Exact replacement of a text that is there once."""
    return text.replace(old, new) if text.count(old) == 1 else None


def aider(source: Path) -> Editor:
    """Aider's matching of edit blocks, from the source of its coder (Gauthier, Aider, 2023-2025)."""
    wanted = (ast.FunctionDef,)
    tree = ast.parse(source.read_text())
    tree.body = [
        node
        for node in tree.body
        if isinstance(node, wanted) and node.name not in ("main", "find_original_update_blocks")
    ]
    space: dict[str, Any] = {"re": re, "math": math, "SequenceMatcher": SequenceMatcher, "Path": Path}
    space |= {"DEFAULT_FENCE": ("```", "```"), "difflib": __import__("difflib")}
    exec(compile(tree, str(source), "exec"), space)

    def edit(text: str, old: str, new: str) -> str | None:
        done = space["replace_most_similar_chunk"](text, f"{old}\n", f"{new}\n")
        return None if done is None else str(done)

    return edit


def main() -> None:
    """Print one table: a line a slip, and for each way of matching: right, wrong, refused."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("repositories", type=Path)
    parser.add_argument("--aider", type=Path)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--show-wrong", action="store_true", help="print our wrong landings")
    options = parser.parse_args()
    editors: dict[str, Editor] = {"fix-issue": ours, "exact": exact}
    if options.aider:
        editors["aider"] = aider(options.aider)
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    seconds: Counter[str] = Counter()
    number = 0
    for number, gold in enumerate(golds(options.data, options.repositories, options.limit), 1):
        for case in cases(gold, random.Random(number)):
            for name, editor in editors.items():
                start = time.perf_counter()
                result = editor(case.text, case.old, case.new)
                seconds[name] += time.perf_counter() - start
                outcome = "refused" if result is None else "right" if result == case.expected else "wrong"
                counts[case.name, name][outcome] += 1
                if options.show_wrong and name == "fix-issue" and outcome == "wrong":
                    print(f"=== {case.name}\n--- old\n{case.old}\n--- new\n{case.new}")
    print(f"{number} hunks; right / wrong / refused")
    print(f"{'':36}" + "".join(f"{name:>20}" for name in editors))
    names = list(dict.fromkeys(name for name, _ in counts))
    for case_name in [*names, "all"]:
        row = f"{case_name:36}"
        for name in editors:
            total = (
                sum((counts[item, name] for item in names), Counter())
                if case_name == "all"
                else counts[case_name, name]
            )
            row += f"{total['right']:>8} /{total['wrong']:>4} /{total['refused']:>4}"
        print(row)
    total_cases = sum(sum(counts[item, "fix-issue"].values()) for item in names)
    print("ms an edit: " + ", ".join(f"{name} {1000 * seconds[name] / total_cases:.1f}" for name in editors))


if __name__ == "__main__":
    main()
