"""Judge a patch and prove the verdict."""

import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
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
from sweagent.verify.acceptance import accepted, lost_tests, review_reason
from sweagent.verify.blind.judging import judge_blind
from sweagent.verify.comparison.pinned_tests import Pins
from sweagent.verify.comparison.regression import RegressionCheck
from sweagent.verify.comparison.selection import nearest_tests
from sweagent.verify.oracle import Oracle
from sweagent.verify.plan import RUNNER_PACKAGES, Inputs, Plan, make_plan
from sweagent.verify.progress import Listener
from sweagent.verify.proof import (
    Author,
    CanaryState,
    Cause,
    Finding,
    Origin,
    Proof,
    RegressionEvidence,
    ReproductionEvidence,
    Weight,
)
from sweagent.verify.recheck import question_of
from sweagent.verify.reproduction import neighbours
from sweagent.verify.reproduction.another_house import right_only_at_home
from sweagent.verify.reproduction.hardcoded_answers import known_by_heart
from sweagent.verify.reproduction.issue_snippets import unchanged_output
from sweagent.verify.reproduction.own_names import only_of_the_patch
from sweagent.verify.reproduction.sources import ReproductionCandidate
from sweagent.verify.reproduction.trial import Judged, judge
from sweagent.verify.runs.kept_results import KeptResults
from sweagent.verify.runs.side_runner import Clock, SandboxOpener, SideRunner, SideTree
from sweagent.verify.sentences import listed, proved, regressed
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
        self._findings: list[Finding] = []
        self._reproductions: list[ReproductionEvidence] = []
        self._regression = RegressionEvidence()
        self._not_checked: list[str] = []
        self._too_late: list[str] = []
        self._tree = ""
        self._changed: tuple[str, ...] = ()
        self._plan: Plan | None = None
        self._nearest_missed = False
        self._stopped = ""
        self._proved = ""
        self._cause: Cause | None = None

    def proof(self) -> Proof:
        with closing(self._bench), open_trees(self._inputs.task.repository) as trees:
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
            issue_text=self._inputs.task.issue.text,
            allow_tests=self._settings.allow_tests,
            project=self._inputs.task.repository.name.rpartition("/")[2],
        )
        self._findings += accepted(found, self._settings.accept)
        return None

    def _judge(self, trees: Trees) -> tuple[Verdict, str]:
        plan = self._plan = make_plan(trees, self._tree, self._inputs)
        self._bench.watched, self._bench.packages = plan.watched, plan.packages
        self._reproductions += plan.unfit
        try:
            if not plan.changed:
                return self._judge_harness_only(plan, trees)
            unresolved = self._reproduce(plan, trees)
            if not self._tampered and not unresolved:
                self._compare(plan, trees)
        except SandboxError as error:
            self._cause = Cause.ENVIRONMENT
            return Verdict.UNVERIFIED, f"the environment failed: {error}"
        return self._verdict(unresolved)

    def _judge_harness_only(self, plan: Plan, trees: Trees) -> tuple[Verdict, str]:
        """A patch of tests and of what runs them resolves nothing; one by which a reproduction passes is rejected."""
        whole = SideTree.of("patched", trees, trees.changes(trees.base, self._tree))
        for candidate in plan.candidates:
            if candidate.origin is Origin.PATCH or self._bench.remaining < 1:
                continue
            judged = judge(candidate, self._bench, replace(plan.sides, patched=whole), self._inputs.task.issue.text)
            evidence = judged.evidence
            self._findings += judged.findings
            if evidence.accepted:
                detail = f"it changes only how it is judged, and {candidate.name} passes by that alone"
                evidence = evidence.model_copy(update={"accepted": False, "reason": detail})
                path = ", ".join(plan.held_back[:3])
                self._findings.append(Finding(rule="only-judging", path=path, detail=detail, weight=Weight.REJECT))
            self._reproductions.append(evidence)
            if self._tampered:
                return Verdict.REJECTED, self._tampered
        self._cause = Cause.PATCH
        return Verdict.UNVERIFIED, "the patch changes only tests or the configuration of runners"

    @property
    def _tampered(self) -> str:
        rejecting = (item for item in self._findings if item.weight is Weight.REJECT and not item.waived)
        finding = next(rejecting, None)
        return f"{finding.path}: {finding.detail}" if finding else ""

    def _reproduce(self, plan: Plan, trees: Trees) -> str:
        """Judge the candidates until one is accepted, and all that were registered or given.

        Returns:
            Why nothing more is to be run: one shows that the issue is still there, or nothing can be judged here.
        """
        for candidate in plan.candidates:
            if not self._has_a_say(candidate):
                continue
            if self._bench.remaining < 1:
                self._not_checked.append(f"{candidate.name}: the time was used up")
                self._too_late.append(candidate.name)
                continue
            judged = judge(candidate, self._bench, plan.sides, self._inputs.task.issue.text)
            evidence = judged.evidence
            if evidence.accepted:
                found = self._read_beside_the_patch(candidate, plan, trees)
                self._findings += accepted(found, self._settings.accept)
                # Of a run that ends well on both sides no assertion tells them apart.
                if not candidate.faster:
                    evidence = self._judged_blind(judged, candidate, plan, trees)
                    self._findings += accepted(self._varied(judged, plan, trees), self._settings.accept)
            self._reproductions.append(evidence)
            self._findings += accepted(judged.findings, self._settings.accept)
            if self._tampered:
                return ""
            # What an issue prints may fail for more than one reason: it counts where nothing about it has changed.
            counts = candidate.origin is not Origin.ISSUE or judged.same_end
            if evidence.shows_issue and not evidence.accepted and counts:
                self._not_checked.append("the existing tests: the issue is not resolved yet")
                return f"{candidate.name}: {evidence.reason}"
            if evidence.cause is Cause.HARNESS:
                break
        if self._shown and all(item.author is Author.PATCH for item in self._shown):
            detail = "is all that shows the issue, and the patch itself brings it"
            found = [Finding(rule="own-test", path=self._shown[0].name, detail=detail)]
            self._findings += accepted(found, self._settings.accept)
        if self._shown and Author.TASK not in {item.author for item in self._shown} and self._bench.remaining > 1:
            package = trees.read(trees.base, "package.json") or b""
            same = unchanged_output(self._inputs.task.issue.text, self._bench, plan.sides, package)
            self._findings += accepted([same] if same else [], self._settings.accept)
        return self._nothing_can_be_judged()

    def _read_beside_the_patch(self, candidate: ReproductionCandidate, plan: Plan, trees: Trees) -> list[Finding]:
        """What the patch knows of an accepted reproduction, or the reproduction of the patch."""
        found: list[Finding | None] = []
        if not candidate.trusted:
            found.append(known_by_heart(trees, self._tree, plan.changed, candidate))
        if candidate.author is Author.MODEL:
            issue = self._inputs.task.issue.text
            found.append(only_of_the_patch(trees, self._tree, plan.changed, candidate, issue))
        return [item for item in found if item]

    def _has_a_say(self, candidate: ReproductionCandidate) -> bool:
        """Whether a candidate is judged after what was accepted: the issue's own code is, unless the task vouches."""
        if not self._shown or candidate.origin is Origin.REGISTERED:
            return True
        return candidate.origin is Origin.ISSUE and Author.TASK not in {item.author for item in self._shown}

    def _judged_blind(
        self,
        judged: Judged,
        candidate: ReproductionCandidate,
        plan: Plan,
        trees: Trees,
    ) -> ReproductionEvidence:
        """An accepted reproduction after its assertions were judged outside of the patched process."""
        evidence, candidate = judged.evidence, judged.as_run or candidate
        issue = self._inputs.task.issue.text
        content = partial(_content_of, plan=plan, trees=trees)
        told = judge_blind(candidate, self._bench, plan.sides, content, issue, judged.failing, judged.enough)
        found = list(told.findings)
        if told.counts is None:
            at_home = right_only_at_home(candidate, self._bench, plan.sides)
            found += [at_home] if at_home else []
        self._findings += accepted(found, self._settings.accept)
        if told.why_not:
            self._not_checked.append(f"the assertions of {candidate.name} outside of the process: {told.why_not}")
        return evidence.model_copy(update={"assertions": told.counts})

    def _varied(self, judged: Judged, plan: Plan, trees: Trees) -> list[Finding]:
        """What runs of an accepted reproduction with other literals give away."""
        candidate = judged.as_run
        if candidate is None or judged.without is None or candidate.trusted or candidate.origin is Origin.ISSUE:
            return []
        found = neighbours.known_by_heart(
            candidate,
            self._bench,
            plan.sides,
            neighbours.ChangedText(
                trees.read_many(trees.base, plan.changed), trees.read_many(self._tree, plan.changed)
            ),
            partial(_content_of, plan=plan, trees=trees),
            partial(neighbours.knows_word, trees),
            judged.without,
        )
        return [found] if found else []

    @property
    def _shown(self) -> list[ReproductionEvidence]:
        return [item for item in self._reproductions if item.accepted]

    @property
    def _given(self) -> list[ReproductionEvidence]:
        """Those that somebody gave, rather than what the harness tried by itself."""
        return [item for item in self._reproductions if item.origin is not Origin.ISSUE]

    def _nothing_can_be_judged(self) -> str:
        """Why no run shows anything in this environment, or because of the harness; empty when that is not so."""
        causes = (Cause.HARNESS,) if self._shown else (Cause.HARNESS, Cause.ENVIRONMENT)
        stopped = next((item for item in self._reproductions if item.cause in causes), None)
        if stopped is None or stopped.cause is None:
            return ""
        self._not_checked.append(f"the existing tests: {stopped.cause.value} has to be mended first")
        return f"{stopped.name}: {stopped.reason}"

    def _compare(self, plan: Plan, trees: Trees) -> None:
        if plan.runner is Runner.UNKNOWN and not plan.test_command:
            self._not_checked.append("the existing tests: how this project runs its tests is not known")
            return
        if self._bench.remaining < 1:
            self._not_checked.append("the existing tests: the time was used up")
            self._nearest_missed = True
            return
        pins = Pins(
            [item for item in plan.candidates if item.name in {shown.name for shown in self._shown}],
            lambda path: _content_of(path, plan, trees),
            plan.tests,
        )
        check = RegressionCheck(
            self._bench,
            plan.sides.base,
            plan.sides.patched,
            runner=plan.runner,
            test_command=plan.test_command,
            overlay=plan.overlay,
            tests_of=lambda path: _nearest_in(path, plan, trees),
            content_of=lambda path: _content_of(path, plan, trees),
            pinned=pins.is_pinned,
        )
        compared = check.run(
            plan.tests,
            leading=plan.leading,
            nearest=min(_NEAREST, plan.related),
            related=plan.related,
            small=_is_small(plan, trees),
        )
        self._regression = pins.set_apart(compared)
        found = (*check.findings, *pins.findings(self._regression), *lost_tests(self._regression))
        self._findings += accepted(found, self._settings.accept)
        self._not_checked += check.not_checked
        self._nearest_missed, self._stopped = check.nearest_missed, check.stopped

    def _verdict(self, unresolved: str) -> tuple[Verdict, str]:
        regression = self._regression
        if self._tampered:
            return Verdict.REJECTED, self._tampered
        if regression.regressions:
            return Verdict.REGRESSED, regressed(regression)
        if unresolved:
            self._cause = _cause_of(self._reproductions)
            return Verdict.UNVERIFIED, unresolved
        shown = next((item for item in self._reproductions if item.accepted), None)
        if shown is None and self._too_late and not self._given:
            self._cause = Cause.TIME
            return Verdict.UNVERIFIED, f"the time was used up before {self._too_late[0]} could be run"
        if shown is None:
            self._cause = _cause_of(self._reproductions)
            return Verdict.UNVERIFIED, f"no reproduction: {self._why_none()}"
        if doubt := self._doubt_of_the_tests():
            self._cause, reason = doubt
            return Verdict.UNVERIFIED, reason
        self._proved = proved(shown, regression)
        to_review = [item for item in self._findings if item.weight is Weight.REVIEW and not item.waived]
        if to_review:
            return Verdict.NEEDS_REVIEW, review_reason(self._proved, to_review)
        return Verdict.VERIFIED, self._proved

    def _doubt_of_the_tests(self) -> tuple[Cause, str] | None:
        """Why the existing tests do not speak for a patch that its reproduction does, and what has to be mended."""
        regression = self._regression
        if self._stopped and not regression.compared:
            return Cause.ENVIRONMENT, f"the existing tests could not be compared: {self._stopped}"
        if regression.canary is CanaryState.NOT_SEEN:
            reason = "the test runner cannot be shown to run: the canary, a test that must fail, was not reported"
            return Cause.ENVIRONMENT, reason
        if not regression.compared and self._plan and self._plan.tests:
            reason = "none of the existing tests could be compared"
            late = self._nearest_missed and self._bench.remaining < 1
            return (Cause.TIME, f"{reason} in the time there was") if late else (Cause.ENVIRONMENT, reason)
        if regression.unsettled:
            names = listed(item.id for item in regression.unsettled)
            return Cause.TIME, f"passed before and failed once now, and there was no time to run it again: {names}"
        if self._nearest_missed:
            return Cause.TIME, "the time was used up before the tests nearest to the change were compared"
        if elsewhere := self._bench.strays_of("tests"):
            return Cause.ENVIRONMENT, f"the existing tests prove nothing: {elsewhere[0]}"
        return None

    def _why_none(self) -> str:
        """What was given comes before what the harness tried by itself."""
        if self._given:
            return self._given[0].reason
        tried = "".join(f"; {item.name}: {item.reason}" for item in self._reproductions[:1])
        return f"nothing was given that shows the issue{tried}"

    def _result(self, verdict: Verdict, reason: str) -> Proof:
        task, info = self._inputs.task, self._bench.info
        held_back = self._plan.held_back if self._plan else ()
        not_checked = [*self._not_checked, *(f"{path}: replaced by the base's while judging" for path in held_back)]
        not_checked += [f"the environment: {lack}" for lack in self._inputs.lacks]
        if self._inputs.lacks and verdict is Verdict.UNVERIFIED:
            reason = f"{reason} (the environment may be to blame: {self._inputs.lacks[0]})"
        judged = [path for path in self._changed if path not in held_back]
        built = [path for path in judged if path.endswith(_BUILT) or path in _BUILD_FILES]
        own = [path for path in judged if RUNNER_PACKAGES.intersection(path.split("/")[:-1])]
        not_checked += [f"{path}: it is part of the test runner that judges it" for path in own]
        if self._plan and self._plan.runner in _PYTHON_RUNNERS:
            not_checked += [f"{path}: the environment is not built again" for path in built]
        if info and not info.isolated:
            not_checked.append("anything outside the work tree: the local sandbox does not isolate")
        if self._regression.canary is CanaryState.NOT_PLANTED and self._regression.compared:
            not_checked.append("whether the runner reports failures: no failing test can be planted for it")
        return Proof(
            verdict=verdict,
            reason=reason,
            cause=self._cause,
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
            question=question_of(self._patch, self._inputs, self._settings.seconds, self._hash_seed),
            not_checked=tuple(dict.fromkeys(not_checked)),
        )


def _is_small(plan: Plan, trees: Trees) -> bool:
    """Whether all tests are run at once from the start, because they are few."""
    if len(plan.tests) > _SMALL_SUITE_FILES:
        return False
    return sum(map(len, trees.read_many(trees.base, plan.tests).values())) <= _SMALL_SUITE_BYTES


def _cause_of(reproductions: Iterable[ReproductionEvidence]) -> Cause:
    """What has to be mended where nothing was accepted: what somebody can mend at once comes first.

    What was registered or given goes before what the harness took besides, such as tests that were merely run.
    """
    given = [item for item in reproductions if item.origin is not Origin.ISSUE]
    own = [item for item in given if item.origin is Origin.REGISTERED]
    causes = {item.cause for item in own or given if item.cause}
    order = (Cause.HARNESS, Cause.ENVIRONMENT, Cause.PATCH, Cause.REPRODUCTION, Cause.TIME)
    return next((cause for cause in order if cause in causes), Cause.REPRODUCTION)


def _nearest_in(path: str, plan: Plan, trees: Trees) -> tuple[str, ...]:
    """The tests of a file that are nearest to the change."""
    return nearest_tests(path, _content_of(path, plan, trees), plan.names)


def _content_of(path: str, plan: Plan, trees: Trees) -> bytes:
    return plan.overlay.get(path) or trees.read(trees.base, path) or b""
