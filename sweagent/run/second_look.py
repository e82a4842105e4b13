"""Second look at a run's choice, where the settings ask for it."""

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweagent.errors import UsageError
from sweagent.patch_store import Candidate
from sweagent.run.designed_tests import ENOUGH, design_tests
from sweagent.run.evidence import CandidateEvidence, Choice, Evidence
from sweagent.run.reviewing import preferred, review
from sweagent.run.selectors import Features, Selector, agreement, best_verdict, by_score, features_of, majority
from sweagent.trajectory import Reproduction
from sweagent.verdict import Verdict

if TYPE_CHECKING:
    from sweagent.run.run import Run

SELF = "self"
_SHIPPED = (agreement, best_verdict, majority)
"""Selectors that a scorer takes the place of, and whose ties a judge may break; a strategy's own one stands."""


class SecondLook:
    """What `verify.tester`, `strategy.scorer` and `review` add to a choice. Without them it does nothing.

    Args:
        run: the run as a whole.
    """

    def __init__(self, run: "Run") -> None:
        self._run = run
        self._tests: tuple[Reproduction, ...] | None = None

    def check(self) -> None:
        """See that models and scorer can be used, before anything is spent.

        Raises:
            UsageError: one cannot.
        """
        settings = self._run.settings
        for model in filter(None, (settings.review, settings.verify.tester)):
            self._run.check(**self._settings_of(model))
        if settings.strategy.scorer:
            load_scorer(settings.strategy.scorer)

    def before(self, selector: Selector, evidence: Evidence) -> tuple[Selector, Evidence]:
        """Run the tests of an independent designer on the verified candidates, and let a user's scorer choose."""
        settings = self._run.settings
        if settings.verify.tester and evidence.verified and not evidence.weakening:
            evidence = self._tested(evidence)
        if settings.strategy.scorer and selector in _SHIPPED:
            selector = by_score(load_scorer(settings.strategy.scorer), settings.strategy.scorer.stem)
        return selector, evidence

    def after(self, selector: Selector, choice: Choice, evidence: Evidence) -> Choice:
        """Let a judge break the last tie, and have what was chosen reviewed once."""
        if not self._run.settings.review or choice.candidate is None or not choice.candidate.patch:
            return choice
        if selector in _SHIPPED and not choice.abstained:
            choice = self._untied(choice, choice.candidate, evidence)
        return self._reviewed(choice)

    def _tested(self, evidence: Evidence) -> Evidence:
        run = self._run
        if self._tests is None:
            self._tests = design_tests(run, **self._settings_of(run.settings.verify.tester))
        verified = [item.candidate for item in evidence.items if item.verdict is Verdict.VERIFIED]
        judged = run.verify(verified, weakening=self._tests, weakened_by=ENOUGH)
        rows = {item.candidate.number: item for item in judged.items}
        items = (
            item.model_copy(update={"weakening": row.weakening, "weakened_by": ENOUGH})
            if (row := rows.get(item.candidate.number))
            else item
            for item in evidence.items
        )
        return evidence.model_copy(update={"items": tuple(items), "weakening": judged.weakening})

    def _untied(self, choice: Choice, best: Candidate, evidence: Evidence) -> Choice:
        own = evidence.of(best)
        tied: list[CandidateEvidence] = [own]
        for item in evidence.items:
            known = any(item.form == other.form for other in tied)
            alike = item.passed == own.passed and features_of(item, evidence) == features_of(own, evidence)
            tied += [item] if alike and not known else []
        for item in tied[1:]:
            models = self._settings_of(self._run.settings.review, [best, item.candidate])
            best = preferred(self._run, best, item.candidate, **models) or best
        if best.number == own.candidate.number:
            return choice
        reason = f"{choice.reason}; of {len(tied)} alike in all that was run, the judge prefers this one"
        return choice.model_copy(update={"candidate": best, "reason": reason})

    def _reviewed(self, choice: Choice) -> Choice:
        if choice.candidate is None or choice.remarks:
            return choice
        claims = review(self._run, choice.candidate, **self._settings_of(self._run.settings.review, [choice.candidate]))
        return choice.model_copy(update={"remarks": tuple(claim.text for claim in claims)})

    def _settings_of(self, model: str, authors: Sequence[Candidate] = ()) -> dict[str, Any]:
        """Settings of a question to a model; `self` takes one of the run's that wrote none of the candidates."""
        run = self._run
        own = run.settings.model
        used = {attempt.scope: attempt.settings.model for attempt in run.attempts}
        if model == SELF:
            wrote = {used.get(item.attempt, own).name for item in authors}
            others = [other for other in (own, *used.values()) if other.name not in wrote]
            return {"model": others[0].model_dump()} if others and authors else {}
        same = next((other for other in used.values() if other.name == model), None)
        if same:
            return {"model": same.model_dump()}
        # Another provider has a server of its own.
        elsewhere = model.partition("/")[0] != own.name.partition("/")[0]
        return {"model": {"name": model, **({"api_base": None} if elsewhere else {})}}


def load_scorer(path: Path) -> Callable[[Features], float]:
    """The function `score` of a user's file: from the features of a candidate to a number.

    Raises:
        UsageError: the file is not there or has no such function.
    """
    spec = importlib.util.spec_from_file_location(f"fix_issue_scorers.{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} cannot be loaded as a scorer", "a scorer is a Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        found = module.score
    except Exception as error:
        raise UsageError(
            f"{path} cannot be loaded as a scorer: {type(error).__name__}: {error}",
            "it must define `score(features)`, from a mapping of names to numbers to a number",
        ) from error
    scorer: Callable[[Features], float] = found
    return scorer
