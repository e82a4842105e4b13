# Write down the lines of the functions that a program runs: the interpreter runs this when it starts, since Python 2.7.
# Functions are told apart by their code, not by their lines: a line each would take many times as long. A profiler is
# used where there is nothing better, for a debugger or coverage of the project's own would take a tracer's place.
import atexit
import os
import sys

RECORD = ""
ROOT = ""
HERE = os.path.dirname(os.path.abspath(__file__))
seen = {}


def profile(frame, event, argument):
    if event == "call":
        seen[id(frame.f_code)] = frame.f_code


def started(code, offset):
    seen[id(code)] = code
    return sys.monitoring.DISABLE  # type: ignore[attr-defined]


def save():
    import dis
    import json

    sys.setprofile(None)
    lines = {}
    for code in list(seen.values()):
        if not code.co_flags & 1 or code.co_filename.startswith("<"):  # of a module, of a class, or of no file
            continue
        path = os.path.realpath(code.co_filename)
        if path.startswith(ROOT):
            lines.setdefault(path[len(ROOT) :], set()).update(line for _, line in dis.findlinestarts(code) if line)
    with open(RECORD, "a") as file:
        file.write(json.dumps({path: sorted(found) for path, found in lines.items()}) + "\n")


def begin():
    if hasattr(sys, "monitoring"):
        monitoring = sys.monitoring
        monitoring.use_tool_id(4, "what was run")
        monitoring.register_callback(4, monitoring.events.PY_START, started)
        monitoring.set_events(4, monitoring.events.PY_START)
    else:
        import threading

        threading.setprofile(profile)
        sys.setprofile(profile)


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
begin()
