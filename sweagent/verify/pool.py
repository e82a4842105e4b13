"""Run the reproductions of all attempts on the candidates of all."""

import time
from collections.abc import Mapping, Sequence
from contextlib import closing

from sweagent.config import VerifySettings
from sweagent.errors import SandboxError, UsageError
from sweagent.patch import Patch
from sweagent.task import Task
from sweagent.trajectory import Reproduction
from sweagent.verify.oracle import Oracle
from sweagent.verify.plan import Inputs, make_plan
from sweagent.verify.proof import Origin
from sweagent.verify.reproduction.trial import judge
from sweagent.verify.runs.side_runner import SandboxOpener, SideRunner
from sweagent.verify.trees import open_trees


def judge_pool(
    task: Task,
    patches: Sequence[Patch],
    reproductions: Sequence[Reproduction],
    *,
    sandboxes: SandboxOpener,
    test_command: str = "",
    settings: VerifySettings | None = None,
    known: Mapping[tuple[int, int], bool] | None = None,
) -> list[tuple[bool | None, ...]]:
    """Run every reproduction on every candidate, on the base and the control beside it.

    Args:
        task: the repository and the issue.
        patches: the candidates.
        reproductions: the pool.
        sandboxes: opens a fresh sandbox with the base tree.
        test_command: how the project runs its tests.
        settings: how much time there is for all of it.
        known: what proofs have shown already, by the positions of patch and reproduction; it is not run again.

    Returns:
        For each patch, whether it passes each reproduction; None where that shows nothing: the reproduction does not
        fail on the base, it cannot be run beside the patch, or the time was used up.
    """
    settings, known = settings or VerifySettings(), known or {}
    bench = SideRunner(sandboxes, settings.seconds, time.monotonic)
    with closing(bench):
        return [
            tuple(
                known[row, column] if (row, column) in known else _passes(task, patch, item, bench, test_command)
                for column, item in enumerate(reproductions)
            )
            for row, patch in enumerate(patches)
        ]


def _passes(task: Task, patch: Patch, reproduction: Reproduction, bench: SideRunner, test_command: str) -> bool | None:
    if not patch or bench.remaining < 1:
        return None
    inputs = Inputs(task, reproduction, (), test_command or task.test_command or "", Oracle())
    try:
        with open_trees(task.repository) as trees:
            plan = make_plan(trees, trees.apply(patch.text), inputs)
            found = next((item for item in plan.candidates if item.origin is Origin.REGISTERED), None)
            if found is None or not plan.changed:
                return None
            bench.watched, bench.packages = plan.watched, plan.packages
            evidence = judge(found, bench, plan.sides, task.issue.text).evidence
    except (SandboxError, UsageError):
        return None
    return evidence.accepted if evidence.shows_issue else None
