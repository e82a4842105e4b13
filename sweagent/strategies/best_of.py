"""Several attempts, one after the other, and the best of them."""

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
    """Let each attempt have an equal share of what is left; choose by verdict, agreement, tests compared, size."""
    variants = parameters.variants or ({},)
    for variant in variants[: parameters.attempts]:
        run.check(**variant)
    for number in range(parameters.attempts):
        if number and not run.left.enough:
            break
        attempt = run.attempt(share=1 / (parameters.attempts - number), **variants[number % len(variants)])
        attempt.work()
        if parameters.until == "verified" and run.evidence.verified:
            break
    wanted = len(run.evidence.items) > 1 and (parameters.until == "all" or not run.evidence.verified)
    return run.choose(agreement, run.compare() if wanted else run.evidence)
