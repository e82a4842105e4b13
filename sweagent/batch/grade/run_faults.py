"""Tell a broken environment or garbled log from failing tests."""

import re
from collections.abc import Iterable, Mapping

_INSTALL = re.compile(
    r"^\s*(?:"
    r"ERROR: (?:Could not (?:find a version|install packages|build wheels)|No matching distribution).*"
    r"|ERROR: Failed (?:to build|building).*"
    r"|error: (?:subprocess-exited-with-error|metadata-generation-failed|externally-managed-environment).*"
    r"|npm (?:ERR!|error) .*"
    r"|E: (?:Unable to|Failed to|Could not) .*"
    r"|(?:Conda\w*Error|ResolvePackageNotFound|PackagesNotFoundError)\b.*"
    r")$",
    re.M,
)
_ENDED_WELL = re.compile(r"^Ran [1-9]\d* tests? in .*\n+OK(?: \([^)\n]*\))?\s*$", re.M)
_BAD = ("FAILED", "ERROR")


def failed_install(log: str, start: str) -> str:
    """The first line in which an installation before the tests says that it failed; empty when none does.

    Args:
        log: the output of an eval script.
        start: the mark in it that the tests begin after.
    """
    found = _INSTALL.search(log.partition(start)[0])
    return found[0].strip() if found else ""


def is_interleaved(tests: str, statuses: Mapping[str, str], missing: Iterable[str], exit_code: int | None) -> bool:
    """Whether tests are missing only because processes wrote into each other's lines.

    The runner itself then says that all went well, nothing is reported as failed, and every missing test was begun.

    Args:
        tests: what was printed while the tests ran.
        statuses: of the tests, as the official parser reads them.
        missing: tests without a good status.
        exit_code: of the test command, where it is recorded.
    """
    if exit_code or not _ENDED_WELL.search(tests) or any(status in _BAD for status in statuses.values()):
        return False
    listed = list(missing)
    return bool(listed) and all(name not in statuses and _begun(name, tests) for name in listed)


def _begun(name: str, tests: str) -> bool:
    """A test's name stands before the dots of unittest, wherever in its line."""
    return f"{name} ..." in tests
