"""Localise, sample repairs and tests, judge, vote; without an agent.

After C. Xia et al., "Agentless: Demystifying LLM-based Software Engineering Agents" (2024, arXiv:2407.01489). The first
step begins with our own ranking, and the tests are kept by what running them shows. The number of calls is bounded.
"""

from typing import Any

from pydantic import Field

from sweagent.run import (
    LOCALISE_CALLS,
    Choice,
    Frozen,
    Reproduction,
    Run,
    alike,
    code_of,
    design_tests,
    localise,
    majority,
    role_prompt,
    role_settings,
)


class Parameters(Frozen):
    """What it takes."""

    samples: int = Field(default=6, ge=1, le=32)
    """Repairs."""
    tests: int = Field(default=3, ge=1, le=16)
    """Reproduction tests."""
    files: int = Field(default=4, ge=1)
    places: int = Field(default=8, ge=1)
    judged: int = Field(default=4, ge=1)
    """Different patches that are judged, those with the most votes."""
    temperature: float | None = 0.8
    """Of repairs and tests; None leaves it to the model."""
    roles: dict[str, dict[str, Any]] = {}
    """Settings of `localiser`, `repairer` and `tester`: another model, say."""


class Repair(Frozen):
    """The change."""

    cause: str
    edits: str = Field(description="search/replace blocks, each after its file's path")


def run(run: Run, parameters: Parameters) -> Choice:
    """Choose by verdict, reproductions passed, then the majority of the patches that are the same code."""
    warm = {"model": {"temperature": parameters.temperature}}
    usual = {"repairer": warm, "tester": warm}
    settings = role_settings(run, ("localiser", "repairer", "tester"), parameters.roles, usual)
    calls = LOCALISE_CALLS + parameters.samples + parameters.tests
    run.note(f"{calls} calls of a model, and at most {calls * run.settings.limits.malformed_replies}")
    places = localise(run, parameters.files, parameters.places, **settings["localiser"])
    prompt = role_prompt(run, "repairer", code=code_of(run, places), lessons=run.notes)

    def sample(own: Run, role: str) -> tuple[tuple[Repair, ...], tuple[Reproduction, ...]]:
        if role == "tester":
            return (), design_tests(own, places, samples=parameters.tests, each=1, **settings[role])
        return own.ask(prompt, Repair, parameters.samples, role=role, **settings[role]), ()

    (repairs, _), (_, tests) = run.gather(sample, ("repairer", "tester"))
    groups = alike(run, [run.compose(repair.edits) for repair in repairs])[: parameters.judged]
    evidence = run.verify([group[0] for group in groups], tests)
    votes = tuple(item for item, group in zip(evidence.items, groups, strict=True) for _ in group)
    return run.choose(majority, evidence.model_copy(update={"items": votes}))
