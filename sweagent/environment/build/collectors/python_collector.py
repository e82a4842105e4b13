# List the tests of unittest, Django and SymPy in place of running them: the interpreter runs this when it starts.
import os
import sys
import traceback
import unittest

from import_finder import Finder

HERE = os.path.dirname(os.path.abspath(__file__))
FOUND = {"tests": 0, "errors": 0}


def tell(name, text):
    FOUND["errors"] += 1
    sys.stdout.write("____ ERROR collecting %s ____\n%s\n==== \n" % (name, text))


def end():
    sys.stdout.write("\ncollected %d items / %d errors\n" % (FOUND["tests"], FOUND["errors"]))
    sys.stdout.flush()
    raise SystemExit(0)


def tests_of(suite):
    inner = getattr(suite, "subsuites", None)  # of Django's parallel suite
    if inner is None and not hasattr(suite, "__iter__"):
        return [suite]
    inner = suite if inner is None else inner
    return [test for item in inner for test in tests_of(item)]


def count(suite):
    for test in tests_of(suite):
        # What could not be loaded stands among the tests as one that raises the reason.
        if not type(test).__module__.startswith("unittest.loader"):
            FOUND["tests"] += 1
            continue
        try:
            getattr(test, getattr(test, "_testMethodName", ""))()
        except unittest.SkipTest:
            pass
        except Exception as error:
            tell(test.id(), error)


def watch_unittest(module):
    def run_tests(self):
        count(self.test)
        end()

    module.TestProgram.runTests = run_tests


def watch_django(module):
    real = module.DiscoverRunner.build_suite

    def build_suite(self, *args, **options):
        suite = real(self, *args, **options)
        from django.db import connections

        for alias in connections:  # without a database's driver no test runs
            connections[alias]
        count(suite)
        end()

    module.DiscoverRunner.build_suite = build_suite


class Loaded(BaseException):
    pass


def watch_sympy(module):
    tests, reporter = module.SymPyTests, module.PyTestReporter
    real_file, real_test = tests.test_file, tests.test

    def entering_filename(self, name, number):
        FOUND["tests"] += number
        raise Loaded

    def test_file(self, *args, **options):
        try:
            return real_file(self, *args, **options)
        except Loaded:
            return None

    def test(self, *args, **options):
        real_test(self, *args, **options)
        end()

    reporter.entering_filename, tests.test_file, tests.test = entering_filename, test_file, test
    reporter.import_error = lambda self, name, info: tell(name, "".join(traceback.format_exception(*info)))
    reporter.test_exception = lambda self, info: tell("a file", "".join(traceback.format_exception(*info)))
    reporter.start = lambda self, *args, **options: None
    reporter.finish = lambda self: True


WATCHED = {
    "unittest.main": watch_unittest,
    "django.test.runner": watch_django,
    "sympy.testing.runtests": watch_sympy,
    "sympy.utilities.runtests": watch_sympy,
}


def leave():
    # The environment's own start-up module, which this one hides.
    own, path = sys.modules.pop(__name__), list(sys.path)
    sys.path[:] = [place for place in path if place != HERE]
    try:
        __import__(__name__)
    except ImportError:
        pass
    sys.path[:] = path
    sys.modules.setdefault(__name__, own)


if sys.version_info >= (3, 4):
    sys.meta_path.insert(0, Finder(WATCHED))
if "unittest.main" in sys.modules:
    watch_unittest(sys.modules["unittest.main"])
leave()
