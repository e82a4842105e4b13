"""Collect the tests of a built environment and say what it lacks."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import zip_longest

from sweagent.environment.build import node_lacks
from sweagent.environment.build.collectors import beside_node, beside_python
from sweagent.environment.missing import Lack, LackKind
from sweagent.frozen import Frozen
from sweagent.testing import Runner, runner_of

COLLECT_SECONDS = 120.0
"""Limit of the collection that ends a build; a suite that takes longer is taken to be in order."""

RunCommand = Callable[[str, float], tuple[int, str]]
"""Runs a shell command in a fresh sandbox within seconds: the exit status (124 or 137 at the limit) and the output."""

_STOPPED = (Runner.UNITTEST, Runner.DJANGO, Runner.SYMPY)
"""Runners of Python that cannot be asked for their tests; they are stopped when these are loaded."""
_OF_NODE = (Runner.NODE, Runner.MOCHA, Runner.JEST, Runner.VITEST)
_SCRIPT = re.compile(r"\b(?:npm|pnpm|yarn)\s+(?:run(?:-script)?\s+)?(?:test|t)\b")
_COLLECTED = re.compile(r"^(?:collecting \.\.\. )?collected (\d+) items?(?: / (\d+) errors?)?", re.M)
_ITEM = re.compile(r"^\s*<(?:Function|TestCaseFunction|DoctestItem|Coroutine|\w*Item)\b", re.M)
_SECTION = re.compile(r"^_+ ERROR (?:collecting|at setup of|at) (.+?) _+$|^=+ .*$", re.M)
_NO_MODULE = re.compile(r"No module named '?([A-Za-z_][\w.]*)")
_CAUSE = re.compile(r"^(?:E\s+)?([A-Za-z_][\w.]*(?:Error|Exception|Warning|Exit|Failed)\b.*)$", re.M)
_REQUIRED = re.compile(r"[Mm]issing required plugins: ([^\n]+)")
_UNKNOWN_OPTION = re.compile(r"error: (?:unrecognized arguments|no such option|ambiguous option): ([^\n]+)")
_UNKNOWN_MARKER = re.compile(r"'(\w+)' (?:not found in `markers`|not a registered marker)")
_PROGRAM = re.compile(r"^(?:/bin/)?sh: \d+: ([\w./-]+): not found", re.M)
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_WIDTH = 300


class Collection(Frozen):
    """What a collection of the tests showed."""

    asked: bool = False
    """Whether the runner could be asked and ended in time; otherwise nothing is known."""
    collected: int = 0
    lacks: tuple[Lack, ...] = ()
    output: str = ""
    """The end of what was printed."""

    @property
    def usable(self) -> bool:
        """False where the environment is the reason that no test at all can be collected."""
        return not self.asked or self.collected > 0 or not any(lack.kind.of_environment for lack in self.lacks)


def collect(run: RunCommand, test_command: str, is_own: Callable[[str], bool], *, seconds: float) -> Collection:
    """Collect the tests in a fresh sandbox without a network.

    Args:
        run: runs a command in the environment.
        test_command: how the project runs its tests.
        is_own: whether a module, or a package of npm's, of some name is of the repository.
        seconds: limit of the collection; of a suite that takes longer nothing is known.

    Raises:
        DockerException, SandboxError: the sandbox fails.
    """
    command = collecting_command(test_command)
    if not command:
        return Collection()
    status, output = run(command, seconds)
    return Collection() if status in (124, 137) else read_collection(output, is_own, test_command)


def collecting_command(test_command: str) -> str:
    """The command that collects what a test command would run; empty where there is none.

    pytest is asked for more words than any configuration can take away, so that the counts are among them. Other
    runners are started as they are and stopped when they have loaded their tests.
    """
    runner = runner_of(test_command)
    if runner is Runner.PYTEST:
        return "" if re.search(r"[;&|]", test_command) else f"{test_command} --collect-only -vvv"
    if runner in _STOPPED:
        return beside_python(test_command)
    return beside_node(test_command) if _is_of_node(test_command) else ""


def _is_of_node(test_command: str) -> bool:
    return runner_of(test_command) in _OF_NODE or _SCRIPT.search(test_command) is not None


def read_collection(output: str, is_own: Callable[[str], bool], test_command: str = "python -m pytest") -> Collection:
    """What the output of a collection says.

    Args:
        output: of `collecting_command`.
        is_own: whether a module, or a package of npm's, of some name is of the repository.
        test_command: what was collected.
    """
    output = _ANSI.sub("", output)
    if _is_of_node(test_command):
        return Collection(
            asked=node_lacks.asked(output),
            collected=node_lacks.collected(output),
            lacks=node_lacks.node_lacks(output, is_own) if node_lacks.asked(output) else (),
            output=output[-20_000:],
        )
    counts = [int(number) for number, _ in _COLLECTED.findall(output)]
    collected = sum(counts) if counts else len(_ITEM.findall(output))
    sections = list(_failed_files(output))
    lacks: Counter[tuple[LackKind, str]] = Counter()
    for text in sections:
        lacks.update(set(_lacks_of(text, is_own)))
    if not sections:
        lacks.update(dict.fromkeys(_lacks_of(_beginning(output, collected), is_own), 0))
    return Collection(
        asked=True,
        collected=collected,
        lacks=tuple(Lack(kind=kind, name=name, files=number) for (kind, name), number in lacks.items()),
        output=output[-20_000:],
    )


def _failed_files(output: str) -> Iterable[str]:
    """The text about each file that could not be collected."""
    marks = [*_SECTION.finditer(output)]
    for mark, after in zip_longest(marks, marks[1:]):
        if mark[1]:
            yield output[mark.end() : after.start() if after else len(output)]


def _beginning(output: str, collected: int) -> str:
    """What a runner says that did not get as far as any file; nothing where tests were collected."""
    return "" if collected else output


def _lacks_of(text: str, is_own: Callable[[str], bool]) -> Iterable[tuple[LackKind, str]]:
    """The causes that a text names; the last error is the cause where none of the others is."""
    found: list[tuple[LackKind, str]] = []
    for module in _NO_MODULE.findall(text):
        found.append((LackKind.OWN_MODULE if is_own(module.split(".")[0]) else LackKind.MODULE, module))
    found += [(LackKind.PLUGIN, name.strip()) for names in _REQUIRED.findall(text) for name in names.split(",")]
    found += [(LackKind.PLUGIN, options.strip()) for options in _UNKNOWN_OPTION.findall(text)]
    found += [(LackKind.PLUGIN, f"the marker {marker}") for marker in _UNKNOWN_MARKER.findall(text)]
    found += [(LackKind.PROGRAM, name) for name in _PROGRAM.findall(text)]
    if not found:
        found += [(LackKind.OTHER, cause.strip()[:_WIDTH]) for cause in _CAUSE.findall(text)[-1:]]
    return found
