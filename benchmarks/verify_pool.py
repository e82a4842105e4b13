r"""How often the verifier is wrong: gold patches, broken ones and tampering ones of a dataset's instances.

    python benchmarks/verify_pool.py DATASET.jsonl --git-dirs '/repositories/{owner}+{name}/repo' \
        --only sympy__sympy-1 --venv sympy=/venvs/python39 --output results.jsonl
    python benchmarks/verify_pool.py --sdists FOLDER --output results.jsonl

The dataset has the fields of SWE-bench, one JSON object a line. Every instance is judged in two modes: `oracle` knows
FAIL_TO_PASS, `free` knows only a reproduction, which is the changed test of the test patch. In a source distribution a
function is made to return nothing, gold mends it, and the verifier is told of one test file: mode `named`. What is
accepted wrongly is counted against the oracle: a mutant that passes all of FAIL_TO_PASS and breaks nothing is no error.
What the output file has already is not judged again, so that a run that was ended goes on where it was.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from pool_instances import Instance, of_archives, of_dataset, reproduction_of
from pool_variants import Variant, variants

from sweagent.config import SandboxSettings, Settings, VerifySettings
from sweagent.errors import FixIssueError, SandboxError
from sweagent.patch import Patch
from sweagent.repository import make_seed
from sweagent.sandbox import Sandbox, open_sandbox
from sweagent.sandbox_factory import prepare
from sweagent.verify import Proof, judge, verify
from sweagent.verify.plan import Plan, make_plan


def main() -> int:
    """Judge the pool and print the summary."""
    options = _options()
    judge.make_plan = lambda trees, patched, inputs: _nearest(make_plan(trees, patched, inputs), options.files)
    output = Path(options.output)
    lines = output.read_text(encoding="utf-8").splitlines() if output.exists() else []
    results = [json.loads(line) for line in lines]
    with TemporaryDirectory(prefix="verify-pool-") as folder, output.open("a", encoding="utf-8") as file:
        for instance in islice(_instances(options, Path(folder)), options.limit):
            try:
                for result in _judged(instance, options, _known(results)):
                    results.append(result)
                    file.write(json.dumps(result) + "\n")
                    file.flush()
                    print(f"{result['instance']} {result['mode']} {result['variant']}: {result['verdict']}", flush=True)
            except FixIssueError as error:
                print(f"{instance.task.id}: cannot be judged: {error}", flush=True)
    print(json.dumps(summary(results), indent=2))
    return 0


def _nearest(plan: Plan, files: int | None) -> Plan:
    return replace(plan, tests=plan.tests[:files])


def _known(results: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    return {(result["instance"], result["mode"], result["variant"]) for result in results}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path, nargs="?")
    parser.add_argument("--git-dirs", default="", help="pattern of the git directories, with {owner} and {name}")
    parser.add_argument("--sdists", type=Path, help="a folder of source distributions, *.tar.gz")
    parser.add_argument("--only", nargs="*", default=[], help="ids of instances")
    parser.add_argument(
        "--first",
        nargs="*",
        default=[],
        help="OWNER/NAME=N: the first N instances of a project by the SHA-256 of their id",
    )
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument("--modes", nargs="*", default=["oracle", "free", "named"])
    parser.add_argument("--variants", nargs="*", default=[], help="names or kinds; all unless given")
    parser.add_argument("--sandbox", default="docker", help="a kind of sandbox; `none` judges by what the patch says")
    parser.add_argument("--image", default="", help="pattern of images that are there already, with {id}")
    parser.add_argument("--venv", action="append", default=[], help="beginning of ids=folder of a virtual environment")
    parser.add_argument("--setup", action="append", default=[], help="beginning of ids=command run in every sandbox")
    parser.add_argument("--files", type=int, help="compare only so many test files, the nearest")
    parser.add_argument("--seconds", type=float, default=300.0, help="wall time of one verification")
    parser.add_argument("--output", default="verify_pool.jsonl")
    return parser.parse_args()


def _instances(options: argparse.Namespace, folder: Path) -> Iterator[Instance]:
    """Those that are asked for, in the order in which they are."""
    found = list(of_archives(options.sdists, folder)) if options.sdists else []
    if options.dataset:
        found += of_dataset(options.dataset, options.git_dirs)
    by_id = {item.task.id: item for item in found}
    yield from (by_id[name] for name in _wanted(options, found) if name in by_id)


def _wanted(options: argparse.Namespace, found: list[Instance]) -> list[str]:
    """The ids that are asked for; of a project with a number the first by the hash of their id."""
    wanted = list(options.only)
    for project, _, number in (item.partition("=") for item in options.first):
        ids = [item.task.id for item in found if item.task.repository.name == project]
        wanted += sorted(ids, key=lambda name: hashlib.sha256(name.encode()).hexdigest())[: int(number)]
    return wanted or [item.task.id for item in found]


def _judged(
    instance: Instance, options: argparse.Namespace, known: set[tuple[str, str, str]]
) -> Iterator[dict[str, Any]]:
    wanted = [
        (variant, mode)
        for variant in variants(instance.task.repository, instance.gold, instance.test_command)
        for mode in instance.modes
        if mode in options.modes
        and (instance.task.id, mode, variant.name) not in known
        and (not options.variants or variant.name in options.variants or variant.kind in options.variants)
    ]
    if not wanted:
        return
    with ExitStack() as stack:
        opener, test_command = _opener(instance, options, stack)
        instance = replace(instance, test_command=test_command or instance.test_command)
        for variant, mode in wanted:
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
        reproduction = reproduction_of(instance)
    return verify(
        task,
        Patch(base_commit=task.repository.base_commit, text=variant.patch),
        sandboxes=opener,
        reproduction=reproduction,
        oracle=None if mode == "free" else instance.oracle,
        replaces=True,
        named_tests=instance.named_tests,
        test_command=instance.test_command,
        settings=VerifySettings(seconds=seconds),
    )


def _opener(
    instance: Instance, options: argparse.Namespace, stack: ExitStack
) -> tuple[Callable[[], AbstractContextManager[Sandbox]], str]:
    """What opens a sandbox, and how the project runs its tests, where the environment tells."""
    venv, setup = _for(instance, options.venv), _for(instance, options.setup)
    if options.sandbox == "none":
        return _nowhere, ""
    if not venv:
        image = options.image.format(id=instance.task.id) or None
        settings = Settings(sandbox=SandboxSettings(kind=options.sandbox, image=image))
        place = stack.enter_context(
            prepare(instance.task, settings, "verify-pool", lambda text: print(text, file=sys.stderr))
        )
        return place.open, place.test_command
    env = {"PATH": f"{venv}/bin:{os.environ['PATH']}", "PYTHONPATH": "src:."}
    seed = make_seed(instance.task.repository).archive

    @contextmanager
    def opener() -> Iterator[Sandbox]:
        with open_sandbox(SandboxSettings(kind=options.sandbox), tree=seed, env=env) as sandbox:
            if setup:
                sandbox.run(setup, fresh=True)
            yield sandbox

    return opener, ""


def _nowhere() -> AbstractContextManager[Sandbox]:
    raise SandboxError("nothing is run here")


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
        "to_the_nearest": _to_the_nearest(proof),
    }


def _to_the_nearest(proof: Proof) -> float:
    """Seconds of commands, sides side by side, until the nearest tests were compared; what comes later is optional."""
    first = next((number for number, run in enumerate(proof.commands) if run.purpose == "tests"), len(proof.commands))
    pairs = [proof.commands[number : number + 2] for number in range(0, first + 2, 2)]
    return round(sum(max((run.seconds for run in pair), default=0.0) for pair in pairs), 1)


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
