"""Normalise diffs that mail, editors or git settings changed."""

import re

_START = "diff --git "
_HEADERS = (_START, "--- ", "+++ ", "@@ ")


def as_git_writes(text: str) -> str:
    """A diff as git writes it by default.

    Where even its headers end in CRLF, a mail program or an editor has put that there. Where the two names of a file
    are the same, git was told to write no `a/` and `b/` before them (`diff.noprefix`).

    Args:
        text: a git diff.
    """
    headers = [line for line in text.split("\n") if line.startswith(_HEADERS)]
    if headers and all(line.endswith("\r") for line in headers):
        text = text.replace("\r\n", "\n")
    names = [_names(line.rstrip("\r")) for line in headers if line.startswith(_START)]
    if any(old == new for old, new in names):
        # What follows a `@@` belongs to the file's content, whatever it looks like, up to the next `diff`.
        text = re.sub(rf"(?m)^{_START}.*\n(?:(?!{_START}|@@ ).*\n?)*", lambda header: _prefixed(header[0]), text)
    return text


def _names(line: str) -> tuple[str, str]:
    both = line.removeprefix(_START)
    half = len(both) // 2
    if both[:half] == both[half + 1 :]:
        return both[:half], both[half + 1 :]
    old, _, new = both.rpartition(" ")
    return old, new


def _prefixed(header: str) -> str:
    first, _, rest = header.partition("\n")
    old, new = _names(first)
    rest = re.sub(r"(?m)^(---|\+\+\+) (?!/dev/null)(.+)", lambda line: f"{line[1]} {_under(line[1], line[2])}", rest)
    return f"{_START}{_under('---', old)} {_under('+++', new)}\n{rest}"


def _under(side: str, name: str) -> str:
    prefix = "a/" if side == "---" else "b/"
    return f'"{prefix}{name[1:]}' if name.startswith('"') else prefix + name
