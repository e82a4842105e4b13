"""A second witness of a run of pytest: what a test's body came to, told before the runner makes a report of it.

Code under test shares its process with the runner, and can replace what makes the reports, even only while one test
runs. The witness stands closer to the test: it sees an exception leave the test's body, and writes that down at once.
It also hides the variable by which code could tell that a test is running.
"""

import json
import secrets
from collections.abc import Mapping

from sweagent.testing import TestOutcome

# It has to run under every pytest since 3 and every Python since 2.7.
_PLUGIN = """\
import json
import os

import pytest

RECORD = {record!r}
VARIABLE = "PYTEST_CURRENT_TEST"
OPEN, DUMPS = open, json.dumps


def note(item, outcome):
    problem = outcome.excinfo or getattr(item, "_excinfo", None)
    with OPEN(RECORD, "a") as file:
        file.write(DUMPS([item.nodeid, "raised" if problem else "returned"]) + "\\n")


@pytest.hookimpl(hookwrapper=True, trylast=True)
def pytest_pyfunc_call(pyfuncitem):
    current = os.environ.pop(VARIABLE, None)
    outcome = yield
    if current is not None:
        os.environ[VARIABLE] = current
    note(pyfuncitem, outcome)


@pytest.hookimpl(hookwrapper=True, trylast=True)
def pytest_runtest_call(item):
    note(item, (yield))
"""


WITNESS = "-p {witness}"
"""The option of pytest that loads the plugin, for a command in which `{witness}` is filled in."""


class Witness:
    """A plugin for one run.

    Args:
        folder: where the run's own files lie.
    """

    def __init__(self, folder: str) -> None:
        self.module = f"w{secrets.token_hex(8)}"
        self.path, self.record = f"{folder}/{self.module}.py", f"{folder}/{secrets.token_hex(8)}"
        self.source = _PLUGIN.format(record=self.record).encode()
        self._folder = folder

    def on_path(self, command: str) -> str:
        """The shell command with the plugin where Python finds it."""
        return f'export PYTHONPATH="{self._folder}${{PYTHONPATH:+:$PYTHONPATH}}"; {command}'

    def not_found(self, output: str) -> bool:
        """Whether pytest was started in an environment of its own, in which the plugin cannot be found."""
        return self.module in output and "rror importing plugin" in output


def raised_in(record: str) -> frozenset[str]:
    """The tests, by pytest's ids, whose body was last seen to end in an exception."""
    last: dict[str, bool] = {}
    for line in record.splitlines():
        try:
            name, said = json.loads(line)
        except (ValueError, TypeError):
            continue
        last[str(name)] = said == "raised"
    return frozenset(name for name, raised in last.items() if raised)


def contradicted(raised: frozenset[str], outcomes: Mapping[str, TestOutcome]) -> frozenset[str]:
    """The tests that are reported as passed although their body was seen to end in an exception."""
    return frozenset(name for name in raised if outcomes.get(name) is TestOutcome.PASSED)
