# Watch the tests of unittest, Django and SymPy: the interpreter runs this when it starts.
import os
import sys

from fingerprints import Functions, body_of
from hide import hide
from import_finder import Finder
from origins import note_origins

__unittest = True  # its frames are no part of what a failure shows
RECORD, UNSEEN, MODULES = "", False, ()
OPEN, PROCESS = open, os.getpid
FUNCTIONS, TOLD = Functions(), set()
HOME, HERE = PROCESS(), os.path.dirname(os.path.abspath(__file__))
MOST = 4000  # characters of a failure


def write(*entry):
    import json

    with OPEN(RECORD, "ab", 0) as file:  # unbuffered: one line is one write, also of several processes
        file.write((json.dumps(entry) + "\n").encode("ascii"))


def note_process(name, began):
    if PROCESS() != began:
        write(name, "moved")
    elif began != HOME:
        write(name, "elsewhere")


def file_of(test):
    # Where the class lives, which is not where an inherited test was written.
    module = sys.modules.get(type(test).__module__)
    if type(test).__module__.split(".")[0] in ("unittest", "doctest"):
        code = getattr(getattr(test, "_testFunc", None), "__code__", None)
        return getattr(code, "co_filename", "") or getattr(getattr(test, "_dt_test", None), "filename", None) or ""
    return os.path.abspath(getattr(module, "__file__", None) or "") if module else ""


def note_exchanged():
    names = [name for name in FUNCTIONS.exchanged() if name not in TOLD]
    TOLD.update(names)
    if names:
        write("", "exchanged", *names)


def body_of_case(test):
    return body_of(getattr(type(test), getattr(test, "_testMethodName", ""), None), file_of(test))


def watch_unittest(case):
    import contextlib

    real, real_run = case._Outcome.testPartExecutor, case.TestCase.run

    @contextlib.contextmanager
    def executor(self, test, *args, **options):
        name, began = getattr(test, "test_case", test).id(), PROCESS()
        with real(self, test, *args, **options):
            try:
                yield
            except BaseException:
                write(name, "raised")
                raise
            finally:
                note_process(name, began)

    def run(self, *args, **options):
        write(file_of(self), "collected", [self.id()])
        write(self.id(), "began")
        FUNCTIONS.take()
        before = body_of_case(self)
        try:
            return real_run(self, *args, **options)
        finally:
            write(self.id(), "body", before, body_of_case(self))
            note_exchanged()

    case._Outcome.testPartExecutor = executor
    case.TestCase.run = run


def text_of(failures):
    # A result in a worker process keeps no failures; the news that its parent gets have them.
    try:
        return str(failures[-1][1])[-MOST:]
    except (TypeError, IndexError):
        return ""


def watch_result(module):
    # What a test came to, as its runner is told of it; of a worker process, when the news arrive.
    def told(name, word, kept):
        real = getattr(module.TestResult, name)

        def add(self, test, *details):
            real(self, test, *details)
            write(
                getattr(test, "test_case", test).id(), "ended", word, text_of(getattr(self, kept, None)) if kept else ""
            )

        add.__name__ = name
        setattr(module.TestResult, name, add)

    real_part = module.TestResult.addSubTest

    def part(self, test, subtest, problem):
        real_part(self, test, subtest, problem)
        if problem is not None:
            failed = issubclass(problem[0], test.failureException)
            text = text_of(getattr(self, "failures" if failed else "errors", None))
            write(test.id(), "ended", "failed" if failed else "error", text)

    module.TestResult.addSubTest = part
    told("addSuccess", "passed", "")
    told("addFailure", "failed", "failures")
    told("addError", "error", "errors")
    told("addSkip", "skipped", "skipped")
    told("addExpectedFailure", "xfailed", "expectedFailures")
    told("addUnexpectedSuccess", "xpassed", "")


SYMPY_WORDS = {
    "test_pass": "passed",
    "test_fail": "failed",
    "test_exception": "error",
    "test_xfail": "xfailed",
    "test_xpass": "xpassed",
    "test_skip": "skipped",
}


def watch_sympy(module):
    reporter = module.PyTestReporter
    real, names = reporter.entering_test, {}

    def entering_test(self, test):
        root, file = getattr(self, "_root_dir", ""), getattr(self, "_active_file", None)
        file = os.path.join(root, file) if file else test.__code__.co_filename
        names[id(self)] = name = file + "::" + test.__name__
        write(name, "began")
        if not test.__code__.co_freevars:
            wrap(test, name)
        return real(self, test)

    def told(method, word):
        real_method = getattr(reporter, method)

        def tell(self, *details):
            write(names.get(id(self), ""), "ended", word, "")
            return real_method(self, *details)

        setattr(reporter, method, tell)

    reporter.entering_test = entering_test
    for method in SYMPY_WORDS:
        if hasattr(reporter, method):
            told(method, SYMPY_WORDS[method])


def wrap(test, name):
    # The runner holds the function itself, so that only its code can be exchanged.
    inner = type(test)(test.__code__, test.__globals__, test.__name__, test.__defaults__)
    began = PROCESS()

    def body():
        try:
            inner()
        except BaseException:
            write(name, "raised")
            raise
        finally:
            note_process(name, began)

    call = "call_" + test.__name__
    test.__globals__[call] = body
    made = {}
    exec("def test():\n    " + call + "()\n", made)
    test.__code__ = made["test"].__code__


def hide_unittest(loader):
    real = loader.TestLoader.loadTestsFromNames

    def names(self, *args, **options):
        loader.TestLoader.loadTestsFromNames = real
        hide(("unittest",))
        return real(self, *args, **options)

    if UNSEEN:
        loader.TestLoader.loadTestsFromNames = names


WATCHED = {
    "unittest.loader": hide_unittest,
    "unittest.case": watch_unittest,
    "unittest.result": watch_result,
    "sympy.testing.runtests": watch_sympy,
    "sympy.utilities.runtests": watch_sympy,
}


def leave():
    sys.path[:] = [place for place in sys.path if place != HERE]
    rest = [place for place in os.environ.pop("PYTHONPATH", "").split(os.pathsep) if place != HERE]
    if any(rest):
        os.environ["PYTHONPATH"] = os.pathsep.join(rest)
    own = sys.modules.pop(__name__)
    try:
        __import__(__name__)
    except ImportError:
        pass
    sys.modules.setdefault(__name__, own)


if sys.version_info >= (3, 4):
    with OPEN(RECORD, "a"):
        pass
    sys.meta_path.insert(0, Finder(WATCHED, FUNCTIONS.take))
    __import__("atexit").register(note_origins, MODULES, write)
leave()
