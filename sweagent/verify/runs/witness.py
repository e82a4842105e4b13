"""Second witness of a test run, inside the process.

Code under test shares its process with the runner, and can replace what makes the reports, even only while one test
runs. The witness stands closer to the test: it sees an exception leave the test's body, and writes that down at once,
and it sees when the body goes on in another process than the one in which it began. It also writes down what the
runner collected, from which files, and what each test came to when it ended. In pytest it is a plugin; it also hides
the variables by which code could tell that a test is running. Other runners take no plugins: there it comes in when
the interpreter starts. Node's runner has it for a reporter, mocha's tells it as a listener; of jest and vitest, which
write a report with files of their own, it only knows where packages were loaded from.
"""

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sweagent.testing import Runner, TestOutcome
from sweagent.testing.witnessed import Witnessed, entries
from sweagent.verify.monitors import monitor_source, node_monitor_source

WITNESS = "-p {witness}"
"""The option of pytest that loads the plugin, for a command in which `{witness}` is filled in."""


Layers = frozenset[str]


@dataclass(frozen=True)
class Testimony:
    """What the witness tells of a run, the planted test left out.

    Attributes:
        raised: the tests, by their ids in the work tree, whose body was seen to end in an exception.
        moved: those that ended in another process than they began in, or began in another than the runner's; with
            a word that says which of the two.
        origins: the watched modules that were loaded, each with its file.
        bodies: fingerprints of the layers of each test's function in its own file, before it ran and after.
        exchanged: the functions of the runner that were exchanged while it ran.
    """

    __test__ = False

    raised: frozenset[str] = frozenset()
    moved: frozenset[tuple[str, str]] = frozenset()
    origins: frozenset[tuple[str, str]] = frozenset()
    bodies: Mapping[str, tuple[Layers, Layers]] = field(default_factory=dict)
    exchanged: frozenset[str] = frozenset()


class Witness:
    """A witness for one run.

    Args:
        folder: where the run's own files lie.
        runner: which runner it is to watch, one of `WITNESSED`; None for a program of Node's that is no test.
        unseen: it also hides the runner, pytest or unittest, from the code under test.
        modules: the names of the Python modules of which it notes where they were loaded from.
        packages: the npm packages of which it does, as `node_monitor_source` takes them.
    """

    def __init__(
        self,
        folder: str,
        runner: Runner | None,
        *,
        unseen: bool = False,
        modules: Iterable[str] = (),
        packages: Iterable[tuple[str, str, tuple[str, ...]]] = (),
    ) -> None:
        self._runner, self._is_plugin = runner, runner is Runner.PYTEST
        self._of_node = runner is None or runner in OF_NODE
        self.module = f"w{secrets.token_hex(8)}" if self._is_plugin else "sitecustomize"
        self.path = f"{folder}/{self.module}.{'cjs' if self._of_node else 'py'}"
        self.record = f"{folder}/{secrets.token_hex(8)}"
        if self._of_node:
            source = node_monitor_source(record=self.record, packages=packages)
        else:
            name = "pytest_witness.py" if self._is_plugin else "startup_witness.py"
            source = monitor_source(name, record=self.record, unseen=unseen, modules=modules)
        self.source = source.encode()
        self._folder = folder

    def on_path(self, command: str) -> str:
        """The shell command with the witness where Python or Node finds it."""
        if self._of_node:
            return self._in_node(command)
        return f'export PYTHONPATH="{self._folder}${{PYTHONPATH:+:$PYTHONPATH}}"; {command}'

    def _in_node(self, command: str) -> str:
        options = f"--require {self.path}"
        export = 'export NODE_OPTIONS="{}${{NODE_OPTIONS:+ $NODE_OPTIONS}}"; '
        if self._runner is not Runner.NODE:
            return export.format(options) + command
        reporting = f"{options} {self._reporters(command)}"
        # Before 18.15 Node takes no reporters: what it prints is read then.
        either = f'if NODE_OPTIONS="{reporting}" node -e 0 2>/dev/null; then {export.format(reporting)}'
        return f"{either}else {export.format(options)}fi; {command}"

    def _reporters(self, command: str) -> str:
        """Options for the witness beside the reporters that a command asks for; each needs a destination then."""
        own = f"--test-reporter={self.path} --test-reporter-destination=/dev/null"
        asked = len(re.findall(r"--test-reporter[= ]", command))
        if not asked:
            return f"{own} --test-reporter=spec --test-reporter-destination=stdout"
        placed = len(re.findall(r"--test-reporter-destination[= ]", command))
        return own + " --test-reporter-destination=stdout" * max(0, asked - placed)

    def not_found(self, output: str) -> bool:
        """Whether pytest was started in an environment of its own, in which the plugin cannot be found."""
        return self._is_plugin and self.module in output and "rror importing plugin" in output


OF_NODE = frozenset({Runner.NODE, Runner.MOCHA, Runner.JEST, Runner.VITEST})
WITNESSED = frozenset({Runner.PYTEST, Runner.UNITTEST, Runner.DJANGO, Runner.SYMPY}) | OF_NODE
"""The runners that a witness can watch."""

HIDEABLE = frozenset({Runner.PYTEST, Runner.UNITTEST})
"""The runners that the witness can hide; of Node's, a file of tests is loaded without it in another house."""


def read_testimony(
    record: str | None, witnessed: Witnessed, runner: Runner = Runner.PYTEST, *, planted: str = ""
) -> Testimony | None:
    """What a record says; None when there is none, because the witness was never there.

    Args:
        record: what the witness wrote.
        witnessed: gives the ids in the work tree.
        runner: whose tests they are.
        planted: the token in the name of the planted test, which is no part of any comparison.
    """
    if record is None:
        return None
    raised: dict[str, bool] = {}
    moved: set[tuple[str, str]] = set()
    bodies: dict[str, tuple[Layers, Layers]] = {}
    exchanged: set[str] = set()
    for name, word, more in entries(record):
        if word == "exchanged":
            exchanged.update(str(item) for item in more)
        elif word == "body" and len(more) == 2 and not (planted and planted in name):
            bodies[witnessed.id_of(runner, name)] = (_layers(more[0]), _layers(more[1]))
        if more or (planted and planted in name):
            continue
        if word in ("raised", "returned"):
            raised[witnessed.id_of(runner, name)] = word == "raised"
        elif word in ("moved", "elsewhere"):
            moved.add((word, witnessed.id_of(runner, name)))
    bad = frozenset(name for name, is_bad in raised.items() if is_bad)
    return Testimony(bad, frozenset(moved), origins_in(record), bodies, frozenset(exchanged))


def _layers(told: object) -> Layers:
    return frozenset(map(str, told)) if isinstance(told, list) else frozenset()


def changed_bodies(told: Testimony | None, others: Iterable[Testimony | None]) -> set[str]:
    """The tests whose body is not what it is in all other runs.

    Args:
        told: of a run.
        others: of runs on other sides of the same tests.
    """
    found = set()
    for name, (before, after) in told.bodies.items() if told else ():
        known = [other.bodies[name][0] for other in others if other and name in other.bodies]
        own = frozenset.intersection(*known) if known else frozenset()
        if not own <= before & after:
            found.add(name)
    return found


def origins_in(record: str | None) -> frozenset[tuple[str, str]]:
    """The watched modules and packages that a record says were loaded, each with its file."""
    told = (entry for entry in entries(record or "") if entry[1] == "origin")
    return frozenset((name, str(file)) for name, _, more in told for file in more)


def contradicted(told: Testimony | None, outcomes: Mapping[str, TestOutcome]) -> frozenset[str]:
    """The tests that are reported as passed although their body was seen to end in an exception."""
    raised = told.raised if told else ()
    return frozenset(name for name in raised if outcomes.get(name) is TestOutcome.PASSED)
