"""Ask a model to review a change or compare two."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from sweagent.frozen import Frozen
from sweagent.patch_store import Candidate
from sweagent.run.accounts import diff_of, proof_of
from sweagent.run.designed_tests import DesignedTest
from sweagent.run.repository_texts import changed_places, dependants_of
from sweagent.run.role_prompts import role_prompt

if TYPE_CHECKING:
    from sweagent.run.run import Run

CLAIMS = 3
"""At the most, so that the worst are named."""
_DIFF = 24_000


class Claim(Frozen):
    """A fault of the change, in one line of it or of what uses it."""

    path: str
    line: int = Field(ge=1, description="in the file as it is with the change")
    fault: str = Field(max_length=600, description="for which input what happens, and what should happen")
    test: DesignedTest | None = Field(default=None, description="only where a test of the claim is asked for")

    @property
    def text(self) -> str:
        """In one line."""
        return f"{self.path}:{self.line} {' '.join(self.fault.split())}"

    @property
    def with_test(self) -> str:
        """For the one who is to mend it."""
        return f"{self.text}\n\n{self.test.path}\n{self.test.content}" if self.test else self.text


class Review(Frozen):
    """The review."""

    behaviour: str = Field(max_length=1500, description="what the change does, in your own words")
    claims: tuple[Claim, ...] = Field(default=(), max_length=CLAIMS)


class Preference(Frozen):
    """Which change is more right."""

    difference: str = Field(max_length=1500, description="in what the two behave differently")
    better: Literal["first", "second", "neither"]


def review(run: "Run", candidate: Candidate, *, with_tests: bool = False, **settings: Any) -> tuple[Claim, ...]:
    """Claims about a candidate, at most three, of one who sees issue, diff, proof and callers that were not touched.

    Args:
        run: that the candidate belongs to.
        candidate: with its proof.
        with_tests: ask for tests of the claims.
        settings: of the question: another model than the author, say.
    """
    prompt = role_prompt(
        run,
        "reviewer",
        diff=diff_of(candidate, _DIFF),
        proof=proof_of(candidate, own_runs=False),
        callers=dependants_of(run, changed_places(run, candidate.patch.text), tests=False),
        with_tests=with_tests,
    )
    answers = run.ask(prompt, Review, role="reviewer", **settings)
    return answers[0].claims if answers else ()


def preferred(run: "Run", one: Candidate, other: Candidate, **settings: Any) -> Candidate | None:
    """The better of two candidates; None where the judge cannot tell, or says otherwise when they change places.

    The order sways judges (L. Zheng et al., "Judging LLM-as-a-Judge", 2023, arXiv:2306.05685), so both are asked for.
    """
    told = []
    for first, second in ((one, other), (other, one)):
        texts = {"first": diff_of(first), "second": diff_of(second)}
        answers = run.ask(role_prompt(run, "comparer", **texts), Preference, role="judge", **settings)
        chosen = {"first": first, "second": second}.get(answers[0].better) if answers else None
        if chosen is None:
            return None
        told.append(chosen)
    return one if told == [one, one] else other if told == [other, other] else None
