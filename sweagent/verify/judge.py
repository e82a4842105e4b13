"""Judge a patch and prove the verdict."""

import time
from contextlib import closing
from functools import partial
from typing import NoReturn

from sweagent import __version__
from sweagent.config import VerifySettings
from sweagent.errors import SandboxError, UsageError
from sweagent.patch import Patch
from sweagent.task import Task
from sweagent.testing import Runner
from sweagent.trajectory import Reproduction
from sweagent.verdict import Verdict
from sweagent.verify.acceptance import lost_tests
from sweagent.verify.comparison.pinned_tests import Pins
from sweagent.verify.comparison.regression import RegressionCheck
from sweagent.verify.comparison.selection import nearest_tests
from sweagent.verify.decision import Decision, decide
from sweagent.verify.gathered import Gathered
from sweagent.verify.oracle import Oracle
from sweagent.verify.plan import RUNNER_PACKAGES, Inputs, Plan, make_plan
from sweagent.verify.progress import Listener
from sweagent.verify.proof import CanaryState, Cause, Proof
from sweagent.verify.recheck import question_of
from sweagent.verify.reproducing import Reproducing
from sweagent.verify.runs.kept_results import KeptResults
from sweagent.verify.runs.side_runner import Clock, SandboxOpener, SideRunner
from sweagent.verify.static.patch_checks import find_tampering
from sweagent.verify.trees import Trees, open_trees

_NEAREST = 4
"""So many test files that have to do with the change are compared first."""

_SMALL_SUITE_FILES, _SMALL_SUITE_BYTES = 40, 200_000

_PYTHON_RUNNERS = (Runner.PYTEST, Runner.UNITTEST, Runner.DJANGO, Runner.SYMPY)
_BUILT = (".c", ".cc", ".cpp", ".h", ".hpp", ".pyx", ".pxd", ".rs", ".f", ".f90", ".in")
_BUILD_FILES = ("setup.py", "meson.build", "CMakeLists.txt", "requirements.txt", "Cargo.toml")


def verify(
    task: Task,
    patch: Patch,
    *,
    sandboxes: SandboxOpener,
    reproduction: Reproduction | None = None,
    replaces: bool = False,
    named_tests: tuple[str, ...] = (),
    test_command: str = "",
    settings: VerifySettings | None = None,
    oracle: Oracle | None = None,
    lacks: tuple[str, ...] = (),
    clock: Clock = time.monotonic,
    progress: Listener | None = None,
    kept: KeptResults | None = None,
) -> Proof:
    """Judge a patch: is it honest, does it resolve the issue, and does everything else go on working?

    Args:
        task: the repository and the issue.
        patch: what is judged.
        sandboxes: opens a fresh sandbox of the task's environment with the base tree; every run gets its own.
        reproduction: what the agent registered or the user gave.
        replaces: a reproduction that is a newer version of a test file takes its place among the existing tests too.
            A user may say so, because a fix can change what a test has to expect; never an agent.
        named_tests: tests to run first; those that fail on the base can show the issue.
        test_command: how the project runs its tests; empty takes the task's, or looks at the tree.
        settings: how much time there is, and what is let pass.
        oracle: what a benchmark knows of the issue; its FAIL_TO_PASS is a reproduction.
        lacks: what the environment is known to lack, in words.
        clock: monotonic seconds.
        progress: receives every command that begins or ends, perhaps from another thread.
        kept: what base and control came to earlier in the run; it must be of the same task and environment.

    Returns:
        The proof. A failing environment gives the verdict `unverified`, not an error.

    Raises:
        UsageError: the base commit or the oracle's test patch cannot be used.
    """
    inputs = Inputs(
        task=task,
        reproduction=reproduction,
        named_tests=named_tests,
        test_command=test_command or task.test_command or "",
        oracle=oracle or Oracle(),
        replaces=replaces,
        lacks=lacks,
    )
    return _Verification(patch, inputs, settings or VerifySettings(), sandboxes, clock, progress, kept).proof()


def verify_without_running(task: Task, patch: Patch, *, settings: VerifySettings | None = None) -> Proof | None:
    """Judge a patch for which no environment is needed: it is empty or does not apply.

    Args:
        task: as for `verify`.
        patch: what is judged.
        settings: what is let pass.

    Returns:
        The proof; None for a patch that has to be run.

    Raises:
        UsageError: the base commit cannot be used.
    """
    inputs = Inputs(task, None, (), task.test_command or "", Oracle())
    return _Verification(
        patch, inputs, settings or VerifySettings(), _no_sandbox, time.monotonic
    ).proof_without_running()


def _no_sandbox() -> NoReturn:
    raise AssertionError("nothing is run")


class _Verification:
    def __init__(
        self,
        patch: Patch,
        inputs: Inputs,
        settings: VerifySettings,
        sandboxes: SandboxOpener,
        clock: Clock,
        progress: Listener | None = None,
        kept: KeptResults | None = None,
    ) -> None:
        self._patch, self._inputs, self._settings = patch, inputs, settings
        self._clock, self._started = clock, clock()
        # The same for each verification of a patch, and no number by which code could tell where it runs.
        self._hash_seed = kept.hash_seed if kept else None
        kept = kept or KeptResults(int(patch.sha256[:8], 16))
        self._bench = SideRunner(sandboxes, settings.seconds, clock, progress, kept)
        self._gathered = Gathered(settings.accept)
        self._tree = ""
        self._changed: tuple[str, ...] = ()
        self._plan: Plan | None = None

    def proof(self) -> Proof:
        with closing(self._bench), open_trees(self._inputs.task.repository) as trees:
            return self._result(self._at_a_glance(trees) or self._judge(trees))

    def proof_without_running(self) -> Proof | None:
        with open_trees(self._inputs.task.repository) as trees:
            decision = self._at_a_glance(trees)
            return self._result(decision) if decision else None

    def _at_a_glance(self, trees: Trees) -> Decision | None:
        if not self._patch:
            return Decision(Verdict.NO_PATCH, self._patch.blocked or "nothing was changed")
        try:
            self._tree = trees.apply(self._patch.text)
        except UsageError as error:
            return Decision(Verdict.UNVERIFIED, str(error))
        self._changed = tuple(change.path for change in trees.changes(trees.base, self._tree))
        if not self._changed:
            return Decision(Verdict.NO_PATCH, "the patch changes nothing")
        found = find_tampering(
            trees,
            self._tree,
            test_command=self._inputs.test_command,
            issue_text=self._inputs.task.issue.text,
            allow_tests=self._settings.allow_tests,
            project=self._inputs.task.repository.name.rpartition("/")[2],
        )
        self._gathered.take(found)
        return None

    def _judge(self, trees: Trees) -> Decision:
        gathered, bench = self._gathered, self._bench
        plan = self._plan = make_plan(trees, self._tree, self._inputs)
        bench.watched, bench.packages = plan.watched, plan.packages
        gathered.reproductions += plan.unfit
        reproducing = Reproducing(plan, trees, self._tree, bench, self._inputs.task.issue.text, gathered)
        try:
            if not plan.changed:
                if reproducing.rejects_what_judges():
                    return Decision(Verdict.REJECTED, gathered.tampered)
                reason = "the patch changes only tests or the configuration of runners"
                return Decision(Verdict.UNVERIFIED, reason, Cause.PATCH)
            unresolved = reproducing.unresolved()
            if not gathered.tampered and not unresolved:
                self._compare(plan, trees)
        except SandboxError as error:
            return Decision(Verdict.UNVERIFIED, f"the environment failed: {error}", Cause.ENVIRONMENT)
        return decide(gathered, unresolved, plan, bench)

    def _compare(self, plan: Plan, trees: Trees) -> None:
        gathered, content_of = self._gathered, partial(plan.content_of, trees=trees)
        if plan.runner is Runner.UNKNOWN and not plan.test_command:
            gathered.not_checked.append("the existing tests: how this project runs its tests is not known")
            return
        if self._bench.remaining < 1:
            gathered.not_checked.append("the existing tests: the time was used up")
            gathered.nearest_missed = True
            return
        pins = Pins(
            [item for item in plan.candidates if item.name in {shown.name for shown in gathered.shown}],
            content_of,
            plan.tests,
        )
        check = RegressionCheck(
            self._bench,
            plan.sides.base,
            plan.sides.patched,
            runner=plan.runner,
            test_command=plan.test_command,
            overlay=plan.overlay,
            tests_of=lambda path: nearest_tests(path, content_of(path), plan.names),
            content_of=content_of,
            pinned=pins.is_pinned,
        )
        compared = check.run(
            plan.tests,
            leading=plan.leading,
            nearest=min(_NEAREST, plan.related),
            related=plan.related,
            small=_is_small(plan, trees),
        )
        regression = gathered.regression = pins.set_apart(compared)
        gathered.take((*check.findings, *pins.findings(regression), *lost_tests(regression)))
        gathered.not_checked += check.not_checked
        gathered.nearest_missed, gathered.stopped = check.nearest_missed, check.stopped

    def _result(self, decision: Decision) -> Proof:
        task, info, gathered, reason = self._inputs.task, self._bench.info, self._gathered, decision.reason
        held_back = self._plan.held_back if self._plan else ()
        not_checked = [*gathered.not_checked, *(f"{path}: replaced by the base's while judging" for path in held_back)]
        not_checked += [f"the environment: {lack}" for lack in self._inputs.lacks]
        if self._inputs.lacks and decision.verdict is Verdict.UNVERIFIED:
            reason = f"{reason} (the environment may be to blame: {self._inputs.lacks[0]})"
        judged = [path for path in self._changed if path not in held_back]
        built = [path for path in judged if path.endswith(_BUILT) or path in _BUILD_FILES]
        own = [path for path in judged if RUNNER_PACKAGES.intersection(path.split("/")[:-1])]
        not_checked += [f"{path}: it is part of the test runner that judges it" for path in own]
        if self._plan and self._plan.runner in _PYTHON_RUNNERS:
            not_checked += [f"{path}: the environment is not built again" for path in built]
        if info and not info.isolated:
            not_checked.append("anything outside the work tree: the local sandbox does not isolate")
        if gathered.regression.canary is CanaryState.NOT_PLANTED and gathered.regression.compared:
            not_checked.append("whether the runner reports failures: no failing test can be planted for it")
        return Proof(
            verdict=decision.verdict,
            reason=reason,
            cause=decision.cause,
            proved=decision.proved,
            task_id=task.id,
            repository=task.repository.name,
            base_commit=task.repository.base_commit,
            patch_sha256=self._patch.sha256,
            issue=task.issue.title,
            image=info.image if info else task.image,
            sandbox=info.kind if info else "",
            isolated=info.isolated if info else True,
            version=__version__,
            seconds=round(self._clock() - self._started, 2),
            changed_files=self._changed,
            held_back=held_back,
            findings=tuple(gathered.findings),
            reproductions=tuple(gathered.reproductions),
            regression=gathered.regression,
            commands=tuple(self._bench.commands),
            question=question_of(self._patch, self._inputs, self._settings.seconds, self._hash_seed),
            not_checked=tuple(dict.fromkeys(not_checked)),
        )


def _is_small(plan: Plan, trees: Trees) -> bool:
    """Whether all tests are run at once from the start, because they are few."""
    if len(plan.tests) > _SMALL_SUITE_FILES:
        return False
    return sum(map(len, trees.read_many(trees.base, plan.tests).values())) <= _SMALL_SUITE_BYTES
