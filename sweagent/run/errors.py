"""What ends a strategy from inside a step."""

from sweagent.agent.loop import Ending
from sweagent.errors import UsageError


class RunCutError(Exception):
    """The infrastructure failed or somebody stopped the run; it can be gone on with. A strategy does not catch this.

    Args:
        ending: of the attempt at work.
    """

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.message)
        self.ending = ending


class StrategyChangedError(UsageError):
    """A resumed strategy asks for something else than the log holds."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"the strategy asks for something else than when the run was started: {what}",
            "start the run again, or resume it with the strategy and the version of fix-issue that it was started with",
        )
