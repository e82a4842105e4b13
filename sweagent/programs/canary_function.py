# Fail, and tell which functions of the test runner were replaced by code of the work tree: a test function.
import os
import sys

HERE = os.path.realpath(os.getcwd()) + os.sep
WATCHED = ("_pytest.", "pluggy.", "unittest.", "django.test.", "builtins.")


def changed():
    for name, module in list(sys.modules.items()):
        home = os.path.realpath(getattr(module, "__file__", None) or os.__file__)
        if not (name + ".").startswith(WATCHED) or home.startswith(HERE):
            continue
        kinds = [value for value in vars(module).values() if isinstance(value, type) and value.__module__ == name]
        for owner in [module] + kinds:
            for key, value in list(vars(owner).items()):
                code = getattr(getattr(value, "__func__", value), "__code__", None)
                file = getattr(code, "co_filename", "")
                if os.path.isabs(file) and os.path.realpath(file).startswith(HERE):
                    yield name + "." + key


def test_TOKEN():
    raise AssertionError("TOKEN " + " ".join(sorted(set(changed()))))
