"""Planner, test designer, programmer and reviewer, with a model each.

After D. Huang et al., "AgentCoder" (2024, arXiv:2312.13010: the designer of the tests never sees the code), S. Hong et
al., "MetaGPT" (2023, arXiv:2308.00352: roles hand over documents), and R. Bairi et al., "CodePlan" (2023,
arXiv:2309.12499: a plan of edits with what depends on them). What counts is run by the harness.
"""

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from sweagent.run import (
    ENOUGH,
    Attempt,
    Choice,
    Claim,
    Frozen,
    Run,
    as_reproduction,
    best_verdict,
    design_tests,
    known_places,
    likely_places,
    plan_edits,
    review,
    role_settings,
    role_text,
)

ROLES = ("planner", "designer", "programmer", "reviewer")


class Parameters(Frozen):
    """What it takes."""

    rounds: int = Field(default=1, ge=0, le=4)
    """How often claims of the reviewer's whose tests fail go back to the programmer."""
    places: int = Field(default=6, ge=1)
    """Of the ranking, that the planner sees."""
    roles: dict[str, dict[str, Any]] = {}
    """Settings of the planner, the designer, the programmer and the reviewer: model, effort, tools."""


def run(run: Run, parameters: Parameters) -> Choice:
    """Plan, design tests, program, review; claims without a failing test go into the report."""
    settings = role_settings(run, ROLES, parameters.roles)
    places = likely_places(run, parameters.places)
    plan = plan_edits(run, places, **settings["planner"])
    shown = known_places(run, plan.definitions, plan.paths) or places
    tests = design_tests(run, shown, role="designer", **settings["designer"])
    attempt = run.attempt("programmer", **settings["programmer"])
    if plan.edits:
        attempt.say(role_text(run, "programmer", plan=plan.text))
    attempt.work()
    claims = review(run, attempt.take(), with_tests=True, **settings["reviewer"])
    for _ in range(parameters.rounds):
        failing = _failing(run, attempt, claims)
        if not failing or not run.left.enough:
            break
        attempt.say(role_text(run, "claims", claims=[item.with_test for item in failing]))
        attempt.work()
        mended = set(failing).difference(_failing(run, attempt, failing))
        claims = tuple(item for item in claims if item not in mended)
    run.verify([attempt.take()], weakening=tests, weakened_by=ENOUGH)
    choice = run.choose(best_verdict, run.evidence)
    return choice.model_copy(update={"remarks": (*choice.remarks, *(item.text for item in claims))})


def _failing(run: Run, attempt: Attempt, claims: Iterable[Claim]) -> list[Claim]:
    """The claims with a test that shows the issue on the base and fails with the patch too."""
    tested = [(item, as_reproduction(run, item.test)) for item in claims if item.test]
    evidence = run.verify([attempt.take()], [test for _, test in tested])
    return [item for (item, _), passed in zip(tested, evidence.items[0].passes, strict=False) if passed is False]
