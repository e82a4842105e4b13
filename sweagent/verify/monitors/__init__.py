"""Programs that watch a run from inside the sandbox, read as text.

They are files of the package so that they can be linted; the harness never imports them. They run under every Python
that a judged project may need: the plugin of pytest since 2.7, the rest since 3.5.
"""

from importlib.resources import files

_HIDE = "from hide import hide\n"
_SETTINGS = 'RECORD, UNSEEN = "", False\n'


def monitor_source(name: str, *, record: str = "", unseen: bool = False) -> str:
    """The text of a program, ready to be written into a sandbox.

    Args:
        name: its file's name in this package.
        record: where it is to write what it sees.
        unseen: whether it also hides the test runner from the code under test.
    """
    own = files(__name__)
    source = own.joinpath(name).read_text(encoding="utf-8")
    source = source.replace(_HIDE, own.joinpath("hide.py").read_text(encoding="utf-8"))
    return source.replace(_SETTINGS, f"RECORD, UNSEEN = {record!r}, {unseen!r}\n")
