r"""What the later rounds and candidates of a run cost: `submit` to verdict, by this version and by another.

    python benchmarks/rounds_cost.py DATASET.jsonl --git-dirs '/repositories/{owner}+{name}/repo' \
        --only pallets__flask-5063 … --other FOLDER_WITH_ANOTHER_VERSION

    python benchmarks/rounds_cost.py --only shop --other FOLDER     # a project of 41 tests that is made for it

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
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import proof_cost
from pool_instances import Instance, of_dataset, reproduction_of
from pool_variants import diff, variants

from sweagent.config import SandboxSettings, Settings, VerifySettings
from sweagent.patch import Patch
from sweagent.repository import make_seed, open_repository
from sweagent.sandbox import open_sandbox
from sweagent.sandbox_factory import prepare
from sweagent.task import Issue, Task
from sweagent.trajectory import Reproduction
from sweagent.verify import Proof, judge, judge_pool, verify
from sweagent.verify.runs.side_runner import SandboxOpener

_SHOP = "shop"
_STEPS = ("round 1", "round 2", "round 3", "four candidates")


def main() -> int:
    """Measure, or do the steps of one version when asked to by the other process."""
    options = _options()
    if options.worker == _SHOP:
        with TemporaryDirectory(prefix="rounds-cost-") as folder:
            _work(*_shop(Path(folder, "project")), _beside_this_python, options)
        return 0
    if options.worker:
        instances = {item.task.id: item for item in of_dataset(options.dataset, options.git_dirs)}
        _work(*_of_dataset(instances[options.worker]), _prepared, options)
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
    parser.add_argument("dataset", type=Path, nargs="?", help="the fields of SWE-bench; not needed for `shop`")
    parser.add_argument("--git-dirs", default="")
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


Opener = Callable[[Task, str], AbstractContextManager[SandboxOpener]]


def _work(
    task: Task,
    patches: list[Patch],
    reproduction: Reproduction,
    test_command: str,
    opener: Opener,
    options: argparse.Namespace,
) -> None:
    made = judge.make_plan

    def nearest(*arguments: Any) -> Any:
        plan = made(*arguments)
        return replace(plan, tests=plan.tests[: options.files])

    judge.make_plan = nearest
    with opener(task, options.sandbox) as sandboxes:
        shared = {"sandboxes": sandboxes, "test_command": test_command, **_shared()}
        shared["settings"] = VerifySettings(seconds=options.seconds)
        for line in sys.stdin:
            step, started = line.strip(), time.monotonic()
            if step.startswith("round"):
                told = _round(verify(task, patches[int(step.split()[1]) - 1], reproduction=reproduction, **shared))
            else:
                told = {"cells": judge_pool(task, patches, (reproduction,), **shared)}
            print(json.dumps(told | {"seconds": round(time.monotonic() - started, 1)}), flush=True)


def _round(proof: Proof) -> dict[str, Any]:
    fresh = Counter(run.side for run in proof.commands if not getattr(run, "kept", False))
    kept = Counter(run.side for run in proof.commands if getattr(run, "kept", False))
    told = {"verdict": proof.verdict, "run": fresh, "kept": kept, "tests": proof.regression.compared}
    return told | {"reason": proof.reason[:150]}


def _of_dataset(instance: Instance) -> tuple[Task, list[Patch], Reproduction, str]:
    task, reproduction = instance.task, reproduction_of(instance)
    assert reproduction
    by_kind = {item.kind: item for item in variants(task.repository, instance.gold, instance.test_command)}
    wanted = [by_kind[kind].patch for kind in ("regression", "mutant", "gold", "comment") if kind in by_kind]
    patches = [Patch(base_commit=task.repository.base_commit, text=text) for text in wanted]
    return task, patches, reproduction, instance.test_command


def _shop(top: Path) -> tuple[Task, list[Patch], Reproduction, str]:
    proof_cost.make(top)
    repository = open_repository(str(top))
    task = Task(id=_SHOP, repository=repository, issue=Issue(title="total() forgets the first item"))
    cart, part = "shop/cart.py", "shop/part3.py"
    before = {cart: proof_cost.BUG, part: proof_cost.WORK}
    broken = {**before, cart: proof_cost.FIXED, part: proof_cost.WORK.replace("a * b", "a - b")}
    changed = [broken, {cart: "def total(items):\n    return sum(items[:-1])\n"}, {cart: proof_cost.FIXED}]
    changed.append({cart: f"{proof_cost.BUG}# The same.\n"})
    patches = [Patch(base_commit=repository.base_commit, text=diff(before, texts)) for texts in changed]
    path = "tests/test_cart_total.py"
    shows = Reproduction(path=path, content=proof_cost.SHOWS, command=f"python -m pytest {path}", kind="test")
    return task, patches, shows, "python -m pytest"


@contextmanager
def _prepared(task: Task, kind: str) -> Iterator[SandboxOpener]:
    with prepare(task, Settings(sandbox=SandboxSettings(kind=kind)), "rounds-cost", _quiet) as place:
        yield place.open


@contextmanager
def _beside_this_python(task: Task, kind: str) -> Iterator[SandboxOpener]:
    """Sandboxes that use the interpreter of this program, so that nothing is built."""
    seed = make_seed(task.repository).archive
    env = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    yield lambda: open_sandbox(SandboxSettings(kind=kind), tree=seed, env=env)


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
