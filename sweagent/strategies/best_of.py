"""Several attempts and the best of them, one after another or together."""

from typing import Any, Literal

from pydantic import Field

from sweagent.run import Choice, Frozen, Run, agreement


class Parameters(Frozen):
    """What it takes."""

    attempts: int = Field(default=2, ge=1, le=16)
    """At the most."""
    until: Literal["verified", "all"] = "verified"
    """Stop at the first verified candidate, so that it costs more only where one try fails; or make all attempts."""
    variants: tuple[dict[str, Any], ...] = ()
    """Settings of the attempts, in turn: another model, temperature or profile each."""


def run(run: Run, parameters: Parameters) -> Choice:
    """Let each attempt have an equal share; choose by verdict, agreement, tests compared, size."""
    given = parameters.variants or ({},)
    variants = [given[number % len(given)] for number in range(parameters.attempts)]
    for variant in variants:
        run.check(**variant)
    if parameters.until == "all":
        run.gather(lambda own, variant: own.attempt(**variant).work(), variants)
        return run.choose(agreement, run.compare())
    for number, variant in enumerate(variants):
        run.attempt(share=1 / (parameters.attempts - number), **variant).work()
        if run.evidence.verified or not run.left.enough:
            break
    return run.choose(agreement, run.evidence if run.evidence.verified else run.compare())
