# Write down which lines of chosen files run, in this process and in those that it starts.
#
# The interpreter runs this when it starts. What could keep lines from being seen is written down, too.
import os
import sys
import threading

RECORD = ""
FILES = ()
OUT = os.open(RECORD, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
WRITE, REAL, SET = os.write, os.path.realpath, sys.settrace
KNOWN, SEEN, STATE = {}, set(), {"traced": False}


def tell(word):
    WRITE(OUT, (word + "\n").encode("utf-8", "surrogateescape"))


def on_line(frame, event, arg):
    if event == "line":
        place = (KNOWN[frame.f_code.co_filename], frame.f_lineno)
        if place not in SEEN:
            SEEN.add(place)
            tell("line %d %s" % (place[1], place[0]))
    return on_line


def file_of(code):
    name = code.co_filename
    if name not in KNOWN:
        path = REAL(name)
        KNOWN[name] = next((file for file in FILES if path.endswith("/" + file)), None)
    return KNOWN[name]


def on_call(frame, event, arg):
    return on_line if file_of(frame.f_code) else None


def others(trace):
    STATE["traced"] = True
    tell("unseen another tool traces lines")
    SET(trace)


def begin():
    if not STATE["traced"]:
        STATE["traced"] = True
        SET(on_call)


def audit(event, args):
    # Nothing is traced before one of the files is loaded: a call that is looked at takes some times as long.
    if event == "exec" and hasattr(args[0], "co_filename") and file_of(args[0]):
        begin()
    elif event in ("subprocess.Popen", "os.fork", "os.posix_spawn", "os.system", "os.exec", "os.spawn", "os.forkpty"):
        tell("unseen it starts other processes")
    elif event == "import" and args[0] in ("greenlet", "numba"):
        tell("unseen it runs code by " + args[0])


tell("began")
if hasattr(sys, "addaudithook"):
    sys.addaudithook(audit)
else:
    tell("unseen this Python does not tell of other processes")
    begin()
sys.settrace = others
threading.settrace(on_call)
sys.path[:] = [place for place in sys.path if place != os.path.dirname(os.path.abspath(__file__))]
own = sys.modules.pop(__name__)
try:
    __import__(__name__)
except ImportError:
    pass
sys.modules.setdefault(__name__, own)
