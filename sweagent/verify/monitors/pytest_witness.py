# Watch the tests of pytest from within: a plugin for every version since 3.0.
import json
import os

import pytest

from fingerprints import Functions, body_of
from hide import hide
from origins import note_origins

RECORD, UNSEEN, MODULES = "", False, ()
VARIABLES = ("PYTEST_CURRENT_TEST", "PYTEST_VERSION", "PYTEST_ADDOPTS")
OPEN, DUMPS, PROCESS = open, json.dumps, os.getpid
HOME = PROCESS()
MOST = 4000  # characters of a failure
FUNCTIONS, TOLD = Functions(), set()
__import__("unittest.case")
FUNCTIONS.take()
OPEN(RECORD, "a").close()  # a run in which no test comes to its body was watched too


def write(*entry):
    with OPEN(RECORD, "ab", 0) as file:  # unbuffered: one line is one write, also of several processes
        file.write((DUMPS(entry) + "\n").encode("ascii"))


def note(item, outcome, began):
    problem = outcome.excinfo or getattr(item, "_excinfo", None)
    write(item.nodeid, "raised" if problem else "returned")
    if PROCESS() != began:
        write(item.nodeid, "moved")
    elif began != HOME:
        write(item.nodeid, "elsewhere")


def note_exchanged():
    names = [name for name in FUNCTIONS.exchanged() if name not in TOLD]
    TOLD.update(names)
    if names:
        write("", "exchanged", *names)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests():
    if UNSEEN:
        for name in VARIABLES:
            os.environ.pop(name, None)
        hide(("pytest", "_pytest", "pluggy", "iniconfig", "py"))


def pytest_configure(config):
    write(str(getattr(config, "rootpath", None) or getattr(config, "rootdir", "")), "root")


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_collection_finish(session):
    collected = {}
    for item in getattr(session, "items", None) or ():
        # Where it was collected, which is not where an inherited test was written.
        file = getattr(item, "path", None) or getattr(item, "fspath", "")
        collected.setdefault(str(file), []).append(item.nodeid)
    for file in collected:
        write(file, "collected", collected[file])
    note_origins(MODULES, write)
    yield


def pytest_sessionfinish():
    note_exchanged()
    note_origins(MODULES, write)


def pytest_runtest_logstart(nodeid):
    write(nodeid, "began")


@pytest.hookimpl(hookwrapper=True, trylast=True)
def pytest_pyfunc_call(pyfuncitem):
    hidden = {name: os.environ.pop(name) for name in VARIABLES if name in os.environ}
    began = PROCESS()
    outcome = yield
    for name in hidden:
        os.environ.setdefault(name, hidden[name])
    note(pyfuncitem, outcome, began)


@pytest.hookimpl(hookwrapper=True, trylast=True)
def pytest_runtest_call(item):
    file = getattr(item, "path", None) or getattr(item, "fspath", "")
    began, before = PROCESS(), body_of(getattr(item, "obj", None), file)
    outcome = yield
    write(item.nodeid, "body", before, body_of(getattr(item, "obj", None), file))
    note_exchanged()
    note(item, outcome, began)


@pytest.hookimpl(hookwrapper=True, trylast=True)
def pytest_runtest_logreport(report):
    yield
    word = report.outcome
    if word == "passed" and report.when != "call":
        return
    if hasattr(report, "wasxfail"):
        word = "xfailed" if word == "skipped" else "xpassed"
    elif word == "failed" and report.when != "call":
        word = "error"
    try:
        text = str(report.longrepr)[-MOST:] if word in ("failed", "error") else ""
    except Exception:  # of a value under test that cannot be shown
        text = ""
    write(report.nodeid, "ended", word, text)
