"""The witness for runners that take no plugins: code that the interpreter runs when it starts.

It waits until the runner's module is loaded, and puts itself around each test there. It takes itself off the import
path and out of the environment at once, and lets the environment's own `sitecustomize` have its turn.
"""

STARTUP_WITNESS = """\
import os
import sys

__unittest = True  # its frames are no part of what a failure shows
RECORD, UNSEEN = {record!r}, {unseen!r}
OPEN, PROCESS = open, os.getpid
HOME, HERE = PROCESS(), os.path.dirname(os.path.abspath(__file__))


def write(name, said):
    import json

    with OPEN(RECORD, "a") as file:
        file.write(json.dumps([name, said]) + "\\n")


def note_process(name, began):
    if PROCESS() != began:
        write(name, "moved")
    elif began != HOME:
        write(name, "elsewhere")


def watch_unittest(case):
    import contextlib

    real = case._Outcome.testPartExecutor

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

    case._Outcome.testPartExecutor = executor


def watch_sympy(module):
    real = module.PyTestReporter.entering_test

    def entering_test(self, test):
        if not test.__code__.co_freevars:
            wrap(test)
        return real(self, test)

    module.PyTestReporter.entering_test = entering_test


def wrap(test):
    # The runner holds the function itself, so that only its code can be exchanged.
    inner = type(test)(test.__code__, test.__globals__, test.__name__, test.__defaults__)
    name, began = test.__code__.co_filename + "::" + test.__name__, PROCESS()

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
    exec("def test():\\n    " + call + "()\\n", made)
    test.__code__ = made["test"].__code__


def write_origin(name, files):
    for file in files:
        write(name, "from " + file)


{origins}

{hide}

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
    "sympy.testing.runtests": watch_sympy,
    "sympy.utilities.runtests": watch_sympy,
}


class Finder(object):
    def find_spec(self, name, path=None, target=None):
        watch = WATCHED.get(name)
        finders = [finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec")]
        found = (finder.find_spec(name, path) for finder in finders) if watch else ()
        spec = next((spec for spec in found if spec), None)
        if spec is None or not hasattr(spec.loader, "exec_module"):
            return None
        real = spec.loader.exec_module

        def exec_module(module):
            real(module)
            try:
                watch(module)
            except AttributeError:  # another version of the runner, which goes unwatched
                pass

        spec.loader.exec_module = exec_module
        return spec


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
    sys.meta_path.insert(0, Finder())
    __import__("atexit").register(note_origins)
leave()
"""
