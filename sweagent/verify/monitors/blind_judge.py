# Evaluate the assertions of a dump in a clean interpreter, by Python's own operators.
#
# `python -I -S blind_judge.py QUESTION`: a file of JSON with the assertions, what the judge kept of the expected, and
# the dump. Prints a line of JSON: how each test ended, and what became of each assertion.
import builtins
import collections
import datetime
import decimal
import importlib
import json
import math
import os
import re
import sys

from blind_known import Known

# Where libraries define values that equal anything: no answer of the code under test.
STANDARD = (
    "datetime",
    "decimal",
    "fractions",
    "collections",
    "textwrap",
    "math",
    "uuid",
    "itertools",
    "operator",
    "re",
)


class Undecided(Exception):
    # An assertion asks of a value what only its own class can say.
    pass


class Raised(Exception):
    # An operand could not be made.
    pass


# What assertions need beside the operators.


def near(a, b, places=7, msg=None, delta=None):
    return a == b or (abs(a - b) <= delta if delta is not None else round(abs(a - b), places or 7) == 0)


def same_items(a, b, msg=None):
    left = list(b)
    for item in a:
        if item not in left:
            return False
        left.remove(item)
    return not left


def found(pattern, text, flags=0):
    return re.search(pattern, text, flags) is not None


def each(test, a, b):
    # As in numpy one number stands for a whole array.
    if isinstance(a, (list, tuple)) or isinstance(b, (list, tuple)):
        left = a if isinstance(a, (list, tuple)) else [a] * len(b)
        right = b if isinstance(b, (list, tuple)) else [b] * len(left)
        return len(left) == len(right) and all(each(test, x, y) for x, y in zip(left, right))
    return bool(test(a, b))


def both_nan(a, b):
    return isinstance(a, float) and isinstance(b, float) and a != a and b != b


def all_close(a, b, rtol=1e-7, atol=0, **_):
    return each(lambda x, y: x == y or both_nan(x, y) or abs(x - y) <= atol + rtol * abs(y), a, b)


def all_near(a, b, decimal=6, **_):
    return each(lambda x, y: x == y or both_nan(x, y) or abs(x - y) < 1.5 * 10**-decimal, a, b)


def all_same(a, b, *_, **__):
    return each(lambda x, y: x == y or both_nan(x, y), a, b)


class approx(object):
    def __init__(self, expected, rel=None, abs=None, nan_ok=False):
        self.expected, self.nan_ok = expected, nan_ok
        self.rel, self.abs = 1e-6 if rel is None else rel, 1e-12 if abs is None else abs

    def __eq__(self, other):
        if isinstance(self.expected, dict):
            same = self.expected.keys() == other.keys()
            return same and all(self.like(other[key], value) for key, value in self.expected.items())
        return each(self.like, other, self.expected)

    def like(self, a, b):
        if not isinstance(b, (int, float, complex)):
            return bool(a == b)
        return a == b or (self.nan_ok and both_nan(a, b)) or abs(a - b) <= max(self.abs, self.rel * abs(b))


def called(calls, how, *args, **kwargs):
    want = (args, kwargs)
    return want in calls if how == "any" else bool(calls) and calls[-1] == want and (how == "last" or len(calls) == 1)


def warned(seen, kind, pattern=""):
    return any(is_sub(one, kind) and re.search(pattern, text) for one, text in seen)


def is_sub(cls, kinds):
    # `issubclass`, by ancestors alone.
    wanted = kinds if isinstance(kinds, tuple) else (kinds,)
    ancestors = cls.ancestors if isinstance(cls, Class) else list(getattr(cls, "__mro__", ()))
    if any(one is kind for one in ancestors for kind in wanted):
        return True
    if any(type(kind) is not type and not getattr(kind, "plain", False) for kind in wanted):
        raise Undecided
    return False


HELPERS = (near, same_items, found, all_close, all_near, all_same, approx, called, warned, is_sub)


# The values, rebuilt.


class Class(object):
    # A class of the process under test.
    def __init__(self, name, ancestors, static, plain, hooks, by_fields):
        self.name, self.ancestors, self.static, self.plain = name, ancestors, static, plain
        self.hooks, self.by_fields = hooks, by_fields


def ask(*_):
    raise Undecided


class Object(object):
    # Stands for a value without a base type: equal to itself, and to others only if its state decides.
    def __init__(self, kind, state):
        self.kind, self.state = kind, state

    def __eq__(self, other):
        kinds = [item.kind for item in (self, other) if isinstance(item, Object)]
        if len(kinds) == 2 and all(kind.by_fields for kind in kinds):
            return kinds[0] is kinds[1] and self.state == other.state
        if len(kinds) == 1 and kinds[0].by_fields:
            return False
        if any({"eq", "ne"} & set(kind.hooks) for kind in kinds):
            raise Undecided
        return self is other

    def __hash__(self):
        if "eq" in self.kind.hooks:
            raise Undecided  # it may be equal to something with another hash
        return object.__hash__(self)

    def __bool__(self):
        if {"bool", "len"} & set(self.kind.hooks):
            raise Undecided
        return True

    __lt__ = __le__ = __gt__ = __ge__ = __len__ = __iter__ = __contains__ = __getitem__ = __getattr__ = ask
    __sub__ = __rsub__ = __abs__ = ask


class Array(list):
    # Stands for an array: helpers that compare arrays read it; operators mean something else for arrays.
    def __eq__(self, other):
        return NotImplemented if isinstance(other, approx) else ask()

    __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __contains__ = ask
    __sub__ = __rsub__ = __abs__ = ask
    __hash__ = None


SEQUENCES = {"array": Array, "deque": collections.deque, "dict_keys": frozenset}


class Judge(object):
    def __init__(self, question):
        self.sites, self.classes, self.tables = question["sites"], {}, question["tables"]
        self.names = []
        for imports in question["imports"]:
            names = {helper.__name__: helper for helper in HELPERS}
            names.update(re=re, math=math)  # type: ignore[call-overload]
            for local, path in imports.items():
                found = standard(path)
                if found is not None:
                    names[local] = found[0]
            self.names.append(names)
        self.ended, self.seen, self.python = {}, {}, ["", ""]

    def read(self, lines):
        for line in lines:
            try:
                word, rest = json.loads(line)[0], json.loads(line)[1:]
            except ValueError:  # a line that was cut off
                continue
            if word == "class":
                self.learn(rest[0], Class(*rest[1:]))
            elif word == "python":
                self.python = rest
            elif word == "begin":
                self.ended.setdefault(rest[0], []).append(["never ended", ""])
            elif word == "end":
                ends = self.ended.setdefault(rest[0], [])
                ends[:] = [how for how in ends if how[0] != "never ended"] + [rest[1:]]
            elif rest[0] < len(self.sites):
                self.seen.setdefault(rest[0], []).append(self.holds(rest[0], rest[1]))

    def learn(self, identity, made):
        real = getattr(builtins, made.name[len("builtins.") :], None) if made.static else None
        same = isinstance(real, type) and made.name.startswith("builtins.")
        self.classes[identity] = (real if same else made, made)
        made.ancestors = [self.classes[one][0] for one in made.ancestors]

    def holds(self, number, row):
        # Whether an assertion held, None if only the classes of its values can say; by which hooks; the values.
        self.values, self.met, self.own_words = {}, [], False
        site = self.sites[number]
        values = []

        def h(place):
            if isinstance(values[place], Raised):
                raise values[place]
            return values[place]

        def t(place):
            item = h(place)
            return self.evaluate(self.tables[item[0]]["rows"][item[1]], self.tables[item[0]]["file"])

        try:
            values += [self.rebuild(item) for item in row]
            held = bool(self.evaluate(site["test"], site["file"], h=h, t=t))
        except Undecided:
            held = None
        except Exception:
            held = None if self.met else False
        if held is False and self.own_words:
            held = None
        hooks = []
        if held is None or site["level"] == "in process":
            hooks = [hook for kind in self.met for hook in kind.hooks.values() if hook != "C"]
        shown = json.dumps(bare(row), sort_keys=True)
        return held, hooks, "large" if '["large"]' in shown else shown[:2000]

    def evaluate(self, text, file, **more):
        return eval(compile(text, "<judge>", "eval"), dict(self.names[file], **more))

    def rebuild(self, item):
        # The value of a dump; one object for one identity.
        what, rest = item[0], item[1:]
        if what == "is":
            return {"None": None, "True": True, "False": False, "Ellipsis": Ellipsis}.get(rest[0], NotImplemented)
        if what == "raised":
            return Raised(rest[0])
        if what == "large":
            self.own_words = True
            return Object(Class("large", [], False, True, {"eq": "C", "bool": "C"}, False), None)
        if what == "held":
            return rest
        if what == "class":
            real, made = self.classes[rest[0]]
            self.met += [] if made.plain else [self.classes[rest[1]][1]]
            return real
        read, identity, kind = rest
        if identity not in self.values:
            made = self.classes[kind][1]
            own = any(hook != "C" for hook in made.hooks.values())
            self.own_words |= own and what != "object"  # its class may hold it equal to more than its base type does
            self.met += [made] if own or what == "object" else []
            self.values[identity] = self.value(what, read, made)
        return self.values[identity]

    def value(self, what, read, kind):
        if what == "object":
            return Object(kind, read and [self.rebuild(part) for part in read])
        if what == "str":
            return read
        if what == "int":
            return int(read, 16)
        if what in ("float", "bytes", "bytearray"):
            return float.fromhex(read) if what == "float" else getattr(builtins, what).fromhex(read)
        if what in ("complex", "Decimal"):
            return complex(*map(float.fromhex, read)) if what == "complex" else decimal.Decimal(read)
        if what == "dict":
            return {self.rebuild(key): self.rebuild(value) for key, value in read}
        parts = [self.rebuild(part) for part in read]
        if what in ("list", "tuple", "set", "frozenset") or what in SEQUENCES:
            return (SEQUENCES.get(what) or getattr(builtins, what))(parts)
        if any(isinstance(part, Object) for part in parts):  # a time zone of its own
            return Object(kind, None)
        return (getattr(builtins, what, None) or getattr(datetime, what))(*parts)


def bare(item):
    # A dump without identities, which are others in each process.
    if not isinstance(item, list) or not item or not isinstance(item[0], str):
        return [bare(part) for part in item] if isinstance(item, list) else item
    if item[0] in ("is", "raised", "large", "held"):
        return item
    return [item[0]] if item[0] == "class" else [item[0], bare(item[1])]


def standard(path):
    # Something of the standard library by its full name, in a tuple; None for anything else.
    if path.split(".")[0] not in STANDARD and not path.startswith("unittest.mock"):
        return None
    module, _, name = path.rpartition(".")
    try:
        return (getattr(importlib.import_module(module), name) if module else importlib.import_module(path),)
    except (ImportError, AttributeError):
        try:
            return (importlib.import_module(path),)
        except ImportError:
            return None


def main(path):
    with open(path) as file:
        question = json.load(file)
    judge = Judge(question)
    judge.read(question["dump"])
    known = Known(os.getcwd(), judge.python[1])
    new = {}
    rows = {}
    for number, seen in judge.seen.items():
        for _, hooks, _ in seen:
            for hook in hooks:
                if isinstance(hook, str) or not known.knows(hook):
                    new.setdefault(number, set()).add((hook,) if isinstance(hook, str) else tuple(hook[:5]))
        rows[number] = [[held, values] for held, _, values in seen]
    answer = {
        "nonce": question["nonce"],
        "ended": judge.ended,
        "seen": rows,
        "new": {number: sorted(names) for number, names in new.items()},
    }
    sys.stdout.write("\n" + json.dumps(answer) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
