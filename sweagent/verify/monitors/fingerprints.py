# Fingerprints of test bodies, and the runner's functions that code of the process can exchange.
import os
import sys

from blind_stamp import stamp

FUNCTION = type(stamp)
RUNNERS = ("_pytest.", "unittest.")


def body_of(test, file):
    # What the layers of a test's function do that stand in its own file; a decorator of elsewhere is not the test's.
    found, function = [], getattr(test, "__func__", test)
    for _ in range(20):
        if type(function) is not FUNCTION:
            break
        if os.path.basename(function.__code__.co_filename) == os.path.basename(str(file)):
            found.append(stamp(function.__code__))
        function = function.__dict__.get("__wrapped__")
    return found


def is_runners(name):
    return name.startswith(RUNNERS) and ".mock" not in name


class Functions(object):
    # The functions of the runner's modules and classes as they are when they are first seen.
    def __init__(self):
        self.seen, self.held = set(), []

    def take(self):
        for name in [name for name in sys.modules if is_runners(name) and name not in self.seen]:
            module = sys.modules[name]
            if module is None or getattr(getattr(module, "__spec__", None), "_initializing", False):
                continue
            self.seen.add(name)
            own = [item for item in list(vars(module).values()) if isinstance(item, type) and item.__module__ == name]
            for owner in [module] + own:
                for word, value in list(vars(owner).items()):
                    function = getattr(value, "__func__", value)
                    if type(function) is FUNCTION:
                        label = getattr(owner, "__qualname__", "")
                        self.held.append((owner, word, function, function.__code__, name + "." + label + "." + word))

    def exchanged(self):
        found = []
        for owner, word, function, code, label in self.held:
            now = vars(owner).get(word)
            if getattr(now, "__func__", now) is not function or function.__code__ is not code:
                found.append(label.replace("..", "."))
        return found
