"""The control: the patched files with nothing but a comment added."""

from collections.abc import Iterable
from pathlib import PurePosixPath

from sweagent.verify.trees import Trees

_COMMENTS = {
    "#": "py pyi pyx rb sh pl r toml yaml yml cfg",
    "//": "js cjs mjs jsx ts tsx go rs java kt scala swift dart c cc cpp h hpp cs php",
    "--": "lua sql hs",
}
_BY_SUFFIX = {suffix: mark for mark, suffixes in _COMMENTS.items() for suffix in suffixes.split()}
_TEXT = " This line changes nothing."


def control_files(trees: Trees, changed: Iterable[str]) -> dict[str, bytes]:
    """The contents of the changed files of the base, each with a comment at its end; a new text file if there is none.

    Args:
        trees: gives the base tree.
        changed: the files that the patch changes.
    """
    files = {}
    for path, content in trees.read_many(trees.base, changed).items():
        mark = _BY_SUFFIX.get(PurePosixPath(path).suffix.lstrip("."))
        if mark:
            files[path] = content.rstrip(b"\n") + f"\n{mark}{_TEXT}\n".encode()
    return files or {"fix_issue_control.txt": f"{_TEXT.strip()}\n".encode()}
