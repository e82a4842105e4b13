# Change modules right after they were loaded, whoever imports them.
import sys


class Finder(object):
    # `watched` has what to call with a module, by the module's name; `after` is called when that is done.
    def __init__(self, watched, after=None):
        self.watched, self.after = watched, after

    def find_spec(self, name, path=None, target=None):
        watch = self.watched.get(name)
        finders = [finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec")]
        found = (finder.find_spec(name, path) for finder in finders) if watch else ()
        spec = next((spec for spec in found if spec), None)
        if spec is None or not hasattr(spec.loader, "exec_module"):
            return None
        real = spec.loader.exec_module

        def exec_module(module):
            real(module)
            try:
                watch(module)
            except AttributeError:  # another version of the module, which is left as it is
                pass
            if self.after is not None:
                self.after()

        spec.loader.exec_module = exec_module
        return spec
