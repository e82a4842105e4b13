"""Value of each call as JSON, told by the base types' own functions: truth_driver.py ASKED ANSWERED"""

import contextlib
import io
import json
import os
import subprocess
import sys


def told(value):
    """The value of the base type that lies under a value; no method of the value is called."""
    kind = type(value)
    if value is None or kind is bool:
        return value
    if issubclass(kind, int):
        return int(int.__repr__(value)) if not issubclass(kind, bool) else bool(value)
    if issubclass(kind, float):
        return float(float.__repr__(value))
    if issubclass(kind, str):
        return str.__str__(value)
    if issubclass(kind, bytes):
        return {"bytes": bytes.hex(value)}
    if issubclass(kind, list):
        return [told(item) for item in list.__iter__(value)]
    if issubclass(kind, tuple):
        return [told(item) for item in tuple.__iter__(value)]
    if issubclass(kind, (set, frozenset)):
        items = set.__iter__(value) if issubclass(kind, set) else frozenset.__iter__(value)
        return {"set": sorted((told(item) for item in items), key=json.dumps)}
    if issubclass(kind, dict):
        return {str(told(key)): told(item) for key, item in dict.items(value)}
    return {"odd": kind.__name__}


def sh(*words, stdin=""):
    """Exit status, output and errors of a program; `python` is this interpreter."""
    words = [sys.executable if word == "python" else word for word in words]
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=60)
    return [done.returncode, done.stdout, done.stderr]


def run(source, result="result"):
    """The value of a name after statements."""
    names = dict(NAMES)
    exec(source, names)
    return names[result]


def printed(source):
    """What statements print."""
    stream = io.StringIO()
    with contextlib.redirect_stdout(stream):
        exec(source, dict(NAMES))
    return stream.getvalue()


NAMES = {"sh": sh, "run": run, "printed": printed, "__name__": "truth"}


def main():
    """Answer every call, in order, in one process."""
    sys.path[0] = os.getcwd()
    with open(sys.argv[1], encoding="utf-8") as file:
        asked = json.load(file)
    answered = sys.argv[2]
    del sys.argv[1:]
    exec(asked["setup"], NAMES)
    answers = []
    for call in asked["calls"]:
        try:
            answers.append(told(eval(call, NAMES)))
        except BaseException as error:
            answers.append({"raises": type(error).__name__})
    with open(answered, "w", encoding="utf-8") as file:
        json.dump(answers, file)


main()
