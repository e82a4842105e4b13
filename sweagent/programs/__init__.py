"""Programs that run in other interpreters, read as text.

They are files so that they can be linted, typed and tested; the product never imports them. They run under every Python
that a project may need: none uses what came after 3.5, and the tracer and the witness of pytest run under 2.7 too.
"""

import re
from functools import partial
from importlib.resources import files


def program_source(name: str, **values: object) -> str:
    """The text of a program, without its leading comments, ready to be written elsewhere.

    Args:
        name: its file's name in this package.
        values: what its constants become, by their names; each is assigned once, on a line of its own.
    """
    text = files(__name__).joinpath(name).read_text(encoding="utf-8")
    return with_values(re.sub(r"\A(#.*\n)+", "", text), **values)


def with_values(text: str, **values: object) -> str:
    """A program whose constants have other values.

    Args:
        text: of the program.
        values: by the names of the constants.
    """
    for name, value in values.items():
        line = f"{name} = {value!r}"
        text, count = re.subn(rf"^([ \t]*){name} = .*$", partial(_indented, line), text, flags=re.MULTILINE)
        if count != 1:
            raise ValueError(f"the program assigns {name} {count} times")
    return text


def _indented(line: str, found: re.Match[str]) -> str:
    return found[1] + line


def with_finder(text: str) -> str:
    """A program with the text of `import_finder.py` in the place of its import."""
    return text.replace("from import_finder import Finder\n", program_source("import_finder.py"))
