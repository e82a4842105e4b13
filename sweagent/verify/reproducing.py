"""Judge the reproductions of a plan, and what accepted ones give away."""

from dataclasses import replace
from functools import partial

from sweagent.verify.blind.judging import judge_blind
from sweagent.verify.gathered import Gathered
from sweagent.verify.plan import Plan
from sweagent.verify.proof import Author, Cause, Finding, Origin, ReproductionEvidence, Side, Weight
from sweagent.verify.reproduction import neighbours
from sweagent.verify.reproduction.another_house import right_only_at_home
from sweagent.verify.reproduction.hardcoded_answers import known_by_heart
from sweagent.verify.reproduction.issue_snippets import unchanged_output
from sweagent.verify.reproduction.own_names import only_of_the_patch
from sweagent.verify.reproduction.sources import ReproductionCandidate
from sweagent.verify.reproduction.trial import Judged, judge
from sweagent.verify.runs.side_runner import SideRunner, SideTree
from sweagent.verify.trees import Trees


class Reproducing:
    """The step of a verification that runs reproductions.

    Args:
        plan: names the candidates.
        trees: gives the base tree and the patched one.
        patched: the tree with the whole patch.
        bench: runs commands.
        issue_text: of the task.
        gathered: is added to.
    """

    def __init__(
        self, plan: Plan, trees: Trees, patched: str, bench: SideRunner, issue_text: str, gathered: Gathered
    ) -> None:
        self._plan, self._trees, self._tree = plan, trees, patched
        self._bench, self._issue, self._gathered = bench, issue_text, gathered
        self._content = partial(plan.content_of, trees=trees)

    def rejects_what_judges(self) -> bool:
        """Judge a patch of tests and of what runs them, which resolves nothing.

        Returns:
            Whether a reproduction passes by it, or a run was tampered with, so that it is rejected.

        Raises:
            SandboxError: the sandbox failed.
        """
        whole = SideTree.of(Side.PATCHED, self._trees, self._trees.changes(self._trees.base, self._tree))
        sides = replace(self._plan.sides, patched=whole)
        for candidate in self._plan.candidates:
            if candidate.origin is Origin.PATCH or self._bench.remaining < 1:
                continue
            judged = judge(candidate, self._bench, sides, self._issue)
            evidence = judged.evidence
            self._gathered.findings += judged.findings
            if evidence.accepted:
                detail = f"it changes only how it is judged, and {candidate.name} passes by that alone"
                evidence = evidence.model_copy(update={"accepted": False, "reason": detail})
                path = ", ".join(self._plan.held_back[:3])
                found = Finding(rule="only-judging", path=path, detail=detail, weight=Weight.REJECT)
                self._gathered.findings.append(found)
            self._gathered.reproductions.append(evidence)
            if self._gathered.tampered:
                return True
        return False

    def unresolved(self) -> str:
        """Judge the candidates until one is accepted, and all that were registered or given.

        Returns:
            Why nothing more is to be run: one shows that the issue is still there, or nothing can be judged here.

        Raises:
            SandboxError: the sandbox failed.
        """
        gathered = self._gathered
        for candidate in self._plan.candidates:
            if not self._has_a_say(candidate):
                continue
            if self._bench.remaining < 1:
                gathered.not_checked.append(f"{candidate.name}: the time was used up")
                gathered.too_late.append(candidate.name)
                continue
            judged = judge(candidate, self._bench, self._plan.sides, self._issue)
            evidence = judged.evidence
            if evidence.accepted:
                gathered.take(self._read_beside_the_patch(candidate))
                # Of a run that ends well on both sides no assertion tells them apart.
                if not candidate.faster:
                    evidence = self._judged_blind(judged, candidate)
                    gathered.take(self._varied(judged))
            gathered.reproductions.append(evidence)
            gathered.take(judged.findings)
            if gathered.tampered:
                return ""
            # What an issue prints may fail for more than one reason: it counts where nothing about it has changed.
            counts = candidate.origin is not Origin.ISSUE or judged.same_end
            if evidence.shows_issue and not evidence.accepted and counts:
                gathered.not_checked.append("the existing tests: the issue is not resolved yet")
                return f"{candidate.name}: {evidence.reason}"
            if evidence.cause is Cause.HARNESS:
                break
        self._look_at_who_showed_it()
        return self._nothing_can_be_judged()

    def _look_at_who_showed_it(self) -> None:
        gathered, shown = self._gathered, self._gathered.shown
        if shown and all(item.author is Author.PATCH for item in shown):
            detail = "is all that shows the issue, and the patch itself brings it"
            gathered.take([Finding(rule="own-test", path=shown[0].name, detail=detail)])
        if shown and not gathered.task_vouches and self._bench.remaining > 1:
            package = self._trees.read(self._trees.base, "package.json") or b""
            same = unchanged_output(self._issue, self._bench, self._plan.sides, package)
            gathered.take([same] if same else [])

    def _read_beside_the_patch(self, candidate: ReproductionCandidate) -> list[Finding]:
        """What the patch knows of an accepted reproduction, or the reproduction of the patch."""
        found: list[Finding | None] = []
        changed = self._plan.changed
        if not candidate.trusted:
            found.append(known_by_heart(self._trees, self._tree, changed, candidate))
        if candidate.author is Author.MODEL:
            found.append(only_of_the_patch(self._trees, self._tree, changed, candidate, self._issue))
        return [item for item in found if item]

    def _has_a_say(self, candidate: ReproductionCandidate) -> bool:
        """Whether a candidate is judged after what was accepted: the issue's own code is, unless the task vouches."""
        if not self._gathered.shown or candidate.origin is Origin.REGISTERED:
            return True
        return candidate.origin is Origin.ISSUE and not self._gathered.task_vouches

    def _judged_blind(self, judged: Judged, candidate: ReproductionCandidate) -> ReproductionEvidence:
        """An accepted reproduction after its assertions were judged outside of the patched process."""
        evidence, candidate, sides = judged.evidence, judged.as_run or candidate, self._plan.sides
        told = judge_blind(candidate, self._bench, sides, self._content, self._issue, judged.failing, judged.enough)
        found = list(told.findings)
        if told.counts is None:
            at_home = right_only_at_home(candidate, self._bench, sides)
            found += [at_home] if at_home else []
        self._gathered.take(found)
        if told.why_not:
            why = f"the assertions of {candidate.name} outside of the process: {told.why_not}"
            self._gathered.not_checked.append(why)
        return evidence.model_copy(update={"assertions": told.counts})

    def _varied(self, judged: Judged) -> list[Finding]:
        """What runs of an accepted reproduction with other literals give away."""
        candidate, trees, changed = judged.as_run, self._trees, self._plan.changed
        if candidate is None or judged.without is None or candidate.trusted or candidate.origin is Origin.ISSUE:
            return []
        found = neighbours.known_by_heart(
            candidate,
            self._bench,
            self._plan.sides,
            neighbours.ChangedText(trees.read_many(trees.base, changed), trees.read_many(self._tree, changed)),
            self._content,
            partial(neighbours.knows_word, trees),
            judged.without,
        )
        return [found] if found else []

    def _nothing_can_be_judged(self) -> str:
        """Why no run shows anything in this environment, or because of the harness; empty when that is not so."""
        gathered = self._gathered
        causes = (Cause.HARNESS,) if gathered.shown else (Cause.HARNESS, Cause.ENVIRONMENT)
        stopped = next((item for item in gathered.reproductions if item.cause in causes), None)
        if stopped is None or stopped.cause is None:
            return ""
        gathered.not_checked.append(f"the existing tests: {stopped.cause.value} has to be mended first")
        return f"{stopped.name}: {stopped.reason}"
