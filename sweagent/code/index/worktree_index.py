"""Index of a work tree that differs from its base commit.

The work tree is somewhere else, in a sandbox say: two functions stand for it, one that runs a shell command in its root
and one that reads a file.
"""

import shlex
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from sweagent.code.index.index import Index
from sweagent.code.index.index_build import open_index
from sweagent.code.index.languages import language_of

_LARGEST = 2_000_000
_MOST_CHANGES = 500


class LiveIndex:
    """An index that follows a work tree; files that did not change since the last question are not read again.

    Args:
        git_dir: a git directory on the host that holds the base commit.
        commit: the base commit.
        cache_dir: where facts are kept; None takes the user's cache folder.
    """

    def __init__(self, git_dir: Path, commit: str, cache_dir: Path | None = None) -> None:
        self._base = open_index(git_dir, commit, cache_dir)
        self._commit = commit
        self._current = self._base
        self._digest = b""

    def current(self, run: Callable[[str], str], read: Callable[[str], bytes]) -> Index:
        """Return the index of the work tree as it is now.

        Args:
            run: runs a shell command in the work tree's root and returns its output.
            read: returns the content of a file; raises OSError when it cannot be read.
        """
        changes = {path: _content(path, read) for path in self._changed(run)}
        digest = sha256(repr(sorted(changes.items())).encode("utf-8", "surrogateescape")).digest() if changes else b""
        if digest != self._digest:
            self._current = self._base.with_changes(changes)
            self._digest = digest
        return self._current

    def _changed(self, run: Callable[[str], str]) -> list[str]:
        """The source files that git of the work tree reports as changed; none when it has no git."""
        listed = run(
            f"{{ git -c core.quotePath=false diff --name-only --no-renames {shlex.quote(self._commit)} --"
            " && git -c core.quotePath=false ls-files --others --exclude-standard; } 2>/dev/null"
        )
        paths = [path for path in listed.splitlines() if path and language_of(path) and not path.startswith('"')]
        return list(dict.fromkeys(paths))[:_MOST_CHANGES]


def _content(path: str, read: Callable[[str], bytes]) -> bytes | None:
    try:
        content = read(path)
    except OSError:
        return None
    return content[:_LARGEST]
