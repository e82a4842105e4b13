"""Map test files to a runner's targets, and back."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

from sweagent.testing import Runner, command_for

STEADY_OPTIONS = "--continue-on-collection-errors --maxfail=0 -p no:randomly"
"""For pytest: what the project says of stopping early, and plugins that shuffle, are overruled."""


def test_run(runner: Runner, targets: Iterable[str], test_command: str, report: str) -> str:
    """The command that runs chosen tests in the same way each time.

    Args:
        runner: the runner.
        targets: what it is told to run.
        test_command: how the project runs its tests; empty takes the runner's usual command.
        report: where its report goes, when it writes one.
    """
    command = command_for(runner, list(dict.fromkeys(targets)), test_command=test_command, report=report)
    return f"{command} {STEADY_OPTIONS}" if runner is Runner.PYTEST else command


def target_of(runner: Runner, test: str) -> str:
    """What a runner is told to run a test file or a test in it."""
    if runner is Runner.GO and test.endswith(".go"):
        return f"./{PurePosixPath(test).parent}".removesuffix("/.")
    if runner in (Runner.MAVEN, Runner.GRADLE) and "/" in test:
        return PurePosixPath(test).stem
    return test


def told_anew(before: Iterable[str], after: Iterable[str]) -> dict[str, frozenset[str]]:
    """The tests with parameters that are reported under other ids later, each with the new ids of its function.

    What a parameter is called in an id can come from the code under test. A function counts if as many of its ids are
    new as are gone.
    """
    old, new = frozenset(before), frozenset(after)
    gone: defaultdict[str, set[str]] = defaultdict(set)
    come: defaultdict[str, set[str]] = defaultdict(set)
    for ids, found in ((old - new, gone), (new - old, come)):
        for name in ids:
            if "[" in name:
                found[name.partition("[")[0]].add(name)
    same = [function for function, names in gone.items() if len(names) == len(come[function])]
    return {name: frozenset(come[function]) for function in same for name in gone[function]}
