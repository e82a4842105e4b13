r"""How often the verifier is wrong: gold patches, broken ones and tampering ones of a dataset's instances.

    python benchmarks/verify_pool.py DATASET.jsonl --git-dirs '/repositories/{owner}+{name}/repo' \
        --only sympy__sympy-1 --venv sympy=/venvs/python39 --output results.jsonl

The dataset has the fields of SWE-bench, one JSON object a line. Every instance is judged in two modes: `oracle` knows
FAIL_TO_PASS, `free` knows only a reproduction, which is the changed test of the test patch. What is accepted wrongly is
counted against the oracle: a mutant that passes all of FAIL_TO_PASS and breaks nothing is no error.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from pool_variants import Variant, variants

from sweagent.config import SandboxSettings, Settings, VerifySettings
from sweagent.errors import FixIssueError
from sweagent.patch import Patch
from sweagent.repository import make_seed
from sweagent.sandbox import Sandbox, open_sandbox
from sweagent.task import Issue, Oracle, Repository, Task
from sweagent.testing import command_for, runner_of
from sweagent.trajectory import Reproduction
from sweagent.verify import Proof, verify
from sweagent.verify.targets import is_test_module
from sweagent.verify.tree import open_trees
from sweagent.workplace import prepare

TEST_COMMANDS = {"sympy/sympy": "python bin/test", "django/django": "python tests/runtests.py --parallel 1"}


@dataclass(frozen=True)
class Instance:
    """One instance of the dataset, ready to be judged."""

    task: Task
    gold: str
    test_command: str


def main() -> int:
    """Judge the pool and print the summary."""
    options = _options()
    instances = [item for item in _instances(options) if not options.only or item.task.id in options.only]
    results: list[dict[str, Any]] = []
    with open(options.output, "a", encoding="utf-8") as output:
        for instance in instances[: options.limit]:
            try:
                for result in _judged(instance, options):
                    results.append(result)
                    output.write(json.dumps(result) + "\n")
                    output.flush()
                    print(f"{result['instance']} {result['mode']} {result['variant']}: {result['verdict']}", flush=True)
            except FixIssueError as error:
                print(f"{instance.task.id}: cannot be judged: {error}", flush=True)
    print(json.dumps(summary(results), indent=2))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--git-dirs", required=True, help="pattern of the git directories, with {owner} and {name}")
    parser.add_argument("--only", nargs="*", default=[], help="ids of instances")
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument("--modes", nargs="*", default=["oracle", "free"], choices=["oracle", "free"])
    parser.add_argument("--variants", nargs="*", default=[], help="beginnings of names; all unless given")
    parser.add_argument("--sandbox", default="local")
    parser.add_argument("--venv", action="append", default=[], help="beginning of ids=folder of a virtual environment")
    parser.add_argument("--setup", action="append", default=[], help="beginning of ids=command run in every sandbox")
    parser.add_argument("--seconds", type=float, default=300.0, help="wall time of one verification")
    parser.add_argument("--output", default="verify_pool.jsonl")
    return parser.parse_args()


def _instances(options: argparse.Namespace) -> Iterator[Instance]:
    for line in options.dataset.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        owner, name = row["repo"].split("/")
        git_dir = Path(options.git_dirs.format(owner=owner, name=name))
        if not git_dir.is_dir():
            continue
        repository = Repository(
            source=str(git_dir), git_dir=str(git_dir), base_commit=row["base_commit"], name=row["repo"]
        )
        oracle = Oracle(
            fail_to_pass=tuple(json.loads(row["FAIL_TO_PASS"])),
            pass_to_pass=tuple(json.loads(row["PASS_TO_PASS"])),
            test_patch=row["test_patch"],
        )
        title, _, body = row["problem_statement"].partition("\n")
        command = TEST_COMMANDS.get(row["repo"], "python -m pytest")
        task = Task(id=row["instance_id"], repository=repository, issue=Issue(title=title, body=body), oracle=oracle)
        yield Instance(task, row["patch"], command)


def _judged(instance: Instance, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    with ExitStack() as stack:
        opener = _opener(instance, options, stack)
        for variant in variants(instance.task.repository, instance.gold, instance.test_command):
            if options.variants and not variant.name.startswith(tuple(options.variants)):
                continue
            for mode in options.modes:
                started = time.monotonic()
                proof = _proof(instance, variant, mode, opener, options.seconds)
                yield _result(instance, variant, mode, proof, time.monotonic() - started)


def _proof(
    instance: Instance,
    variant: Variant,
    mode: str,
    opener: Callable[[], AbstractContextManager[Sandbox]],
    seconds: float,
) -> Proof:
    task, reproduction = instance.task, None
    if mode == "free":
        reproduction = _reproduction(instance)
        task = task.model_copy(update={"oracle": Oracle()})
    return verify(
        task,
        Patch(base_commit=task.repository.base_commit, text=variant.patch),
        sandboxes=opener,
        reproduction=reproduction,
        test_command=instance.test_command,
        settings=VerifySettings(seconds=seconds),
    )


def _reproduction(instance: Instance) -> Reproduction | None:
    """A test file of the test patch, with a command for those of FAIL_TO_PASS that it holds."""
    oracle, runner = instance.task.oracle, runner_of(instance.test_command)
    wanted = sorted({name.split("[")[0] for name in oracle.fail_to_pass})
    with open_trees(instance.task.repository) as trees:
        tree = trees.apply(oracle.test_patch)
        paths = [change.path for change in trees.changes(trees.base, tree) if change.new]
        for path in filter(is_test_module, paths):
            content = (trees.read(tree, path) or b"").decode("utf-8")
            held = [name for name in wanted if _holds(path, content, name)]
            if held:
                ids = [name if "::" in name else f"{path}::{name}" for name in held]
                command = command_for(runner, ids, test_command=instance.test_command)
                return Reproduction(path=path, content=content, command=command, kind="test")
    return None


def _holds(path: str, content: str, name: str) -> bool:
    return name.startswith(f"{path}::") if "::" in name else f"def {name}(" in content


def _opener(
    instance: Instance, options: argparse.Namespace, stack: ExitStack
) -> Callable[[], AbstractContextManager[Sandbox]]:
    venv, setup = _for(instance, options.venv), _for(instance, options.setup)
    if not venv:
        settings = Settings(sandbox=SandboxSettings(kind=options.sandbox))
        task = instance.task.model_copy(update={"oracle": Oracle()})
        place = stack.enter_context(prepare(task, settings, "verify-pool", lambda text: print(text, file=sys.stderr)))
        return place.open
    env = {"PATH": f"{venv}/bin:{os.environ['PATH']}", "PYTHONPATH": "src:."}
    seed = make_seed(instance.task.repository).archive

    @contextmanager
    def opener() -> Iterator[Sandbox]:
        with open_sandbox(SandboxSettings(kind=options.sandbox), tree=seed, env=env) as sandbox:
            if setup:
                sandbox.run(setup, fresh=True)
            yield sandbox

    return opener


def _for(instance: Instance, given: list[str]) -> str:
    """The value of the first `beginning of an id=value` that fits."""
    pairs = (item.split("=", 1) for item in given)
    return next((value for key, value in pairs if instance.task.id.startswith(key)), "")


def _result(instance: Instance, variant: Variant, mode: str, proof: Proof, seconds: float) -> dict[str, Any]:
    return {
        "instance": instance.task.id,
        "mode": mode,
        "variant": variant.name,
        "kind": variant.kind,
        "verdict": proof.verdict.value,
        "reason": proof.reason,
        "reproduced": proof.reproduction is not None,
        "compared": proof.regression.compared,
        "files": len(proof.regression.files),
        "flaky": len(proof.regression.flaky),
        "canary": proof.regression.canary,
        "not_checked": list(proof.not_checked)[:3],
        "seconds": round(seconds, 1),
    }


def summary(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts of what went wrong; an accepted mutant or part of a patch is wrong only if the oracle refuses it."""
    oracle = {(r["instance"], r["variant"]): r["verdict"] for r in results if r["mode"] == "oracle"}
    said: dict[str, Any] = {"instances": len({r["instance"] for r in results}), "verifications": len(results)}
    for mode in sorted({r["mode"] for r in results}):
        mine = [r for r in results if r["mode"] == mode]
        gold = [r for r in mine if r["kind"] == "gold"]
        wrong = [r for r in mine if r["kind"] in ("none", "comment", "regression") and r["verdict"] == "verified"]
        doubtful = [r for r in mine if r["kind"] in ("part", "mutant") and r["verdict"] == "verified"]
        known = [r for r in doubtful if (r["instance"], r["variant"]) in oracle]
        wrong += [r for r in known if oracle[r["instance"], r["variant"]] != "verified"]
        tampering = [r for r in mine if r["kind"] == "tampering"]
        said[mode] = {
            "gold": len(gold),
            "gold not verified": [
                f"{r['instance']}: {r['verdict']}: {r['reason']}" for r in gold if r["verdict"] != "verified"
            ],
            "broken": sum(1 for r in mine if r["kind"] in ("none", "comment", "regression", "part", "mutant")),
            "false accepts": [f"{r['instance']} {r['variant']}" for r in wrong],
            "mutants and parts that the tests cannot tell": len(doubtful) - len(known)
            if mode != "oracle"
            else len(doubtful),
            "tampering": len(tampering),
            "tampering accepted": [f"{r['instance']} {r['variant']}" for r in tampering if r["verdict"] == "verified"],
            "tampering not called so": [
                f"{r['instance']} {r['variant']}: {r['verdict']}"
                for r in tampering
                if r["verdict"] not in ("rejected", "verified")
            ],
            "median seconds of gold": median([r["seconds"] for r in gold]) if gold else None,
            "flaky": sum(r["flaky"] for r in mine),
        }
    return said


if __name__ == "__main__":
    sys.exit(main())
