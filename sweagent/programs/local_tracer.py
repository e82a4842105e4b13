# Write down the values of one function's locals line by line: the interpreter runs this when it starts.
import atexit
import json
import os
import sys
import threading

RECORD = ""
FILE = ""
NAME = ""
FIRST = 0
LAST = 0
CALLS = 1
STEPS = 200
WIDTH = 120
HERE = os.path.dirname(os.path.abspath(__file__))
calls = []
known = {}
count = [0]


def text_of(value):
    if isinstance(value, (list, tuple, dict, set, str, bytes)) and len(value) > 200:
        return "{} of {} items".format(type(value).__name__, len(value))
    try:
        text = repr(value)
    except Exception as error:
        return "<repr failed: {}>".format(type(error).__name__)
    return text if len(text) <= WIDTH else text[:WIDTH] + "..."


def is_wanted(code):
    """Whether it is the function; the answer is kept by the code, as this is asked at every call of the program."""
    if code not in known:
        known[code] = (
            code.co_name == NAME and FIRST <= code.co_firstlineno <= LAST and os.path.realpath(code.co_filename) == FILE
        )
    return known[code]


def changes(frame, before):
    values = {}
    for name, value in list(frame.f_locals.items()):
        text = text_of(value)
        if before.get(name) != text:
            values[name] = before[name] = text
    return values


class Watch(object):
    def __init__(self, frame):
        self.before = {}
        self.line = frame.f_lineno
        self.steps = []
        self.left_out = 0
        self.record = {"start": changes(frame, self.before), "steps": self.steps, "left_out": 0}
        calls.append(self.record)

    def add(self, step):
        if len(self.steps) < STEPS:
            self.steps.append(step)
        else:
            # The last ones tell how it ended.
            self.steps[STEPS // 2 :] = self.steps[STEPS // 2 + 1 :] + [step]
            self.record["left_out"] += 1

    def local(self, frame, event, argument):
        sys.settrace(None)
        try:
            if event == "line":
                self.add([self.line, changes(frame, self.before)])
                self.line = frame.f_lineno
            elif event == "return":
                self.add([self.line, changes(frame, self.before)])
                self.record["returned"] = text_of(argument)
            elif event == "exception":
                self.record["raised"] = "{}: {}".format(argument[0].__name__, text_of(argument[1]))
        finally:
            sys.settrace(trace)
        return self.local


def trace(frame, event, argument):
    if event != "call" or not is_wanted(frame.f_code):
        return None
    count[0] += 1
    if len(calls) >= CALLS:
        return None
    sys.settrace(None)
    try:
        return Watch(frame).local
    finally:
        sys.settrace(trace)


def save():
    sys.settrace(None)
    if count[0]:
        with open(RECORD, "a") as file:
            file.write(json.dumps({"calls": calls, "count": count[0]}) + "\n")


def give_way():
    sys.path[:] = [place for place in sys.path if os.path.abspath(place) != HERE]
    own = sys.modules.pop(__name__)
    try:
        __import__(__name__)
    except ImportError:
        pass
    sys.modules.setdefault(__name__, own)


give_way()
atexit.register(save)
threading.settrace(trace)
sys.settrace(trace)
