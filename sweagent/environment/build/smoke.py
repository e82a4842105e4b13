"""Try an environment: run the repository's tests in it."""

import re
import time
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from sweagent.environment.build.container_run import run_in_container
from sweagent.environment.recipe import Image
from sweagent.errors import SandboxError
from sweagent.frozen import Frozen
from sweagent.sandbox.engine import connect, engine_failures, engine_message
from sweagent.testing import Runner, TestReport, command_for, parse, runner_of

if TYPE_CHECKING:
    from docker import DockerClient

_SILENT = (Runner.DJANGO, Runner.GO, Runner.SYMPY, Runner.UNITTEST)
"""Runners that name no tests unless they are asked to."""

_WRITING = (Runner.MAVEN, Runner.GRADLE)
"""Runners that tell of tests in files only."""

_SAMPLE = 12
"""Test files that are tried of a suite that takes longer to be collected than it may run."""

_TEST_FILES = "find . -name '.?*' -prune -o \\( -name 'test_*.py' -o -name '*_test.py' \\) -print | sort"

_REPORT = "/tmp/fix-issue-report.xml"  # noqa: S108 (in a container of its own)


class Smoke(Frozen):
    """What a run of the tests showed."""

    report: TestReport
    output: str
    """The end of what was printed."""
    seconds: float
    timed_out: bool = False
    sample: int = 0
    """So many test files were run and no more, for of the whole suite no test had ended at the limit; 0 if all were."""

    @property
    def ran(self) -> bool:
        """Whether any test ran."""
        return self.report.ran > 0

    @property
    def passed(self) -> float:
        """The share of the tests that ran which passed or failed as expected, from 0 to 1."""
        bad = sum(number for outcome, number in self.report.counts.items() if outcome.bad)
        return (self.report.ran - bad) / self.report.ran if self.report.ran else 0.0

    def text(self) -> str:
        """The counts for people, and the last lines when something went wrong."""
        end = " (ended at its limit)" if self.timed_out else ""
        end += f", {self.sample} test files only: of the whole suite none had ended at the limit" if self.sample else ""
        head = f"{self.report.summary} in {self.seconds:.0f} s{end}"
        return head if self.report.ok else "\n".join([*self.output.splitlines()[-25:], head])


def smoke_test(image: Image, *, seconds: float = 600.0, command: str = "") -> Smoke:
    """Run tests in a fresh container without a network.

    A suite of pytest's that is so large that no test has ended at the limit is tried once more by some of its files.

    Args:
        image: from `ensure_image`.
        seconds: the limit of a run.
        command: what to run instead of the image's test command.

    Raises:
        SandboxError: the engine does not answer, or no test command is known.
    """
    said = command or image.test_command
    if not said:
        raise SandboxError("how the tests are run is not known", "put `test_command` under `environment:`")
    try:
        with closing(connect()) as client:
            smoke = _smoke(client, image, said, seconds)
            if not (smoke.timed_out and not smoke.ran and said.endswith("pytest")):
                return smoke
            files = spread(run_in_container(client, image, _TEST_FILES, seconds)[1].splitlines(), _SAMPLE)
            chosen = command_for(Runner.PYTEST, files, test_command=said)
            return _smoke(client, image, chosen, seconds).model_copy(update={"sample": len(files)}) if files else smoke
    except engine_failures(OSError) as error:
        raise SandboxError(f"the tests could not be run: {engine_message(error)}", "see `fix-issue doctor`") from error


def spread(files: Sequence[str], number: int) -> list[str]:
    """Choose so many of the files at most, evenly spread over their order."""
    chosen = min(number, len(files))
    return [files[(2 * place + 1) * len(files) // (2 * chosen)] for place in range(chosen)]


def _smoke(client: "DockerClient", image: Image, command: str, seconds: float) -> Smoke:
    started = time.monotonic()
    status, output = run_in_container(client, image, telling_command(command), seconds)
    timed_out = status in (124, 137)
    report = read_output(command, output, None if timed_out else status)
    return Smoke(report=report, output=output[-20_000:], seconds=time.monotonic() - started, timed_out=timed_out)


def telling_command(command: str) -> str:
    """The test command, with the options by which runners name each test as it ends.

    So a run that is ended at its limit still tells of the tests until then. pytest, which would run nothing when one
    file cannot be collected, goes on without that file; versions before 3.0 cannot, and are started again as they are.
    """
    runner = runner_of(command) if command else None
    if runner == Runner.PYTEST and not re.search(r"[;&|]", command):
        again = f"[ $status != 4 ] || {{ {command} -vv; status=$?; }}"
        return f"{command} -vv --continue-on-collection-errors; status=$?; {again}; exit $status"
    if runner in _WRITING:
        tests = command_for(runner, test_command=command, report=_REPORT)
        # On one stream, or what Maven ends with on the other may come within the report.
        return f"{{ {tests}; }} 2>&1; status=$?; echo; echo {_REPORT}; cat {_REPORT}; exit $status"
    return command_for(runner, test_command=command) if runner in _SILENT else command


def read_output(command: str, output: str, exit_code: int | None) -> TestReport:
    """The report of a run of a command that `telling_command` gave.

    Args:
        command: the test command before it was changed.
        output: what the run printed.
        exit_code: of the run; None when it was ended at its limit.
    """
    text, _, report = output.partition(f"\n{_REPORT}\n")
    return parse(runner_of(command), text, exit_code=exit_code, report=report)
