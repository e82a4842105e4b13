"""Measure what an index costs: cold, warm, after one commit, in memory and on disk, and what a query costs.

    python benchmarks/code_speed.py GIT_DIR COMMIT [--next COMMIT] [--question FILE] [--bm25s]

CPU seconds, those of git included. With `--bm25s` the package of that name (to be installed by hand) indexes the same
files and answers the same question in the same run; it ranks files by BM25 and does nothing else.
"""

import argparse
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sweagent.code import Index, locate, open_index

T = TypeVar("T")
QUESTION = "Crash when a name is empty\n\nA ValueError is raised while the value of an empty name is parsed."

OTHER = """Wrong order of the results when two options are given

If `sort` is set together with `limit`, the items come back in the order in which they were stored. The documentation
of the class says that the option is looked at before anything is written to the cache, but `_get_items()` takes the
list as it is. Seen with a subclass that overrides the default; a TypeError is raised when the field is a function:

    for item in Table(sort="name", limit=3).filter(kind=None):
        print(item.name)

Expected: the output is sorted. Actual: it has the order of the file, and the last group is missing.
"""


def timed(name: str, action: Callable[[], T]) -> T:
    """Run something, print its CPU seconds and the peak of memory so far, and return its result."""
    before = _cpu()
    result = action()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:32} {_cpu() - before:8.3f} s CPU   peak {peak:7.0f} MiB")
    return result


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def with_bm25s(index: Index, question: str) -> None:
    """Index the same files by bm25s and ask it the same question."""
    import bm25s

    contents = index.contents(index.sources)
    texts = [contents.get(path, b"").decode("utf-8", "replace") for path in index.sources]

    def build() -> object:
        retriever = bm25s.BM25()
        retriever.index(bm25s.tokenize(texts, show_progress=False), show_progress=False)
        return retriever

    retriever = timed("bm25s: index", build)

    def ask() -> object:
        tokens = bm25s.tokenize(question, show_progress=False)
        return retriever.retrieve(tokens, k=min(10, len(texts)), show_progress=False)  # type: ignore[attr-defined]

    timed("bm25s: query", ask)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("git_dir", type=Path)
    parser.add_argument("commit")
    parser.add_argument("--next", help="a commit whose index is opened after that of COMMIT")
    parser.add_argument("--question", type=Path, help="a file with an issue's text")
    parser.add_argument("--bm25s", action="store_true", help="measure bm25s beside it")
    arguments = parser.parse_args()
    question = arguments.question.read_text(encoding="utf-8") if arguments.question else QUESTION
    with tempfile.TemporaryDirectory() as cache:
        index = timed("cold index", lambda: open_index(arguments.git_dir, arguments.commit, cache))
        timed("first query (makes the tables)", lambda: locate(index, question))
        timed("another query", lambda: locate(index, OTHER))
        timed("the first query again", lambda: locate(index, question))
        print(f"{len(index.paths)} files, {len(index.sources)} of them source; on disk {_size(Path(cache)):.1f} MiB")
        warm = timed("warm index", lambda: open_index(arguments.git_dir, arguments.commit, cache))
        timed("first query, warm index", lambda: locate(warm, question))
        if arguments.next:
            timed("index of the next commit", lambda: open_index(arguments.git_dir, arguments.next, cache))
        if arguments.bm25s:
            with_bm25s(index, question)


def _size(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.iterdir()) / 2**20


if __name__ == "__main__":
    main()
