"""Programs that watch a run from inside the sandbox, read as text.

They are files of the package so that they can be linted; the harness never imports them. They run under every Python
that a judged project may need: the plugin of pytest since 2.7, the rest since 3.5.
"""

import json
from collections.abc import Iterable
from importlib.resources import files

from sweagent.programs import with_finder

_PARTS = {
    "from hide import hide\n": "hide.py",
    "from origins import note_origins\n": "origins.py",
    "from fingerprints import Functions, body_of\n": "fingerprints.py",
    "from blind_known import Known\n": "blind_known.py",
    # Needed by the one before, so that it comes behind it.
    "from blind_stamp import stamp\n": "blind_stamp.py",
}
_SETTINGS = 'RECORD, UNSEEN, MODULES = "", False, ()\n'
_RECORD = 'RECORD = ""\n'
_SETTINGS_OF_NODE = "const [RECORD, PACKAGES] = ['', []];\n"


def monitor_source(name: str, *, record: str = "", unseen: bool = False, modules: Iterable[str] = ()) -> str:
    """The text of a program, ready to be written into a sandbox.

    Args:
        name: its file's name in this package.
        record: where it is to write what it sees.
        unseen: whether it also hides the test runner from the code under test.
        modules: the names of the Python modules of which it notes where they were loaded from.
    """
    own = files(__name__)
    source = own.joinpath(name).read_text(encoding="utf-8")
    for line, part in _PARTS.items():
        source = source.replace(line, own.joinpath(part).read_text(encoding="utf-8"))
    source = with_finder(source)
    source = source.replace(_RECORD, f"RECORD = {record!r}\n")
    return source.replace(_SETTINGS, f"RECORD, UNSEEN, MODULES = {record!r}, {unseen!r}, {tuple(sorted(modules))!r}\n")


def node_monitor_source(*, record: str, packages: Iterable[tuple[str, str, tuple[str, ...]]]) -> str:
    """The text of the program that watches Node, ready to be written into a sandbox.

    Args:
        record: where it is to write what it sees.
        packages: the npm packages of which it notes where they were loaded from: name, folder in the work tree, and the
            folders of other packages in it.
    """
    source = files(__name__).joinpath("node_witness.cjs").read_text(encoding="utf-8")
    settings = json.dumps([record, [[name, folder, list(inner)] for name, folder, inner in packages]])
    return source.replace(_SETTINGS_OF_NODE, f"const [RECORD, PACKAGES] = {settings};\n")
