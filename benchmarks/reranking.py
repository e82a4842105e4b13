"""Measure what a failing reproduction adds to the ranking: the tests that an issue names as failing stand for it.

    python benchmarks/reranking.py DATA REPOSITORIES --python PYTHON [--python PYTHON] [--output ROWS]

Arguments are those of `benchmarks/localise.py`. Of the instances those are measured whose tests are functions without
arguments in modules that the interpreters can import: of SWE-bench those of SymPy, with `mpmath` installed. The first
interpreter counts in which a test of FAIL_TO_PASS fails.
"""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from places import Instance, git_dir_in, instances, parser

from sweagent.code import CoveredRun, Index, Localisation, locate, rerank
from sweagent.config import SandboxSettings
from sweagent.sandbox import open_sandbox
from sweagent.tool_api import ToolContext
from sweagent.tool_support.fault_localisation import ran

RANKS = (1, 5, 10)
PLACES = 1000


def measure(row: dict[str, Any], instance: Instance, index: Index, python: str, git_dir: Path) -> dict[str, Any] | None:
    """Run the failing tests of an instance and rank before and after; None when none of them fails."""
    with open_sandbox(SandboxSettings(kind="local"), env={"PATH": f"{Path(python).parent}:/usr/bin:/bin"}) as sandbox:
        tree = ["git", f"--git-dir={git_dir}", "archive", row["base_commit"]]
        sandbox.put_tree(subprocess.run(tree, check=True, capture_output=True).stdout, ".")
        sandbox.write("the.patch", row["test_patch"].encode())
        if sandbox.run("patch -p1 -s < the.patch", fresh=True).exit_code:
            return None
        context = ToolContext(sandbox)
        runs: list[CoveredRun] = []
        printed = ""
        for module, name in named_tests(row):
            start = f"python -W ignore -c 'import {module}'"
            command = f"python -W ignore -c 'from {module} import {name}; {name}()'"
            done = sandbox.run(command, fresh=True, timeout=60)
            if done.exit_code == 1 and "Error importing" not in done.output and f"in {name}" in done.output:
                printed += done.output
                runs.append(CoveredRun(failed=True, lines=ran(context, command)))
                runs.append(CoveredRun(failed=False, lines=ran(context, start)))
    if not runs:
        return None
    before = locate(index, instance.text, PLACES)
    after = rerank(index, before, output=printed, runs=runs, limit=PLACES)
    return {"instance_id": instance.id, "before": ranks(instance, before), "after": ranks(instance, after)}


def named_tests(row: dict[str, Any]) -> list[tuple[str, str]]:
    """The module and the function of the failing tests; a bare name may stand in any file that the patch changes."""
    files = [line[6:] for line in row["test_patch"].splitlines() if line.startswith("+++ b/") and line.endswith(".py")]
    found: list[tuple[str, str]] = []
    for name in json.loads(row["FAIL_TO_PASS"])[:3]:
        path, _, function = name.rpartition("::")
        for file in [path] if path else files:
            if function.isidentifier():
                found.append((file.removesuffix(".py").replace("/", "."), function))
    return found


def ranks(instance: Instance, found: Localisation) -> dict[str, int | None]:
    """The ranks of the gold file and of the gold definition that come last."""
    files = [hit.path for hit in found.files]
    definitions = [(hit.path, hit.name, hit.start) for hit in found.definitions]
    return {"file": _last(files, instance.files), "definition": _last(definitions, sorted(instance.definitions))}


def _last(ranking: Sequence[Any], gold: Sequence[Any]) -> int | None:
    if not gold or any(item not in ranking for item in gold):
        return None
    return max(ranking.index(item) for item in gold) + 1


def report(results: Sequence[dict[str, Any]]) -> None:
    """Print the share of instances whose gold places are all among the first."""
    print(f"{len(results)} instances of which a test of FAIL_TO_PASS failed")
    for kind in ("file", "definition"):
        for when in ("before", "after"):
            found = [result[when][kind] for result in results]
            shares = (100 * sum(rank is not None and rank <= most for rank in found) / len(found) for most in RANKS)
            print(
                f"{kind:11}{when:7}"
                + "".join(f"  @{most} {share:5.1f}" for most, share in zip(RANKS, shares, strict=True))
            )


def main() -> None:
    """Run from the command line."""
    options = parser(__doc__)
    options.add_argument("--python", action="append", required=True, help="an interpreter; may be repeated")
    options.add_argument("--output", type=Path, help="write the ranks, one JSON object a line")
    arguments = options.parse_args()
    rows = {row["instance_id"]: row for row in map(json.loads, arguments.data.read_text("utf-8").splitlines())}
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as temporary:
        for instance, index in instances(arguments.data, arguments.repositories, arguments.cache or Path(temporary)):
            row = rows[instance.id]
            git_dir = git_dir_in(arguments.repositories, instance.repo)
            measured = (measure(row, instance, index, python, git_dir) for python in arguments.python if git_dir)
            if instance.definitions and (result := next((one for one in measured if one), None)):
                results.append(result)
                print(json.dumps(result), flush=True)
    if arguments.output:
        arguments.output.write_text("".join(f"{json.dumps(result)}\n" for result in results), encoding="utf-8")
    if results:
        report(results)


if __name__ == "__main__":
    main()
