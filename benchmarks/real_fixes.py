"""Judge real fixes of strangers' repositories, beside an independent run of the project's own test command.

    python benchmarks/real_fixes.py MIRRORS --each 2 --output results.jsonl [--only OWNER/NAME ...] [--list]

MIRRORS holds a git directory `<owner>+<name>/repo` for each project. Of the last 300 commits of each it takes those
whose message speaks of a fix or an issue and that change tests and at most 60 lines of source; the first of them by
the hash of their id, so that nobody chooses. The patch is the commit without its test files, the reproduction is
those files as the commit leaves them, the base is the parent: `fix-issue verify` judges them as a user would call it.
What the commit should give is told by an independent run: the project's command on the commit's test files, without
and with the patch, in a fresh sandbox, by its exit status alone. What the output file has already is not judged
again.
"""

import argparse
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sweagent.errors import FixIssueError
from sweagent.repository import open_repository
from sweagent.sandbox import Sandbox
from sweagent.sandbox_factory import Workplace, prepare
from sweagent.settings_sources import read_sources
from sweagent.task import Issue, Task

_COMMITS = 300
_LINES = 60
_SOURCE = re.compile(r".*\.(py|pyx|[cm]?[jt]sx?)$")
_TEST = re.compile(r"(^|/)(tests?|testing|__tests__)/|(^|/)test_[^/]*\.py$|_test\.py$|\.(test|spec)\.[cm]?[jt]sx?$")
_TEST_MODULE = re.compile(r"(.*/)?(test_[^/]*|[^/]*_tests?|tests?)\.py$|.*\.[cm]?[jt]sx?$")
_FIX = re.compile(r"\bfix|\bbug|#\d+", re.I)


@dataclass(frozen=True)
class Fix:
    """A commit that mends something and says so with tests.

    Attributes:
        project: `owner/name`.
        git_dir: its history.
        sha: the commit.
        subject: the first line of its message.
        tests: the test files that it adds or changes.
    """

    project: str
    git_dir: Path
    sha: str
    subject: str
    tests: tuple[str, ...]


def fixes(mirror: Path, project: str, number: int) -> list[Fix]:
    """The first fixes of a project by the SHA-1 of their id."""
    found = []
    for line in _git(mirror, "log", "--no-merges", "-n", str(_COMMITS), "--format=%H %s", "HEAD").splitlines():
        sha, _, subject = line.partition(" ")
        if not _FIX.search(subject):
            continue
        rows = [row.split("\t") for row in _git(mirror, "show", "--numstat", "--format=", sha).splitlines()]
        code = [row for row in rows if len(row) == 3 and _SOURCE.match(row[2]) and row[0] != "-"]
        source = [row for row in code if not _TEST.search(row[2])]
        tests = [row for row in code if _TEST.search(row[2]) and "=>" not in row[2] and int(row[0])]
        if source and tests and 0 < sum(int(row[0]) + int(row[1]) for row in source) <= _LINES:
            # Files that can hold tests come before those that they use.
            paths = sorted((row[2] for row in tests), key=lambda path: not _TEST_MODULE.match(path))
            found.append(Fix(project, mirror, sha, subject, tuple(paths)))
    return sorted(found, key=lambda fix: hashlib.sha1(fix.sha.encode()).hexdigest())[:number]


def independent_run(fix: Fix, workplace: Workplace) -> dict[str, Any]:
    """Exit status and last line of the project's command on the test files, without and with the patch."""
    patched = [line.split("\t") for line in _changes(fix)]
    command = f"{workplace.test_command} {shlex.join(path for path in fix.tests if _TEST_MODULE.match(path))}"
    told: dict[str, Any] = {"command": command}
    for side, changes in {"without": [], "with": patched}.items():
        with workplace.open() as sandbox:
            _lay(sandbox, fix, [["M", path] for path in fix.tests] + changes)
            done = sandbox.run(command, timeout=600, output_limit=200_000, fresh=True)
            lines = [line for line in done.output.splitlines() if line.strip()]
            told[side] = {"exit": done.exit_code, "last": lines[-1][-200:] if lines else "", "seconds": done.seconds}
    return told


def _lay(sandbox: Sandbox, fix: Fix, changes: list[list[str]]) -> None:
    for status, path in changes:
        if status == "D":
            sandbox.run(f"rm -f -- {shlex.quote(path)}", fresh=True)
        else:
            sandbox.write(path, _git_bytes(fix.git_dir, "show", f"{fix.sha}:{path}"))


def _changes(fix: Fix) -> list[str]:
    lines = _git(fix.git_dir, "diff", "--no-renames", "--name-status", f"{fix.sha}^", fix.sha).splitlines()
    return [line for line in lines if line.split("\t")[1] not in fix.tests]


def judged(fix: Fix, folder: Path, seconds: float, program: str) -> dict[str, Any]:
    """What the verifier says, as a user would ask it."""
    checkout = folder / "checkout"
    _git(folder, "clone", "-q", "--shared", "--no-checkout", str(fix.git_dir.resolve()), str(checkout))
    _git(checkout, "checkout", "-qf", f"{fix.sha}^")
    without = [f":(exclude){path}" for path in fix.tests]
    (folder / "fix.patch").write_bytes(
        _git_bytes(checkout, "diff", "--binary", f"{fix.sha}^", fix.sha, "--", ".", *without)
    )
    (folder / "issue.md").write_text(_git(checkout, "log", "-1", "--format=%B", fix.sha), encoding="utf-8")
    repository = open_repository(str(checkout))
    task = Task(id=fix.sha, repository=repository, issue=Issue(title=fix.subject))
    with prepare(task, read_sources({}).settings(), "real-fixes", lambda text: None) as workplace:
        told = independent_run(fix, workplace)
    _git(checkout, "checkout", "-q", fix.sha, "--", *fix.tests)
    _git(checkout, "reset", "-q")
    words = [program, "verify", str(checkout), str(folder / "fix.patch"), "--json", "--seconds", f"{seconds:.0f}"]
    words += ["--issue", str(folder / "issue.md"), "-o", str(folder / "proof.json")]
    words += [word for path in fix.tests for word in ("--reproduction", str(checkout / path))]
    began = time.monotonic()
    done = subprocess.run(words, capture_output=True, text=True, cwd=folder)
    spent = time.monotonic() - began
    result: dict[str, Any] = {"independent": told, "wall": round(spent, 1), "exit": done.returncode}
    try:
        proof = json.loads((folder / "proof.json").read_text(encoding="utf-8"))
    except OSError:
        return result | {"verdict": f"exit {done.returncode}", "reason": done.stderr[-400:]}
    kept = ("verdict", "reason", "seconds", "not_checked", "findings", "held_back")
    return result | {name: proof.get(name) for name in kept} | {"commands": len(proof["commands"])}


def _git(folder: Path, *words: str) -> str:
    return _git_bytes(folder, *words).decode("utf-8", "replace")


def _git_bytes(folder: Path, *words: str) -> bytes:
    safe = ["git", "-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null"]
    return subprocess.run([*safe, *words], cwd=folder, check=True, capture_output=True).stdout


def should_verify(result: dict[str, Any]) -> bool:
    """Whether the independent run failed without the patch and passed with it."""
    told = result.get("independent", {})
    return bool(told) and told["without"]["exit"] not in (0, None) and told["with"]["exit"] == 0


def summary(results: list[dict[str, Any]]) -> str:
    """Verdicts of the commits that the independent run confirms, and of the others."""
    lines = []
    for title, wanted in (("fails, then passes", True), ("no such change", False)):
        rows = [row for row in results if should_verify(row) is wanted]
        lines.append(f"{title}: {len(rows)}: {dict(Counter(row['verdict'] for row in rows))}")
        for row in rows:
            if (row["verdict"] != "verified") is wanted:
                lines.append(f"  {row['project']} {row['sha'][:8]} {row['verdict']}: {row['reason'][:200]}")
    return "\n".join(lines)


def _chosen(options: argparse.Namespace) -> Iterator[Fix]:
    for mirror in sorted(options.mirrors.iterdir()):
        project = mirror.name.replace("+", "/", 1)
        if not options.only or project in options.only:
            yield from fixes(mirror / "repo", project, options.each)


def main() -> int:
    """Judge the chosen fixes and print the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mirrors", type=Path)
    parser.add_argument("--each", type=int, default=2, help="fixes of each project")
    parser.add_argument("--only", nargs="*", default=[], help="projects")
    parser.add_argument("--seconds", type=float, default=600.0, help="wall time of one verification")
    parser.add_argument("--program", default=str(Path(sys.executable).with_name("fix-issue")))
    parser.add_argument("--list", action="store_true", help="only say which commits are chosen")
    parser.add_argument("--output", type=Path, default=Path("real_fixes.jsonl"))
    options = parser.parse_args()
    known = options.output.read_text(encoding="utf-8").splitlines() if options.output.exists() else []
    results = [json.loads(line) for line in known]
    for fix in _chosen(options):
        if options.list:
            print(f"{fix.project} {fix.sha[:10]} {fix.subject[:60]!r} {' '.join(fix.tests)}")
            continue
        if any(row["sha"] == fix.sha for row in results):
            continue
        with TemporaryDirectory(prefix="real-fixes-") as folder:
            try:
                told = judged(fix, Path(folder), options.seconds, options.program)
            except (FixIssueError, subprocess.CalledProcessError) as error:
                told = {"verdict": "no environment", "reason": str(error)[-400:]}
        row = {**asdict(fix), "git_dir": "", **told}
        results.append(row)
        with options.output.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + os.linesep)
        print(f"{fix.project} {fix.sha[:8]} {row['verdict']}: {row['reason'][:160]}", flush=True)
    print(summary(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
