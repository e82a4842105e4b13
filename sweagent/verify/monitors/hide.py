# Hide the test runner's modules from code that looks for them.
import sys


def hide(roots):
    import builtins
    import importlib.machinery

    kept, real, taking = {}, builtins.__import__, []

    def own_attribute(module, name):
        # Not by getattr: modules that load themselves when they are looked at, as those of py do, import others then.
        try:
            return object.__getattribute__(module, name)
        except AttributeError:
            return None

    def loading(module):
        return getattr(own_attribute(module, "__spec__"), "_initializing", False)

    def take():
        if taking:
            return
        taking.append(True)
        try:
            take_all()
        finally:
            taking.pop()

    def take_all():
        if any(root in sys.modules for root in roots):
            own = dict(item for item in sys.modules.items() if item[0].split(".")[0] in roots)
            # What is being loaded, and the packages around it, have to stay in the table.
            busy = [name + "." for name in own if loading(own[name])]
            for name in own:
                if not any(other.startswith(name + ".") for other in busy):
                    kept[name] = sys.modules.pop(name)

    class Finder(object):
        def find_spec(self, name, path=None, target=None):
            if name in kept:
                package = own_attribute(kept[name], "__path__") is not None
                return importlib.machinery.ModuleSpec(name, self, is_package=package)  # type: ignore[arg-type]
            return None

        def create_module(self, spec):
            return kept[spec.name]

        def exec_module(self, module):
            pass

    def imported(*args, **options):
        try:
            return real(*args, **options)
        finally:
            take()

    sys.meta_path.insert(0, Finder())
    builtins.__import__ = imported
    sys.argv[:] = ["main.py"]
    sys.modules["__main__"].__dict__.update(__file__="main.py", __package__="", __spec__=None)
    take()
