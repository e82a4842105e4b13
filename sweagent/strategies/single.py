"""One attempt, judged and sent back a few times."""

from sweagent.run import Choice, Frozen, Run, best_verdict


class Parameters(Frozen):
    """It has none: limits, rounds and model are settings of the run."""


def run(run: Run, parameters: Parameters) -> Choice:
    """Let one attempt work with all that the run has."""
    run.attempt().work()
    return run.choose(best_verdict, run.evidence)
