r"""What is true, and what can be seen, of candidates for development instances: the ground that pools are drawn from.

    python benchmarks/selection/facts.py DATASET.jsonl --git-dirs '/repositories/{owner}+{name}/repo' \
        --only pallets__flask-5063 … --output FOLDER

For each instance: candidates and reproductions are made (`attempts.py`); FAIL_TO_PASS, PASS_TO_PASS and the tests
of a planted regression grade every candidate, and are shown to nobody; each attempt, which is a candidate with a
reproduction, is verified as an agent's submission would be; and every reproduction is run on every candidate. All of
it is kept in one JSON file an instance, written after each piece: a run that was ended goes on where it was.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from attempts import candidates, reproductions
from pool_instances import Instance, of_dataset
from pool_variants import Variant

from sweagent.config import SandboxSettings, Settings, VerifySettings
from sweagent.errors import FixIssueError
from sweagent.patch import Patch
from sweagent.repository import make_seed
from sweagent.sandbox import open_sandbox
from sweagent.sandbox_factory import prepare
from sweagent.testing import TestOutcome, TestReport, runner_of
from sweagent.testing.file_kinds import is_test_module
from sweagent.trajectory import Reproduction
from sweagent.verify import KeptResults, judge, judge_pool, verify
from sweagent.verify.comparison.test_commands import TestJobs
from sweagent.verify.plan import Plan, make_plan
from sweagent.verify.proof import Side
from sweagent.verify.runs.side_runner import SandboxOpener, SideRunner, SideTree
from sweagent.verify.trees import Trees, open_trees

_WANTED = {"weak": True, "half": True, "wrong": False}
"""The reproductions, and whether gold passes them."""


def main() -> int:
    """Gather the facts."""
    options = _options()
    judge.make_plan = lambda trees, patched, inputs: _nearest(make_plan(trees, patched, inputs), options.files)
    options.output.mkdir(parents=True, exist_ok=True)
    known = {item.task.id: item for item in of_dataset(options.dataset, options.git_dirs)}
    for name in options.only or known:
        try:
            _Facts(known[name], options).gather()
        except FixIssueError as error:
            print(f"{name}: {error}", flush=True)
    return 0


def _nearest(plan: Plan, files: int | None) -> Plan:
    return replace(plan, tests=plan.tests[:files])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--git-dirs", required=True, help="pattern of the git directories, with {owner} and {name}")
    parser.add_argument("--only", nargs="*", default=[], help="ids of instances")
    parser.add_argument("--files", type=int, help="compare only so many test files, the nearest")
    parser.add_argument("--seconds", type=float, default=300.0, help="wall time of one verification")
    parser.add_argument("--attempts", type=int, help="verify only so many attempts of an instance, the first")
    parser.add_argument("--sandbox", default="docker")
    parser.add_argument(
        "--venv", type=Path, help="an environment for all of them, in place of one that is built for each"
    )
    parser.add_argument("--output", type=Path, default=Path("selection"))
    return parser.parse_args()


class _Facts:
    def __init__(self, instance: Instance, options: argparse.Namespace) -> None:
        self._instance, self._options = instance, options
        self._path = options.output / f"{instance.task.id}.json"
        self._data: dict[str, Any] = json.loads(self._path.read_text()) if self._path.exists() else {}
        self._kept = KeptResults()

    def gather(self) -> None:
        """Find out what is not known yet."""
        if self._data.get("matrix") or self._data.get("left_out"):
            return
        patches = {item.name: item for item in candidates(self._instance)}
        with ExitStack() as stack:
            place = stack.enter_context(self._place())
            self._data |= {"instance": self._instance.task.id, "patches": {k: v.patch for k, v in patches.items()}}
            self._data["kinds"] = {name: item.kind for name, item in patches.items()}
            self._grade(patches, place)
            if not self._data["right"].get("gold"):
                self._note("left_out", "gold does not pass here")
                return
            shown = self._shown(patches["gold"], place)
            if len(shown) < len(_WANTED):
                self._note("left_out", f"only these could be made of FAIL_TO_PASS: {', '.join(shown)}")
                return
            self._verify(patches, shown, place)
            self._run_all(patches, shown, place)

    @contextmanager
    def _place(self) -> Iterator[SandboxOpener]:
        """What opens a sandbox with the base tree."""
        task, options = self._instance.task, self._options
        if options.venv is None:
            settings = Settings(sandbox=SandboxSettings(kind=options.sandbox))
            with prepare(task, settings, "selection", lambda text: print(text, file=sys.stderr)) as place:
                yield place.open
            return
        seed = make_seed(task.repository).archive
        env = {"PATH": f"{options.venv}/bin:{os.environ['PATH']}", "PYTHONPATH": "src:."}
        yield lambda: open_sandbox(SandboxSettings(kind=options.sandbox), tree=seed, env=env)

    def _note(self, key: str, value: Any) -> None:
        self._data[key] = value
        self._path.write_text(json.dumps(self._data), encoding="utf-8")
        print(f"{self._instance.task.id}: {key}", flush=True)

    def _patch(self, variant: Variant) -> Patch:
        return Patch(base_commit=self._instance.task.repository.base_commit, text=variant.patch)

    # What nobody is shown

    def _grade(self, patches: dict[str, Variant], place: SandboxOpener) -> None:
        """Whether FAIL_TO_PASS passes, and all of PASS_TO_PASS and of the regression's tests that passes with gold."""
        right: dict[str, bool] = self._data.get("right", {})
        if set(right) >= set(patches):
            return
        oracle = self._instance.oracle
        assert oracle is not None
        with open_trees(self._instance.task.repository) as trees:
            tested = trees.apply(oracle.test_patch)
            overlay = trees.read_many(tested, [c.path for c in trees.changes(trees.base, tested) if c.new])
            elsewhere = [item.test for item in patches.values() if item.test]
            files = [*filter(is_test_module, overlay), *(path for path in elsewhere if path not in overlay)]
            gold = self._report(patches["gold"], trees, files, overlay, place)
            wanted = [item.id for name in oracle.fail_to_pass for item in gold.matching(name)]
            wanted += [name for name, outcome in gold.outcomes().items() if outcome is TestOutcome.PASSED]
            found = all(gold.matching(name) for name in oracle.fail_to_pass)
            for name, variant in patches.items():
                report = gold if name == "gold" else self._report(variant, trees, files, overlay, place)
                outcomes = report.outcomes()
                right[name] = found and all(outcomes.get(test) is TestOutcome.PASSED for test in wanted)
        self._note("right", right)

    def _report(
        self, variant: Variant, trees: Trees, files: list[str], overlay: dict[str, bytes], place: SandboxOpener
    ) -> TestReport:
        runner = runner_of(self._instance.test_command)
        jobs = TestJobs(runner, self._instance.test_command, overlay, lambda path: overlay.get(path, b""))
        bench = SideRunner(place, 900)
        try:
            tree = trees.apply(variant.patch)
            held = set(overlay)
            changes = tuple(item for item in trees.changes(trees.base, tree) if item.path not in held)
            side = SideTree.of(Side.PATCHED, trees, changes)
            return bench.run(side, jobs.make(files, 600, "tests", files[0])).report
        finally:
            bench.close()

    # What can be seen

    def _shown(self, gold: Variant, place: SandboxOpener) -> dict[str, Reproduction]:
        """Those that fail on the base, as all do that a run has: two that gold passes, and a wrong one."""
        if "shown" not in self._data:
            shown: dict[str, Any] = {}
            for name, versions in reproductions(self._instance).items():
                (row,) = self._matrix([gold], versions, place)
                fit = [item for item, passed in zip(versions, row, strict=True) if passed is _WANTED[name]]
                if fit:
                    shown[name] = fit[0].model_dump(mode="json")
            self._note("shown", shown)
        return {name: Reproduction.model_validate(item) for name, item in self._data["shown"].items()}

    def _matrix(
        self, patches: list[Variant], shown: list[Reproduction], place: SandboxOpener
    ) -> list[tuple[bool | None, ...]]:
        return judge_pool(
            self._instance.task,
            [self._patch(item) for item in patches],
            shown,
            sandboxes=place,
            test_command=self._instance.test_command,
            settings=VerifySettings(seconds=3 * self._options.seconds),
            kept=self._kept,
        )

    def _verify(self, patches: dict[str, Variant], shown: dict[str, Reproduction], place: SandboxOpener) -> None:
        """Each candidate with one of the reproductions in turn; gold with each, so that it comes with a bad one too."""
        names = list(shown)
        pairs = [(name, names[number % len(names)]) for number, name in enumerate(patches)]
        pairs += [("gold", name) for name in names if ("gold", name) not in pairs]
        done: list[dict[str, Any]] = self._data.setdefault("attempts", [])
        for name, by in pairs[len(done) : self._options.attempts]:
            started = time.monotonic()
            proof = verify(
                self._instance.task,
                self._patch(patches[name]),
                sandboxes=place,
                reproduction=shown[by],
                test_command=self._instance.test_command,
                settings=VerifySettings(seconds=self._options.seconds),
                kept=self._kept,
            )
            seconds = round(time.monotonic() - started, 1)
            kept = sum(run.kept for run in proof.commands)
            slim = proof.model_copy(update={"question": None, "commands": ()})
            done.append(
                {"candidate": name, "reproduction": by, "seconds": seconds, "kept": kept, "verdict": proof.verdict}
            )
            done[-1]["commands"], done[-1]["proof"] = len(proof.commands), slim.model_dump(mode="json")
            self._note("attempts", done)

    def _run_all(self, patches: dict[str, Variant], shown: dict[str, Reproduction], place: SandboxOpener) -> None:
        started = time.monotonic()
        rows = self._matrix(list(patches.values()), list(shown.values()), place)
        self._data["reproductions"] = list(shown)
        self._data["matrix_seconds"] = round(time.monotonic() - started, 1)
        self._note("matrix", dict(zip(patches, rows, strict=True)))


if __name__ == "__main__":
    sys.exit(main())
