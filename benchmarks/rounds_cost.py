r"""What the later rounds and candidates of a run cost: `submit` to verdict, by this version and by another.

    python benchmarks/rounds_cost.py DATASET.jsonl --git-dirs '/repositories/{owner}+{name}/repo' \
        --only pallets__flask-5063 … --other FOLDER_WITH_ANOTHER_VERSION

Three rounds: gold with a regression elsewhere, a mutant, gold; then the pool's reproductions on four candidates (these
three and a comment). Both versions do each step in turn, in two processes that last for an instance, so that what else
the machine does slows both; every other instance begins with the other version. Quote the ratios.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from pool_instances import Instance, of_dataset, reproduction_of
from pool_variants import variants

from sweagent.config import SandboxSettings, Settings, VerifySettings
from sweagent.patch import Patch
from sweagent.sandbox_factory import prepare
from sweagent.verify import judge, judge_pool, verify

_STEPS = ("round 1", "round 2", "round 3", "four candidates")


def main() -> int:
    """Measure, or do the steps of one version when asked to by the other process."""
    options = _options()
    instances = {item.task.id: item for item in of_dataset(options.dataset, options.git_dirs)}
    if options.worker:
        _work(instances[options.worker], options)
        return 0
    known = _known(options.output)
    for number, name in enumerate(options.only):
        if name in known:
            continue
        row = {"instance": name, "steps": _both(name, options, swapped=number % 2 == 1), "load": os.getloadavg()[0]}
        with options.output.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(json.dumps(_ratios(row)), flush=True)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--git-dirs", required=True)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--other", type=Path, help="the root of another version's sources")
    parser.add_argument("--files", type=int, default=4, help="compare only so many test files, the nearest")
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--sandbox", default="docker")
    parser.add_argument("--output", type=Path, default=Path("rounds_cost.jsonl"))
    parser.add_argument("--worker", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def _known(output: Path) -> set[str]:
    lines = output.read_text(encoding="utf-8").splitlines() if output.exists() else []
    return {json.loads(line)["instance"] for line in lines}


def _both(name: str, options: argparse.Namespace, *, swapped: bool) -> dict[str, dict[str, Any]]:
    """The steps of both versions, one after the other in each step."""
    with ExitStack() as stack:
        workers = {
            version: stack.enter_context(_started(name, options, root))
            for version, root in (("this", Path(__file__).parents[1]), ("other", options.other))
        }
        steps: dict[str, dict[str, Any]] = {}
        for step in _STEPS:
            for version in sorted(workers, reverse=not swapped):
                steps.setdefault(step, {})[version] = told = _asked(workers[version], step)
                print(f"{name}, {step}, {version}: {json.dumps(told)}", flush=True)
        return steps


def _started(name: str, options: argparse.Namespace, root: Path) -> subprocess.Popen[str]:
    words = [*sys.argv[1:], "--worker", name]
    env = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{Path(__file__).parent}"}
    command = [sys.executable, __file__, *words]
    return subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _asked(worker: subprocess.Popen[str], step: str) -> dict[str, Any]:
    assert worker.stdin
    assert worker.stdout
    worker.stdin.write(f"{step}\n")
    worker.stdin.flush()
    answer: dict[str, Any] = json.loads(worker.stdout.readline())
    return answer


def _ratios(row: dict[str, Any]) -> dict[str, Any]:
    told = {"instance": row["instance"]}
    for step, versions in row["steps"].items():
        seconds = [versions[name]["seconds"] for name in ("other", "this")]
        told[step] = f"{seconds[0]} -> {seconds[1]} s = {seconds[1] / max(seconds[0], 0.1):.2f}"
    return told


# One version


def _work(instance: Instance, options: argparse.Namespace) -> None:
    made = judge.make_plan

    def nearest(*arguments: Any) -> Any:
        plan = made(*arguments)
        return replace(plan, tests=plan.tests[: options.files])

    judge.make_plan = nearest
    for answer in _answers(instance, options):
        print(json.dumps(answer), flush=True)


def _answers(instance: Instance, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    task, reproduction = instance.task, reproduction_of(instance)
    by_kind = {item.kind: item for item in variants(task.repository, instance.gold, instance.test_command)}
    wanted = [by_kind[kind].patch for kind in ("regression", "mutant", "gold", "comment") if kind in by_kind]
    patches = [Patch(base_commit=task.repository.base_commit, text=text) for text in wanted]
    shared = _shared()
    settings = VerifySettings(seconds=options.seconds)
    with prepare(task, Settings(sandbox=SandboxSettings(kind=options.sandbox)), "rounds-cost", _quiet) as place:
        with place.open():
            pass
        for line in sys.stdin:
            step, started = line.strip(), time.monotonic()
            told: dict[str, Any] = {}
            if step.startswith("round"):
                proof = verify(
                    task,
                    patches[int(step.split()[1]) - 1],
                    sandboxes=place.open,
                    reproduction=reproduction,
                    test_command=instance.test_command,
                    settings=settings,
                    **shared,
                )
                kept = sum(getattr(run, "kept", False) for run in proof.commands)
                told = {"verdict": proof.verdict, "commands": len(proof.commands) - kept, "kept": kept}
                told |= {"tests": proof.regression.compared, "reason": proof.reason[:150]}
            elif reproduction:
                rows = judge_pool(
                    task,
                    patches,
                    (reproduction,),
                    sandboxes=place.open,
                    test_command=instance.test_command,
                    settings=settings,
                    **shared,
                )
                told = {"cells": rows}
            yield told | {"seconds": round(time.monotonic() - started, 1)}


def _shared() -> dict[str, Any]:
    """What a run shares, in versions that keep anything."""
    try:
        from sweagent.verify import KeptResults
    except ImportError:
        return {}
    return {"kept": KeptResults()}


def _quiet(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
