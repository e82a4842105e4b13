"""Show the failures of a test run, those of one cause once."""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from sweagent.testing import TestResult, essence
from sweagent.tool_support.text import bounded, visible

_MOST_NAMED = 60
_MESSAGE = 50
"""Characters of a message that have to be alike: what follows is often a path or a value of the single test."""
_RAISED = re.compile(r"^(?:E\s+)?([A-Za-z_][\w.]*(?:Error|Exception|Exit|Timeout|Failed)): ?(.*)$", re.MULTILINE)
_PLACE = re.compile(r'^(?:(\S[^:\n]*:\d+): |\s*File "([^"\n]+", line \d+))', re.MULTILINE)
_VALUE = re.compile(r"0x[0-9a-f]+|\d+|'[^'\n]*'|\"[^\"\n]*\"")


def rendered_failures(failures: Sequence[TestResult], shown: int, room: int) -> list[str]:
    """Say what failed: the essence of each cause once, and the names of all.

    Args:
        failures: in the order of the run.
        shown: causes whose essence is shown; the tests of others are named.
        room: characters for all essences.
    """
    causes: dict[str, list[TestResult]] = {}
    for failure in failures:
        causes.setdefault(cause_of(failure), []).append(failure)
    silent = causes.pop("", [])
    told = list(causes.values())[:shown]
    each = max(300, room // max(1, len(told)))
    parts: list[str] = []
    for first, *others in told:
        parts.append(f"{first.outcome.value.upper()} {visible(first.id)}\n{_essence(first, each)}")
        if others:
            parts.append(f"    and for the same reason: {_named(others)}")
    rest = [failure for tests in list(causes.values())[shown:] for failure in tests] + silent
    for outcome, tests in groupby(rest[:_MOST_NAMED], lambda failure: failure.outcome):
        parts.append(f"{outcome.value.upper()} {_named(list(tests))}")
    if len(rest) > _MOST_NAMED:
        parts.append(f"[… {len(rest) - _MOST_NAMED} more failures]")
    return parts


def cause_of(failure: TestResult) -> str:
    """What failures of the same cause have in common; empty where nothing is known of it.

    An assertion is a cause of its own: helpers that assert raise at one place for whatever is wrong. Another exception
    is the same where it is raised at the same place with the same beginning.
    """
    details = visible(failure.details or failure.message)
    if not details.strip():
        return ""
    raised, places = _RAISED.findall(details), _PLACE.findall(details)
    if not raised or not places or "Assertion" in raised[-1][0] or raised[-1][0] == "Failed":
        return failure.id
    kind, message = raised[-1]
    return "\n".join((kind, "".join(places[-1]), _VALUE.sub("#", message)[:_MESSAGE]))


def _essence(failure: TestResult, limit: int) -> str:
    details = essence(visible(failure.details)) or visible(failure.message)
    return "\n".join(f"    {line}" for line in bounded(details, limit)[0].split("\n"))


def _named(failures: Iterable[TestResult]) -> str:
    """The names, what those of one file or class begin with said once."""
    return "; ".join(
        visible(f"{prefix}{', '.join(test.id[len(prefix) :] for test in tests)}")
        for prefix, tests in groupby(failures, _prefix)
    )


def _prefix(failure: TestResult) -> str:
    bare = failure.id.partition("[")[0]
    head, found, _ = bare.rpartition("::" if "::" in bare else ".")
    return head + found
