"""Test runners: their command lines, and their reports read into one type."""

from sweagent.testing.junit import parse_junit
from sweagent.testing.naming import dotted
from sweagent.testing.parse import parse
from sweagent.testing.report import Runner, TestOutcome, TestReport, TestResult, essence
from sweagent.testing.runners import command_for, runner_of

__all__ = [
    "Runner",
    "TestOutcome",
    "TestReport",
    "TestResult",
    "command_for",
    "dotted",
    "essence",
    "parse",
    "parse_junit",
    "runner_of",
]
