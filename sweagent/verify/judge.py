"""From a patch to its proof."""

import time
from typing import NoReturn

from sweagent import __version__
from sweagent.config import VerifySettings
from sweagent.errors import SandboxError, UsageError
from sweagent.patch import Patch
from sweagent.task import Task
from sweagent.testing import Runner
from sweagent.trajectory import Reproduction
from sweagent.verify.bench import Bench, Clock, SandboxOpener
from sweagent.verify.plan import RUNNER_PACKAGES, Inputs, Plan, make_plan
from sweagent.verify.proof import (
    Finding,
    Origin,
    Proof,
    RegressionEvidence,
    ReproductionEvidence,
    Verdict,
    Weight,
)
from sweagent.verify.regression import RegressionCheck
from sweagent.verify.reproduction import judge
from sweagent.verify.review import accepted, review_reason
from sweagent.verify.selection import nearest_tests
from sweagent.verify.special_cases import known_by_heart
from sweagent.verify.tampering import find_tampering
from sweagent.verify.tree import Trees, open_trees

_NEAREST = 4
"""So many test files that have to do with the change are compared first."""

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
    issue_text: str = "",
    clock: Clock = time.monotonic,
) -> Proof:
    """Judge a patch: is it honest, does it resolve the issue, and does everything else go on working?

    Args:
        task: the repository, the issue, and the oracle when it has one.
        patch: what is judged.
        sandboxes: opens a fresh sandbox of the task's environment with the base tree; every run gets its own.
        reproduction: what the agent registered or the user gave.
        replaces: a reproduction that is a newer version of a test file takes its place among the existing tests too.
            A user may say so, because a fix can change what a test has to expect; never an agent.
        named_tests: tests to run first; those that fail on the base can show the issue.
        test_command: how the project runs its tests; empty takes the task's, or looks at the tree.
        settings: how much time there is, and what is let pass.
        issue_text: the issue; empty takes the task's.
        clock: monotonic seconds.

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
        issue_text=issue_text or task.issue.text,
        replaces=replaces,
    )
    return _Verification(patch, inputs, settings or VerifySettings(), sandboxes, clock).proof()


def verify_without_running(task: Task, patch: Patch, *, settings: VerifySettings | None = None) -> Proof | None:
    """Judge a patch for which no environment is needed: it is empty, does not apply, or changes only how it is judged.

    Args:
        task: as for `verify`.
        patch: what is judged.
        settings: what is let pass.

    Returns:
        The proof; None for a patch that has to be run.

    Raises:
        UsageError: the base commit cannot be used.
    """
    inputs = Inputs(task, None, (), task.test_command or "", task.issue.text)
    return _Verification(
        patch, inputs, settings or VerifySettings(), _no_sandbox, time.monotonic
    ).proof_without_running()


def _no_sandbox() -> NoReturn:
    raise AssertionError("nothing is run")


class _Verification:
    def __init__(
        self, patch: Patch, inputs: Inputs, settings: VerifySettings, sandboxes: SandboxOpener, clock: Clock
    ) -> None:
        self._patch, self._inputs, self._settings = patch, inputs, settings
        self._clock, self._started = clock, clock()
        self._bench = Bench(sandboxes, settings.seconds, clock)
        self._findings: list[Finding] = []
        self._reproductions: list[ReproductionEvidence] = []
        self._regression = RegressionEvidence()
        self._not_checked: list[str] = []
        self._tree = ""
        self._changed: tuple[str, ...] = ()
        self._plan: Plan | None = None
        self._nearest_missed = False
        self._proved = ""

    def proof(self) -> Proof:
        with open_trees(self._inputs.task.repository) as trees:
            return self._result(*(self._at_a_glance(trees) or self._judge(trees)))

    def proof_without_running(self) -> Proof | None:
        with open_trees(self._inputs.task.repository) as trees:
            said = self._at_a_glance(trees)
            return self._result(*said) if said else None

    def _at_a_glance(self, trees: Trees) -> tuple[Verdict, str] | None:
        if not self._patch:
            return Verdict.NO_PATCH, self._patch.blocked or "nothing was changed"
        try:
            self._tree = trees.apply(self._patch.text)
        except UsageError as error:
            return Verdict.UNVERIFIED, str(error)
        self._changed = tuple(change.path for change in trees.changes(trees.base, self._tree))
        if not self._changed:
            return Verdict.NO_PATCH, "the patch changes nothing"
        found = find_tampering(
            trees,
            self._tree,
            test_command=self._inputs.test_command,
            issue_text=self._inputs.issue_text,
            allow_tests=self._settings.allow_tests,
        )
        self._findings += accepted(found, self._settings.accept)
        return (Verdict.REJECTED, self._tampered) if self._tampered else None

    def _judge(self, trees: Trees) -> tuple[Verdict, str]:
        plan = self._plan = make_plan(trees, self._tree, self._inputs)
        self._reproductions += plan.unfit
        if not plan.changed:
            return Verdict.UNVERIFIED, "the patch changes only tests or the configuration of runners"
        try:
            unresolved = self._reproduce(plan, trees)
            if not self._tampered and not unresolved:
                self._compare(plan, trees)
        except SandboxError as error:
            return Verdict.UNVERIFIED, f"the environment failed: {error}"
        return self._verdict(unresolved)

    @property
    def _tampered(self) -> str:
        rejecting = (item for item in self._findings if item.weight is Weight.REJECT and not item.waived)
        finding = next(rejecting, None)
        return f"{finding.path}: {finding.detail}" if finding else ""

    def _reproduce(self, plan: Plan, trees: Trees) -> str:
        """Judge the candidates until one is accepted; say why when one shows that the issue is still there."""
        for candidate in plan.candidates:
            if self._bench.remaining < 1:
                self._not_checked.append(f"{candidate.name}: the time was used up")
                continue
            judged = judge(candidate, self._bench, plan.sides, self._inputs.issue_text)
            evidence = judged.evidence
            by_heart = known_by_heart(trees, self._tree, plan.changed, candidate)
            if evidence.accepted and by_heart and not candidate.trusted:
                evidence = evidence.model_copy(update={"accepted": False, "reason": by_heart})
            self._reproductions.append(evidence)
            self._findings += judged.findings
            if self._tampered or evidence.accepted:
                return ""
            if evidence.shows_issue and candidate.origin is not Origin.ISSUE:
                self._not_checked.append("the existing tests: the issue is not resolved yet")
                return f"{candidate.name}: {evidence.reason}"
        return ""

    def _compare(self, plan: Plan, trees: Trees) -> None:
        if plan.runner is Runner.UNKNOWN and not plan.test_command:
            self._not_checked.append("the existing tests: how this project runs its tests is not known")
            return
        if self._bench.remaining < 1:
            self._not_checked.append("the existing tests: the time was used up")
            self._nearest_missed = True
            return
        check = RegressionCheck(
            self._bench,
            plan.sides.base,
            plan.sides.patched,
            runner=plan.runner,
            test_command=plan.test_command,
            overlay=plan.overlay,
            tests_of=lambda path: _nearest_in(path, plan, trees),
            content_of=lambda path: _content_of(path, plan, trees),
        )
        self._regression = check.run(
            plan.tests, leading=plan.leading, nearest=min(_NEAREST, plan.related), related=plan.related
        )
        self._findings += check.findings
        self._not_checked += check.not_checked
        self._nearest_missed = check.nearest_missed

    def _verdict(self, unresolved: str) -> tuple[Verdict, str]:
        regression = self._regression
        if self._tampered:
            return Verdict.REJECTED, self._tampered
        if regression.regressions:
            names = ", ".join(item.id for item in regression.regressions[:3])
            more = len(regression.regressions) - 3
            return Verdict.REGRESSED, f"passed before and fails now: {names}{f' and {more} more' if more > 0 else ''}"
        if unresolved:
            return Verdict.UNVERIFIED, unresolved
        shown = next((item for item in self._reproductions if item.accepted), None)
        if shown is None:
            return Verdict.UNVERIFIED, f"no reproduction: {self._why_none()}"
        if regression.canary == "not seen":
            return Verdict.UNVERIFIED, "the test runner cannot be shown to run: a planted failing test was not reported"
        if not regression.compared and self._plan and self._plan.tests:
            return Verdict.UNVERIFIED, "none of the existing tests could be compared"
        if regression.unsettled:
            names = ", ".join(item.id for item in regression.unsettled[:3])
            return (
                Verdict.UNVERIFIED,
                f"passed before and failed once now, and there was no time to run it again: {names}",
            )
        if self._nearest_missed:
            return Verdict.UNVERIFIED, "the time was used up before the tests nearest to the change were compared"
        passed = regression.passed_before
        self._proved = (
            f"{shown.name} fails without the patch and passes with it; "
            f"{passed} existing {'test passes' if passed == 1 else 'tests pass'} as before"
        )
        to_review = [item for item in self._findings if item.weight is Weight.REVIEW and not item.waived]
        if to_review:
            return Verdict.NEEDS_REVIEW, review_reason(self._proved, to_review)
        return Verdict.VERIFIED, self._proved

    def _why_none(self) -> str:
        """What was given comes before what the harness tried by itself."""
        given = [item for item in self._reproductions if item.origin is not Origin.ISSUE]
        if given:
            return given[0].reason
        tried = "".join(f"; {item.name}: {item.reason}" for item in self._reproductions[:1])
        return f"nothing was given that shows the issue{tried}"

    def _result(self, verdict: Verdict, reason: str) -> Proof:
        task, info = self._inputs.task, self._bench.info
        held_back = self._plan.held_back if self._plan else ()
        not_checked = [*self._not_checked, *(f"{path}: replaced by the base's while judging" for path in held_back)]
        judged = [path for path in self._changed if path not in held_back]
        built = [path for path in judged if path.endswith(_BUILT) or path in _BUILD_FILES]
        own = [path for path in judged if RUNNER_PACKAGES.intersection(path.split("/")[:-1])]
        not_checked += [f"{path}: it is part of the test runner that judges it" for path in own]
        if self._plan and self._plan.runner in _PYTHON_RUNNERS:
            not_checked += [f"{path}: the environment is not built again" for path in built]
        if info and not info.isolated:
            not_checked.append("anything outside the work tree: the local sandbox does not isolate")
        if self._regression.canary == "not planted" and self._regression.compared:
            not_checked.append("whether the runner reports failures: no failing test can be planted for it")
        return Proof(
            verdict=verdict,
            reason=reason,
            proved=self._proved,
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
            findings=tuple(self._findings),
            reproductions=tuple(self._reproductions),
            regression=self._regression,
            commands=tuple(self._bench.commands),
            not_checked=tuple(dict.fromkeys(not_checked)),
        )


def _nearest_in(path: str, plan: Plan, trees: Trees) -> tuple[str, ...]:
    """The tests of a file that are nearest to the change."""
    return nearest_tests(path, _content_of(path, plan, trees), plan.names)


def _content_of(path: str, plan: Plan, trees: Trees) -> bytes:
    return plan.overlay.get(path) or trees.read(trees.base, path) or b""
