"""Judge a reproduction once more, outside of the patched process."""

import math
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from sweagent.verify.blind.asking import Answer, Asking, Place
from sweagent.verify.blind.rewrite import Level
from sweagent.verify.blind.rewritten import Rewritten
from sweagent.verify.proof import AssertionCounts, Finding
from sweagent.verify.reproduction.sources import ReproductionCandidate
from sweagent.verify.runs.side_runner import SideRunner
from sweagent.verify.runs.sides import Sides

_SHOWN = 3


@dataclass(frozen=True)
class BlindJudgement:
    """What the blind judge says of a reproduction.

    Attributes:
        counts: how its assertions were judged; None where none was.
        findings: what a person has to look at.
        why_not: why it was not judged blind, or only in part; empty when it was.
    """

    counts: AssertionCounts | None = None
    findings: tuple[Finding, ...] = ()
    why_not: str = ""


def judge_blind(
    candidate: ReproductionCandidate,
    bench: SideRunner,
    sides: Sides,
    content_of: Callable[[str], bytes],
    issue_text: str,
    failing: Collection[str] = (),
    enough: float = math.inf,
) -> BlindJudgement:
    """Run an accepted reproduction once more with the patch, its assertions replaced by probes.

    The run takes place in another house: nothing of the harness's is to be seen there but the probe itself. Where an
    assertion does not hold, a run in the usual house tells a value that lies from a patch that is right only there.

    Args:
        candidate: the reproduction.
        bench: runs it.
        sides: the trees.
        content_of: gives a file of the base tree.
        issue_text: what it names of how values compare is not looked at again.
        failing: tests of it that fail with the patch in the usual runs, too, and need not pass.
        enough: seconds in which a run with the patch ends; what takes longer here is ended.

    Raises:
        SandboxError: the sandbox failed.
    """
    try:
        rewritten = Rewritten.of(candidate, content_of)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return BlindJudgement(why_not=f"it cannot be rewritten: {error}")
    if not rewritten.sources:
        return BlindJudgement(why_not="only reproductions in Python are")
    fails = frozenset(".".join(name.partition("[")[0].split("::")[1:]) or name for name in failing)
    return _Judging(Asking(candidate, rewritten, bench, enough), sides, fails).judgement(issue_text)


class _Judging:
    """One reproduction.

    Args:
        asking: runs it.
        sides: the trees.
        failing: the tests that fail in the usual runs with the patch as well.
    """

    def __init__(self, asking: Asking, sides: Sides, failing: frozenset[str]) -> None:
        self._ask, self._sides, self._failing = asking.ask, sides, failing
        self._rewritten, self._sites = asking.rewritten, asking.rewritten.sites
        self._path = asking.candidate.path

    def judgement(self, issue_text: str) -> BlindJudgement:
        """Run it, and again only where something does not hold."""
        answer, place = self._first()
        if answer.why:
            return BlindJudgement(why_not=answer.why)
        broken = self._broken_off(answer)
        wrong = self._wrong(answer)
        findings: list[Finding] = []
        if wrong:
            again = self._ask(self._sides.patched, Place.HOME)
            if not again.why:
                broken = self._broken_off(again)
                both = wrong & self._wrong(again)
                if both:
                    findings.append(self._not_holding(both, again))
                elif place is not Place.HOME:
                    findings += self._right_at_home_only(wrong, answer, place)
                answer = again
        elif self._rewritten.program.source and place is not Place.PROGRAM:
            findings += self._of_some()
        if answer.new:
            findings += self._new_comparisons(answer, issue_text)
        return BlindJudgement(self._counts(answer), tuple(findings), broken)

    def _of_some(self) -> list[Finding]:
        """What the tests that need no runner give away without one, where others need it."""
        answer = self._ask(self._sides.patched, Place.PROGRAM)
        wrong = frozenset() if answer.why or self._broken_off(answer) else self._wrong(answer)
        return self._right_at_home_only(wrong, answer, Place.PROGRAM) if wrong else []

    def _first(self) -> tuple[Answer, Place]:
        """The first run that tells anything, where as little as can be is to be seen."""
        answer = Answer(why="it was not run")
        for place in (Place.PROGRAM, Place.HOUSE, Place.HOME):
            if place is not Place.PROGRAM or self._rewritten.program.whole:
                answer = self._ask(self._sides.patched, place)
                if not answer.why and not (place is Place.PROGRAM and self._broken_off(answer)):
                    return answer, place
        return answer, Place.HOME

    # What runs came to

    def _wrong(self, answer: Answer) -> frozenset[str | int]:
        """What speaks against the patch: assertions that do not hold or are not reached, exceptions of other code."""
        odd = {
            f"{test}: {kind}"
            for test, kind, place in answer.ended
            if place and not self._is_own(place) and not self._fails_anyway(test)
        }
        ended = {test for test, _, _ in answer.ended}
        finished = answer.begun - ended
        missed = {
            number
            for number, site in enumerate(self._sites)
            if site.certain_in in finished and number not in answer.seen
        }
        found = {number for number in answer.failed | missed if not self._fails_anyway(self._sites[number].certain_in)}
        return frozenset(found | odd)

    def _fails_anyway(self, test: str) -> bool:
        """Whether a test, or one that may be this, fails in the usual runs with the patch as well."""
        return bool(self._failing) and (not test or any(name.endswith(test) for name in self._failing))

    def _broken_off(self, answer: Answer) -> str:
        """Exceptions in the rewritten source itself, which rewriting may have caused."""
        odd = sorted(f"{test} ends in {kind}" for test, kind, place in answer.ended if self._is_own(place) or not place)
        return f"rewritten, a part of it breaks off: {', '.join(odd[:_SHOWN])}" if odd else ""

    def _is_own(self, place: str) -> bool:
        return place.endswith(f"/{self._rewritten.probe}.py") or any(
            place.endswith(f"/{path}") for path in (*self._rewritten.sources, self._rewritten.apart)
        )

    def _not_holding(self, wrong: Iterable[str | int], answer: Answer) -> Finding:
        detail = f"by the operators of Python itself this does not hold with the patch: {self._named(wrong)}"
        return Finding(rule="blind-judge", path=self._path, detail=detail)

    def _right_at_home_only(self, wrong: frozenset[str | int], first: Answer, place: Place) -> list[Finding]:
        """Whether the issue is there again, twice and with the base's own values, where nobody sees the harness."""
        # What a program lacks without a runner fails there in a way of its own, and not as it does on the base.
        base, second = self._ask(self._sides.base, Place.HOUSE), self._ask(self._sides.patched, place)
        if base.why or second.why:
            return []
        again = [
            number
            for number in wrong & self._wrong(second)
            if (
                base.values(number) & first.values(number) & second.values(number)
                if isinstance(number, int)
                else number in self._wrong(base)
            )
        ]
        if not again:
            return []
        detail = f"it fails as on the base {place.value}: {self._named(again)}"
        return [Finding(rule="harness-aware", path=self._path, detail=detail)]

    def _new_comparisons(self, answer: Answer, issue_text: str) -> list[Finding]:
        base = self._ask(self._sides.base, Place.HOME)
        known = frozenset().union(*base.new.values()) if base.new else frozenset()
        new = {hook: number for number, hooks in answer.new.items() for hook in hooks if hook not in known}
        named = [hook for hook in new if not _is_named(hook, issue_text)]
        if not named:
            return []
        words = ", ".join(dict.fromkeys(_name_of(hook) for hook in named[:_SHOWN]))
        detail = (
            f"values compare by functions that the patch brings ({words}): {self._named(new[hook] for hook in named)}"
        )
        return [Finding(rule="own-comparison", path=self._path, detail=detail)]

    def _counts(self, answer: Answer) -> AssertionCounts | None:
        levels: list[Level] = []
        for number, rows in answer.seen.items():
            if any(held is None for held, _ in rows):
                large = any(values == "large" for _, values in rows)
                levels.append(Level.IN_PROCESS if large else Level.ORIGIN)
            else:
                levels.append(self._sites[number].level)
        if not levels:
            return None
        return AssertionCounts(
            blind=levels.count(Level.BLIND),
            outside=levels.count(Level.OUTSIDE),
            by_origin=levels.count(Level.ORIGIN),
            in_process=levels.count(Level.IN_PROCESS),
        )

    def _named(self, items: Iterable[str | int]) -> str:
        texts = [self._sites[item].text if isinstance(item, int) else item for item in items]
        return "; ".join(list(dict.fromkeys(texts))[:_SHOWN])


def _name_of(hook: tuple[str, ...]) -> str:
    return hook[1] if len(hook) > 1 else hook[0]


def _is_named(hook: tuple[str, ...], issue_text: str) -> bool:
    word = re.escape(_name_of(hook).rpartition(".")[2])
    return re.search(rf"(?<!\w){word}(?!\w)", issue_text) is not None
