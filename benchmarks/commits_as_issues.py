"""Make questions of repositories' histories: commits that read like the fix of a fault, in place of issues.

    python benchmarks/commits_as_issues.py REPOSITORIES OUTPUT [--each N]

REPOSITORIES is a folder with git directories named `owner+name`, with or without `/repo` or `/.git`. OUTPUT is
written in SWE-bench's format, for `benchmarks/train_localisation.py --also`. The text is the message of the commit with
what it adds to the changelog; half of the texts show the code that the commit adds to a test, as issues show how to
reproduce a fault. The patch is what the commit changes in one or two sources; the base is its parent.
"""

import argparse
import json
import random
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from places import git_dir_in
from unidiff import PatchSet

from sweagent.code.index.languages import is_source, is_test
from sweagent.git import git
from sweagent.path_kinds import is_aside

SEED = 7
_FIX = re.compile(
    r"\b(fix(e[sd])?|bug|error|crash\w*|incorrect\w*|wrong\w*|rais\w+|fail\w*|broken|regression|handle|support|allow"
    r"|avoid|prevent|correct\w*|issue)\b|#\d+",
    re.I,
)
_NO_FIX = re.compile(
    r"merge|revert|bump|typo|pep8|release|\[?backport|docs?\b|update (changelog|docs)|test|ci\b|lint|black|flake"
    r"|refactor",
    re.I,
)
_CHANGELOG = re.compile(r"(^|/)(changes|news|changelog|history|release[-_]?notes?|whats_?new)", re.I)
_TRAILER = re.compile(
    r"^(signed-off-by|co-authored-by|change-id|reviewed-\w+|reported-by|\(?cherry.picked).*$", re.I | re.M
)
_NO_STATEMENT = re.compile(r'\s*(def |class |@|"""|#)')
_FILES_AT_MOST, _SOURCES_AT_MOST, _LINES_AT_MOST, _SHOWN_AT_MOST = 9, 2, 60, 14
_SHORTEST_MESSAGE, _SHORTEST_TEXT, _SHORTEST_ENTRY = 40, 90, 30


@dataclass(frozen=True)
class Fix:
    """A commit that reads like a fix: its message, and which files it changed."""

    commit: str
    parent: str
    message: str
    sources: tuple[str, ...]
    tests: tuple[str, ...]
    changelogs: tuple[str, ...]


def fixes(git_dir: Path) -> Iterator[Fix]:
    """Yield the commits of a history that read like the fix of a fault in one or two Python sources."""
    what = ("--no-merges", "--no-renames", "--name-status", "-z", "--format=%x01%H%x00%P%x00%s%n%n%b%x02")
    log = git("log", *what, "HEAD", git_dir=git_dir).stdout.decode("utf-8", "replace")
    for record in log.split("\1")[1:]:
        about, _, listed = record.partition("\2")
        commit, parents, message = about.split("\0", 2)
        fields = listed.strip("\0\n").split("\0")
        changed = {path: status.strip() for status, path in zip(fields[::2], fields[1::2], strict=False)}
        code = [path for path in changed if is_source(path) and not is_test(path)]
        message = _TRAILER.sub("", message).strip()
        if (
            len(parents.split()) == 1
            and 1 <= len(code) <= _SOURCES_AT_MOST
            and len(changed) <= _FILES_AT_MOST
            and all(changed[path] == "M" and path.endswith((".py", ".pyx")) and not is_aside(path) for path in code)
            and len(message) >= _SHORTEST_MESSAGE
            and _FIX.search(message)
            and not _NO_FIX.match(message)
        ):
            tests = tuple(path for path in changed if is_test(path))
            logs = tuple(path for path in changed if _CHANGELOG.search(path) and path not in code)
            yield Fix(commit, parents, message, tuple(code), tests, logs)


def questions(repo: str, git_dir: Path, number: int) -> Iterator[dict[str, str]]:
    """Yield so many questions, taken at random, of commits with tests and with much to say before the others."""
    chance = random.Random(SEED)
    found = list(fixes(git_dir))
    chance.shuffle(found)
    found.sort(key=lambda fix: -bool(fix.tests) - (len(fix.message) > _SHORTEST_TEXT + _SHORTEST_ENTRY))
    for fix in found:
        if not number:
            return
        patch = _diff(git_dir, fix, fix.sources, 3)
        changed = sum(file.added + file.removed for file in PatchSet(patch))
        code = _shown(_diff(git_dir, fix, fix.tests[:1], 0)) if fix.tests and chance.random() < 0.5 else ""
        text = "\n".join([fix.message, *_entries(_diff(git_dir, fix, fix.changelogs, 0) if fix.changelogs else "")])
        if 1 <= changed <= _LINES_AT_MOST and len(text) + len(code) >= _SHORTEST_TEXT:
            number -= 1
            yield {
                "instance_id": f"{repo.replace('/', '__')}-{fix.commit[:10]}",
                "repo": repo,
                "base_commit": fix.parent,
                "problem_statement": f"{text}\n\n```python\n{code}\n```\n" if code else text,
                "patch": patch,
            }


def _diff(git_dir: Path, fix: Fix, paths: Sequence[str], context: int) -> str:
    shown = git("diff", "--no-renames", f"-U{context}", fix.parent, fix.commit, "--", *paths, git_dir=git_dir)
    return shown.stdout.decode("utf-8", "replace")


def _added(diff: str) -> Iterator[str]:
    return (line[1:] for line in diff.split("\n") if line.startswith("+") and not line.startswith("+++"))


def _entries(diff: str) -> Iterator[str]:
    return (line.strip(" *-") for line in _added(diff) if len(line) >= _SHORTEST_ENTRY)


def _shown(diff: str) -> str:
    lines = [line for line in _added(diff) if line.strip() and not _NO_STATEMENT.match(line)]
    return textwrap.dedent("\n".join(lines[:_SHOWN_AT_MOST]))


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repositories", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--each", type=int, default=16, help="questions of each repository")
    parser.add_argument("--only", nargs="*", help="repositories, as owner/name; all of the folder by default")
    arguments = parser.parse_args()
    names = arguments.only or sorted(folder.name.replace("+", "/", 1) for folder in arguments.repositories.iterdir())
    with arguments.output.open("w", encoding="utf-8") as output:
        for name in names:
            git_dir = git_dir_in(arguments.repositories, name)
            made = list(questions(name, git_dir, arguments.each)) if git_dir else []
            output.writelines(f"{json.dumps(question)}\n" for question in made)
            print(f"{name}: {len(made)}")


if __name__ == "__main__":
    main()
