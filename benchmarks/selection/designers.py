r"""What independent tests can catch, and what wrong ones cost: `roles` and `verify.tester`, without a model.

    python benchmarks/selection/designers.py DATASET.jsonl --git-dirs '/repositories/{owner}+{name}/repo' \
        --only psf__requests-3362 pallets__flask-4992 --output designers.jsonl

Gold, a part of it and mutants of it are verified by the changed test of the test patch, as `verify_pool.py` does in its
mode `free`. On what is verified wrongly the tests of FAIL_TO_PASS are run, each in a file of its own: an upper bound of
what a designer catches. On gold the tests of wrong designers are run: with the contrary of each assertion, and those of
another instance of the same project. Counted by how many tests have to fail (`sweagent.run.ENOUGH`), and by one.
What the output file has already is not judged again.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attempts import designed_tests
from pool_instances import Instance, of_dataset, reproduction_of
from pool_variants import Variant, variants

from sweagent.config import SandboxSettings, Settings, VerifySettings
from sweagent.errors import FixIssueError
from sweagent.patch import Patch
from sweagent.run import ENOUGH
from sweagent.sandbox_factory import Workplace, prepare
from sweagent.trajectory import Reproduction
from sweagent.verdict import Verdict
from sweagent.verify import judge_pool, verify

_KINDS = ("gold", "part", "mutant")
_MOST = 3
"""Tests of one designer."""


def main() -> int:
    """Judge the instances and print the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--git-dirs", required=True, help="pattern of the git directories, with {owner} and {name}")
    parser.add_argument("--only", nargs="*", default=[], help="ids of instances")
    parser.add_argument("--seconds", type=float, default=300.0, help="wall time of one verification")
    parser.add_argument("--sandbox", default="docker")
    parser.add_argument("--output", type=Path, default=Path("designers.jsonl"))
    options = parser.parse_args()
    known = {item.task.id: item for item in of_dataset(options.dataset, options.git_dirs)}
    done = options.output.read_text().splitlines() if options.output.exists() else []
    results = [json.loads(line) for line in done]
    with options.output.open("a", encoding="utf-8") as file:
        for name in options.only or known:
            if name in {item["instance"] for item in results}:
                continue
            try:
                results.append(_judged(known[name], _foreign(known[name], list(known.values())), options))
            except FixIssueError as error:
                print(f"{name}: {error}", flush=True)
                continue
            file.write(json.dumps(results[-1]) + "\n")
            file.flush()
            print(json.dumps(results[-1]), flush=True)
    print(json.dumps(summary(results), indent=2))
    return 0


def _foreign(instance: Instance, all_of_them: Sequence[Instance]) -> Instance | None:
    """The next instance of the same project."""
    same = [item for item in all_of_them if item.task.repository.name == instance.task.repository.name]
    following = same[same.index(instance) + 1 :] + same[: same.index(instance)]
    return following[0] if following else None


def _judged(instance: Instance, other: Instance | None, options: argparse.Namespace) -> dict[str, Any]:
    found = variants(instance.task.repository, instance.gold, instance.test_command)
    tried = [item for item in found if item.kind in _KINDS]
    designers = {
        "right": designed_tests(instance)[:_MOST],
        "inverted": designed_tests(instance, inverted=True)[:_MOST],
        "foreign": designed_tests(other)[:_MOST] if other else [],
    }
    settings = Settings(sandbox=SandboxSettings(kind=options.sandbox))
    with prepare(instance.task, settings, "designers", lambda text: print(text, file=sys.stderr)) as place:
        verified = [item for item in tried if _is_verified(instance, item, place, options.seconds)]
        failed = {name: _failed(instance, verified, tests, place, options.seconds) for name, tests in designers.items()}
    return {
        "instance": instance.task.id,
        "tried": len(tried),
        "verified": [item.name for item in verified],
        "tests": {name: len(tests) for name, tests in designers.items()},
        "failed": failed,
    }


def _patch(instance: Instance, variant: Variant) -> Patch:
    return Patch(base_commit=instance.task.repository.base_commit, text=variant.patch)


def _is_verified(instance: Instance, variant: Variant, place: Workplace, seconds: float) -> bool:
    proof = verify(
        instance.task,
        _patch(instance, variant),
        sandboxes=place.open,
        reproduction=reproduction_of(instance),
        test_command=instance.test_command,
        settings=VerifySettings(seconds=seconds),
    )
    return proof.verdict is Verdict.VERIFIED


def _failed(
    instance: Instance, patches: list[Variant], tests: list[Reproduction], place: Workplace, seconds: float
) -> dict[str, int]:
    """How many tests that show the issue fail with each patch."""
    rows = judge_pool(
        instance.task,
        [_patch(instance, item) for item in patches],
        tests,
        sandboxes=place.open,
        test_command=instance.test_command,
        settings=VerifySettings(seconds=2 * seconds),
    )
    return {item.name: sum(cell is False for cell in row) for item, row in zip(patches, rows, strict=True)}


def summary(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What is caught of the wrong ones that were verified, and which golds are weakened."""
    wrong = [count for item in results for name, count in item["failed"]["right"].items() if name != "gold"]
    golds = [item for item in results if "gold" in item["verified"]]
    weakened = {
        designer: {needed: sum(item["failed"][designer]["gold"] >= needed for item in golds) for needed in (1, ENOUGH)}
        for designer in ("right", "inverted", "foreign")
    }
    caught = {needed: sum(count >= needed for count in wrong) for needed in (1, ENOUGH)}
    return {"wrong and verified": len(wrong), "caught": caught, "golds": len(golds), "golds weakened": weakened}


if __name__ == "__main__":
    raise SystemExit(main())
