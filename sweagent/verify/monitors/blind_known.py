# Tell functions that stand in the base tree or in a library from those that a patch brings.
import os
import re

from blind_stamp import stamp

LENIENT = re.compile(r"(unittest|mock)/mock\.py$|/(_pytest|hamcrest|dirty_equals|testfixtures)/")
FORMER = {"bool": "nonzero"}  # what Python 2 called a hook, which is often given both names


class Known(object):
    def __init__(self, tree, house):
        self.tree, self.house, self.stamps, self.sources = tree, house, {}, None

    def knows(self, hook):
        # The name has to be that of the hook: a function that is always true stands in some library under another.
        # A decorator's function has a name of its own, and the hook is then among the functions that it holds.
        file, _, code, mark, word, held = hook
        names = [code] + [row[2] for row in held]
        if not any(word in name or FORMER.get(word, word) in name for name in names):
            return False
        return self.has(file, code, mark) and all(self.has(row[0], row[2], row[3]) for row in held)

    def has(self, file, code, mark):
        if LENIENT.search(file):
            return False
        if self.house and file.startswith(self.house + os.sep):
            file = os.path.join(self.tree, file[len(self.house) + 1 :])
        elif not os.path.isabs(file):
            file = os.path.join(self.tree, file)
        return (code, mark) in self.of(file) or self.somewhere((code, mark))

    def of(self, file):
        if file not in self.stamps:
            self.stamps[file] = made = set()
            waiting = []
            try:
                with open(file, "rb") as source:
                    waiting.append(compile(source.read(), file, "exec", dont_inherit=True))
            except (SyntaxError, ValueError, OSError, RecursionError):
                pass
            while waiting:
                code = waiting.pop()
                made.add((code.co_name, stamp(code)))
                waiting += [item for item in code.co_consts if isinstance(item, type(code))]
        return self.stamps[file]

    def somewhere(self, name):
        # A function that moved: word for word the same in another file of the base tree.
        if self.sources is None:
            self.sources = {}
            for folder, folders, files in os.walk(self.tree):
                folders[:] = [one for one in folders if one not in (".git", "node_modules")]
                for file in files:
                    if file.endswith(".py"):
                        path = os.path.join(folder, file)
                        try:
                            with open(path, "rb") as source:
                                self.sources[path] = source.read()
                        except OSError:
                            pass
        defines = ("def %s(" % name[0]).encode()
        return any(name in self.of(path) for path, text in self.sources.items() if defines in text)
