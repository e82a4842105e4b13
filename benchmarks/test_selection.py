r"""How soon the verifier comes to the tests that matter: FAIL_TO_PASS files, and tests of a function broken elsewhere.

    python benchmarks/test_selection.py DATASET.jsonl --git-dirs '/repositories/{owner}+{name}/repo'

Nothing is run. The place of a test file in the order is turned into minutes by what the files before it cost, which
`test_seconds.py` measures (both sides run side by side); a file that is not in its output costs the mean of its
repository. The order is compared with the files of the same folder first, and
with the whole suite by name.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path, PurePosixPath
from statistics import fmean, median, median_low
from typing import NamedTuple

from pool_variants import variants

from sweagent.errors import FixIssueError
from sweagent.task import Repository
from sweagent.testing import runner_of
from sweagent.testing.file_kinds import harness_file, is_test_module
from sweagent.verify.comparison.selection import rank_tests
from sweagent.verify.trees import Trees, open_trees

MINUTES = (1, 5, 10)


class Place(NamedTuple):
    """Where a test file is in an order, from 0, and the seconds until it has been run."""

    number: int
    seconds: float


def main() -> int:
    """Print the shares found in time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--git-dirs", required=True, help="pattern of the git directories, with {owner} and {name}")
    parser.add_argument("--seconds", type=Path, help="what test files cost: the output of test_seconds.py")
    parser.add_argument("--seconds-per-file", type=float, default=6.0, help="where a repository is not in that file")
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument("--only", nargs="*", default=[], help="ids of instances")
    options = parser.parse_args()
    places: dict[str, dict[str, list[Place]]] = {"FAIL_TO_PASS": {}, "planted regression": {}}
    costs = _costs(options.seconds)
    rows = [json.loads(line) for line in options.dataset.read_text(encoding="utf-8").splitlines()]
    done = 0
    for row in rows:
        owner, name = row["repo"].split("/")
        git_dir = Path(options.git_dirs.format(owner=owner, name=name))
        left_out = options.only and row["instance_id"] not in options.only
        if left_out or not git_dir.is_dir() or done == options.limit:
            continue
        repository = Repository(
            source=str(git_dir), git_dir=str(git_dir), base_commit=row["base_commit"], name=row["repo"]
        )
        try:
            for kind, order, listed, wanted in _places(repository, row):
                known = costs.get(row["repo"], {})
                usual = fmean(known.values()) if known else options.seconds_per_file
                until = list(accumulate(known.get(path, usual) for path in listed))
                found = [Place(listed.index(path), until[listed.index(path)]) for path in wanted]
                places[kind].setdefault(order, []).extend(found)
        except FixIssueError as error:
            print(f"{row['instance_id']}: {error}", file=sys.stderr)
            continue
        done += 1
    print(json.dumps({"instances": done, **_shares(places)}, indent=2))
    return 0


def _costs(file: Path | None) -> dict[str, dict[str, float]]:
    """Seconds by repository and path."""
    costs: dict[str, dict[str, float]] = {}
    for line in file.read_text(encoding="utf-8").splitlines() if file else ():
        row = json.loads(line)
        costs.setdefault(row["repo"], {})[row["path"]] = row["seconds"]
    return costs


def _places(repository: Repository, row: dict[str, str]) -> Iterator[tuple[str, str, list[str], set[str]]]:
    """What is looked for, the name of an order, the test files in that order, and those that are looked for."""
    command = "python bin/test" if row["repo"] == "sympy/sympy" else "python -m pytest"
    planted = [item for item in variants(repository, row["patch"], command) if item.kind == "regression"]
    with open_trees(repository) as trees:
        tests = {path for path in trees.paths(trees.base) if is_test_module(path, runner_of(command))}
        tree = trees.apply(row["test_patch"])
        wanted = {change.path for change in trees.changes(trees.base, tree)} & tests
        yield from _in_orders("FAIL_TO_PASS", trees, row["patch"], command, wanted)
        for item in planted:
            yield from _in_orders("planted regression", trees, item.patch, command, {item.test})


def _in_orders(
    kind: str, trees: Trees, patch: str, command: str, wanted: set[str]
) -> Iterator[tuple[str, str, list[str], set[str]]]:
    patched = trees.apply(patch)
    changed = [change.path for change in trees.changes(trees.base, patched) if not harness_file(change.path, command)]
    ranked = list(rank_tests(trees, patched, changed, runner_of(command)).tests)
    folders = {PurePosixPath(path).parent for path in changed}
    near = sorted(ranked, key=lambda path: (not _beside(path, folders), path))
    orders = {
        "ranked": ranked,
        "same folder": near,
        "whole suite by name": sorted(ranked),
    }
    for order, listed in orders.items():
        yield kind, order, listed, wanted


def _beside(test: str, folders: set[PurePosixPath]) -> bool:
    return any(parent in folders for parent in (PurePosixPath(test).parent, PurePosixPath(test).parent.parent))


def _shares(places: dict[str, dict[str, list[Place]]]) -> dict[str, object]:
    return {
        kind: {
            order: {
                "files looked for": len(found),
                **{
                    f"within {minutes} min": round(
                        sum(place.seconds <= minutes * 60 for place in found) / len(found), 3
                    )
                    for minutes in MINUTES
                },
                "median place": median_low(place.number for place in found) + 1,
                "median seconds": round(median(place.seconds for place in found), 1),
            }
            for order, found in orders.items()
        }
        for kind, orders in places.items()
    }


if __name__ == "__main__":
    sys.exit(main())
