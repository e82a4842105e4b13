# Write down from which files the watched modules were loaded.
import os
import sys


def note_origins(modules, write):
    for name in modules:
        file = getattr(sys.modules.get(name), "__file__", None)
        if file:
            write(name, "origin", os.path.abspath(file), os.path.realpath(file))
