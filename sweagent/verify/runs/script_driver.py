"""Run a Python script and tell whether it reached its end."""

import ast
import json
from collections.abc import Iterable

RECORD_VARIABLE = "FIX_ISSUE_RECORD"

# It takes the script's place, so that the command need not be understood; line numbers and tracebacks are the script's.
_DRIVER = """\
import sys as _sys
_source = {source}
_code = compile(_source, __file__, "exec")
if __name__ != "__main__":
    exec(_code, globals())
else:
    def _drive():
        import json, linecache, os, traceback
        path, process, began = os.environ.pop({variable}, None), os.getpid, os.getpid()
        changed = {changed}
        linecache.cache[__file__] = (len(_source), None, _source.splitlines(True), __file__)
        namespace = {{"__name__": "__main__", "__file__": __file__, "__builtins__": __builtins__, "__doc__": None}}
        module = type(_sys)("__main__")
        module.__dict__.update(namespace)
        _sys.modules["__main__"] = module
        ended, where, status = "end", "", 0
        try:
            exec(_code, module.__dict__)
        except SystemExit as stop:
            frames = traceback.extract_tb(stop.__traceback__)
            ended, where = "exit", frames[-1].filename if frames else ""
            status = stop.code
        except BaseException as error:
            ended, status = "exception", 1
            trace = error.__traceback__.tb_next if error.__traceback__ else None
            traceback.print_exception(type(error), error, trace)
        real = os.path.realpath(where).replace(os.sep, "/") if where else ""
        forced = [name for name in changed if real.endswith("/" + name)]
        if path:
            stems = [name.rsplit("/", 1)[-1].split(".")[0] for name in changed]
            loaded = []
            for name, module in list(_sys.modules.items()):
                place = getattr(module, "__file__", None)
                if isinstance(place, str) and os.path.basename(place).split(".")[0] in stems:
                    loaded += [[name, os.path.abspath(place)], [name, os.path.realpath(place)]]
            with open(path, "w") as file:
                moved = process() != began
                said = {{"ended": "moved" if moved else ended, "where": forced[0] if forced else "", "loaded": loaded}}
                json.dump(said, file)
        _sys.exit(status)
    _drive()
"""


def driven(source: bytes, changed: Iterable[str]) -> bytes | None:
    """The script inside a driver that records how it ended; None for a script that cannot be compiled.

    Args:
        source: the script.
        changed: the files that the patch changes; an exit raised in one of them is recorded by name.
    """
    try:
        text = source.decode("utf-8")
        compile(text, "script", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return _DRIVER.format(source=repr(text), variable=repr(RECORD_VARIABLE), changed=repr(sorted(changed))).encode()


def source_of(content: bytes) -> bytes:
    """The script inside a driver; any other content as it is."""
    if not content.startswith(_DRIVER.partition("{")[0].encode()):
        return content
    line = content.splitlines()[1].removeprefix(b"_source = ")
    return str(ast.literal_eval(line.decode())).encode()


def ending(record: str | None) -> tuple[str, str]:
    """How a driven script ended, and in which changed file it was ended; empty when there is no record."""
    data = _read(record)
    return str(data.get("ended", "")), str(data.get("where", ""))


def loaded_modules(record: str | None) -> frozenset[tuple[str, str]]:
    """The modules, each with its file, that a driven script loaded and whose file has the name of a changed one."""
    found = _read(record).get("loaded")
    pairs = found if isinstance(found, list) else []
    return frozenset((str(pair[0]), str(pair[1])) for pair in pairs if isinstance(pair, list) and len(pair) == 2)


def _read(record: str | None) -> dict[str, object]:
    try:
        data = json.loads(record or "{}")
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
