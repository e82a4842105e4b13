"""Planner, test designer, programmer and reviewer, each a model of its own where one likes.

After D. Huang et al., "AgentCoder" (2024, arXiv:2312.13010: the designer of the tests never sees the code), S. Hong et
al., "MetaGPT" (2023, arXiv:2308.00352: roles hand over documents), and R. Bairi et al., "CodePlan" (2023,
arXiv:2309.12499: a plan of edits with what depends on them). What counts is run by the harness.
"""

from typing import Any, Literal

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
    code_of,
    dependants_of,
    design_tests,
    known_places,
    likely_places,
    review,
    role_prompt,
    role_text,
)


class Parameters(Frozen):
    """What it takes."""

    rounds: int = Field(default=1, ge=0, le=4)
    """How often claims of the reviewer's whose tests fail go back to the programmer."""
    places: int = Field(default=6, ge=1)
    """Of the ranking, that the planner sees."""
    roles: dict[Literal["planner", "designer", "programmer", "reviewer"], dict[str, Any]] = {}
    """Settings of each role: model, effort, tools."""


class Edit(Frozen):
    """One edit."""

    path: str
    definition: str = Field(description="function, method or class, such as `Class.method`; empty for none")
    change: str = Field(description="what is to change, and why")


class Plan(Frozen):
    """The plan."""

    cause: str
    edits: tuple[Edit, ...] = Field(min_length=1, max_length=12)


def run(run: Run, parameters: Parameters) -> Choice:
    """Plan, design tests, program, review; claims without a failing test go into the report."""
    settings: dict[str, dict[str, Any]] = {"planner": {}, "designer": {}, "programmer": {}, "reviewer": {}}
    settings |= parameters.roles
    for changes in settings.values():
        run.check(**changes)
    places = likely_places(run, parameters.places)
    texts = {"code": code_of(run, places), "dependants": dependants_of(run, places), "lessons": run.notes}
    plans = run.ask(role_prompt(run, "planner", **texts), Plan, role="planner", **settings["planner"])
    edits = [edit for plan in plans for edit in plan.edits]
    shown = known_places(run, [edit.definition for edit in edits], [edit.path for edit in edits])
    tests = design_tests(run, shown or places, role="designer", **settings["designer"])
    attempt = run.attempt("programmer", **settings["programmer"])
    if plans:
        lines = [f"{n}. {edit.path} {edit.definition}: {edit.change}" for n, edit in enumerate(edits, 1)]
        attempt.say(role_text(run, "programmer", plan="\n".join([f"Cause: {plans[0].cause}", *lines])))
    attempt.work()
    claims = review(run, attempt.take(), with_tests=True, **settings["reviewer"])
    for _ in range(parameters.rounds):
        failing = _failing(run, attempt, claims)
        if not failing or not run.left.enough:
            break
        attempt.say(
            role_text(run, "claims", claims=[f"{item.text}\n{item.test.content}" for item in failing if item.test])
        )
        attempt.work()
        mended = set(failing) - set(_failing(run, attempt, failing))
        claims = tuple(item for item in claims if item not in mended)
    run.verify([attempt.take()], weakening=tests, weakened_by=ENOUGH)
    choice = run.choose(best_verdict, run.evidence)
    return choice.model_copy(update={"remarks": (*choice.remarks, *(item.text for item in claims))})


def _failing(run: Run, attempt: Attempt, claims: tuple[Claim, ...] | list[Claim]) -> list[Claim]:
    """The claims with a test that shows the issue on the base and fails with the patch too."""
    tested = [(item, as_reproduction(run, item.test)) for item in claims if item.test]
    evidence = run.verify([attempt.take()], [test for _, test in tested])
    return [item for (item, _), passed in zip(tested, evidence.items[0].passes, strict=False) if passed is False]
