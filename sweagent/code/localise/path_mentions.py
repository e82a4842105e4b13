"""Resolve paths in issues and tracebacks to the repository's files."""

from collections.abc import Container

from sweagent.code.index.index import Index


def files_meant(index: Index, mention: str, among: Container[int]) -> list[int]:
    """The files that a path names: they end like it, by as many folders as possible, at least by the file's name.

    Args:
        index: the repository.
        mention: the path as it was written.
        among: the files that may be meant, by their place in `index.sources`.
    """
    names = [name for name in mention.split("/") if name not in ("", ".", "..")]
    if not names:
        return []
    best: list[int] = []
    length = 0
    for path in index.by_file_name.get(names[-1], ()):
        shared = 0
        for one, other in zip(reversed(names), reversed(path.split("/")), strict=False):
            if one != other:
                break
            shared += 1
        if shared > length:
            best, length = [], shared
        if shared == length and index.number[path] in among:
            best.append(index.number[path])
    return best if length > 1 or len(names) == 1 or len(best) == 1 else []


def file_of_frame(index: Index, path: str, among: Container[int]) -> int | None:
    """The file that a traceback's path means, or None when it is none of the repository's or not clear.

    Args:
        index: the repository.
        path: as the traceback has it, often a path of another machine.
        among: the files that may be meant, by their place in `index.sources`.
    """
    names = path.split("/")
    found = files_meant(index, "/".join(names[-6:]), among)
    return found[0] if len(found) == 1 and len(names) > 1 else None
