"""Records long runs on real repositories: a script reads around like somebody who does not know the code, then mends.

    python benchmarks/long_runs.py DATA.jsonl REPOSITORIES OUTPUT --only ID … [--steps 80] [--sandbox docker]

REPOSITORIES holds a git directory `owner+name/repo` for each repository. Every command is carried out by the product in
the repository's own environment, so sizes and kinds of the observations are those of real work; which commands are
given follows from the issue's words and the files of the gold patch. The logs are for `context_cost.py` and
`false_alarms.py`.
"""

import argparse
import json
import random
import re
from collections.abc import Iterator
from itertools import chain, cycle, islice
from pathlib import Path
from typing import Any

from gold_player import Instance, reproduction_of, steps
from unidiff import PatchSet

from sweagent.git import git
from sweagent.repository import open_repository
from sweagent.run_folder import RunFolder
from sweagent.settings_sources import read_sources
from sweagent.solve import solve
from sweagent.task import Issue, Task

WINDOW = 120
"""Lines of a file that are looked at together."""
RETEST = 12
"""Steps after which the tests are run again while reading."""


def main() -> None:
    """Read the command line and record the instances one after the other."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("repositories", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--only", nargs="+", required=True)
    parser.add_argument("--steps", type=int, default=80)
    parser.add_argument("--sandbox", default="docker")
    options = parser.parse_args()
    records = [json.loads(line) for line in options.data.read_text(encoding="utf-8").splitlines()]
    for record in records:
        if record["instance_id"] in options.only:
            instance = Instance.read(record)
            git_dir = options.repositories / instance.repo.replace("/", "+") / "repo"
            folder = options.output / instance.instance_id
            if not (folder / "result.json").is_file():
                run(instance, git_dir, folder, options.steps, options.sandbox)


def run(instance: Instance, git_dir: Path, folder: Path, count: int, sandbox: str) -> None:
    """Record one run."""
    known = steps(instance, str(git_dir), reproduction=reproduction_of(instance, str(git_dir)))
    look, show, *rest = known
    test = {"tool": "bash", "arguments": {"command": rest[1]["actions"][0]["arguments"]["command"]}}
    reading = list(islice(readings(instance, str(git_dir)), count - len(known)))
    for position in range(RETEST, len(reading), RETEST):
        reading[position] = test
    script = [look, show, *({"thought": _thought(step), "actions": [step]} for step in reading), *rest]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "script.json").write_text(json.dumps(script), encoding="utf-8")
    title, _, body = instance.problem_statement.partition("\n")
    repository = open_repository(str(git_dir), base=instance.base_commit)
    settings = read_sources(
        {
            "policy": str(folder / "script.json"),
            "sandbox": {"kind": sandbox},
            "limits": {"steps": len(script)},
            "verify": {"rounds": 0, "seconds": 60.0},
        }
    ).settings()
    task = Task(id=instance.instance_id, repository=repository, issue=Issue(title=title, body=body))
    result = solve(task, settings, RunFolder(folder), run_id=f"long-{instance.instance_id}", note=print)
    print(f"{instance.instance_id}: {result.steps} steps, {result.exit_status}, {result.verdict}", flush=True)


def readings(instance: Instance, git_dir: str) -> Iterator[dict[str, Any]]:
    """Calls that look around, without end: searches for words of the issue, and windows of files in turn."""
    words = sorted(set(re.findall(r"[A-Za-z_]{5,}", instance.problem_statement)), key=len, reverse=True)
    files = [file.path for file in PatchSet(instance.patch + instance.test_patch) if not file.is_added_file]
    beside = {str(Path(path).parent) for path in files}
    listed = git("ls-tree", "-r", "--name-only", instance.base_commit, git_dir=git_dir).stdout.decode().splitlines()
    near = [path for path in listed if str(Path(path).parent) in beside and path.endswith(".py") and path not in files]
    random.Random(instance.instance_id).shuffle(near)
    searches: list[dict[str, Any]] = [
        {"tool": "search", "arguments": {"pattern": word, "glob": "*.py"}} for word in words[:30]
    ]
    searches += [
        {"tool": "bash", "arguments": {"command": f"grep -rn --include=*.py '{word}' . | head -80"}}
        for word in words[30:50]
    ]
    windows = [
        {"tool": "view", "arguments": {"path": path, "start": start, "end": start + WINDOW}}
        for start in range(1, 20 * WINDOW, WINDOW)
        for path in chain(files, near[:6])
        if start <= git("show", f"{instance.base_commit}:{path}", git_dir=git_dir).stdout.count(b"\n")
    ]
    return chain.from_iterable(zip(cycle(searches), cycle(windows), strict=False))


def _thought(step: dict[str, Any]) -> str:
    said = step["arguments"].get("pattern") or step["arguments"].get("path") or step["arguments"].get("command")
    return f"I want to understand what happens around {said!r} before I change anything there."


if __name__ == "__main__":
    main()
