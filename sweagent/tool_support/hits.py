"""Show every line that a search found, and what fits around."""

import re
from dataclasses import dataclass, field

from sweagent.plurals import counted
from sweagent.tool_support.text import visible

_WIDTH, _NARROW = 240, 120
"""Characters of a line, and of one where there are many."""
_MOST_PER_FILE = 40
"""Hits of a file that are shown where not all of all files can be."""
_NAMED = 30
"""Files that are named with no more than their counts."""


@dataclass
class FileHits:
    """The lines of one file.

    Attributes:
        path: the file.
        lines: number, whether it is a hit, and text; None between parts that are apart.
    """

    path: str
    lines: list[tuple[int, bool, str] | None] = field(default_factory=list)

    @property
    def hits(self) -> list[tuple[int, bool, str]]:
        """The lines that were looked for."""
        return [line for line in self.lines if line and line[1]]


def read_grep(output: str) -> list[FileHits]:
    """Read the lines of `grep`: git writes the path above them, plain grep before each and a NUL."""
    files: dict[str, FileHits] = {}
    path = ""
    for line in output.split("\n"):
        before, separator, rest = line.partition("\0")
        path = before if separator else path
        found = re.match(r"(\d+)([:=-])(.*)", rest if separator else line, re.DOTALL)
        if found and path:
            number, mark, text = found.groups()
            files.setdefault(path, FileHits(path)).lines.append((int(number), mark == ":", visible(text)))
        elif line == "--":
            if path in files:
                files[path].lines.append(None)
        elif line:
            path = line
    return list(files.values())


def render_hits(files: list[FileHits], limit: int) -> tuple[str, bool]:
    """Return the text, and whether something was left out.

    Lines around the hits go first where not all fits, then the ends of long lines, then hits of files with very many;
    a file's name and its number of hits are told in any case.

    Args:
        files: what was found.
        limit: characters.
    """
    total = sum(len(file.hits) for file in files)
    head = f"{counted(total, 'line')} in {counted(len(files), 'file')}"
    whole = _text(files, _WIDTH)
    if len(whole) <= limit:
        return f"{head}\n{whole}", False
    bare = [FileHits(file.path, list(file.hits)) for file in files]
    around = any(len(file.lines) > len(file.hits) for file in files)
    note = "\n[without the lines around them, so that every hit is shown; narrow `path` or `glob`]" if around else ""
    for width in (_WIDTH, _NARROW):
        text = _text(bare, width)
        if len(text) <= limit:
            return f"{head}\n{text}{note}", True
    return f"{head}\n{_cut(bare, limit)}", True


def _text(files: list[FileHits], width: int, most: int | None = None) -> str:
    shown = []
    for file in files:
        lines = [_line(line, width) for line in file.lines[:most]]
        more = len(file.lines) - len(lines)
        shown.append("\n".join([visible(file.path), *lines, *([f"   … {more} more hits here"] if more else [])]))
    return "\n".join(shown)


def _line(line: tuple[int, bool, str] | None, width: int) -> str:
    if line is None:
        return "   …"
    number, hit, text = line
    cut = f" [… {len(text) - width:,} characters more]" if len(text) > width else ""
    return f"{number:>6}{':' if hit else ' '} {text[:width]}{cut}"


def _cut(files: list[FileHits], limit: int) -> str:
    """The first hits of each file as long as they fit, and the names of the others with their counts."""
    most = _MOST_PER_FILE
    while most > 1 and len(_text(files, _NARROW, most)) > limit:
        most //= 2
    shown: list[FileHits] = []
    used = 0
    for file in files:
        used += len(_text([file], _NARROW, most)) + 1
        if used > limit and shown:
            break
        shown.append(file)
    rest = files[len(shown) :]
    named = ", ".join(f"{visible(file.path)} ({len(file.hits)})" for file in rest[:_NAMED])
    more = f" and {len(rest) - _NAMED} more files" if len(rest) > _NAMED else ""
    return _text(shown, _NARROW, most) + (f"\n[also in {named}{more}; narrow `path` or `glob`]" if rest else "")
