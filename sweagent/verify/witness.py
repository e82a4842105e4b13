"""A second witness of a run of Python tests: what a test's body came to, told before the runner makes a report of it.

Code under test shares its process with the runner, and can replace what makes the reports, even only while one test
runs. The witness stands closer to the test: it sees an exception leave the test's body, and writes that down at once,
and it sees when the body goes on in another process than the one in which it began. In pytest it is a plugin; it also
hides the variables by which code could tell that a test is running. Other runners take no plugins: there it comes in
when the interpreter starts. In Node's process there is no witness, only a guard of the functions that compare.
"""

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sweagent.testing import Runner, TestOutcome
from sweagent.verify.hiding import HIDE
from sweagent.verify.monitors.import_origins import NOTE_ORIGINS
from sweagent.verify.startup_witness import STARTUP_WITNESS

# It has to run under every pytest since 3 and every Python since 2.7.
_PLUGIN = """\
import json
import os
import sys

import pytest

RECORD, UNSEEN = {record!r}, {unseen!r}
VARIABLES = ("PYTEST_CURRENT_TEST", "PYTEST_VERSION", "PYTEST_ADDOPTS")
OPEN, DUMPS, PROCESS = open, json.dumps, os.getpid
HOME = PROCESS()
OPEN(RECORD, "a").close()  # a run in which no test comes to its body was watched too


def write(item, said):
    with OPEN(RECORD, "a") as file:
        file.write(DUMPS([item.nodeid, said]) + "\\n")


def note(item, outcome, began):
    problem = outcome.excinfo or getattr(item, "_excinfo", None)
    write(item, "raised" if problem else "returned")
    if PROCESS() != began:
        write(item, "moved")
    elif began != HOME:
        write(item, "elsewhere")


def write_origin(name, files):
    with OPEN(RECORD, "a") as file:
        file.write("".join(DUMPS([name, "from " + place]) + "\\n" for place in files))


{origins}

def pytest_collection_finish():
    note_origins()


def pytest_sessionfinish():
    note_origins()


{hide}

@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests():
    if UNSEEN:
        for name in VARIABLES:
            os.environ.pop(name, None)
        hide(("pytest", "_pytest", "pluggy", "iniconfig", "py"))


@pytest.hookimpl(hookwrapper=True, trylast=True)
def pytest_pyfunc_call(pyfuncitem):
    hidden = dict((name, os.environ.pop(name)) for name in VARIABLES if name in os.environ)
    began = PROCESS()
    outcome = yield
    for name in hidden:
        os.environ.setdefault(name, hidden[name])
    note(pyfuncitem, outcome, began)


@pytest.hookimpl(hookwrapper=True, trylast=True)
def pytest_runtest_call(item):
    began = PROCESS()
    note(item, (yield), began)
"""

# What tests of JavaScript compare with cannot be exchanged; it can still be added to.
_GUARD = """\
const assert = require('assert');
for (const owner of [assert, assert.strict]) {
  for (const name of Object.keys(owner)) {
    Object.defineProperty(owner, name, { writable: false, configurable: false });
  }
}
"""


WITNESS = "-p {witness}"
"""The option of pytest that loads the plugin, for a command in which `{witness}` is filled in."""


@dataclass(frozen=True)
class Testimony:
    """What the witness tells of a run.

    Attributes:
        raised: the tests, by the ids of the runner, whose body was seen to end in an exception.
        moved: those that ended in another process than they began in, or began in another than the runner's; with
            a word that says which of the two.
        origins: the watched modules that were loaded, each with its file.
    """

    __test__ = False

    raised: frozenset[str] = frozenset()
    moved: frozenset[tuple[str, str]] = frozenset()
    origins: frozenset[tuple[str, str]] = frozenset()


class Witness:
    """A witness for one run.

    Args:
        folder: where the run's own files lie.
        runner: which runner it is to watch, one of `WITNESSED`.
        unseen: it also hides the runner, pytest or unittest, from the code under test.
        modules: the names of the Python modules whose origin is recorded.
    """

    def __init__(self, folder: str, runner: Runner, *, unseen: bool = False, modules: Iterable[str] = ()) -> None:
        self._is_plugin, self._is_guard = runner is Runner.PYTEST, runner in _GUARDED
        self.module = f"w{secrets.token_hex(8)}" if self._is_plugin else "sitecustomize"
        self.path = f"{folder}/{self.module}.{'cjs' if self._is_guard else 'py'}"
        self.record = f"{folder}/{secrets.token_hex(8)}"
        source = _PLUGIN if self._is_plugin else _GUARD if self._is_guard else STARTUP_WITNESS
        filled = {
            "{hide}": HIDE,
            "{origins}": NOTE_ORIGINS,
            "{record!r}": repr(self.record),
            "{unseen!r}": repr(unseen),
            "{modules!r}": repr(sorted(modules)),
        }
        for place, text in filled.items():
            source = source.replace(place, text)
        self.source = source.encode()
        self._folder = folder

    def on_path(self, command: str) -> str:
        """The shell command with the witness where Python or Node finds it."""
        if self._is_guard:
            return f'export NODE_OPTIONS="--require {self.path}${{NODE_OPTIONS:+ $NODE_OPTIONS}}"; {command}'
        return f'export PYTHONPATH="{self._folder}${{PYTHONPATH:+:$PYTHONPATH}}"; {command}'

    def not_found(self, output: str) -> bool:
        """Whether pytest was started in an environment of its own, in which the plugin cannot be found."""
        return self._is_plugin and self.module in output and "rror importing plugin" in output


_GUARDED = frozenset({Runner.NODE, Runner.MOCHA, Runner.JEST, Runner.VITEST})
WITNESSED = frozenset({Runner.PYTEST, Runner.UNITTEST, Runner.DJANGO, Runner.SYMPY}) | _GUARDED
"""The runners that a witness can watch; those of JavaScript have a guard only, which tells nothing."""

HIDEABLE = frozenset({Runner.PYTEST, Runner.UNITTEST, Runner.NODE})
"""The runners that can be hidden: by the witness, or because the tests can be run without them."""


def read_testimony(record: str | None, workdir: str = "") -> Testimony | None:
    """What a record says; None when there is none, because the witness was never there.

    Args:
        record: what the witness wrote.
        workdir: the folder that is no part of the names of tests.
    """
    if record is None:
        return None
    raised: dict[str, bool] = {}
    moved: set[tuple[str, str]] = set()
    origins: set[tuple[str, str]] = set()
    for line in record.splitlines():
        try:
            name, said = json.loads(line)
        except (ValueError, TypeError):
            continue
        place = str(name).removeprefix(f"{workdir}/")
        if said in ("raised", "returned"):
            raised[place] = said == "raised"
        elif said in ("moved", "elsewhere"):
            moved.add((said, place))
        elif str(said).startswith("from "):
            origins.add((str(name), str(said).removeprefix("from ")))
    return Testimony(frozenset(name for name, bad in raised.items() if bad), frozenset(moved), frozenset(origins))


def contradicted(told: Testimony | None, outcomes: Mapping[str, TestOutcome]) -> frozenset[str]:
    """The tests that are reported as passed although their body was seen to end in an exception."""
    raised = told.raised if told else ()
    return frozenset(name for name in raised if outcomes.get(name) is TestOutcome.PASSED)
