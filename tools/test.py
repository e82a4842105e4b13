"""The project's tests, run by its own runner."""

from pydantic import BaseModel, Field

from sweagent.errors import UsageError
from sweagent.tool_api import ToolContext
from sweagent.tool_support.command_output import clamped
from sweagent.tool_support.test_output import run_tests
from sweagent.trajectory import Observation, ObservationStatus

MAIN_ARGUMENT = "tests"
ALIASES = ("run_tests", "run_test", "tests", "pytest")


class Parameters(BaseModel, extra="forbid"):
    """The tests to run."""

    tests: list[str] = []
    options: str = ""
    timeout: float | None = Field(default=None, gt=0)


def run(context: ToolContext, parameters: Parameters) -> Observation:
    """Run test files, classes or tests; shows counts and failures."""
    timeout = clamped(context, parameters.timeout)
    try:
        return run_tests(context, parameters.tests, timeout, parameters.options)
    except UsageError as error:
        return Observation(text=f"no test was run: {error}; {error.hint}", status=ObservationStatus.REFUSED)
