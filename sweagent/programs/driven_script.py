# Run a script and write down how it ended. It takes the script's place, so that the command need not be understood;
# line numbers and tracebacks are the script's.
import sys as _sys

_source = ""
_code = compile(_source, __file__, "exec")
if __name__ != "__main__":
    exec(_code, globals())
else:

    def _drive():
        import json, linecache, os, traceback

        path, process, began = os.environ.pop("FIX_ISSUE_RECORD", None), os.getpid, os.getpid()
        changed = []
        linecache.cache[__file__] = (len(_source), None, _source.splitlines(True), __file__)
        namespace = {"__name__": "__main__", "__file__": __file__, "__builtins__": __builtins__, "__doc__": None}
        module = type(_sys)("__main__")
        module.__dict__.update(namespace)
        _sys.modules["__main__"] = module
        ended, where, status = "end", "", 0
        try:
            exec(_code, module.__dict__)
        except SystemExit as stop:
            frames = traceback.extract_tb(stop.__traceback__)
            ended, where = "exit", frames[-1].filename if frames else ""
            status = stop.code  # type: ignore[assignment]
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
                said = {"ended": "moved" if moved else ended, "where": forced[0] if forced else "", "loaded": loaded}
                json.dump(said, file)
        _sys.exit(status)

    _drive()
