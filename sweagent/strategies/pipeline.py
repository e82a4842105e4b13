"""Localise, sample repairs and tests, judge, vote: no agent, and a number of calls that is known beforehand.

After C. Xia et al., "Agentless: Demystifying LLM-based Software Engineering Agents" (2024, arXiv:2407.01489). The first
step begins with our own ranking, and the tests are kept by what running them shows.
"""

from typing import Any, Literal

from pydantic import Field

from sweagent.run import (
    Choice,
    Frozen,
    Place,
    Reproduction,
    Run,
    alike,
    code_of,
    design_tests,
    known_files,
    known_places,
    likely_files,
    majority,
    role_prompt,
    skeletons,
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
    roles: dict[Literal["localiser", "repairer", "tester"], dict[str, Any]] = {}
    """Settings of each role: another model, say."""


class Files(Frozen):
    """The files to change."""

    paths: tuple[str, ...] = Field(min_length=1)


class Names(Frozen):
    """The definitions to read and change."""

    names: tuple[str, ...] = Field(min_length=1)


class Repair(Frozen):
    """The change."""

    cause: str
    edits: str = Field(description="search/replace blocks, each after its file's path")


def run(run: Run, parameters: Parameters) -> Choice:
    """Choose by verdict, reproductions passed, then the majority of the patches that are the same code."""
    settings: dict[str, dict[str, Any]] = {"localiser": {}, "repairer": {}, "tester": {}, **parameters.roles}
    for name in ("repairer", "tester"):
        chosen = {"temperature": parameters.temperature, **settings[name].get("model", {})}
        settings[name] = {**settings[name], "model": chosen}
    for changes in settings.values():
        run.check(**changes)
    calls = 2 + parameters.samples + parameters.tests
    run.note(f"{calls} calls of a model, and at most {calls * run.settings.limits.malformed_replies}")
    places = _localised(run, parameters, settings["localiser"])
    prompt = role_prompt(run, "repairer", code=code_of(run, places), lessons=run.notes)

    def sampled(own: Run, role: str) -> tuple[tuple[Repair, ...], tuple[Reproduction, ...]]:
        if role == "tester":
            return (), design_tests(own, places, samples=parameters.tests, each=1, **settings[role])
        return own.ask(prompt, Repair, parameters.samples, role=role, **settings[role]), ()

    (repairs, _), (_, tests) = run.gather(sampled, ("repairer", "tester"))
    groups = alike(run, [run.compose(repair.edits) for repair in repairs])[: parameters.judged]
    evidence = run.verify([group[0] for group in groups], tests)
    votes = tuple(item for item, group in zip(evidence.items, groups, strict=True) for _ in group)
    return run.choose(majority, evidence.model_copy(update={"items": votes}))


def _localised(run: Run, parameters: Parameters, settings: dict[str, Any]) -> list[Place]:
    ranked = likely_files(run, 30)
    listed = "\n".join(f"{path} ({reason})" for path, reason in ranked)
    prompt = role_prompt(run, "file_localiser", files=listed, most=parameters.files)
    named = [path for answer in run.ask(prompt, Files, role="localiser", **settings) for path in answer.paths]
    files = (known_files(run, named) or [path for path, _ in ranked])[: parameters.files]
    prompt = role_prompt(run, "place_localiser", skeletons=skeletons(run, files), most=parameters.places)
    names = [name for answer in run.ask(prompt, Names, role="localiser", **settings) for name in answer.names]
    return known_places(run, names, files)[: parameters.places] or [Place(path) for path in files]
