# Write down the operands of assertions beside the code under test, by the functions of the base types.
#
# No method of a value is called: a value cannot say how it is read. A test goes on as if its assertion held.
import collections
import datetime
import decimal
import json
import os
import sys
import types
import warnings
import weakref

from blind_stamp import stamp

RECORD = ""
OUT = os.open(RECORD, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
WRITE, DUMPS, IDENT, kind = os.write, json.dumps, id, type
MRO = type.__dict__["__mro__"].__get__
OWN = type.__dict__["__dict__"].__get__
FLAGS = type.__dict__["__flags__"].__get__
MODULE = type.__dict__["__module__"].__get__
QUALNAME = type.__dict__["__qualname__"].__get__
HOOKS = ("eq", "ne", "lt", "le", "gt", "ge", "bool", "len", "contains", "hash", "instancecheck")
KEYS = type({}.keys())
SLOT = type(int.__eq__)
PLAIN = (None, True, False, Ellipsis, NotImplemented)
# These compare as what is behind them.
SEEN_THROUGH = (weakref.ProxyType, weakref.CallableProxyType, types.MappingProxyType)
DEEPEST, MOST_PARTS, MOST_ROWS = 40, 100000, 500
KNOWN, STATE, ROWS = {}, {"depth": 0, "parts": 0}, {}
KEPT = []  # what was made for a dump lives until its end, so that no identity is used twice


class Late(object):
    # An operand that Python might not reach.
    def __init__(self, make):
        self.make = make


class Held(object):
    # Stands for a value that stays with the judge.
    def __init__(self, table, row):
        self.table, self.row = table, row


def items(value, step):
    return [dump(item) for item in step(value)]


def parts(value, base, names):
    # They are made when they are read; one that were let go could leave its identity to the next.
    made = [getattr(base, name).__get__(value) for name in names.split()]
    KEPT.extend(made)
    return [dump(part) for part in made]


READ = [
    (int, lambda v: hex(int.__index__(v))),
    (float, lambda v: float.hex(v)),
    (complex, lambda v: [float.hex(complex.real.__get__(v)), float.hex(complex.imag.__get__(v))]),
    (str, str.__str__),
    (bytes, bytes.hex),
    (bytearray, bytearray.hex),
    (list, lambda v: items(v, list.__iter__)),
    (tuple, lambda v: items(v, tuple.__iter__)),
    (set, lambda v: items(v, set.__iter__)),
    (frozenset, lambda v: items(v, frozenset.__iter__)),
    (KEYS, lambda v: items(v, KEYS.__iter__)),
    (dict, lambda v: [[dump(a), dump(b)] for a, b in dict.items(v)]),
    (collections.deque, lambda v: items(v, collections.deque.__iter__)),
    (range, lambda v: parts(v, range, "start stop step")),
    (slice, lambda v: parts(v, slice, "start stop step")),
    (decimal.Decimal, decimal.Decimal.__str__),
    (datetime.timedelta, lambda v: parts(v, datetime.timedelta, "days seconds microseconds")),
    (datetime.datetime, lambda v: parts(v, datetime.datetime, "year month day hour minute second microsecond tzinfo")),
    (datetime.date, lambda v: parts(v, datetime.date, "year month day")),
    (datetime.time, lambda v: parts(v, datetime.time, "hour minute second microsecond tzinfo")),
    (datetime.timezone, lambda v: [dump(datetime.timezone.utcoffset(v, None))]),
]


def emit(*line):
    WRITE(OUT, (DUMPS(line) + "\n").encode("utf-8", "replace"))


def has(classes, one):
    return any(item is one for item in classes)


def label(cls):
    return "%s.%s" % (MODULE(cls), QUALNAME(cls))


def static(cls):
    # Nothing but C makes such a class.
    return not FLAGS(cls) & (1 << 9) or FLAGS(cls) & (1 << 8) != 0


def function(made):
    return [made.__code__.co_filename, made.__qualname__, made.__code__.co_name, stamp(made.__code__)]


def wrapped(made, deep):
    # The functions that a decorator's own function holds, and theirs.
    found = []
    for cell in made.__closure__ or ():
        try:
            held = cell.cell_contents
        except ValueError:  # nothing was put in it yet
            continue
        if type(held) is types.FunctionType and held is not made:
            found.append(held)
    return [function(one) for one in found] + [row for one in found if deep for row in wrapped(one, deep - 1)]


def origin(cls, owner, name, made):
    # Who defines a hook: C, a function of Python by its stamp, or something else.
    if type(made) is types.FunctionType:
        return function(made) + [name, wrapped(made, 3)]
    slot = type(made) is SLOT and made.__name__ == "__%s__" % name and static(made.__objclass__)  # type: ignore[attr-defined]
    return "C" if slot or (static(owner) and not has(SEEN_THROUGH, owner)) else "%s.__%s__" % (label(cls), name)


def hooks_of(cls):
    hooks = {}
    for name in HOOKS:
        for owner in MRO(cls):
            made = OWN(owner).get("__%s__" % name)
            if made is not None:
                if owner is not object:
                    hooks[name] = origin(cls, owner, name, made)
                break
    return hooks


def describe(cls):
    # Write down a class once: its ancestors, and who defines the hooks by which its instances are compared.
    if IDENT(cls) not in KNOWN:
        KNOWN[IDENT(cls)] = cls
        hooks = hooks_of(cls)
        ancestors = [IDENT(item) for item in MRO(cls) if item is cls or describe(item)]
        by_fields = (
            type(hooks.get("eq")) is list and hooks["eq"][0] == "<string>" and "__dataclass_fields__" in OWN(cls)
        )
        emit("class", IDENT(cls), label(cls), ancestors, static(cls), type(cls) is type, hooks, by_fields)
    return True


def dump(value):
    STATE["depth"] += 1
    STATE["parts"] += 1
    try:
        if STATE["depth"] > DEEPEST or STATE["parts"] > MOST_PARTS:
            return ["large"]
        return plain(value)
    finally:
        STATE["depth"] -= 1


def plain(value):
    # A value as its base type says it is.
    cls = type(value)
    if has(PLAIN, value):
        return ["is", repr(value)]
    if cls is Held:
        return ["held", value.table, value.row]
    describe(cls)
    if has(MRO(cls), type):
        describe(value)
        return ["class", IDENT(value), IDENT(cls)]
    for base, read in READ:
        if has(MRO(cls), base):
            return [base.__name__, read(value), IDENT(value), IDENT(cls)]  # type: ignore[operator]
    for owner in MRO(cls):
        if static(owner) and owner is cls and label(owner) == "numpy.ndarray":
            KEPT.append(OWN(owner)["tolist"](value))
            numbers = KEPT[-1] if type(KEPT[-1]) is list else [KEPT[-1]]
            return ["array", items(numbers, list.__iter__), IDENT(value), IDENT(cls)]
        if static(owner) and label(owner) == "numpy.generic":
            KEPT.append(OWN(owner)["item"](value))
            return dump(KEPT[-1]) if type(KEPT[-1]) is not cls else ["object", None, IDENT(value), IDENT(cls)]
    fields, state = OWN(cls).get("__dataclass_fields__"), None
    if type(fields) is dict and "__eq__" in OWN(cls) and "__slots__" not in OWN(cls):
        held = object.__getattribute__(value, "__dict__")
        state = [dump(held.get(name)) for name in dict.keys(fields)]
    return ["object", state, IDENT(value), IDENT(cls)]


def see(number, *leaves):
    ROWS[number] = ROWS.get(number, 0) + 1
    if ROWS[number] > MOST_ROWS:
        return
    del KEPT[:]
    STATE["depth"] = STATE["parts"] = 0
    row = []
    for leaf in leaves:
        try:
            value = leaf.make() if type(leaf) is Late else leaf
        except Exception as error:
            row.append(["raised", label(type(error))])
            continue
        KEPT.append(value)
        try:
            row.append(dump(value))
        except Exception:  # something changes while it is read
            row.append(["large"])
    emit("see", number, row)


def note(number, *args):
    see(number, *args)
    return args


def calls(mock):
    return [tuple(tuple.__iter__(call))[-2:] for call in mock.call_args_list]


def place_of(trace):
    # The file in which an exception arose.
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return os.path.abspath(trace.tb_frame.f_code.co_filename) if trace is not None else ""


class test(object):
    # Stands around the body of a test.
    def __init__(self, name):
        self.name = name

    def __enter__(self):
        emit("begin", self.name)

    def __exit__(self, kind, error, trace):
        quiet = kind is None or (kind is SystemExit and not error.code)
        emit("end", self.name, None if quiet else label(kind), "" if quiet else place_of(trace))


class raising(object):
    # Stands for `pytest.raises` and `assertRaises`; any exception ends the block, as the expected one would.
    value = exception = type = tb = None

    def __init__(self, number, *rest):
        self.number, self.rest = number, rest

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.value = self.exception = error
        self.type, self.tb = kind, trace
        see(self.number, kind, Late(lambda: str(error)), *self.rest)
        return kind is not None and kind is not KeyboardInterrupt

    def __getattr__(self, name):
        from _pytest._code import ExceptionInfo

        made = getattr(ExceptionInfo, "from_exc_info", ExceptionInfo)
        return getattr(made((self.type, self.value, self.tb)), name)  # type: ignore[arg-type]


class seen(list):
    list = property(lambda self: self)
    warning = property(lambda self: self[0].message)


class warning(object):
    # Stands for `pytest.warns` and `assertWarns`.
    def __init__(self, number, *rest):
        self.number, self.rest = number, rest

    def __enter__(self):
        self.catch, self.found = warnings.catch_warnings(record=True), seen()
        self.log = self.catch.__enter__()
        warnings.simplefilter("always")
        return self.found

    def __exit__(self, *how):
        self.catch.__exit__(*how)
        self.found.extend(self.log)
        see(self.number, [(type(w.message), str(w.message)) for w in self.log], *self.rest)


emit("python", sys.executable, os.getcwd())
